"""The whole report as one HTML page: no network, no external file, readable without scripts."""

from __future__ import annotations

from hornbook.compare.advice import advise, explanation, headline, ranked
from hornbook.compare.numbers import decimals_for, duration, fixed, round_duration
from hornbook.compare.report import sections
from hornbook.compare.report.long_range import long_range
from hornbook.compare.report.marks import Look, looks, swatch
from hornbook.compare.report.markup import Markup, element, join, prose
from hornbook.compare.report.ranking import ranking_table
from hornbook.compare.report.shell import document
from hornbook.compare.report.word_vectors import word_vectors
from hornbook.compare.results import RaceResult
from hornbook.compare.words import Words


def render(result: RaceResult, *, language: str = "en") -> str:
    """The report of a race as HTML text. `language` is that of the page ("en" or "zh"); UsageError for others."""
    words = Words(language)
    looks_by_name = looks(result.rows)
    main = element(
        "main",
        _header(result, words),
        _advice(result, looks_by_name, words),
        _ranking(result, looks_by_name, words),
        sections.curves(result, looks_by_name, words),
        sections.masked_curves(result, looks_by_name, words),
        sections.costs(result, looks_by_name, words),
        long_range(result, looks_by_name, words),
        sections.samples(result, looks_by_name, words),
        word_vectors(result, looks_by_name, words),
        sections.forecasts(result, looks_by_name, words),
        sections.stages(result, words),
        sections.method(result, words),
        sections.facts(result, words),
        sections.usage(result, words),
    )
    footer = element("footer", words("numbers_file"))
    title, version = words("title", corpus=result.corpus.name), result.versions.get("hornbook", "")
    return document(main, footer, title=title, language=language, version=version)


def _header(result: RaceResult, words: Words) -> Markup:
    meta = words(
        "meta", models=len(result.rows), budget=round_duration(result.budget_seconds), seconds=duration(result.seconds)
    )
    support = explanation(result, words)
    return element(
        "header",
        element("p", element("b", words("eyebrow")), " · ", element("span", result.corpus.name), class_="eyebrow"),
        element("h1", headline(result, words)),
        *([element("p", prose(words.sentences(support)), class_="support")] if support else []),
        element("p", meta, class_="quiet"),
    )


def _advice(result: RaceResult, looks_by_name: dict[str, Look], words: Words) -> Markup:
    """Which model to use when: a card for each of the one to three models worth having."""
    if len(ranked(result.rows)) < 2:
        return Markup("")
    cards = []
    for advice in advise(result, words):
        row = advice.row
        size = fixed(row.size_mb, decimals_for([row.size_mb], most=2))
        latency = fixed(row.latency_ms, decimals_for([row.latency_ms], most=2))
        numbers = [
            (fixed(row.bits_per_byte, 3), words("bits")),
            (size, "MB"),
            (latency, words("latency_short")),
            (duration(row.train_seconds), words("trained")),
        ]
        cards.append(
            element(
                "div",
                element("h2", words.purposes(advice.purposes)),
                element("p", swatch(looks_by_name[row.name]), row.name, class_="pick"),
                element("p", words.sentences(advice.reasons), class_="why"),
                element(
                    "dl",
                    *[element("div", element("dt", name), element("dd", value)) for value, name in numbers if value != "–"],
                ),
                *(
                    [element("pre", element("code", f"hornbook generate {sections.saved_at(result, row)}"), tabindex="0")]
                    if row.model
                    else []
                ),
                class_="advice",
            )
        )
    return element("div", *cards, class_="advices")


def _ranking(result: RaceResult, looks_by_name: dict[str, Look], words: Words) -> Markup:
    if not result.rows:
        return Markup("")
    table = join(ranking_table(result, looks_by_name, words), sections.legend(result.rows, words))
    return join(
        sections.section("ranking", words("ranking"), table, lead=words("ranking_lead")), sections.remarks(result, words)
    )
