"""Drawings of the report on one classifier: the reliability plot, a bar with an interval, the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hornbook.compare.numbers import count, percent
from hornbook.compare.report.frame import Frame, axes, drawing
from hornbook.compare.report.markup import Markup, element
from hornbook.compare.report.scales import Scale
from hornbook.compare.words import Words
from hornbook.embeddings.statistics import share_interval
from hornbook.scoring.calibration import Bin

_SIDE = 460.0
_LARGEST = 15.0  # radius of a bubble that holds all answers, pixels
MOST_LABELS = 15  # of a matrix; above it, a list of the commonest mistakes


def reliability_plot(bins: Sequence[Bin], words: Words, *, several: bool) -> Markup:
    """Share that is right over the probability given, a bubble for each bin; nothing without bins."""
    if not bins:
        return Markup("")
    frame = Frame(_SIDE, _SIDE, Scale(0, 1, 52, _SIDE - 18), Scale(0, 1, _SIDE - 54, 34))
    ticks = [(value / 5, percent(value / 5, 0)) for value in range(6)]
    total = sum(one.n for one in bins)
    suffix = "_multi" if several else ""
    bubbles = []
    for one in bins:
        x, y = frame.x(one.confidence), frame.y(one.accuracy)
        low, high = (frame.y(edge) for edge in share_interval(round(one.accuracy * one.n), one.n))
        told = words("bin", confidence=percent(one.confidence), accuracy=percent(one.accuracy), n=f"{one.n:,}")
        bubbles.append(element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"))
        bubbles.append(
            element(
                "circle",
                element("title", told),
                cx=x,
                cy=y,
                r=max(3.0, _LARGEST * math.sqrt(one.n / total)),
                class_="bubble",
            )
        )
    diagonal = element("line", x1=frame.x(0), y1=frame.y(0), x2=frame.x(1), y2=frame.y(1), class_="diagonal")
    x_label, y_label = words(f"axis_confidence{suffix}"), words(f"axis_right{suffix}")
    return drawing(
        "reliability-plot",
        _SIDE,
        _SIDE,
        axes(frame, ticks, ticks, x_label=x_label, y_label=y_label),
        diagonal,
        element("g", *bubbles, class_="c1"),
        title=words("reliability"),
        description="; ".join(
            words("bin", confidence=percent(one.confidence), accuracy=percent(one.accuracy), n=count(one.n)) for one in bins
        ),
        kind="both",
    )


def meter(share: float, interval: tuple[float, float]) -> Markup:
    """A share from 0 to 1 as a bar with its interval."""
    low, high = (f"{100 * edge:.1f}%" for edge in interval)

    def line(kind: str, start: str, end: str) -> Markup:
        return element("line", x1=start, x2=end, y1=9, y2=9, class_=kind)

    parts = (line("track", "0%", "100%"), line("fill", "0%", f"{100 * share:.1f}%"), line("whisker", low, high))
    return element("svg", *parts, class_="c1", aria_hidden="true")


def confusion_matrix(names: Sequence[str], counts: Sequence[Sequence[int]], words: Words) -> Markup:
    """Right labels down, answers across, each cell tinted by its share of the row."""
    corner = element("td", class_="unseen")
    head = element("tr", corner, *[element("th", name, scope="col") for name in names])
    body = []
    for right, row in enumerate(counts):
        whole = max(1, sum(row))
        cells = []
        for answer, number in enumerate(row):
            kind = "none" if not number else "right" if answer == right else "wrong"
            told = f"{names[right]} → {names[answer]}: {number:,} ({percent(number / whole)})"
            cells.append(
                element("td", f"{number:,}" if number else "·", class_=kind, style=f"--share:{number / whole:.3f}", title=told)
            )
        body.append(element("tr", element("th", names[right], scope="row"), *cells))
    table = element("table", element("thead", head), element("tbody", *body), class_="confusion")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words("confusion"))


def confusion_pairs(names: Sequence[str], counts: Sequence[Sequence[int]], words: Words) -> Markup:
    """The commonest mistakes, where a matrix would be too large."""
    sizes = range(len(names))
    pairs = sorted((-counts[a][b], a, b) for a in sizes for b in sizes if a != b and counts[a][b])[:20]
    if not pairs:
        return Markup("")
    head = element(
        "tr",
        element("th", words("right_label"), scope="col"),
        element("th", words("answer"), scope="col"),
        *[element("th", words(key), scope="col", class_="number") for key in ("texts", "share_of_label")],
    )
    body = [
        element(
            "tr",
            element("th", names[a], scope="row"),
            element("td", names[b]),
            element("td", f"{-number:,}", class_="number"),
            element("td", percent(-number / max(1, sum(counts[a]))), class_="number"),
        )
        for number, a, b in pairs
    ]
    table = element("table", element("thead", head), element("tbody", *body), class_="pairs")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=words("confusion"))
