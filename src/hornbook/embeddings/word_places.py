"""Where the words that `words_like` finds stand in the raw text, though it folds capitals, widths and combining marks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.tokenizers.chinese import narrow


def word_places(text: str, words: Sequence[str]) -> NDArray[np.int64]:
    """(n, 2) begin and end in `text`, in characters, of words cut from it in their order.

    A word that is not found in the folded text (a dictionary cut it from changed characters) has an empty place.
    """
    folded, begins, ends = _folded(text)
    places = np.zeros((len(words), 2), np.int64)
    cursor = 0
    for index, word in enumerate(words):
        found = folded.find(_lower(word), cursor)
        if found < 0:
            places[index] = begins[cursor] if cursor < len(folded) else len(text)
            continue
        cursor = found + len(_lower(word))
        places[index] = begins[found], ends[cursor - 1]
    return places


def _folded(text: str) -> tuple[str, NDArray[np.int64], NDArray[np.int64]]:
    """The text as its words are spelled, capitals folded, and the raw place where each character of that begins and ends."""
    plain = _lower(text)
    if len(plain) == len(text) and unicodedata.is_normalized("NFC", text):
        straight, _ = narrow(plain.replace("\u2019", "'"))
        if len(straight) == len(text):
            places = np.arange(len(text), dtype=np.int64)
            return straight, places, places + 1
    pieces: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    start = 0
    while start < len(text):  # a letter with its marks is folded alone: what it becomes stands where it stood
        end = start + 1
        while end < len(text) and _joins(text[start:end], text[end]):
            end += 1
        narrowed, _ = narrow(unicodedata.normalize("NFC", text[start:end]).replace("\u2019", "'"))
        piece = _lower(narrowed)
        pieces.append(piece)
        begins += [start] * len(piece)
        ends += [end] * len(piece)
        start = end
    return "".join(pieces), np.array(begins, np.int64), np.array(ends, np.int64)


def _lower(text: str) -> str:
    """Small letters; a sigma is the same at the end of a word, which a letter alone does not show."""
    return text.lower().replace("\u03c2", "\u03c3")


def _joins(before: str, mark: str) -> bool:
    """Whether a character melts into the one before it: marks, Korean vowels and endings, voicing of half-width kana."""
    if mark in "\uff9e\uff9f":
        return True
    joining = unicodedata.category(mark)[0] == "M" or "\u1160" <= mark <= "\u11ff"
    return joining and not unicodedata.is_normalized("NFC", before + mark)
