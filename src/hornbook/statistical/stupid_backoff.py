"""Stupid backoff (Brants et al. 2007, equation 5): relative frequencies, and 0.4 for every word of context given up.

S(w | h) = c(hw) / c(h.) if seen, else 0.4 S(w | h')

Scores do not sum to 1, so they give no perplexity and no bits per byte. As in every ARPA-like model, giving up a context that
never occurred costs nothing (Brants et al. take 0.4 there too); ids never seen share one count among them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import CONTEXTS, Rule, Settings, Smoothed, interpolate_contexts, logs

WEIGHT = 0.4


def stupid_backoff(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Relative frequencies of every order; discounts are zeros, (order, 3)."""
    counts, storage = levels[0].counts[:-1], settings.storage
    unseen = settings.predictable & (counts == 0)
    share = np.where(unseen, 1 / max(int(unseen.sum()), 1), 0.0)
    first_order = np.append((counts + share) / max(int(counts.sum(dtype=np.int64)) + 1, 1), 0.0).astype(np.float32)
    result = [Smoothed(logs(first_order), np.zeros(0, dtype=np.float32))]
    for level in levels[1:]:
        contexts = level.children.size - 1
        nothing, backoffs = storage.empty(contexts, np.float32), storage.empty(contexts, np.float32)
        probabilities = storage.empty(level.words.size, np.float32)
        nothing[:] = 0.0
        for begin in range(0, contexts, CONTEXTS):
            end = min(begin + CONTEXTS, contexts)
            interpolate_contexts(level, Rule(), begin, end, nothing, probabilities, backoffs)
            backoffs[begin:end] = np.where(np.diff(level.children[begin : end + 1]) > 0, np.log(WEIGHT), 0.0)
            storage.release()
        level.counts = level.suffixes = np.zeros(0, dtype=np.uint32)
        result[-1].backoffs = backoffs
        result.append(Smoothed(logs(probabilities), np.zeros(0, dtype=np.float32)))
    return result, np.zeros((len(levels), 3))
