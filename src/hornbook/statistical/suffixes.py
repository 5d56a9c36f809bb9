"""P(tag | word) for words seen, seldom seen and never seen: from the word, its folded form, its suffixes, its shape.

Every estimate leans on the next coarser one with a fixed number of pseudo-counts:

P(t | suffix of n letters) = (c(t, suffix) + k P(t | suffix of n - 1 letters)) / (c(suffix) + k),   likewise
P(t | folded form) on the longest suffix known, and P(t | word) on the folded form.

Suffixes are counted over rare words only, once a word and tag, apart for each shape: that is how new words look (Samuelsson
1993; Brants 2000, section 2.3, where the weight is a standard deviation and the shape is capital or not).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.runtime import total_memory_mb
from hornbook.statistical.memory import fits

_DIGIT = re.compile(r"\d")
_SHAPES = "dDplhUTtmM"  # one letter each, see `shape`


@dataclass(frozen=True)
class SuffixConfig:
    """Words seen at most `rare` times teach suffixes of up to `longest` letters; the others are pseudo-counts."""

    longest: int = 10
    rare: int = 20
    suffix_weight: float = 2.0
    folded_weight: float = 4.0
    word_weight: float = 1.0


@dataclass(frozen=True, eq=False)
class TagCounts:
    """Strings and how often each had each tag: string i has the entries offsets[i] to offsets[i + 1]."""

    strings: tuple[str, ...]
    offsets: NDArray[np.int64]  # (n + 1,)
    tags: NDArray[np.int32]
    counts: NDArray[np.int32]

    @classmethod
    def of(cls, counted: Counter[tuple[str, int]], *, least: int = 1) -> Self:
        """Sorted by string and tag; strings counted fewer than `least` times are left out."""
        totals: Counter[str] = Counter()
        for (string, _), count in counted.items():
            totals[string] += count
        entries = sorted((string, tag, count) for (string, tag), count in counted.items() if totals[string] >= least)
        strings = tuple(dict.fromkeys(string for string, _, _ in entries))
        place = {string: i for i, string in enumerate(strings)}
        sizes = np.bincount([place[string] for string, _, _ in entries], minlength=len(strings)) if entries else np.zeros(0)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        tags = np.array([tag for _, tag, _ in entries], dtype=np.int32)
        return cls(strings, offsets, tags, np.array([count for _, _, count in entries], dtype=np.int32))

    def dense(self, tags: int) -> NDArray[np.float64]:
        """(n, tags) counts."""
        table = np.zeros((len(self.strings), tags))
        rows = np.repeat(np.arange(len(self.strings)), np.diff(self.offsets))
        np.add.at(table, (rows, self.tags), self.counts)
        return table


class Lexicon:
    """What the words of a tagged text say about tags. Everything is derived from three tables of counts."""

    def __init__(self, tags: int, words: TagCounts, folded: TagCounts, suffixes: TagCounts, config: SuffixConfig) -> None:
        need = 8e-6 * tags * sum(count * len(table.strings) for count, table in ((4, words), (1, folded), (3, suffixes)))
        if not fits(need):
            raise UsageError(
                "a tagger of {words} words and {tags} tags takes {need:.0f} MB, of {limit:.0f} MB on this machine: "
                "train with fewer tags or less text",
                words=len(words.strings),
                tags=tags,
                need=need,
                limit=total_memory_mb(),
            )
        self.config, self.tags = config, tags
        self.words, self.folded, self.suffixes = words, folded, suffixes
        self.place = {word: i for i, word in enumerate(words.strings)}
        self._folded_place = {form: i for i, form in enumerate(folded.strings)}
        self._suffix_place = {suffix: i for i, suffix in enumerate(suffixes.strings)}
        self._folded_counts = folded.dense(tags)
        self._suffix_shares = self._chain(suffixes.dense(tags))

    @classmethod
    def of(cls, sentences: Iterable[tuple[Sequence[str], Sequence[int]]], tags: int, config: SuffixConfig) -> Self:
        """Count tagged sentences (words, tag numbers below `tags`)."""
        words: Counter[tuple[str, int]] = Counter()
        seen: set[tuple[str, str, int]] = set()  # shape (it depends on the place in the sentence), word, tag
        for tokens, labels in sentences:
            words.update(zip(tokens, labels, strict=True))
            seen.update((shape(word, first=n == 0), word, tag) for n, (word, tag) in enumerate(zip(tokens, labels)))
        folded: Counter[tuple[str, int]] = Counter()
        totals: Counter[str] = Counter()
        for (word, tag), count in words.items():
            folded[fold(word), tag] += count
            totals[word] += count
        suffixes: Counter[tuple[str, int]] = Counter()
        for kind, word, tag in seen:
            if totals[word] <= config.rare:
                form = fold(word)
                for length in range(min(config.longest, len(form)) + 1):
                    suffixes[kind + form[len(form) - length :], tag] += 1
        return cls(tags, TagCounts.of(words), TagCounts.of(folded), TagCounts.of(suffixes, least=2), config)

    def known_shares(self) -> NDArray[np.float64]:
        """(words, tags) P(tag | word) of every word of the text, in the order of `words.strings`."""
        shares = self.unknown_shares([(word, False) for word in self.words.strings])
        return _lean(self.words.dense(self.tags), self.config.word_weight, shares)

    def unknown_shares(self, words: Sequence[tuple[str, bool]]) -> NDArray[np.float64]:
        """(words, tags) P(tag | folded form, suffix, shape) of words, each with whether it begins a sentence."""
        folded = np.full(len(words), -1, dtype=np.int64)
        suffix = np.full(len(words), -1, dtype=np.int64)
        suffix_place, longest = self._suffix_place, self.config.longest
        for i, (word, first) in enumerate(words):
            form = fold(word)
            folded[i] = self._folded_place.get(form, -1)
            kind = shape(word, first=first)
            for length in range(min(longest, len(form)), -1, -1):
                found = suffix_place.get(kind + form[len(form) - length :])
                if found is not None:
                    suffix[i] = found
                    break
        shares = self._suffix_shares[suffix]  # the last row, -1, is that of a shape never seen
        seen = folded >= 0
        shares[seen] = _lean(self._folded_counts[folded[seen]], self.config.folded_weight, shares[seen])
        return shares

    def _chain(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(suffixes + 1, tags) smoothed shares, shortest suffixes first; the last row leans on nothing but all rare words."""
        strings = self.suffixes.strings
        shapes = np.array([len(string) == 1 for string in strings], dtype=np.bool_)
        rare = counts[shapes].sum(axis=0) + 1.0
        shares = np.empty((len(strings) + 1, self.tags))
        shares[-1] = rare / rare.sum()
        lengths = np.array([len(string) for string in strings], dtype=np.int64)
        shorter = np.array([self._suffix_place.get(string[0] + string[2:], -1) for string in strings], dtype=np.int64)
        shorter[shapes] = -1
        for length in range(1, int(lengths.max(initial=0)) + 1):
            rows = np.flatnonzero(lengths == length)
            shares[rows] = _lean(counts[rows], self.config.suffix_weight, shares[shorter[rows]])
        return shares


def fold(word: str) -> str:
    """Lower case, every digit 0."""
    return _DIGIT.sub("0", word.lower())


def shape(word: str, *, first: bool) -> str:
    """One letter for digits, marks, capitals, hyphens; a capital at the begin of a sentence says less than one inside."""
    if any(character.isdigit() for character in word):
        return "D" if any(character.isalpha() for character in word) else "d"
    if not any(character.isalpha() for character in word):
        return "p"
    if word.islower():
        return "h" if "-" in word else "l"
    if word.isupper() and len(word) > 1:
        return "U"
    if word[0].isupper() and (word[1:].islower() or len(word) == 1):
        return "T" if first else "t"
    return "M" if word.isalpha() else "m"


def _lean(counts: NDArray[np.float64], weight: float, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """(counts + weight * base) / (sum + weight), row by row."""
    shares: NDArray[np.float64] = (counts + weight * base) / (counts.sum(axis=1, keepdims=True) + weight)
    return shares
