"""Quality against cost: bits per byte over megabytes, milliseconds or training seconds, with the frontier drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hornbook.compare.numbers import count, fixed, round_duration
from hornbook.compare.report.frame import TEXT_SIZE, Frame, Tick, axes, drawing
from hornbook.compare.report.marks import Look, marker
from hornbook.compare.report.markup import Markup, element, join, text_width
from hornbook.compare.report.scales import (
    Scale,
    focus,
    frontier,
    linear_ticks,
    log_ticks,
    padded,
    place_labels,
    tick_decimals,
    time_ticks,
)
from hornbook.compare.results import RaceRow
from hornbook.compare.words import Words

COSTS = ("size", "latency", "time")


def cost_of(row: RaceRow, cost: str) -> float | None:
    """Megabytes (`size`), milliseconds a token (`latency`) or training seconds (`time`); None where not measured."""
    value = {"size": row.size_mb, "latency": row.latency_ms, "time": row.train_seconds}[cost]
    return value if value is not None and math.isfinite(value) and value > 0 else None


def cost_chart(
    rows: Sequence[RaceRow], looks: dict[str, Look], words: Words, *, cost: str, size: tuple[float, float], kind: str
) -> Markup:
    """Every model that has both numbers, but those far above the others (see `beyond_chart`)."""
    measured = [
        (row, price, row.bits_per_byte)
        for row in rows
        if row.bits_per_byte is not None and (price := cost_of(row, cost)) is not None
    ]
    if not measured:
        return Markup("")
    bits = focus([value for _, _, value in measured])
    inside = [entry for entry in measured if entry[2] <= bits[1]]
    ends = [edge for row, _, _ in inside for edge in row.bits_per_byte_ci95 or ()]
    frame = _frame([price for _, price, _ in inside], padded(min([bits[0], *ends]), max([bits[1], *ends])), size)
    best = frontier([(price, value) for _, price, value in inside])
    places = [(frame.x(price), frame.y(value)) for _, price, value in inside]
    ticks = linear_ticks(frame.y.low, frame.y.high, 7)
    return drawing(
        f"cost-{cost}-{kind}",
        *size,
        axes(
            frame,
            _x_ticks(frame, cost),
            [(value, fixed(value, tick_decimals(ticks))) for value in ticks],
            x_label=words(f"axis_{cost}"),
            y_label=words("axis_bits"),
        ),
        _steps([inside[index][1:] for index in best], frame),
        *[_whisker(row, x, looks[row.name], frame) for (row, _, _), (x, _) in zip(inside, places)],
        *[
            _mark(row, price, value, place, looks[row.name], cost)
            for (row, price, value), place in zip(inside, places)
        ],
        _labels([row for row, _, _ in inside], places, looks, frame),
        title=f"{words('axis_bits')} / {words(f'axis_{cost}')}",
        description="; ".join(f"{row.name}: {fixed(value, 3)}, {_price(price, cost)}" for row, price, value in measured),
        kind=kind,
    )  # fmt: skip


def beyond_chart(rows: Sequence[RaceRow], cost: str) -> list[str]:
    """The models that `cost_chart` leaves out because they need far more bits than the others, with their numbers."""
    measured = [row for row in rows if row.bits_per_byte is not None and cost_of(row, cost) is not None]
    high = focus([row.bits_per_byte or 0.0 for row in measured])[1]
    return [
        f"{row.name} ({fixed(row.bits_per_byte, 2)}, {_price(cost_of(row, cost) or 0.0, cost)})"
        for row in measured
        if (row.bits_per_byte or 0.0) > high
    ]


def _frame(prices: Sequence[float], bits: tuple[float, float], size: tuple[float, float]) -> Frame:
    width, height = size
    low, high = min(prices), max(prices)
    reach = max(1.5, (high / low) ** 0.08)
    return Frame(
        width, height, Scale(low / reach, high * reach, 46, width - 16, logarithmic=True), Scale(*bits, height - 50, 44)
    )


def _x_ticks(frame: Frame, cost: str) -> list[Tick]:
    most = max(3, round((frame.right - frame.left) / 75))
    if cost == "time":
        return [(value, round_duration(value)) for value in time_ticks(frame.x.low, frame.x.high, most, logarithmic=True)]
    return [(value, f"{value:g}" if value < 10000 else count(value)) for value in log_ticks(frame.x.low, frame.x.high, most)]


def _price(price: float, cost: str) -> str:
    return {"size": f"{price:.3g} MB", "latency": f"{price:.3g} ms", "time": f"{price:.3g} s"}[cost]


def _steps(points: Sequence[tuple[float, float]], frame: Frame) -> Markup:
    """The frontier: from each of its points right, then down to the next; nothing measured lies below and left of it."""
    path = ""
    for number, (price, value) in enumerate(points):
        x, y = frame.x(price), frame.y(value)
        path += f"M{x:.1f} {frame.top:.1f}V{y:.1f}" if not number else f"H{x:.1f}V{y:.1f}"
    return element("path", d=f"{path}H{frame.right:.1f}", class_="frontier") if path else Markup("")


def _whisker(row: RaceRow, x: float, look: Look, frame: Frame) -> Markup:
    if row.bits_per_byte_ci95 is None:
        return Markup("")
    low, high = (frame.y(edge) for edge in row.bits_per_byte_ci95)
    return element("line", x1=x, x2=x, y1=high, y2=low, class_=f"whisker {look.colour}")


def _mark(row: RaceRow, price: float, value: float, place: tuple[float, float], look: Look, cost: str) -> Markup:
    return marker(look, *place, size=6, title=f"{row.name} · {fixed(value, 3)} · {_price(price, cost)}")


def _labels(rows: Sequence[RaceRow], places: Sequence[tuple[float, float]], looks: dict[str, Look], frame: Frame) -> Markup:
    sizes = [(text_width(row.name, TEXT_SIZE), TEXT_SIZE + 2) for row in rows]
    marks = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    boxes = place_labels(sizes, places, marks, (frame.left, frame.top, frame.width, frame.bottom))
    return join(
        *[
            element("text", row.name, x=left, y=bottom - 3.5, class_=f"label name {looks[row.name].colour}")
            for row, (left, _, _, bottom) in zip(rows, boxes)
        ]
    )
