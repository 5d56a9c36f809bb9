from __future__ import annotations

import html
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from hornbook.compare.report.markup import Markup, element, escape, join, prose, text_width


class Reader(HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Cn", "Zl", "Zp"))))
def test_any_text_comes_back_as_text(text: str) -> None:
    reader = Reader()
    reader.feed(element("p", text, title=text))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == text


@given(st.text(st.characters()))
def test_escaped_text_can_be_written_as_utf8_and_holds_no_control_characters(text: str) -> None:
    written = html.unescape(escape(text))
    written.encode("utf-8")
    assert not any(ord(letter) < 0x20 and letter not in "\n\t" for letter in written)
    assert len(written) == len(text)


def test_hostile_text() -> None:
    assert escape('</script><img src=x onerror="a()">') == "&lt;/script&gt;&lt;img src=x onerror=&quot;a()&quot;&gt;"
    assert escape("a\x00b\ud800c\u202ed") == "a\u2400b\ufffdc\ufffdd"
    assert element("p", Markup("<b>x</b>"), "<b>y</b>") == "<p><b>x</b>&lt;b&gt;y&lt;/b&gt;</p>"


def test_elements() -> None:
    assert (
        element("line", x1=1.0, y1=2.345, class_="a b", data_label='"')
        == '<line x1="1" y1="2.35" class="a b" data-label="&quot;"></line>'
    )
    assert element("br") == "<br>"
    assert element("td", hidden=True, title=None, lang=False) == "<td hidden></td>"
    assert element("rect", x=100) == '<rect x="100"></rect>'
    assert join("<", Markup("<i></i>")) == "&lt;<i></i>"


def test_flags_in_prose_become_code() -> None:
    assert prose("try --budget 10m.") == "try <code>--budget 10m</code>."
    assert prose("set --training.learning-rate lower") == "set <code>--training.learning-rate</code> lower"
    assert prose("a -- b <c>") == "a -- b &lt;c&gt;"


def test_east_asian_letters_are_wider() -> None:
    assert text_width("模型", 10) == 20
    assert text_width("gpt", 10) < 20
