"""What every interpolating smoothing shares: probabilities of all orders from counts, from the lowest order up.

p(w | h) = (c(hw) - D(c(hw))) / T(h) + gamma(h) p(w | h'),    h' = h without its first word
T(h)     = c(h.) + A N(h.) + B                                 N(h.): number of different words after h
gamma(h) = 1 - sum over kept w of (c(hw) - D(c(hw))) / T(h)    whatever was taken away or added, so that the sum over w is 1

A smoothing is a choice of D, A and B. Below order 1 lies the uniform distribution over every id that may be predicted, so no
probability is ever zero. Pruned n-grams give their mass to gamma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.events import Event, Progress
from hornbook.statistical.counts import Level
from hornbook.statistical.storage import Storage

IMPOSSIBLE = -99 * math.log(10)
"""Log-probability of ids that are never predicted (KenLM's -99): finite, and its exponential is 0 in float32."""
CONTEXTS = 1 << 20
"""Contexts smoothed between two moments in which memory is given back."""


@dataclass(frozen=True)
class Settings:
    """What a smoothing is told besides the counts."""

    predictable: NDArray[np.bool_]  # (vocabulary,) ids that have a probability
    fallback: tuple[float, float, float]  # discounts for an order whose counts do not define its own
    pseudo_count: float
    storage: Storage
    log: Callable[[Event], None]


@dataclass(frozen=True)
class Rule:
    """D, A and B of one order: `discounts` are those of counts 1, 2, and 3 or more."""

    discounts: tuple[float, float, float] = (0.0, 0.0, 0.0)
    per_type: float = 0.0
    constant: float = 0.0

    def padded(self) -> NDArray[np.float64]:
        """(4,) indexed by min(count, 3)."""
        return np.array([0.0, *self.discounts])


@dataclass
class Smoothed:
    """One order: a log-probability for each of its n-grams, a log back-off weight for each context one word shorter."""

    log_probs: NDArray[np.float32]  # (rows,)
    backoffs: NDArray[np.float32]  # (rows of the order below,)


def interpolate(levels: Sequence[Level], rules: Sequence[Rule], settings: Settings) -> list[Smoothed]:
    """Smooth every order by its rule. Consumes the counts and suffixes above order 1: they are freed order by order."""
    storage = settings.storage
    probabilities = unigrams(levels[0].counts[:-1], rules[0], settings.predictable)
    result: list[Smoothed] = []
    for k, (level, rule) in enumerate(zip(levels[1:], rules[1:], strict=True), start=2):
        settings.log(Progress("smoothing n-grams", k, len(levels), "orders"))
        upper = storage.empty(level.words.size, np.float32)
        backoffs = storage.empty(level.children.size - 1, np.float32)
        for first in range(0, backoffs.size, CONTEXTS):
            last = min(first + CONTEXTS, backoffs.size)
            interpolate_contexts(level, rule, first, last, probabilities, upper, backoffs)
            np.log(backoffs[first:last], out=backoffs[first:last])
            storage.release()
        level.counts = level.suffixes = np.zeros(0, dtype=np.uint32)
        result.append(Smoothed(logs(probabilities), backoffs))
        storage.release()
        probabilities = upper
    result.append(Smoothed(logs(probabilities), np.zeros(0, dtype=np.float32)))
    return result


def interpolate_contexts(
    level: Level,
    rule: Rule,
    first: int,
    last: int,
    lower: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    backoffs: NDArray[np.float32],
) -> None:
    """Fill probabilities and (not yet the logs of) back-off weights of the contexts first..last of one order."""
    arrays = level.counts, level.suffixes, level.children, level.keep
    _interpolate(
        *arrays, rule.padded(), float(rule.per_type), float(rule.constant), lower, probabilities, backoffs, first, last
    )


def unigrams(counts: NDArray[np.uint32], rule: Rule, predictable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(vocabulary + 1,) probabilities of order 1, interpolated with the uniform distribution; the boundary's is 0."""
    uniform = predictable / predictable.sum()
    total = int(counts.sum(dtype=np.int64)) + rule.per_type * np.count_nonzero(counts) + rule.constant
    taken = rule.padded()[np.minimum(counts, 3)]
    freed = total - float((counts - taken).sum())
    probabilities = (counts - taken + freed * uniform) / total if total else uniform
    return np.append(probabilities, 0.0).astype(np.float32)


def logs(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logs in place; 0 (boundary, ids never predicted, pruned n-grams) becomes IMPOSSIBLE."""
    for first in range(0, probabilities.size, CONTEXTS):
        part = probabilities[first : first + CONTEXTS]
        possible = part > 0
        np.log(part, out=part, where=possible)
        part[~possible] = IMPOSSIBLE
    return probabilities


@njit(cache=True, nogil=True)
def _interpolate(
    counts: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    children: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    discounts: NDArray[np.float64],
    per_type: float,
    constant: float,
    lower: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    for context in range(first, last):
        begin, end = np.int64(children[context]), np.int64(children[context + 1])
        backoffs[context] = 1.0
        if begin == end:
            continue
        total = 0.0
        freed = constant + per_type * (end - begin)
        for row in range(begin, end):
            count = counts[row]
            total += count
            freed += discounts[count if count < 3 else 3] if keep.size == 0 or keep[row] else count
        total += constant + per_type * (end - begin)
        backoff = freed / total
        backoffs[context] = backoff
        for row in range(begin, end):
            if keep.size == 0 or keep[row]:
                count = counts[row]
                probabilities[row] = (count - discounts[count if count < 3 else 3]) / total + backoff * lower[suffixes[row]]
            else:
                probabilities[row] = 0.0
