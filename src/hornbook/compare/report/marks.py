"""The look of each contestant, the same in every chart: a colour for the model, a shape for its generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hornbook.compare.report.markup import Markup, element
from hornbook.compare.results import RaceRow

COLOURS = 8  # slots c0..c7 of style.css
_PREFERRED = {"gpt": 0, "lstm": 1, "gru": 2, "rnn": 3, "ngram": 4, "unigram": 5}


_CROSS = (
    *((0.35, -1.0), (0.35, -0.35), (1.0, -0.35), (1.0, 0.35), (0.35, 0.35), (0.35, 1.0)),
    *((-0.35, 1.0), (-0.35, 0.35), (-1.0, 0.35), (-1.0, -0.35), (-0.35, -0.35), (-0.35, -1.0)),
)  # corners of a plus sign


@dataclass(frozen=True)
class Look:
    """Colour slot, marker shape, dash pattern of a line, and whether marks are hollow (not to be judged)."""

    colour: str
    shape: str
    dashes: str | None = None
    hollow: bool = False


def looks(rows: Sequence[RaceRow]) -> dict[str, Look]:
    """A look for every row by name. A family keeps its colour from report to report; a second of its kind takes a free one."""
    result: dict[str, Look] = {}
    used: dict[int, int] = {}
    for row in rows:
        family = "unigram" if "unigram" in (row.name.lower(), row.family.lower()) else row.family.lower()
        slot = _PREFERRED.get(family, COLOURS - 1)
        if slot in used:
            slot = min(range(COLOURS), key=lambda number: (used.get(number, 0), number != slot, -number))
        repeats = used.get(slot, 0)
        used[slot] = repeats + 1
        shape = {1: "cross", 2: "square", 3: "circle", 4: "diamond"}.get(row.generation, "circle")
        result[row.name] = Look(f"c{slot}", shape, "5 3" if repeats else None, row.too_small_to_judge)
    return result


def marker(look: Look, x: float, y: float, *, size: float = 5.0, title: str | None = None) -> Markup:
    """The mark of a model centred at (x, y); `size` is its radius in pixels."""
    paths = {
        "circle": f"M{-size:.2f} 0a{size:.2f} {size:.2f} 0 1 0 {2 * size:.2f} 0a{size:.2f} {size:.2f} 0 1 0 {-2 * size:.2f} 0z",
        "square": _polygon(size * 0.88, ((-1, -1), (1, -1), (1, 1), (-1, 1))),
        "diamond": _polygon(size * 1.25, ((0, -1), (1, 0), (0, 1), (-1, 0))),
        "cross": _polygon(size * 1.2, _CROSS),
    }
    kind = f"mark {look.colour}" + (" hollow" if look.hollow else "")
    tooltip = (element("title", title),) if title else ()
    return element("path", *tooltip, d=paths[look.shape], transform=f"translate({x:.2f} {y:.2f})", class_=kind)


def swatch(look: Look) -> Markup:
    """The mark alone, to stand before a name in text."""
    return element("svg", marker(look, 7, 7), class_="swatch", width=14, height=14, viewBox="0 0 14 14", aria_hidden="true")


def _polygon(size: float, corners: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x * size:.2f} {y * size:.2f}" for x, y in corners) + "z"
