"""The ranking table: one row a model, the interval of its bits per byte drawn in the row on one common scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hornbook.compare.advice import rank_label
from hornbook.compare.numbers import MISSING, count, decimals_for, duration, fixed, percent, with_margin
from hornbook.compare.report.marks import Look, marker, swatch
from hornbook.compare.report.markup import Markup, element, join
from hornbook.compare.report.scales import Scale, focus, linear_ticks, padded, tick_decimals
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.words import Words

Column = tuple[str, str, Callable[[RaceRow], str]]  # key of its name, CSS class, text of a row


def ranking_table(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """The whole table; on a narrow screen every row becomes a card whose cells carry their column's name."""
    scale = bits_scale(result.rows)
    columns = _columns(result.rows, words)
    head = [
        _head(words("rank"), "rank"),
        _head(words("model"), "model"),
        _head(words("bits"), "number bits"),
        element("th", _axis(scale), scope="col", class_="whiskers", role="columnheader", aria_label=words("interval")),
        *[_head(words(key), kind) for key, kind, _ in columns],
    ]
    body = []
    for number, row in enumerate(result.rows):
        above, below = result.rows[number - 1 : number], result.rows[number + 1 : number + 2]
        joined = [
            f"joined-{side}" for side, near in (("above", above), ("below", below)) if near and near[0].name in row.tied_with
        ]
        body.append(_row(row, looks[row.name], columns, scale, words, joined=" ".join(joined) or None))
    return element(
        "div",
        element(
            "table",
            element("caption", words("ranking"), class_="unseen"),
            element("thead", element("tr", *head, role="row"), role="rowgroup"),
            element("tbody", *body, role="rowgroup"),
            class_="ranking",
            role="table",
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=words("ranking"),
    )


def bits_scale(rows: Sequence[RaceRow]) -> Scale:
    """Bits per byte to percent of the drawing's width; a baseline far above the others lies beyond 100."""
    values = [row.bits_per_byte for row in rows if row.bits_per_byte is not None]
    low, high = focus(values)
    inside = [row for row in rows if row.bits_per_byte is not None and row.bits_per_byte <= high]
    ends = [edge for row in inside for edge in row.bits_per_byte_ci95 or () if math.isfinite(edge)]
    low, high = padded(min([low, *ends]), max([high, *ends]), 0.06)
    return Scale(low, high, 3, 93)


def _columns(rows: Sequence[RaceRow], words: Words) -> list[Column]:
    """The columns after bits per byte, with one number of decimals each; a column that nobody has is left out."""
    size, latency = decimals_for([row.size_mb for row in rows], most=1), decimals_for([row.latency_ms for row in rows], most=2)
    task = decimals_for([row.task_score for row in rows], digits=3)
    columns: list[Column] = [
        ("cloze", "number", lambda row: percent(row.cloze_accuracy)),
        ("masked", "number", lambda row: percent(row.masked_accuracy)),
        ("task", "number", lambda row: with_margin(row.task_score, row.task_score_ci95, task)),
        (
            "trained",
            "number",
            lambda row: duration(row.train_seconds) if row.bits_per_byte is not None or row.tokens_seen else MISSING,
        ),
        ("tokens", "number", lambda row: count(row.tokens_seen or None)),
        ("parameters", "number", lambda row: count(row.parameters)),
        ("size", "number", lambda row: fixed(row.size_mb, size)),
        ("latency", "number", lambda row: fixed(row.latency_ms, latency)),
        ("memory", "number", lambda row: fixed(row.peak_rss_mb, 0)),
    ]
    return [column for column in columns if any(column[2](row) != MISSING for row in rows)]


def _head(text: str, kind: str) -> Markup:
    return element("th", text, scope="col", class_=kind, role="columnheader")


def _row(row: RaceRow, look: Look, columns: Sequence[Column], scale: Scale, words: Words, *, joined: str | None) -> Markup:
    remarks = []
    if row.tied_with:
        remarks.append(element("span", words("tied_with", names=words.listing(row.tied_with)), class_="tie"))
    if row.rank is None and row.cloze_rank is not None:
        remarks.append(element("span", words("cloze_place", rank=row.cloze_rank), class_="about"))
    if row.too_small_to_judge:
        remarks.append(element("span", words("judge"), class_="doubt"))
    if row.alarms:
        remarks.append(element("a", words("see_alarms"), href="#alarms", class_="alarm"))
    about = element("span", " · ".join(filter(None, (words(f"generation_{row.generation}"), row.shape))), class_="about")
    name = join(swatch(look), element("span", row.name, class_="name"), about, *remarks)
    cells = [
        element("td", rank_label(row), class_="rank", role="cell", data_label=words("rank")),
        element("th", name, scope="row", class_="model", role="rowheader"),
        element("td", _bits(row), class_="number bits", role="cell", data_label=words("bits")),
        element("td", _whisker(row, look, scale), class_="whiskers", role="cell"),
        *[element("td", text(row), class_=kind, role="cell", data_label=words(key)) for key, kind, text in columns],
    ]
    return element("tr", *cells, class_=joined, role="row")


def _bits(row: RaceRow) -> Markup:
    value = element("b", fixed(row.bits_per_byte, 3))
    if row.bits_per_byte_ci95 is None:
        return value
    low, high = row.bits_per_byte_ci95
    return join(value, element("span", f"±{fixed((high - low) / 2, 3)}", class_="interval"))


def _axis(scale: Scale) -> Markup:
    ticks = linear_ticks(scale.low, scale.high, 4)
    digits = tick_decimals(ticks)
    labels = [
        element("text", fixed(tick, digits), x=f"{scale(tick):.2f}%", y=18, text_anchor="middle", class_="tick")
        for tick in ticks
    ]
    return element("svg", *labels, class_="strip", height=24, aria_hidden="true")


def _whisker(row: RaceRow, look: Look, scale: Scale) -> Markup:
    """Grid hairlines, the interval and the measurement, placed in percent so that the column may have any width."""
    parts = [
        element("line", x1=f"{scale(tick):.2f}%", x2=f"{scale(tick):.2f}%", y1=0, y2="100%", class_="grid")
        for tick in linear_ticks(scale.low, scale.high, 4)
    ]
    if row.bits_per_byte is not None and scale.holds(row.bits_per_byte):
        if row.bits_per_byte_ci95 is not None:
            low, high = (f"{scale(edge):.2f}%" for edge in row.bits_per_byte_ci95)
            parts.append(element("line", x1=low, x2=high, y1="50%", y2="50%", class_=f"whisker {look.colour}"))
        dot = element("svg", marker(look, 0, 0, size=4), x=f"{scale(row.bits_per_byte):.2f}%", y="50%", overflow="visible")
        parts.append(dot)
    elif row.bits_per_byte is not None:
        arrow = element("path", d="M-12 0h9m-3.5 -3.5l3.5 3.5l-3.5 3.5", class_=f"arrow {look.colour}")
        parts.append(element("svg", arrow, x="100%", y="50%", overflow="visible"))
    text = f"{row.name}: {fixed(row.bits_per_byte, 3)}"
    if row.bits_per_byte_ci95 is not None:
        text += f" [{fixed(row.bits_per_byte_ci95[0], 3)}, {fixed(row.bits_per_byte_ci95[1], 3)}]"
    return element("svg", element("title", text), *parts, class_="strip", role="img")
