import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.corpus.clean import DEFAULT_RULES, RULES, Cleaner, clean


@pytest.mark.parametrize(
    ("rule", "before", "after", "places"),
    [
        ("control", "a\x00b\x07c\x0cd\ufeff", "abc d", 4),
        ("control", "tabs\tand\nlines stay", "tabs\tand\nlines stay", 0),
        ("unicode", "cafe\u0301 \u0915\u094d\u200d\u0937", "café \u0915\u094d\u200d\u0937", 1),
        ("unicode", "ＡＢ① stays", "ＡＢ① stays", 0),
        ("spaces", "a\xa0b  \n\n\n\n\n\nc\t\n\n", "a b\n\n\nc", 5),
        ("spaces", "    indented   inside", "    indented   inside", 0),
        ("repeated-lines", "a\nx\nx\nx\nx\nb", "a\nx\nb", 3),
        ("repeated-lines", "x\nx\nx\ny\n\n\n\n\n\ny", "x\nx\nx\ny\n\n\n\n\n\ny", 0),
        ("entities", "R&amp;D &lt;b&gt; &#8217;s AT&T", "R&D <b> ’s AT&T", 4),
        (
            "markup",
            "text\n<div class='x'></div>\nhttps://a.example/very/long/path ok\nsee www.x.example for the rest of it",
            None,
            2,
        ),
        ("boilerplate", "文章\n版权所有 某某公司\n登录\n登录后可以看到更多的内容。\nRead more »\nend", None, 3),
        ("symbols", "text\n----------------\n| 1 | 2 |\n=+=+=+=+=+=+=+\nword", "text\n| 1 | 2 |\nword", 2),
        ("width", "Ｗindows １０，好", "Windows 10，好", 3),
        ("mojibake", "itâ€™s a cafÃ© today", "it’s a café today", 1),
    ],
)
def test_every_rule_by_example(rule, before, after, places):
    if rule == "mojibake":
        pytest.importorskip("ftfy")
    found, count = RULES[rule](before)
    if after is None:
        lines = before.split("\n")
        keep = {"markup": (0, 3), "boilerplate": (0, 3, 5)}[rule]
        after = "\n".join(lines[index] for index in keep)
    assert (found, count) == (after, places)
    assert RULES[rule](found) == (found, 0), "a rule leaves its own result alone"


@given(st.text(max_size=80))
def test_the_default_rules_never_change_a_word(text):
    import unicodedata

    def words(text):
        return [word for word in unicodedata.normalize("NFC", text).split() if word.isalnum()]

    cleaned, _ = clean(text)
    kept = words(cleaned)
    assert [word for word in words(text) if word not in kept] == []
    again, _ = clean(cleaned)
    assert again == cleaned


def test_counts_and_samples_show_what_happened():
    cleaner = Cleaner(("spaces", "control"))
    assert cleaner.clean("one \ntwo\x00") == "one\ntwo"
    assert cleaner.clean("clean") == "clean" and cleaner.clean(" \n ") == ""
    assert (cleaner.documents, cleaner.empty) == (3, 1)
    control = cleaner.counts["control"]
    assert (control.documents, control.places, control.characters, control.samples) == (
        1,
        1,
        1,
        [("one \ntwo\x00", "one \ntwo")],
    )
    assert list(cleaner.counts) == ["control", "spaces"]


def test_rules_are_named_and_unknown_ones_refused():
    assert set(DEFAULT_RULES) < set(RULES) and all(rule.__doc__ for rule in RULES.values())
    with pytest.raises(UsageError, match="Did you mean entities"):
        Cleaner(("entitys",))
    assert clean("a  \nb", ()) == ("a  \nb", {})
