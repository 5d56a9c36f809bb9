"""Characters and their place in a word (B M E S) as one chain: p(c_i t_i | c_i-2 t_i-2, c_i-1 t_i-1), smoothed.

A hidden Markov model of second order whose emissions see the two characters before (the character-based generative model of
Wang, Zong and Su 2010). With x = (character, tag), u(h) the number of different x seen after h, and weights k:

p(x3 | x1 x2) = (c(x1 x2 x3) + k3 u(x1 x2) p(x3 | x2)) / (c(x1 x2) + k3 u(x1 x2))
p(x2 | x1)    = (c(x1 x2) + k2 u(x1) p(x2)) / (c(x1) + k2 u(x1))
p(x)          = (c(x) + a) / (N + a X);  a character never seen has the tags of the characters seen once
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.sequences.shards import even_shards, run_shards
from hornbook.statistical.joint_kernels import SUCCESSORS, S, best_tags, build_table

BITS = 20  # of a character number
_SMALLEST = 0.01  # pseudo-count a
_TAGS = 4


@dataclass(frozen=True, eq=False)
class JointCounts:
    """Occurrences of three characters with their tags: `keys` (n,) increasing, `counts` (n,).

    A symbol is 4 * character + tag in 21 bits, a key three of them. Character 0 is the boundary (tag S), 1 an unknown one;
    `characters` numbers 0 .. C - 1.
    """

    characters: int
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, symbols: NDArray[np.int64], starts: NDArray[np.int64], characters: int) -> Self:
        """Count sentences of symbols (n,), each between two boundaries before it and one after."""
        sentences = starts.size - 1
        padded = np.full(symbols.size + 3 * sentences, S, dtype=np.int64)
        body = np.arange(symbols.size) + 3 * np.repeat(np.arange(sentences), np.diff(starts)) + 2
        padded[body] = symbols
        ends = np.ones(padded.size, dtype=np.bool_)  # the third symbol of a triple may be any but the two first of a sentence
        heads = starts[:-1] + 3 * np.arange(sentences)
        ends[heads] = ends[heads + 1] = False
        at = np.flatnonzero(ends)
        keys, counts = np.unique(_key(padded[at - 2], padded[at - 1], padded[at]), return_counts=True)
        return cls(characters, keys, counts.astype(np.int64))

    def is_sound(self) -> bool:
        """Whether keys increase, symbols are in range, their tags legal, and every count is at least 1."""
        if self.keys.size == 0 or self.keys.min() < 0 or (np.diff(self.keys) <= 0).any():
            return False
        if self.counts.min() < 1 or self.counts.max() >= 1 << 40:
            return False
        first, second, third = self.symbols()
        if max(int(part.max()) for part in (first, second, third)) >= _TAGS * self.characters:
            return False
        legal = np.zeros((_TAGS, _TAGS), dtype=np.bool_)
        np.put_along_axis(legal, SUCCESSORS, True, axis=1)
        return bool(legal[first & 3, second & 3].all() and legal[second & 3, third & 3].all())

    def symbols(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The three symbols of every key."""
        mask = (1 << (BITS + 1)) - 1
        return self.keys >> (2 * (BITS + 1)), (self.keys >> (BITS + 1)) & mask, self.keys & mask


def _key(first: NDArray[np.int64], second: NDArray[np.int64], third: NDArray[np.int64]) -> NDArray[np.int64]:
    return (((first << (BITS + 1)) | second) << (BITS + 1)) | third


class JointModel:
    """Log-probabilities looked up by characters: one row for all legal tags of one, two and three characters."""

    def __init__(self, counts: JointCounts, *, strength: tuple[float, float], least: int) -> None:
        """`strength` = (k2, k3); triples seen fewer than `least` times are left out of the table (they still count below)."""
        self._weights = strength
        first, second, third = counts.symbols()
        amounts = counts.counts.astype(np.float64)
        single = self._singles(counts.characters, third, amounts)
        pair_key = (second << (BITS + 1)) | third
        pairs, inverse = np.unique(pair_key, return_inverse=True)
        pair_amounts: NDArray[Any] = np.bincount(inverse, amounts, pairs.size)
        single_total, single_kinds = self._after(pairs >> (BITS + 1), pair_amounts, _TAGS * counts.characters)
        share = self._weights[0] * single_kinds / np.maximum(single_total + self._weights[0] * single_kinds, 1e-9)
        single_share = np.where(single_total > 0, share, 1.0).reshape(-1, _TAGS)
        self._pairs(pairs, pair_amounts, single, single_share, single_total, single_kinds)
        self._triples((first, second, third), amounts, least)
        self._single, self._single_backoff = np.log(single).astype(np.float32), np.log(single_share).astype(np.float32)

    def tags(
        self, characters: NDArray[np.int32], starts: NDArray[np.int64], *, wishes: NDArray[np.float32], threads: int
    ) -> NDArray[np.uint8]:
        """The best tags (n,) of sentences of character numbers; see `best_tags`."""
        tags = np.empty(characters.size, dtype=np.uint8)
        one = (self._single, self._single_backoff)
        two = (*self._pair_table, self._pair_scores, self._pair_backoff)
        three = (*self._triple_table, self._triple_scores)
        run_shards(
            lambda first, last: best_tags(characters, starts, first, last, 0, BITS, *one, *two, *three, wishes, tags),
            even_shards(starts, threads),
            threads,
        )
        return tags

    def _singles(self, characters: int, symbols: NDArray[np.int64], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(C, 4) p(x)."""
        counts: NDArray[Any] = np.bincount(symbols, amounts, _TAGS * characters).reshape(-1, _TAGS)
        once = counts[counts.sum(axis=1) == 1].sum(axis=0)
        counts[1] = (once + 1) / (once.sum() + _TAGS)  # an unknown character, as if seen once
        counts += _SMALLEST
        shares: NDArray[np.float64] = counts / counts.sum()
        return shares

    @staticmethod
    def _after(contexts: NDArray[np.int64], amounts: NDArray[np.float64], size: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """How often each context is followed, and by how many different symbols."""
        return np.bincount(contexts, amounts, size), np.bincount(contexts, minlength=size).astype(np.float64)

    def _pairs(
        self,
        pairs: NDArray[np.int64],
        amounts: NDArray[np.float64],
        single: NDArray[np.float64],
        single_share: NDArray[np.float64],
        totals: NDArray[np.float64],
        kinds: NDArray[np.float64],
    ) -> None:
        """Rows of two characters: p(x2 | x1) for their 8 legal pairs of tags."""
        before, after = pairs >> (BITS + 1), pairs & ((1 << (BITS + 1)) - 1)
        keys, row = np.unique((before >> 2 << BITS) | (after >> 2), return_inverse=True)
        self._pair_keys = keys
        first, second = keys >> BITS, keys & ((1 << BITS) - 1)
        scores = np.empty((keys.size, 8))
        for a in range(8):
            scores[:, a] = single_share[first, a >> 1] * single[second, SUCCESSORS[a >> 1, a & 1]]
        denominator = totals[before] + self._weights[0] * kinds[before]
        scores[row, _column(before & 3, after & 3)] += amounts / denominator
        self._pair_shares = scores
        self._pair_scores = np.log(scores).astype(np.float32)
        self._pair_table = _table(keys)

    def _triples(
        self, symbols: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], amounts: NDArray[np.float64], least: int
    ) -> None:
        """Rows of three characters, p(x3 | x1 x2) for their 16 legal triples of tags; and the back-off weight of every pair."""
        first, second, third = symbols
        pair_row = np.searchsorted(self._pair_keys, (first >> 2 << BITS) | (second >> 2))
        known = self._pair_keys[np.minimum(pair_row, self._pair_keys.size - 1)] == ((first >> 2 << BITS) | (second >> 2))
        context = pair_row * 8 + _column(first & 3, second & 3)
        size = 8 * self._pair_keys.size
        totals, kinds = self._after(context[known], amounts[known], size)
        mass = self._weights[1] * kinds
        backoff = np.where(totals > 0, mass / np.maximum(totals + mass, 1e-9), 1.0)
        self._pair_backoff = np.log(backoff.reshape(-1, 8)).astype(np.float32)
        kept = known & (amounts >= least)
        key = (((first >> 2 << BITS) | (second >> 2)) << BITS) | (third >> 2)
        keys, row = np.unique(key[kept], return_inverse=True)
        left = np.searchsorted(self._pair_keys, keys >> BITS)
        right = np.searchsorted(self._pair_keys, keys & ((1 << (2 * BITS)) - 1))
        scores = np.empty((keys.size, 16))
        backoff = backoff.reshape(-1, 8)
        for a in range(8):
            for k in range(2):
                state = 2 * SUCCESSORS[a >> 1, a & 1] + k
                scores[:, 2 * a + k] = backoff[left, a] * self._pair_shares[right, state]
        column = 2 * _column(first & 3, second & 3) + _column(second & 3, third & 3) % 2
        np.add.at(scores, (row, column[kept]), amounts[kept] / (totals + mass)[context[kept]])
        self._triple_scores = np.log(scores).astype(np.float32)
        self._triple_table = _table(keys)
        del self._pair_shares


def _column(tag: NDArray[np.int64], successor: NDArray[np.int64]) -> NDArray[np.int64]:
    """2 * tag + k, where `successor` is the k-th legal one: S comes after B, E after M."""
    column: NDArray[np.int64] = 2 * tag + ((successor == S) | (successor == SUCCESSORS[0, 1]))
    return column


def _table(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    places, rows = build_table(keys, max(4, int(2 * keys.size).bit_length()))
    return places, rows
