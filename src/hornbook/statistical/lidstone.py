"""Lidstone's rule: every one of the V ids is counted `pseudo_count` times more often than it occurred; Laplace adds 1.

p(w | h) = (c(hw) + a) / (c(h.) + a V)

Contexts of full length, and those that begin with the boundary, are used; a shorter context never helps one that was not
seen, whose distribution is uniform. This is why the rule is weak (Gale and Church 1994); it is here to compare with.
In interpolate.py: D = A = 0, B = a V, and the order below is the uniform distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import CONTEXTS, Rule, Settings, Smoothed, interpolate_contexts, logs, unigrams


def lidstone(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Add `settings.pseudo_count` to every count; discounts are zeros, (order, 3)."""
    return _add(levels, settings, settings.pseudo_count)


def laplace(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Add 1 to every count; discounts are zeros, (order, 3)."""
    return _add(levels, settings, 1.0)


def _add(levels: Sequence[Level], settings: Settings, added: float) -> tuple[list[Smoothed], NDArray[np.float64]]:
    predicted = int(settings.predictable.sum())
    rule = Rule(constant=added * predicted)
    order, storage = len(levels), settings.storage
    boundary_row = levels[0].counts.size - 1
    first_order = unigrams(levels[0].counts[:-1], rule, settings.predictable)
    if order > 1:
        first_order[:-1] = settings.predictable / predicted
    result = [Smoothed(logs(first_order), np.zeros(0, dtype=np.float32))]
    for k, level in enumerate(levels[1:], start=2):
        uniform = storage.empty(level.children.size - 1, np.float32)
        probabilities, backoffs = storage.empty(level.words.size, np.float32), storage.empty(uniform.size, np.float32)
        uniform[:] = probabilities[:] = 1 / predicted
        backoffs[:] = 1.0
        first = 0 if k == order else boundary_row
        for begin in range(first, uniform.size, CONTEXTS):
            interpolate_contexts(level, rule, begin, min(begin + CONTEXTS, uniform.size), uniform, probabilities, backoffs)
            storage.release()
        boundary_row = int(level.children[boundary_row])
        level.counts = level.suffixes = np.zeros(0, dtype=np.uint32)
        result[-1].backoffs = np.log(backoffs, out=backoffs)
        result.append(Smoothed(logs(probabilities), np.zeros(0, dtype=np.float32)))
    return result, np.zeros((order, 3))
