"""Cut long text where the cut changes no token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hornbook.tokenizers.alphabet import LONGEST_PRETOKEN

CHUNK = 32_768  # characters handed to the Rust side at once; larger ones were not faster
_SURROGATES = re.compile("[\ud800-\udfff]")
_BEFORE_SPACE = re.compile(r"(?<=\S)[ \n]")
_ENDS_SPACE = re.compile(
    r"\s[\S\x1c-\x1f]"
)  # a pattern leaves the last space to what follows; U+001C to 1F are no spaces to it
_WINDOW = 2048  # how far back a space is looked for before the costlier search

Boundary = Callable[[str, int, int], int]
"""(text, start, latest) -> where to cut, start < cut <= latest, or len(text) for nowhere. `start` is itself such a place."""


def replace_surrogates(text: str) -> str:
    """The text with every lone surrogate, which UTF-8 cannot hold, replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def chunks(text: str, boundary: Boundary, *, longest: int = CHUNK) -> Iterator[str]:
    """The text in pieces of at most about `longest` characters, cut at boundaries."""
    start = 0
    while len(text) - start > longest:
        end = boundary(text, start, start + longest)
        yield text[start:end]
        start = end
    if start < len(text) or not text:
        yield text[start:]


def anywhere(text: str, start: int, latest: int) -> int:
    """For characters and bytes."""
    return latest


def before_space(text: str, start: int, latest: int) -> int:
    """For words between spaces: before the last space that follows something else, else before the next one."""
    found = _last_space(text, max(start + 1, latest - _WINDOW), latest)
    if found is None:
        following = _BEFORE_SPACE.search(text, latest)
        return following.start() if following else len(text)
    return found


def between_pretokens(cut: Callable[[str], list[tuple[str, tuple[int, int]]]]) -> Boundary:
    """For pattern-cut kinds, given the pattern's cutter.

    No pattern lets a pre-token cross from a non-space to a space, so a cut there is always right. Where there is no space,
    the pattern is run on the stretch: matching goes left to right and looks less than LONGEST_PRETOKEN ahead, so every
    pre-token that ends earlier than that before the stretch's end is the one that the whole text has. Where spaces end is no
    place to cut: which of them belong together depends on what follows.
    """

    def boundary(text: str, start: int, latest: int) -> int:
        found = _last_space(text, max(start + 1, latest - _WINDOW), latest)
        if found is not None:
            return found
        for _, (begin, _) in reversed(cut(text[start:latest])):
            place = start + begin
            if place <= latest - 2 * LONGEST_PRETOKEN and not _ENDS_SPACE.match(text, place - 1):
                return place if begin else latest
        return latest

    return boundary


def _last_space(text: str, earliest: int, latest: int) -> int | None:
    last = None
    for match in _BEFORE_SPACE.finditer(text, earliest, latest):
        last = match.start()
    return last
