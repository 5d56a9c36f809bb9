"""Which scripts a text is written in: shares of letters, counted over code points by numpy."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

_CODE_POINTS = 0x110000
_RANGES = (
    ("Latin", 0x41, 0x24F),
    ("Latin", 0x1E00, 0x1EFF),
    ("Latin", 0xFF21, 0xFF5A),
    ("Greek", 0x370, 0x3FF),
    ("Greek", 0x1F00, 0x1FFF),
    ("Cyrillic", 0x400, 0x52F),
    ("Armenian", 0x530, 0x58F),
    ("Hebrew", 0x590, 0x5FF),
    ("Arabic", 0x600, 0x6FF),
    ("Arabic", 0x750, 0x77F),
    ("Arabic", 0xFB50, 0xFDFF),
    ("Arabic", 0xFE70, 0xFEFE),
    ("Devanagari", 0x900, 0x97F),
    ("Bengali", 0x980, 0x9FF),
    ("Gurmukhi", 0xA00, 0xA7F),
    ("Gujarati", 0xA80, 0xAFF),
    ("Tamil", 0xB80, 0xBFF),
    ("Telugu", 0xC00, 0xC7F),
    ("Kannada", 0xC80, 0xCFF),
    ("Malayalam", 0xD00, 0xD7F),
    ("Sinhala", 0xD80, 0xDFF),
    ("Thai", 0xE00, 0xE7F),
    ("Lao", 0xE80, 0xEFF),
    ("Tibetan", 0xF00, 0xFFF),
    ("Burmese", 0x1000, 0x109F),
    ("Georgian", 0x10A0, 0x10FF),
    ("Hangul", 0x1100, 0x11FF),
    ("Hangul", 0xAC00, 0xD7AF),
    ("Ethiopic", 0x1200, 0x139F),
    ("Khmer", 0x1780, 0x17FF),
    ("Mongolian", 0x1800, 0x18AF),
    ("Kana", 0x3041, 0x30FF),
    ("Bopomofo", 0x3100, 0x312F),
    ("Han", 0x3400, 0x4DBF),
    ("Han", 0x4E00, 0x9FFF),
    ("Han", 0xF900, 0xFAFF),
    ("Han", 0x20000, 0x323AF),
)


class ScriptCounter:
    """Counts code points of texts; one fixed table, whatever the size of the text."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_CODE_POINTS, np.int64)

    def add(self, text: str) -> None:
        """Count the characters of a text."""
        points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")
        if points.size:
            found = np.bincount(points)
            self._counts[: found.size] += found

    @property
    def different(self) -> int:
        """Different characters seen."""
        return int(np.count_nonzero(self._counts))

    def shares(self) -> dict[str, float]:
        """Script to its share of the letters, largest first; 'other' for scripts not named here, {} without letters."""
        letters = {int(point): int(self._counts[point]) for point in np.flatnonzero(self._counts) if _is_letter(int(point))}
        total = sum(letters.values())
        sums: dict[str, int] = {}
        for point, count in letters.items():
            script = next((name for name, first, last in _RANGES if first <= point <= last), "other")
            sums[script] = sums.get(script, 0) + count
        return {name: count / total for name, count in sorted(sums.items(), key=lambda item: -item[1])}


def _is_letter(point: int) -> bool:
    return unicodedata.category(chr(point))[0] == "L"
