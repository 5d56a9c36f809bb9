"""Entropy pruning (Stolcke 1998): drop the n-grams whose absence changes the model's predictions least.

D(hw) = -p(h) ( p(w|h) (log p(w|h') + log a'(h) - log p(w|h)) + (log a'(h) - log a(h)) (1 - sum of p(v|h) over seen v) )

a(h) is the back-off weight, a'(h) what it becomes without hw. p(h) is the share of h among the n-grams of its length in the
training text: taken from the counts and not from the model, whose lower orders are no marginals under Kneser-Ney smoothing
(Chelba et al. 2010). Every n-gram is judged in the whole model, once. One is kept as long as a longer n-gram that begins or
ends with it is kept, which the query relies on; weights of the kept ones are then made anew so that every sum is 1.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.statistical.backing_off import total_of, weigh
from hornbook.statistical.counts import Level
from hornbook.statistical.merge import link_order
from hornbook.statistical.storage import Memory
from hornbook.statistical.trie import LARGE, Trie


def prune_by_entropy(trie: Trie, threshold: float) -> Trie:
    """Drop n-grams that raise the perplexity by less than a factor 1 + `threshold` each. UsageError without counts."""
    return _keep_above(trie, _worths(trie), math.log1p(threshold))


def prune_to_size(trie: Trie, size_mb: float, *, bits: int = 32) -> Trie:
    """Drop as few n-grams, the least worth first, as bring the arrays to `size_mb`; those of order 1 always stay.

    `bits` a probability are what the model is to be saved with. UsageError without counts. A model that is small enough is
    returned as it is.
    """
    table = 0 if bits == 32 else 1024 * trie.order  # bytes
    saved = trie.size_mb + (table - (4 - bits / 8) * sum(trie.rows)) / 1e6
    if saved <= size_mb or trie.order == 1:
        return trie
    worths = _worths(trie)
    top = trie.words.itemsize + bits // 8 + 1
    costs = np.repeat([top + 8] * (trie.order - 1) + [top], trie.rows)[trie.rows[0] :]
    order = np.argsort(-worths[trie.rows[0] :], kind="stable")
    free = size_mb * 1e6 - table - trie.rows[0] * (top + 8) - 8 * np.count_nonzero(trie.counts == LARGE)
    fitting = int(np.searchsorted(np.cumsum(costs[order]), free, side="right"))
    dropped = order[fitting:]
    return _keep_above(trie, worths, float(worths[trie.rows[0] + dropped[0]])) if dropped.size else trie


def suffix_rows(trie: Trie) -> list[NDArray[np.uint32]]:
    """For each order the rows, within the order below, of its n-grams without their first word; empty for order 1."""
    return [level.suffixes for level in levels_of(trie)]


def levels_of(trie: Trie) -> list[Level]:
    """The structure of a model order by order, rows numbered within their order; counts are left out."""
    starts, nothing, keep = trie.starts, np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.bool_)
    levels: list[Level] = []
    for k in range(trie.order):
        words = trie.words[starts[k] : starts[k + 1]].astype(np.uint32)
        children = trie.children[starts[k - 1] : starts[k] + 1] - np.uint32(starts[k]) if k else nothing
        levels.append(Level(words, nothing, nothing, children, keep))
        if k:
            levels[k].suffixes = link_order(levels[k - 1], levels[k], Memory())
    return levels


def reweigh(trie: Trie, levels: list[Level], log_probs: list[NDArray[np.float32]]) -> Trie:
    """The model with these log-probabilities (order by order, float32) and back-off weights that make every sum 1."""
    totals, context_suffixes = total_of(log_probs[0]), np.zeros(0, dtype=np.uint32)
    backoffs: list[NDArray[np.float32]] = []
    for k in range(1, trie.order):
        weights, own = np.empty(trie.rows[k - 1], dtype=np.float32), np.empty(trie.rows[k - 1])
        level = levels[k]
        weigh(
            level.children, level.suffixes, context_suffixes, level.keep, log_probs[k], log_probs[k - 1], totals, weights, own
        )
        backoffs.append(weights)
        totals, context_suffixes = own, level.suffixes
    return replace(trie, log_probs=np.concatenate(log_probs), backoffs=np.concatenate([np.zeros(0, np.float32), *backoffs]))


def _worths(trie: Trie) -> NDArray[np.float64]:
    """(rows,) D of every n-gram, or of the most worthy n-gram that needs it, if that is more; infinite in order 1."""
    if not trie.counts.size:
        raise UsageError("pruning by entropy needs the counts of the training text, which a model read from ARPA lacks")
    counts = trie.counts.astype(np.float64)
    counts[trie.large_rows] = trie.large_counts
    starts, levels = trie.starts, levels_of(trie)
    logs = [trie.log_probs[starts[k] : starts[k + 1]] for k in range(trie.order)]
    worths = [np.full(trie.rows[0], np.inf)]
    for k in range(1, trie.order):
        frequencies = counts[starts[k - 1] : starts[k]] / counts[starts[0] : starts[1] - 1].sum()
        worth, weights = np.empty(trie.rows[k]), trie.backoffs[starts[k - 1] : starts[k]]
        _judge(levels[k].children, levels[k].suffixes, logs[k], logs[k - 1], weights, frequencies, worth)
        worths.append(worth)
    for k in range(trie.order - 1, 0, -1):
        _raise(levels[k].children, levels[k].suffixes, worths[k], worths[k - 1])
    return np.concatenate(worths)


def _keep_above(trie: Trie, worths: NDArray[np.float64], threshold: float) -> Trie:
    keep = worths > threshold
    starts = trie.starts
    rows = tuple(int(np.count_nonzero(keep[starts[k] : starts[k + 1]])) for k in range(trie.order))
    kept_before = np.zeros(keep.size + 1, dtype=np.uint32)
    np.cumsum(keep, out=kept_before[1:])
    contexts = trie.backoffs.size
    large = keep[trie.large_rows]
    smaller = Trie(
        words=trie.words[keep],
        log_probs=trie.log_probs[keep],
        backoffs=trie.backoffs[keep[:contexts]],
        children=np.append(kept_before[trie.children[:-1][keep[:contexts]]], kept_before[-1]).astype(np.uint32),
        rows=rows,
        counts=trie.counts[keep],
        large_rows=kept_before[trie.large_rows[large]],
        large_counts=trie.large_counts[large],
    )
    starts = smaller.starts
    return reweigh(smaller, levels_of(smaller), [smaller.log_probs[starts[k] : starts[k + 1]] for k in range(smaller.order)])


@njit(cache=True, nogil=True)
def _judge(
    children: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    upper: NDArray[np.float32],
    lower: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    frequencies: NDArray[np.float64],
    worths: NDArray[np.float64],
) -> None:
    for context in range(backoffs.size):
        begin, end = np.int64(children[context]), np.int64(children[context + 1])
        free, room = 1.0, 1.0
        for row in range(begin, end):
            free -= math.exp(np.float64(upper[row]))
            room -= math.exp(np.float64(lower[suffixes[row]]))
        free, room = max(free, 1e-9), max(room, 1e-9)
        for row in range(begin, end):
            here, below = math.exp(np.float64(upper[row])), lower[suffixes[row]]
            weight = math.log((free + here) / (room + math.exp(np.float64(below))))
            change = here * (below + weight - upper[row]) + (weight - backoffs[context]) * free
            worths[row] = max(-frequencies[context] * change, 0.0)


@njit(cache=True, nogil=True)
def _raise(
    children: NDArray[np.uint32], suffixes: NDArray[np.uint32], worths: NDArray[np.float64], below: NDArray[np.float64]
) -> None:
    """What a kept n-gram begins or ends with is worth as much as itself."""
    for context in range(below.size):
        for row in range(np.int64(children[context]), np.int64(children[context + 1])):
            below[context] = max(below[context], worths[row])
            below[suffixes[row]] = max(below[suffixes[row]], worths[row])
