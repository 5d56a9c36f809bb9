"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999, section 3; interpolation as in their equation 21).

p(w | h) = (c(hw) - D(c(hw))) / c(h.)  +  gamma(h) p(w | h'),    h' = h without its first word
gamma(h) = (D1 N1(h.) + D2 N2(h.) + D3+ N3+(h.)) / c(h.)         what the discounts took away, so that the sum over w is 1

c are the adjusted counts of counts.py, Ni(h.) the number of words seen i times after h. Below order 1 lies the uniform
distribution over every id that may be predicted, so no probability is ever zero. Pruned n-grams give their mass to gamma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.errors import translate
from hornbook.core.events import Event, Note, Progress
from hornbook.statistical.counts import Level

IMPOSSIBLE = -99 * math.log(10)
"""Log-probability of ids that are never predicted (KenLM's -99): finite, and its exponential is 0 in float32."""


@dataclass
class Smoothed:
    """One order: a log-probability for each of its n-grams, a log back-off weight for each context one word shorter."""

    log_probs: NDArray[np.float32]  # (rows,)
    backoffs: NDArray[np.float32]  # (rows of the order below,)


def estimate_discounts(counts: NDArray[np.uint32]) -> tuple[float, float, float] | None:
    """D1, D2, D3+ from the counts of counts n1..n4 (Chen and Goodman 1999, equation 26); None when these do not define them.

    Y = n1 / (n1 + 2 n2),  Di = i - (i + 1) Y n(i+1) / ni, and each must lie between 0 and i, both excluded.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)
    if not n[1:5].all():
        return None
    y = n[1] / (n[1] + 2 * n[2])
    one, two, three = (float(i - (i + 1) * y * n[i + 1] / n[i]) for i in (1, 2, 3))
    if not (0 < one < 1 and 0 < two < 2 and 0 < three < 3):
        return None
    return one, two, three


def smooth(
    levels: Sequence[Level],
    *,
    predictable: NDArray[np.bool_],
    fallback: tuple[float, float, float],
    log: Callable[[Event], None],
) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Probabilities of every order from the lowest up, and the discounts used, (order, 3). `predictable`: (vocabulary,).

    Consumes the counts and suffixes of `levels` above order 1: they are freed as soon as their order is done.
    """
    without: list[int] = []
    discounts = np.zeros((len(levels), 3))
    for k, level in enumerate(levels, start=1):
        counts = level.counts if k > 1 else level.counts[:-1]  # the boundary is a context, not a word
        estimated = estimate_discounts(counts)
        if estimated is None:
            without.append(k)
        discounts[k - 1] = estimated or fallback
    if without:
        orders = ", ".join(map(str, without))
        used = ", ".join(f"{discount:g}" for discount in fallback)
        text = translate("counts of counts do not define Kneser-Ney discounts for order {orders}: using {used}")
        log(Note(text.format(orders=orders, used=used)))
    probabilities = _unigrams(levels[0].counts[:-1], predictable, discounts[0])
    result: list[Smoothed] = []
    for k, level in enumerate(levels[1:], start=2):
        log(Progress("smoothing n-grams", k, len(levels), "orders"))
        upper = np.zeros(level.words.size, dtype=np.float32)
        backoffs = np.ones(level.children.size - 1, dtype=np.float32)
        padded = np.concatenate([[0.0], discounts[k - 1]])
        _interpolate(level.counts, level.suffixes, level.children, level.keep, padded, probabilities, upper, backoffs)
        level.counts = level.suffixes = np.zeros(0, dtype=np.uint32)
        result.append(Smoothed(_logs(probabilities), np.log(backoffs, out=backoffs)))
        probabilities = upper
    result.append(Smoothed(_logs(probabilities), np.zeros(0, dtype=np.float32)))
    return result, discounts


def _unigrams(
    counts: NDArray[np.uint32], predictable: NDArray[np.bool_], discounts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(vocabulary + 1,) probabilities of order 1, interpolated with the uniform distribution; the boundary's is 0."""
    uniform = predictable / predictable.sum()
    total = int(counts.sum(dtype=np.int64))
    taken = np.concatenate([[0.0], discounts])[np.minimum(counts, 3)]
    probabilities = (counts - taken + taken.sum() * uniform) / total if total else uniform
    return np.append(probabilities, 0.0).astype(np.float32)


def _logs(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logs in place; 0 (boundary, ids never predicted, pruned n-grams) becomes IMPOSSIBLE."""
    possible = probabilities > 0
    np.log(probabilities, out=probabilities, where=possible)
    probabilities[~possible] = IMPOSSIBLE
    return probabilities


@njit(cache=True, nogil=True)
def _interpolate(
    counts: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    children: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    discounts: NDArray[np.float64],
    lower: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    backoffs: NDArray[np.float32],
) -> None:
    """Fill the probabilities of one order and the back-off weights of its contexts; `lower` holds those of the order below."""
    for context in range(backoffs.size):
        begin, end = np.int64(children[context]), np.int64(children[context + 1])
        if begin == end:
            continue
        total = 0.0
        freed = 0.0
        for row in range(begin, end):
            count = counts[row]
            total += count
            freed += discounts[count if count < 3 else 3] if keep.size == 0 or keep[row] else count
        backoff = freed / total
        backoffs[context] = backoff
        for row in range(begin, end):
            if keep.size == 0 or keep[row]:
                count = counts[row]
                probabilities[row] = (count - discounts[count if count < 3 else 3]) / total + backoff * lower[suffixes[row]]
