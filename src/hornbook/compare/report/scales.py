"""Scales, ticks and label places: the arithmetic of the charts, no drawing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

_DURATIONS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1200,
    1800,
    3600,
    7200,
    18000,
    36000,
    86400,
    172800,
    604800,
)


@dataclass(frozen=True)
class Scale:
    """A map from values `low`..`high` to places `start`..`end`, straight or logarithmic (then both ends are above 0)."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; values outside the ends lie outside the places."""
        low, high = self._at(self.low), self._at(self.high)
        share = 0.5 if high == low else (self._at(value) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the ends."""
        return self.low <= value <= self.high

    def _at(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.logarithmic else value


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) between `low` and `high`, at most `most` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return []
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50, 100):
        first, last = math.ceil(low / (step * factor) - 1e-9), math.floor(high / (step * factor) + 1e-9)
        if last - first + 1 <= most:
            digits = max(0, 2 - math.floor(math.log10(step * factor)))
            return [round(number * step * factor, digits) for number in range(first, last + 1)]
    return []


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2, 3, 4, 5, 7 times powers of ten between `low` and `high`; fewer of them, or powers of ten alone, where too many."""
    if not (0 < low < high < math.inf):
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors, stride in (((1, 2, 3, 4, 5, 7), 1), ((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 5)):
        ticks = [float(f"{factor}e{power}") for power in powers if power % stride == 0 for factor in factors]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) <= most:
            return ticks
    return []


def time_ticks(low: float, high: float, most: int, *, logarithmic: bool) -> list[float]:
    """Seconds at which a clock is usually read: 10 s, 30 s, 1 min, 5 min, ... between `low` and `high`."""
    if not low < high < math.inf:
        return []
    if not logarithmic:
        for step in (*_DURATIONS, 900, 10800, 21600):
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                return [step * number for number in range(first, last + 1)]
        return linear_ticks(low, high, most)
    ticks = [second for second in _DURATIONS if low * (1 - 1e-9) <= second <= high * (1 + 1e-9)]
    stride = max(1, math.ceil(len(ticks) / max(1, most)))
    return ticks[::-1][::stride][::-1]


def tick_decimals(ticks: Sequence[float]) -> int:
    """Decimals that tell neighbouring ticks apart."""
    if len(ticks) < 2:
        return 2
    gap = min(second - first for first, second in itertools.pairwise(ticks))
    return max(0, -math.floor(math.log10(gap) + 1e-9))


def focus(values: Sequence[float]) -> tuple[float, float]:
    """The range worth showing: all values, or those below the gap when at most a third lie far above the rest.

    A unigram baseline at twice the bits of everything else would squeeze the models that matter into a few pixels.
    """
    ordered = sorted(value for value in values if math.isfinite(value))
    if not ordered:
        return 0.0, 1.0
    for keep in range(len(ordered) - 1, len(ordered) - 1 - len(ordered) // 3, -1):
        gap, below = ordered[keep] - ordered[keep - 1], ordered[keep - 1] - ordered[0]
        if keep >= 2 and gap > 1.5 * below and gap > 0.1 * abs(ordered[0]):
            return ordered[0], ordered[keep - 1]
    return ordered[0], ordered[-1]


def padded(low: float, high: float, share: float = 0.08) -> tuple[float, float]:
    """The range with a margin of `share` on both sides; a single value gets a margin of its own size."""
    margin = (high - low) * share or abs(low) * share or 1.0
    return low - margin, high + margin


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places moved as little as needed so that neighbours are `gap` apart and all lie between `low` and `high`."""
    order = sorted(range(len(places)), key=places.__getitem__)
    gap = min(gap, (high - low) / max(1, len(places) - 1)) if len(places) > 1 else gap
    blocks: list[tuple[float, list[int]]] = []  # (sum of wished starts, members): members stand gap by gap from a common start
    for index in order:
        total, members = places[index], [index]
        while blocks and blocks[-1][0] / len(blocks[-1][1]) + gap * len(blocks[-1][1]) > total / len(members):
            above_total, above = blocks.pop()
            total += above_total - gap * len(above) * len(members)
            members = above + members
        blocks.append((total, members))
    result = [0.0] * len(places)
    for total, members in blocks:
        for number, index in enumerate(members):
            result[index] = total / len(members) + number * gap
    edge = low
    for index in order:
        edge = result[index] = max(result[index], edge)
        edge += gap
    edge = high
    for index in reversed(order):
        edge = result[index] = min(result[index], edge)
        edge -= gap
    return result


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indexes of the points that no other point beats in both numbers (smaller is better), by rising first number."""
    best = math.inf
    result: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: points[i]):
        if points[index][1] < best:
            best = points[index][1]
            result.append(index)
    return result


Box = tuple[float, float, float, float]  # left, top, right, bottom


def place_labels(
    sizes: Sequence[tuple[float, float]], anchors: Sequence[tuple[float, float]], taken: Sequence[Box], room: Box
) -> list[Box]:
    """A box beside each anchor (right, left, above, below, corners) where it covers least of what already stands there."""
    placed: list[Box] = []
    for (width, height), (x, y) in zip(sizes, anchors):
        away, half = 10.0, height / 2
        candidates = [
            (x + away, y - half),
            (x - away - width, y - half),
            (x - width / 2, y - away - height),
            (x - width / 2, y + away),
            (x + away * 0.7, y - height - 3),
            (x + away * 0.7, y + 3),
            (x - away * 0.7 - width, y - height - 3),
            (x - away * 0.7 - width, y + 3),
        ]
        boxes = [(left, top, left + width, top + height) for left, top in candidates]
        obstacles = [*placed, *taken]
        costs = [
            sum(_overlap(box, other) for other in obstacles) + 4 * (width * height - _overlap(box, room)) + 0.5 * number
            for number, box in enumerate(boxes)
        ]
        placed.append(boxes[costs.index(min(costs))])
    return placed


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
