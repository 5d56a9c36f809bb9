"""Filters: what changes the scores of the next token before one is chosen. Each is one idea; a list of them is a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.types import Tokenizer

Scores: TypeAlias = NDArray[np.float64]  # (B, V) natural logs, not necessarily normalised; -inf can never be chosen


class Filter(Protocol):
    """Turns scores into scores, knowing what each row has read and written so far."""

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """(B, V) -> (B, V); may work in place; `histories[i]` are the ids of row i, its prompt included."""
        ...


@dataclass(frozen=True)
class Suppress:
    """Ids that are never chosen, and all from `size` on (a network's vocabulary can be padded beyond its tokenizer's)."""

    ids: tuple[int, ...]
    size: int | None = None

    @classmethod
    def specials(cls, tokenizer: Tokenizer) -> Suppress:
        """Every special token but `end`: a text holds none of them."""
        ids = sorted(number for name, number in tokenizer.specials.items() if name != "end")
        return cls(tuple(ids), tokenizer.size)

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """Set the scores of the ids to -inf."""
        scores[:, list(self.ids)] = -np.inf
        if self.size is not None:
            scores[:, self.size :] = -np.inf
        return scores


@dataclass(frozen=True)
class RepetitionPenalty:
    """Makes every id already in the row less likely: above 0 its score is divided by `penalty`, below 0 multiplied.

    Keskar et al. 2019 (CTRL), section 4.1, on logits. A language model here gives log-probabilities, which are all below 0
    and near 0 exactly where a loop has formed, so they are first centred on their mean: a logit up to a constant of the row.
    """

    penalty: float

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """Centre each row on the mean of its finite scores, then scale the scores of the ids it holds."""
        finite = np.isfinite(scores)
        centre = np.where(finite, scores, 0.0).sum(axis=1) / np.maximum(1, finite.sum(axis=1))  # (B,)
        scores -= centre[:, None]
        for row, history in enumerate(histories):
            seen = np.unique(np.asarray(history, np.int64))
            old = scores[row, seen]
            scores[row, seen] = np.where(old > 0, old / self.penalty, old * self.penalty)
        return scores


@dataclass(frozen=True)
class Temperature:
    """Divides the scores: below 1 sharper, above 1 flatter."""

    temperature: float

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """Scores over the temperature."""
        scores /= self.temperature
        return scores


@dataclass(frozen=True)
class TopK:
    """Keeps the k most likely ids of each row, and those that tie with the last of them (Fan et al. 2018, section 5.4)."""

    k: int

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """Everything below the k-th largest score becomes -inf."""
        if self.k >= scores.shape[1]:
            return scores
        border = np.partition(scores, -self.k, axis=1)[:, -self.k]  # (B,)
        scores[scores < border[:, None]] = -np.inf
        return scores


@dataclass(frozen=True)
class TopP:
    """Keeps the smallest set of most likely ids whose probabilities reach p (nucleus; Holtzman et al. 2020, section 3.1)."""

    p: float

    def __call__(self, scores: Scores, histories: Sequence[Sequence[int]]) -> Scores:
        """An id is dropped when the ids before it, sorted by probability, already reach p."""
        order = np.argsort(-scores, axis=1, kind="stable")  # (B, V)
        probabilities = normalised(np.take_along_axis(scores, order, axis=1))
        before = np.cumsum(probabilities, axis=1) - probabilities
        dropped = np.zeros(scores.shape, np.bool_)
        np.put_along_axis(dropped, order, before >= self.p, axis=1)
        dropped[np.arange(len(scores)), order[:, 0]] = False  # the most likely id always stays
        scores[dropped] = -np.inf
        return scores


def normalised(scores: Scores) -> NDArray[np.float64]:
    """(B, V) probabilities of scores; rows sum to 1."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return result
