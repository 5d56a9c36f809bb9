"""The section on word vectors: a map of frequent words and the nearest neighbours of a few, a tab for each model."""

from __future__ import annotations

from hornbook.compare.numbers import percent
from hornbook.compare.report.frame import TEXT_SIZE, drawing
from hornbook.compare.report.marks import Look
from hornbook.compare.report.markup import Markup, element, join, text_width
from hornbook.compare.report.scales import Box, Scale, padded
from hornbook.compare.report.sections import NARROW, WIDE, language_tag, panel, section, tabs
from hornbook.compare.results import RaceResult, WordMap
from hornbook.compare.words import Words


def word_vectors(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """A map and a list of neighbours for each row that has word vectors; nothing where none has."""
    panels = []
    for row in result.rows:
        if row.word_map is None or not row.word_map.words:
            continue
        shown, look = row.word_map, looks[row.name]
        charts = [map_chart(shown, look, words, name=row.name, size=size, kind=kind) for size, kind in _SIZES]
        note = words("map_note", percent=percent(shown.explained, 0), others=words("map_others"))
        table = _neighbours(shown, words, result.corpus.language)
        panels.append(panel(row.name, *charts, element("p", note, class_="quiet"), table))
    return section("vectors", words("vectors"), tabs(panels) if panels else "", lead=words("vectors_lead"))


def map_chart(shown: WordMap, look: Look, words: Words, *, name: str, size: tuple[float, float], kind: str) -> Markup:
    """Words written where their vectors lie; one that would cover a commoner word is a dot that tells its name."""
    width, height = size
    xs, ys = zip(*shown.places, strict=True)
    across, down = (
        Scale(*padded(min(xs), max(xs), 0.02), 44, width - 44),
        Scale(*padded(min(ys), max(ys), 0.02), height - 14, 14),
    )
    dots, labels = [], []
    taken: list[Box] = []
    for word, (x, y) in zip(shown.words, shown.places, strict=True):
        left, top = across(x), down(y)
        half = text_width(word, TEXT_SIZE) / 2
        box = (left - half - 2, top - 8, left + half + 2, top + 8)
        if box[0] < 0 or box[2] > width or any(_cover(box, other) for other in taken):
            dots.append(element("circle", element("title", word), cx=left, cy=top, r=2.5, class_="mark"))
            continue
        taken.append(box)
        labels.append(element("text", word, x=left, y=top + 4.5, text_anchor="middle", class_="label"))
    return drawing(
        f"map-{name}-{kind}",
        width,
        height,
        element("g", *dots, class_="faint"),
        element("g", *labels, class_=look.colour),
        title=words("map_title", name=name),
        description=words("comma").join(shown.words[:40]),
        kind=kind,
    )


def _cover(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _neighbours(shown: WordMap, words: Words, language: str | None) -> Markup:
    rows = []
    for word, near in shown.neighbours.items():
        listed = [join(element("span", other), element("span", f" {cosine:.2f}", class_="quiet")) for other, cosine in near]
        cells = [part for number, entry in enumerate(listed) for part in ((words("comma"), entry) if number else (entry,))]
        lang = language_tag(word, language)
        rows.append(
            element("tr", element("th", word, scope="row", class_="model", lang=lang), element("td", *cells, lang=lang))
        )
    if not rows:
        return Markup("")
    head = element("tr", *[element("th", words(key), scope="col") for key in ("neighbours_of", "neighbours")])
    table = element("table", element("thead", head), element("tbody", *rows), class_="neighbours")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words("neighbours"))


_SIZES = ((WIDE, "wide"), (NARROW, "narrow"))
