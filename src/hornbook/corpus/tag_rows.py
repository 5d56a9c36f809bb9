"""Labelled words over the tokens of a network: where each word begins, windows of long texts, characters of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONGEST_WORD = 24  # characters that are read: of a longer word its two ends
UNKNOWN_CHARACTER = 1
NO_LABEL = -100


@dataclass(frozen=True, eq=False)
class TagRow:
    """A text or a window of it.

    ids: (T,) added tokens not included. places: (K,) the token with which each word begins. words: first and last (excluded) of
    them in the text. own: first and last of those that this window answers for; each word of a text has one window.
    """

    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    words: tuple[int, int]
    own: tuple[int, int]
    text: int


def first_tokens(words: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """(K,) the token in which each word (K, 2) begins; tokens (T, 2), both as places in the text.

    A word without a token of its own (a network may drop what it does not know) is given the token before it. ValueError when
    there is no token.
    """
    if not len(tokens):
        raise ValueError("no token")
    found = np.searchsorted(np.maximum.accumulate(tokens[:, 1]), words[:, 0], side="right")
    found = np.minimum(found, len(tokens) - 1)
    missed = tokens[found, 0] >= words[:, 1]
    return np.where(missed, np.maximum(found - 1, 0), found).astype(np.int64)


def windows(ids: NDArray[np.int64], places: NDArray[np.int64], *, room: int, text: int) -> list[TagRow]:
    """A text in windows of at most `room` tokens, a quarter of each shared with the next; a word is answered for where it
    stands farther from the edge.
    """
    if len(ids) <= room:
        return [TagRow(ids, places, (0, len(places)), (0, len(places)), text)]
    overlap = room // 4
    rows = []
    for begin in range(0, len(ids) - overlap, room - overlap):
        end = min(begin + room, len(ids))
        seen = np.searchsorted(places, [begin, end])
        low = begin + overlap // 2 if begin else 0
        high = end if end == len(ids) else begin + room - overlap + overlap // 2
        own = np.searchsorted(places, [low, high])
        if own[0] < own[1]:
            first, last = int(seen[0]), int(seen[1])
            rows.append(TagRow(ids[begin:end], places[first:last] - begin, (first, last), (int(own[0]), int(own[1])), text))
    return rows


def targets_of(row: TagRow, labels: NDArray[np.int64], continuing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(K,) the labels of the words that a row answers for, NO_LABEL for the others.

    `continuing` (L,) marks labels that begin no span: those at the beginning of a later window are left to the one before it.
    """
    first, last = row.own
    if first:
        while first < last and continuing[labels[first]]:
            first += 1
    result = np.full(row.words[1] - row.words[0], NO_LABEL, np.int64)
    result[first - row.words[0] : last - row.words[0]] = labels[first:last]
    return result


class Alphabet:
    """Characters by number: 0 is none, 1 any that was not seen."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._index = {character: number for number, character in enumerate(characters, UNKNOWN_CHARACTER + 1)}
        self._forms: dict[str, NDArray[np.int64]] = {}

    @classmethod
    def of(cls, words: Iterable[str]) -> Alphabet:
        """The characters of these words."""
        return cls("".join(sorted({character for word in words for character in word})))

    @property
    def size(self) -> int:
        """Numbers of characters."""
        return len(self.characters) + UNKNOWN_CHARACTER + 1

    def spell(self, words: Sequence[str]) -> list[NDArray[np.int64]]:
        """The characters of every word; of a long one its two ends."""
        return [self._spelled(word) for word in words]

    def _spelled(self, word: str) -> NDArray[np.int64]:
        if word not in self._forms:
            if len(self._forms) > 1 << 18:
                self._forms.clear()
            half = _LONGEST_WORD // 2
            short = word if len(word) <= _LONGEST_WORD else word[:half] + word[-half:]
            self._forms[word] = np.array([self._index.get(one, UNKNOWN_CHARACTER) for one in short], np.int64)
        return self._forms[word]
