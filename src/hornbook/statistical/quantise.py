"""One byte a probability: 256 values for each order, and back-off weights made anew so that every sum is still 1.

Values are means of bins of the logs (Whittaker and Raj 2001; Federico and Bertoldi 2006), the bins by Lloyd's rule. Back-off
weights stay float32: they are what keeps the model normalised.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.statistical.interpolate import IMPOSSIBLE
from hornbook.statistical.prune import levels_of, reweigh
from hornbook.statistical.trie import Trie

_BINS = 255  # one entry is kept for IMPOSSIBLE
_ROUNDS = 20


def quantise(trie: Trie) -> Trie:
    """The model with log-probabilities as bytes; one that has them already is returned as it is."""
    if trie.log_prob_table.size:
        return trie
    starts, levels = trie.starts, levels_of(trie)
    table = np.empty((trie.order, _BINS + 1), dtype=np.float32)
    codes: list[NDArray[np.uint8]] = []
    rounded: list[NDArray[np.float32]] = []
    for k in range(trie.order):
        exact = trie.log_probs[starts[k] : starts[k + 1]]
        table[k] = _bins(exact)
        code = _nearest(exact, table[k])
        if k == 0:  # nothing below makes up for what rounding adds or takes
            table[k, 1:] -= np.float32(np.log(np.exp(table[k][code].astype(np.float64)).sum()))
        else:
            _lower_full_contexts(levels[k].children, exact, table[k], code)
        codes.append(code)
        rounded.append(table[k][code])
    weighed = reweigh(trie, levels, rounded)
    return replace(weighed, log_probs=np.concatenate(codes), log_prob_table=table)


def _bins(logs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(256,) increasing: IMPOSSIBLE, then 255 values that are each the mean of those nearest to it (Lloyd 1982)."""
    values = np.sort(logs[logs > IMPOSSIBLE + 1]).astype(np.float64)
    if not values.size:
        return np.full(_BINS + 1, IMPOSSIBLE, dtype=np.float32)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    spread = max(float(values[-1] - values[0]), 1e-6)
    place = (
        np.arange(values.size) / values.size + (values - values[0]) / spread
    )  # where values are many, and where they are few
    edges = np.searchsorted(place, np.linspace(0, 2, _BINS + 1)[1:-1])
    for _ in range(_ROUNDS):
        bounds = np.concatenate([[0], edges, [values.size]])
        sizes = np.diff(bounds)
        means = np.where(
            sizes > 0, np.diff(sums[bounds]) / np.maximum(sizes, 1), values[np.minimum(bounds[:-1], values.size - 1)]
        )
        edges = np.searchsorted(values, (means[1:] + means[:-1]) / 2)
    means[0] = values[0]  # so that every value can be rounded down
    return np.concatenate([[IMPOSSIBLE], np.sort(means)]).astype(np.float32)


def _nearest(logs: NDArray[np.float32], table: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Column of the nearest value; IMPOSSIBLE only for itself."""
    middles = (table[1:-1] + table[2:]) / 2
    codes = 1 + np.searchsorted(middles, logs).astype(np.int64)
    codes[logs <= IMPOSSIBLE + 1] = 0
    return codes.astype(np.uint8)


@njit(cache=True, nogil=True)
def _lower_full_contexts(
    children: NDArray[np.uint32], exact: NDArray[np.float32], table: NDArray[np.float32], codes: NDArray[np.uint8]
) -> None:
    """Round down in contexts where rounding to the nearest leaves less than half of the free mass for unseen words."""
    for context in range(children.size - 1):
        true, nearest = 1.0, 1.0
        for row in range(np.int64(children[context]), np.int64(children[context + 1])):
            true -= np.exp(np.float64(exact[row]))
            nearest -= np.exp(np.float64(table[codes[row]]))
        if nearest < 0.5 * true:
            for row in range(np.int64(children[context]), np.int64(children[context + 1])):
                while codes[row] > 1 and table[codes[row]] > exact[row]:
                    codes[row] -= 1
