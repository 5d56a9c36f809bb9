"""Katz back-off (Katz 1987; Chen and Goodman 1999, section 2.5): Good-Turing counts, the order below only for unseen words.

p(w | h) = d(c) c(hw) / c(h.)  if c = c(hw) > 0,  else weight(h) p(w | h')        weight(h): see backing_off.py
d(r) = (r* / r - (K + 1) n(K+1) / n1) / (1 - (K + 1) n(K+1) / n1),   r* = (r + 1) n(r+1) / nr,   for r <= K = 5, else 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.errors import translate
from hornbook.core.events import Note, Progress
from hornbook.statistical.backing_off import total_of, weigh
from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import IMPOSSIBLE, Settings, Smoothed
from hornbook.statistical.kneser_ney import counts_of_counts

LARGEST_DISCOUNTED = 5


def good_turing(counts: NDArray[np.uint32]) -> NDArray[np.float64] | None:
    """(K + 2,) d(r) by min(r, K + 1); None when the counts of counts do not give factors between 0 and 1."""
    most = LARGEST_DISCOUNTED
    n = counts_of_counts(counts, most + 1).astype(np.float64)
    if not n[1 : most + 1].all():
        return None
    r = np.arange(1, most + 1)
    cut = (most + 1) * n[most + 1] / n[1]
    if cut >= 1:
        return None
    factors = ((r + 1) * n[r + 1] / (r * n[r]) - cut) / (1 - cut)
    return np.concatenate([[0.0], factors, [1.0]]) if (factors > 0).all() and (factors < 1).all() else None


def katz(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Every order backs off to the one below; with it what 1, 2 and 3 occurrences lose, (order, 3)."""
    factors = _factors(levels, settings)
    storage = settings.storage
    lower = _unigrams(levels[0].counts[:-1], factors[0], settings.predictable)
    totals = total_of(lower)
    context_suffixes = np.zeros(0, dtype=np.uint32)
    result: list[Smoothed] = []
    for k, level in enumerate(levels[1:], start=2):
        settings.log(Progress("smoothing n-grams", k, len(levels), "orders"))
        upper = storage.empty(level.words.size, np.float32)
        _discount(level.counts, level.children, level.keep, factors[k - 1], upper)
        backoffs = storage.empty(level.children.size - 1, np.float32)
        own_totals = storage.empty(backoffs.size, np.float64)
        weigh(level.children, level.suffixes, context_suffixes, level.keep, upper, lower, totals, backoffs, own_totals)
        result.append(Smoothed(lower, backoffs))
        lower, totals, context_suffixes = upper, own_totals, level.suffixes
        level.counts = level.suffixes = np.zeros(0, dtype=np.uint32)
        storage.release()
    result.append(Smoothed(lower, np.zeros(0, dtype=np.float32)))
    lost = np.array([[r - row[r] * r for r in (1, 2, 3)] for row in factors])
    return result, lost


def _factors(levels: Sequence[Level], settings: Settings) -> list[NDArray[np.float64]]:
    """d(r) of every order; where there are none, those of the fallback discounts, (r - D) / r, said in a note."""
    found = [good_turing(level.counts[: -1 if k == 0 else None]) for k, level in enumerate(levels)]
    without = [str(k) for k, factors in enumerate(found, start=1) if factors is None]
    if without:
        used = ", ".join(f"{discount:g}" for discount in settings.fallback)
        text = translate("counts of counts do not define Good-Turing discounts for order {orders}: using {used}")
        settings.log(Note(text.format(orders=", ".join(without), used=used)))
    r = np.arange(1, LARGEST_DISCOUNTED + 1)
    fixed = np.concatenate([[0.0], (r - np.array(settings.fallback)[np.minimum(r, 3) - 1]) / r, [1.0]])
    return [fixed if factors is None else factors for factors in found]


def _unigrams(counts: NDArray[np.uint32], factors: NDArray[np.float64], predictable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(vocabulary + 1,) natural logs: ids never seen share what the discounts free; the boundary is IMPOSSIBLE."""
    discounted = factors[np.minimum(counts, factors.size - 1)] * counts
    unseen = predictable & (counts == 0)
    total = float(counts.sum(dtype=np.int64))
    free = total - discounted.sum()
    if free <= 0 and unseen.any():
        free, total = 1.0, total + 1
    probabilities = np.where(unseen, free / max(int(unseen.sum()), 1), discounted)
    probabilities = np.append(probabilities / probabilities.sum(), 0.0)
    with np.errstate(divide="ignore"):
        logs: NDArray[np.float32] = np.maximum(np.log(probabilities), IMPOSSIBLE).astype(np.float32)
    return logs


@njit(cache=True, nogil=True)
def _discount(
    counts: NDArray[np.uint32],
    children: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    factors: NDArray[np.float64],
    log_probs: NDArray[np.float32],
) -> None:
    """Natural logs of d(c) c / total; a context all of whose counts are too large to discount gets one more in its total."""
    largest = factors.size - 1
    for context in range(children.size - 1):
        begin, end = np.int64(children[context]), np.int64(children[context + 1])
        total = 0.0
        kept = 0.0
        for row in range(begin, end):
            count = counts[row]
            total += count
            if keep.size == 0 or keep[row]:
                kept += factors[count if count < largest else largest] * count
        if kept >= total:
            total += 1.0
        for row in range(begin, end):
            count = counts[row]
            log_probs[row] = IMPOSSIBLE
            if keep.size == 0 or keep[row]:
                log_probs[row] = math.log(factors[count if count < largest else largest] * count / total)
