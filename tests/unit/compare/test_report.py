from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import pytest

from hornbook.compare.report import render
from hornbook.compare.report.curves import same_text
from hornbook.compare.report.marks import COLOURS, looks
from hornbook.compare.report.sections import language_tag
from hornbook.compare.results import CorpusSummary, MachineSummary, RaceResult, RaceRow, TokenizerSummary
from hornbook.core.errors import UsageError

VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        table = dict(attrs)
        self.tags.append((tag, table))
        if table.get("id"):
            self.ids.append(str(table["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_is_well_formed_and_has_every_section(english_race: RaceResult, language: str) -> None:
    page = Page(render(english_race, language=language))
    assert len(page.ids) == len(set(page.ids))
    sections = [section["id"] for section in page.all("section")]
    assert sections == [
        "ranking",
        "alarms",
        "notes",
        "curves",
        "frontier",
        "context",
        "samples",
        "forecast",
        "time",
        "method",
        "facts",
        "use",
    ]
    referred = {name for _, table in page.tags for name in (table.get("aria-labelledby") or "").split()}
    assert referred <= set(page.ids)
    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == ("zh-Hans" if language == "zh" else "en")


def test_how_far_back_context_helps_is_drawn_and_told(english_race: RaceResult) -> None:
    text = render(english_race)
    page = Page(text)
    titles = {table["id"] for tag, table in page.tags if tag == "title" and table.get("id")}
    assert {"context-wide-title", "context-narrow-title"} <= titles
    assert "5-gram: 1 0.36, 2 0.07, 4 0.00" in text  # bits, for those who hear the page
    section = text[text.index('id="context"') :]
    assert section.index("5-gram") < section.index("<b>4</b>") < section.index('id="samples"')
    without = replace(english_race, rows=tuple(replace(row, context=None) for row in english_race.rows))
    assert 'id="context"' not in render(without)


def test_rows_without_bits_tell_their_place_in_the_cloze_test(english_race: RaceResult) -> None:
    masked = RaceRow("roberta", 4, "roberta", cloze_accuracy=0.5, masked_accuracy=0.4, cloze_rank=3, model="models/roberta")
    rows = (*(replace(row, cloze_rank=1 if row.name == "gpt" else 2) for row in english_race.rows), masked)
    text = render(replace(english_race, rows=rows))
    assert "place 3 in the cloze test" in text and "Best in the cloze test, which all can take: gpt; " in text
    assert "roberta 3." in text
    assert "hornbook fill runs/books/models/roberta" in text and "hornbook generate runs/books/models/roberta" not in text
    alone = render(replace(english_race, rows=(masked,), best={}))
    assert "No model has bits per byte; roberta answers the most cloze questions: 50.0" in alone


def test_page_needs_nothing_from_outside(english_race: RaceResult, chinese_race: RaceResult) -> None:
    for result in (english_race, chinese_race):
        text = render(result)
        page = Page(text)
        for tag, attributes in page.tags:
            for name in ("src", "href", "action", "srcset", "data"):
                target = attributes.get(name)
                assert target is None or target.startswith(("#", "data:,")), (tag, target)
        assert not re.search(r"https?://|@import|url\((?!#)", text)


def test_hostile_text_stays_text(english_race: RaceResult) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"' \u202e\x00"
    row = RaceRow(
        attack, 4, attack, bits_per_byte=1.5, bits_per_byte_ci95=(1.4, 1.6), model=attack, samples=(attack,), shape=attack,
        notes=(attack,), alarms=(attack,), size_mb=1.0, train_seconds=2.0, forecast={attack: 1.0}, actual={attack: 2.0},
        tied_with=(attack,), curve=((1.0, 1, 2.0), (2.0, 2, 1.5)),
    )  # fmt: skip
    result = replace(
        english_race,
        rows=(row, *english_race.rows),
        prompts=(attack,),
        command=attack,
        corpus=CorpusSummary(attack, language=attack, facts={attack: attack}),
        stage_seconds={attack: 1.0},
        versions={attack: attack},
        interval_unit=attack,
        best={},
    )
    page = Page(render(result))
    assert len(page.all("script")) == 1 and not page.all("img")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    render(result).encode("utf-8")


def test_ties_doubts_and_alarms_are_visible(english_race: RaceResult, chinese_race: RaceResult) -> None:
    text = render(english_race)
    assert "tied with gru" in text and "tied with lstm" in text
    assert text.count(">3=<") == 2
    assert "share too small to judge" in text and 'class="mark c3 hollow"' in text
    assert "clipped in 41" in text and 'href="#alarms"' in text
    assert 'class="joined-below"' in text and 'class="joined-above"' in text
    assert "并列" in render(chinese_race, language="zh")


def test_alarms_of_rows_are_shown_once(english_race: RaceResult) -> None:
    alarm = english_race.rows[4].alarms[0]
    text = render(replace(english_race, alarms=(f"rnn: {alarm}", "the corpus repeats itself")))
    assert text.count("clipped in 41") == 1
    assert "the corpus repeats itself" in text


def test_chinese_samples_carry_their_language(chinese_race: RaceResult, english_race: RaceResult) -> None:
    page = Page(render(chinese_race, language="en"))
    assert {sample.get("lang") for sample in page.all("dd") if "dir" in sample} == {"zh-Hans"}
    assert language_tag("数据库", None) == "zh-Hans"
    assert language_tag("データベース", None) == "ja"
    assert language_tag("데이터", None) == "ko"
    assert language_tag("data", None) is None
    assert language_tag("data", "de") == "de"


def test_commands_quote_odd_folders(chinese_race: RaceResult) -> None:
    text = render(chinese_race)
    assert "hornbook generate &#x27;runs/zh/models/模型 一&#x27;" in text
    assert "hornbook evaluate" in text and "hornbook race tech-zh --budget 3m" in text


def test_a_race_with_almost_nothing_still_renders() -> None:
    empty = RaceResult(CorpusSummary("text"), MachineSummary(), TokenizerSummary("bpe", 512), 60.0, 1.0, ())
    rows = (RaceRow("gpt", 4, "gpt", bits_per_byte=2.0), RaceRow("lstm", 3, "lstm", alarms=("out of memory",)))
    for result, said in (
        (empty, "No model could be ranked."),
        (replace(empty, rows=rows), "gpt reaches 2.000 bits per byte."),
        (replace(empty, rows=rows[1:]), "out of memory"),
    ):
        text = render(result)
        assert len(Page(text).all("h1")) == 1 and said in text


def test_numbers_that_are_not_finite_do_not_reach_the_drawing(english_race: RaceResult) -> None:
    nan = float("nan")
    broken = replace(
        english_race.rows[0], curve=((1.0, 1, nan), (2.0, 2, 1.9), (3.0, 3, float("inf"))), latency_ms=nan, size_mb=nan
    )
    text = render(replace(english_race, rows=(broken, *english_race.rows[1:])))
    assert not re.search(r'="[^"]*\b(nan|inf)\b', text)


def test_curves_on_other_text_are_not_mixed_with_the_ranking(english_race: RaceResult) -> None:
    assert same_text(english_race.rows)
    assert "sample of the held-out text" not in render(english_race)
    moved = tuple(replace(row, curve=tuple((s, t, bits + 0.3) for s, t, bits in row.curve)) for row in english_race.rows)
    text = render(replace(english_race, rows=moved))
    assert "sample of the held-out text" in text
    curves = text[text.index('id="curves"') : text.index('id="frontier"')]
    assert "5-gram" not in curves  # its level is known on the other text only
    own = tuple(replace(row, curve=row.curve or ((row.train_seconds, row.tokens_seen, 2.05),)) for row in moved)
    text = render(replace(english_race, rows=own))
    curves = text[text.index('id="curves"') : text.index('id="frontier"')]
    assert "5-gram" in curves and "2.050" in curves


def test_an_unknown_language_is_refused(english_race: RaceResult) -> None:
    with pytest.raises(UsageError):
        render(english_race, language="fr")


def test_same_race_same_bytes(english_race: RaceResult) -> None:
    assert render(english_race) == render(RaceResult.from_json(english_race.to_json()))


def test_models_keep_their_colour_and_differ_from_each_other(english_race: RaceResult) -> None:
    found = looks(english_race.rows)
    assert [found[name].colour for name in ("gpt", "5-gram", "lstm", "gru", "rnn", "unigram")] == [
        "c0",
        "c4",
        "c1",
        "c2",
        "c3",
        "c5",
    ]
    many = looks([RaceRow(f"gpt {number}", 4, "gpt") for number in range(2 * COLOURS)])
    assert len({(look.colour, look.dashes) for look in many.values()}) == 2 * COLOURS


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_and_marks_can_be_read_in_light_and_dark() -> None:
    style = resources.files("hornbook.compare.report").joinpath("style.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    for palette in (light, dark):
        for name in ("ink", "quiet", "alarm", *(f"c{number}" for number in range(COLOURS))):
            assert contrast(palette[name], palette["paper"]) >= 4.5, name


def test_models_that_guess_hidden_tokens_have_curves_of_their_own(english_race: RaceResult) -> None:
    assert "masked-curves" not in Page(render(english_race)).ids
    points = ((10.0, 20_000, 0.125), (20.0, 40_000, 0.25), (40.0, 80_000, 0.375))
    masked = RaceRow("roberta", 4, "roberta", masked_accuracy=0.38, masked_curve=points, train_seconds=40.0, tokens_seen=80_000)
    text = render(replace(english_race, rows=(*english_race.rows, masked)))
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert [section["id"] for section in page.all("section")][3:5] == ["curves", "masked-curves"]
    part = text[text.index('id="masked-curves"') :]
    part = part[: part.index("</section>")]
    assert "share of hidden tokens not guessed" in part and "bits per byte</text>" not in part
    for place in ("0.875", "0.750", "0.625"):  # what was not guessed, in the tooltips and at the end of the line
        assert place in part
    assert "gpt" not in part
