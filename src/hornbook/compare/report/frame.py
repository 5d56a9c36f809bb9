"""What all charts share: the plot area, its axes and grid, and the SVG around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hornbook.compare.report.markup import Markup, element, join
from hornbook.compare.report.scales import Scale

TEXT_SIZE = 13.0  # pixels, as style.css sets chart text

Tick = tuple[float, str]  # value, label


@dataclass(frozen=True)
class Frame:
    """A plot area inside a drawing of `width` x `height` pixels, with the scales that fill it."""

    width: float
    height: float
    x: Scale
    y: Scale

    @property
    def left(self) -> float:
        """Left edge of the plot area."""
        return min(self.x.start, self.x.end)

    @property
    def right(self) -> float:
        """Right edge of the plot area."""
        return max(self.x.start, self.x.end)

    @property
    def top(self) -> float:
        """Top edge of the plot area."""
        return min(self.y.start, self.y.end)

    @property
    def bottom(self) -> float:
        """Bottom edge of the plot area."""
        return max(self.y.start, self.y.end)


def axes(frame: Frame, x_ticks: Sequence[Tick], y_ticks: Sequence[Tick], *, x_label: str, y_label: str) -> Markup:
    """Hairlines at the ticks, tick labels, and the names of both axes, written level."""
    parts: list[Markup] = []
    for value, label in y_ticks:
        y = frame.y(value)
        parts.append(element("line", x1=frame.left, x2=frame.right, y1=y, y2=y, class_="grid"))
        parts.append(element("text", label, x=frame.left - 8, y=y + 4, text_anchor="end", class_="tick"))
    for value, label in x_ticks:
        x = frame.x(value)
        parts.append(element("line", x1=x, x2=x, y1=frame.bottom, y2=frame.bottom + 5, class_="axis"))
        parts.append(element("text", label, x=x, y=frame.bottom + 20, text_anchor="middle", class_="tick"))
    parts.append(element("line", x1=frame.left, x2=frame.right, y1=frame.bottom, y2=frame.bottom, class_="axis"))
    parts.append(element("text", y_label, x=2, y=14, class_="axis-name"))
    parts.append(element("text", x_label, x=frame.right, y=frame.bottom + 42, text_anchor="end", class_="axis-name"))
    return join(*parts)


def drawing(name: str, width: float, height: float, *parts: Markup, title: str, description: str, kind: str) -> Markup:
    """An accessible SVG that scales with the page; `name` makes its ids unique, `kind` is wide or narrow."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *parts,
        class_=f"chart {kind}",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
