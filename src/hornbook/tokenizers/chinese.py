"""Chinese and other text without spaces between words: full and half width, is it cut into words already, cutting it.

rjieba (extra `zh`) finds Chinese words with a dictionary and a hidden Markov model for words that are not in it. Without it,
and for scripts it does not know, every character is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeAlias

from hornbook.core.errors import needs_extra

HAN_KANA = "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
"""Chinese characters and Japanese syllables, as ranges of a regular expression's character class."""
SOUTHEAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f"
"""Thai, Lao, Burmese, Khmer and Tai scripts, likewise."""
UNSPACED = HAN_KANA + SOUTHEAST_ASIAN
"""Scripts that put no space between words, likewise."""

Segmenter: TypeAlias = Callable[[str], list[str]]
"""A text to its words; joined, they are the text."""

_NARROWED = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff65-\uff9f]+")
_FIRST_MARK, LAST_MARK = 0x300, 0xE01EF
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_CUT = re.compile(f"[{HAN_KANA}][ \t\u3000]+(?=[{HAN_KANA}])")
_HAN_KANA = re.compile(f"[{HAN_KANA}]")
_CUT_SHARE = 0.2  # words of running Chinese have 1.5 to 2 characters: half of them stand before a space when it is cut


def narrow(text: str) -> tuple[str, int]:
    """Full-width Latin letters and digits to ordinary ones (Ａ１ to A1), half-width kana to full ones; how many runs changed.

    Chinese punctuation stays as it is: full width is its own.
    """
    if text.isascii():
        return text, 0
    return _NARROWED.subn(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def is_unspaced(text: str) -> bool:
    """Whether a text has Chinese or Japanese that is not cut into words by spaces."""
    characters = len(_HAN_KANA.findall(text))
    return characters > 0 and len(_CUT.findall(text)) < _CUT_SHARE * characters


@cache
def marks(last: int = 0xFFFF) -> str:
    """Combining marks up to a code point, which belong to the letter before them, as ranges of a character class.

    The few beyond 0xFFFF slow a pattern down five times: leave them out for a text that has no such character.
    """
    points = [point for point in range(_FIRST_MARK, last + 1) if unicodedata.category(chr(point))[0] == "M"]
    starts = [point for place, point in enumerate(points) if place == 0 or points[place - 1] != point - 1]
    ends = [point for place, point in enumerate(points) if place == len(points) - 1 or points[place + 1] != point + 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends))


def last_mark(text: str) -> int:
    """What `marks` needs to know of a text."""
    return LAST_MARK if _BEYOND.search(text) else 0xFFFF


def characters(text: str) -> list[str]:
    """Each character of an unspaced script with its marks, runs of other letters and digits whole, and what lies between."""
    return _pieces(last_mark(text)).findall(text)


@cache
def _pieces(last: int) -> re.Pattern[str]:
    mark = f"[{marks(last)}]"
    return re.compile(f"[{UNSPACED}]{mark}*+|(?:[^\\W{UNSPACED}]{mark}*+)++|[^\\w{UNSPACED}]++")


def segmenter(name: Literal["auto", "characters", "rjieba"]) -> Segmenter:
    """The function that cuts unspaced text: rjieba's words, single characters, or rjieba where it is installed ("auto").

    The first call of rjieba loads its dictionary (half a second). UsageError names the extra when rjieba is asked for and
    not installed.
    """
    if name == "characters":
        return characters
    try:
        import rjieba
    except ImportError as error:
        if name == "auto":
            return characters
        raise needs_extra("rjieba", "zh") from error
    cut: Segmenter = rjieba.cut
    return cut
