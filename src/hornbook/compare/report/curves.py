"""Learning curves: what was measured on held-out text against training time or tokens, one labelled line a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hornbook.compare.numbers import count, duration, fixed, round_duration
from hornbook.compare.report.frame import TEXT_SIZE, Frame, Tick, axes, drawing
from hornbook.compare.report.marks import Look, marker
from hornbook.compare.report.markup import Markup, element, join, text_width
from hornbook.compare.report.scales import Scale, focus, linear_ticks, log_ticks, spread, tick_decimals, time_ticks
from hornbook.compare.results import RaceRow
from hornbook.compare.words import Words

Point = tuple[float, float, str]  # place on the x axis, bits per byte, tooltip
Size = tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """What a chart shows, less being better: its name in the page, and what its title and its axis are called in words.py."""

    name: str
    title: str
    axis: str


BITS = Measure("curve", "curves", "axis_bits")
MISSES = Measure("masked-curve", "masked_curves", "axis_misses")


def with_misses(rows: Sequence[RaceRow]) -> list[RaceRow]:
    """The masked models, their curves the share of hidden tokens that they did not guess, for a chart of MISSES."""
    return [
        replace(row, curve=tuple((seconds, tokens, 1 - accuracy) for seconds, tokens, accuracy in row.masked_curve))
        for row in rows
        if len(row.masked_curve) > 1
    ]


def curve_chart(
    rows: Sequence[RaceRow],
    looks: dict[str, Look],
    words: Words,
    *,
    axis: str,
    size: Size,
    kind: str,
    measure: Measure = BITS,
) -> Markup:
    """The chart with a `log` or `linear` time axis or against `tokens`; empty markup where nothing was measured."""
    lines = _lines(rows, words, axis)
    finals = {name: points[-1][1] for name, points in lines.items()}
    if not finals:
        return Markup("")
    low, high = bits_range(list(finals.values()), [point[1] for points in lines.values() for point in points])
    shown = {name: points for name, points in lines.items() if finals[name] <= high}
    labels = {name: f"{name} {fixed(finals[name], 3)}" for name in shown}
    frame = _frame(shown, labels, (low, high), axis=axis, size=size)
    drawn = [_line(points, looks[name], frame) for name, points in reversed(shown.items())]
    name = f"{measure.name}-{axis}-{kind}"
    clip = element("clipPath", _area(frame), id=f"{name}-clip")
    x_label = words("axis_tokens" if axis == "tokens" else "axis_time")
    return drawing(
        name,
        *size,
        clip,
        axes(frame, _x_ticks(frame, axis), _y_ticks(frame), x_label=x_label, y_label=words(measure.axis)),
        element("g", *drawn, clip_path=f"url(#{name}-clip)"),
        *[_ending(points, looks[name], frame) for name, points in reversed(shown.items())],
        _labels(shown, labels, looks, frame),
        title=words(measure.title),
        description="; ".join(labels.values()),
        kind=kind,
    )


def bits_range(finals: Sequence[float], all_values: Sequence[float]) -> tuple[float, float]:
    """Bits per byte to show: where the lines end, and enough above to see how they come down."""
    low, high = focus(finals)
    low = min([low, *(value for value in all_values if value < low)])
    headroom = max(1.6 * (high - low), 0.3 * low)
    top = min(high + headroom, max(all_values))
    top = max(top, high + 0.05 * (high - low), low * 1.02)
    return low - 0.06 * (top - low), top + 0.02 * (top - low)


def off_chart(rows: Sequence[RaceRow], words: Words) -> list[str]:
    """Names and bits per byte of the rows whose curves end above the chart."""
    lines = _lines(rows, words, "linear")
    if not lines:
        return []
    _, high = bits_range(
        [points[-1][1] for points in lines.values()], [point[1] for points in lines.values() for point in points]
    )
    return [f"{name} {fixed(points[-1][1], 3)}" for name, points in lines.items() if points[-1][1] > high]


def same_text(rows: Sequence[RaceRow]) -> bool:
    """Whether the curves end where the ranking says, within 1 %: then both were measured on comparable text."""
    pairs = [(row.curve[-1][2], row.bits_per_byte) for row in rows if row.curve and row.bits_per_byte is not None]
    return all(abs(end - bits) <= 0.01 * bits for end, bits in pairs)


def _lines(rows: Sequence[RaceRow], words: Words, axis: str) -> dict[str, list[Point]]:
    """Points to draw by name. A row without a curve stands at its rank's bits only where the curves are on the same text."""
    comparable = same_text(rows)
    return {row.name: points for row in rows if (points := _points(row, words, axis, comparable=comparable))}


def _points(row: RaceRow, words: Words, axis: str, *, comparable: bool) -> list[Point]:
    """What to draw of a row: its curve, or the one point of a model that learns in one pass."""
    curve = [point for point in row.curve if math.isfinite(point[2])]
    if not row.curve and comparable and row.bits_per_byte is not None:
        curve = [(row.train_seconds, row.tokens_seen, row.bits_per_byte)]
    points = []
    for seconds, tokens, bits in curve:
        place = float(tokens) if axis == "tokens" else seconds
        if axis == "linear" or place > 0:
            text = f"{row.name} · {duration(seconds)} · {words('tokens')} {count(tokens)} · {fixed(bits, 3)}"
            points.append((place, bits, text))
    return points


def _frame(lines: dict[str, list[Point]], labels: dict[str, str], bits: tuple[float, float], *, axis: str, size: Size) -> Frame:
    places = [point[0] for points in lines.values() for point in points]
    low, high = (min(places), max(places)) if axis != "linear" else (0.0, max(places))
    if axis != "linear":
        low, high = low / 1.15, high * 1.02
    if high <= low:
        low, high = (low / 2, high * 2) if axis != "linear" else (0.0, high or 1.0)
    width, height = size
    margin = max(text_width(label, TEXT_SIZE) for label in labels.values()) + 26
    x = Scale(low, high, 46, width - margin, logarithmic=axis != "linear")
    return Frame(width, height, x, Scale(bits[0], bits[1], height - 50, 30))


def _x_ticks(frame: Frame, axis: str) -> list[Tick]:
    most = max(3, round((frame.right - frame.left) / 75))
    if axis == "tokens":
        return [
            (value, count(value).replace(".00", "").replace(".0", "")) for value in log_ticks(frame.x.low, frame.x.high, most)
        ]
    return [(value, round_duration(value)) for value in time_ticks(frame.x.low, frame.x.high, most, logarithmic=axis == "log")]


def _y_ticks(frame: Frame) -> list[Tick]:
    ticks = linear_ticks(frame.y.low, frame.y.high, 7)
    return [(value, fixed(value, tick_decimals(ticks))) for value in ticks]


def _line(points: Sequence[Point], look: Look, frame: Frame) -> Markup:
    places = [(frame.x(x), frame.y(bits)) for x, bits, _ in points]
    if len(points) == 1:  # one pass over the text: its level, dashed, to the right edge
        x, y = places[0]
        return element("line", x1=x, x2=frame.right, y1=y, y2=y, class_=f"level {look.colour}")
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    line = element("path", d=path, class_=f"line {look.colour}", stroke_dasharray=look.dashes)
    dots = [
        element("circle", element("title", text), cx=x, cy=y, r=7, class_="hover")
        for (x, y), (_, _, text) in zip(places, points)
    ]
    return element("g", line, *dots)


def _ending(points: Sequence[Point], look: Look, frame: Frame) -> Markup:
    x, bits, text = points[-1]
    return marker(look, frame.x(x), frame.y(bits), title=text)


def _labels(lines: dict[str, list[Point]], labels: dict[str, str], looks: dict[str, Look], frame: Frame) -> Markup:
    """Names at the right edge, spread so that none covers another, each tied to the end of its line."""
    ends = [(frame.x(points[-1][0]), frame.y(points[-1][1])) for points in lines.values()]
    heights = spread([y for _, y in ends], TEXT_SIZE + 4, frame.top, frame.bottom)
    parts = []
    for name, (x, y), height, points in zip(lines, ends, heights, lines.values()):
        start = frame.right if len(points) == 1 else x + 6
        colour = looks[name].colour
        if abs(height - y) > 1 or start < frame.right - 4:
            leader = f"M{start:.1f} {y:.1f}L{max(start, frame.right + 2):.1f} {y:.1f}L{frame.right + 14:.1f} {height:.1f}"
            parts.append(element("path", d=leader, class_=f"leader {colour}"))
        name_part = element("tspan", name, class_="name")
        value_part = element("tspan", labels[name].removeprefix(name), class_="value")
        parts.append(element("text", name_part, value_part, x=frame.right + 18, y=height + 4.5, class_=f"label {colour}"))
    return join(*parts)


def _area(frame: Frame) -> Markup:
    return element("rect", x=frame.left, y=frame.top, width=frame.right - frame.left + 8, height=frame.bottom - frame.top + 1)
