"""How far back context helps: what each language model loses when it sees only the last few tokens, against how many."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hornbook.compare.numbers import MISSING, count, fixed
from hornbook.compare.report.frame import TEXT_SIZE, Frame, axes, drawing
from hornbook.compare.report.marks import Look, marker, swatch
from hornbook.compare.report.markup import Markup, element, join, text_width
from hornbook.compare.report.scales import Scale, linear_ticks, spread, tick_decimals
from hornbook.compare.report.sections import NARROW, WIDE, section
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.words import Words
from hornbook.scoring.long_range import ContextCurve, ContextPoint

Size = tuple[float, float]
_BIT = math.log(2)  # nats
_NAMED = (1, 16)  # tokens in sight whose losses the table names


def long_range(result: RaceResult, looks: dict[str, Look], words: Words) -> Markup:
    """The chart and a table of every language model's reach; nothing where none was measured."""
    rows = [row for row in result.rows if row.context is not None]
    if not rows:
        return Markup("")
    charts = [context_chart(rows, looks, words, size=size, kind=kind) for size, kind in ((WIDE, "wide"), (NARROW, "narrow"))]
    return section("context", words("context"), *charts, _table(rows, looks, words), lead=words("context_lead"))


def context_chart(rows: Sequence[RaceRow], looks: dict[str, Look], words: Words, *, size: Size, kind: str) -> Markup:
    """Bits a token lost against tokens in sight, from one token to the longest context, which loses nothing by definition."""
    lines = {row.name: _points(row.context) for row in rows if row.context is not None}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return Markup("")
    frame = _frame(lines, size)
    marks = {place.context for points in lines.values() for place in points}
    ticks = linear_ticks(frame.y.low, frame.y.high, 7)
    return drawing(
        f"context-{kind}",
        *size,
        axes(
            frame,
            [(float(context), str(context)) for context in sorted(marks)],
            [(value, fixed(value, tick_decimals(ticks))) for value in ticks],
            x_label=words("axis_context"),
            y_label=words("axis_lost"),
        ),
        *[_line(name, points, looks[name], frame) for name, points in reversed(lines.items())],
        _labels(lines, looks, frame),
        title=words("context"),
        description="; ".join(f"{name}: {_spoken(points)}" for name, points in lines.items()),
        kind=kind,
    )


def _points(curve: ContextCurve | None) -> list[ContextPoint]:
    """What is drawn: from one token on, for the first token of all costs so much that the rest would lie flat."""
    return [point for point in curve.points if point.context > 0 and math.isfinite(point.worse)] if curve else []


def _spoken(points: Sequence[ContextPoint]) -> str:
    return ", ".join(f"{point.context} {fixed(point.worse / _BIT, 2)}" for point in points)


def _frame(lines: dict[str, list[ContextPoint]], size: Size) -> Frame:
    width, height = size
    losses = [point.worse / _BIT for points in lines.values() for point in points]
    low, high = min([0.0, *losses]), max([0.1, *losses])
    contexts = [point.context for points in lines.values() for point in points]
    names = max(text_width(name, TEXT_SIZE) for name in lines) + 30  # stand between the axis and where the lines begin
    left, right = 46.0, width - 14
    room = names / (right - left)
    begin = math.exp((math.log(min(contexts)) - room * math.log(max(contexts))) / (1 - room))
    x = Scale(begin, max(contexts), left, right, logarithmic=True)
    return Frame(width, height, x, Scale(low - 0.03 * (high - low), high * 1.05, height - 50, 30))


def _line(name: str, points: Sequence[ContextPoint], look: Look, frame: Frame) -> Markup:
    places = [(frame.x(point.context), frame.y(point.worse / _BIT)) for point in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    spans = [[min(max(edge / _BIT, frame.y.low), frame.y.high) for edge in point.worse_ci95] for point in points]
    whiskers = [
        element("line", x1=x, x2=x, y1=frame.y(high), y2=frame.y(low), class_=f"whisker {look.colour}")
        for (x, _), (low, high) in zip(places, spans)
        if high > low
    ]
    texts = [f"{name} · {point.context} · {fixed(point.worse / _BIT, 3)}" for point in points]
    dots = [marker(look, x, y, size=3.5, title=text) for (x, y), text in zip(places, texts)]
    line = element("path", d=path, class_=f"line {look.colour}", stroke_dasharray=look.dashes)
    return element("g", element("g", *whiskers, class_="faint-lines"), line, *dots)


def _labels(lines: dict[str, list[ContextPoint]], looks: dict[str, Look], frame: Frame) -> Markup:
    """Names left of where the lines begin, spread so that none covers another."""
    begins = [(frame.x(points[0].context), frame.y(points[0].worse / _BIT)) for points in lines.values()]
    heights = spread([y for _, y in begins], TEXT_SIZE + 4, frame.top, frame.bottom)
    parts = []
    for name, (x, y), height in zip(lines, begins, heights):
        colour = looks[name].colour
        if abs(height - y) > 1:
            parts.append(element("path", d=f"M{x - 6:.1f} {y:.1f}L{x - 18:.1f} {height:.1f}", class_=f"leader {colour}"))
        label = element("text", name, x=x - 22, y=height + 4.5, text_anchor="end", class_=f"label name {colour}")
        parts.append(label)
    return join(*parts)


def _table(rows: Sequence[RaceRow], looks: dict[str, Look], words: Words) -> Markup:
    """Reach, losses with one and sixteen tokens in sight, and on how many stretches of text that rests."""
    keys = ("model", "context_reach", *(f"context_{named}" for named in _NAMED), "context_stretches")
    head = element("tr", *[element("th", words(key), scope="col", class_="number" if key != "model" else None) for key in keys])
    body = []
    for row in rows:
        curve = row.context
        if curve is None:
            continue
        losses = {point.context: point for point in curve.points}
        cells = [
            element("b", str(curve.reach)),
            *[_loss(losses.get(named)) for named in _NAMED],
            count(curve.stretches),
        ]
        name = element("th", swatch(looks[row.name]), row.name, scope="row", class_="model")
        body.append(element("tr", name, *[element("td", cell, class_="number") for cell in cells]))
    table = element("table", element("thead", head), element("tbody", *body), class_="forecast context")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words("context"))


def _loss(point: ContextPoint | None) -> Markup:
    if point is None or not math.isfinite(point.worse):
        return join(MISSING)
    low, high = point.worse_ci95
    half = element("span", f" ±{fixed((high - low) / 2 / _BIT, 2)}", class_="quiet")
    return join(fixed(point.worse / _BIT, 2), half)
