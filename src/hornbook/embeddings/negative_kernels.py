"""Skip-gram and CBOW with negative sampling (Mikolov et al. 2013b, section 2.2), for words of one or many input rows.

A block of neighbouring centres is trained at once. Each vector it needs is gathered once, every gradient is taken at the
values the block began with, and the sums are added back. The negatives are shared: `plan.shared` words are drawn for the
block, and each counts `negative / shared` times for every pair. Word2vec.c draws `negative` words for each pair and skips
one that equals the pair's target. Here a pair likewise leaves out the shared negatives that equal its own target, so
with K shared negatives the expected gradient of a pair is

    K * sum over words n != target of P(n) * (negative / K) * gradient(n)  =  negative * sum over n != target of P(n) * gradient(n),

which is word2vec.c's; only the variance differs, and the pairs of a block see the same words.

In skip-gram the centre predicts its context (as in the papers and fastText; word2vec.c swaps the two, the pairs are the
same). In CBOW the mean of the context predicts the centre, and each word of the context receives the whole gradient of the
mean, as in word2vec.c and fastText.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import (
    REASSOCIATE,
    InputRows,
    Noise,
    Plan,
    Table,
    Text,
    gather_words,
    own_row,
    random_bits,
    rate_at,
    read_chunk,
    scatter_words,
    seed_state,
    sigmoid,
)
from hornbook.embeddings.tile_kernels import add_combinations, products

_LOOK = 16  # one block of so many adds to the loss that is shown


@njit(cache=True, nogil=True)
def skipgram_negative(
    text: Text,
    words: InputRows,
    noise: Noise,
    plan: Plan,
    inputs: Table,
    outputs: Table,
    epoch: int,
    chunk: int,
    totals: NDArray[np.float64],
) -> None:
    """One share of skip-gram (kernels.py has the signature)."""
    state = np.empty(1, dtype=np.uint64)
    seed_state(state, plan.seed, epoch, chunk)
    kept, low, high = read_chunk(text, plan, chunk, state)
    width, block, shared = inputs.base.shape[1], plan.block, plan.shared
    x, x_change = np.zeros((block, width), np.float32), np.zeros((block, width), np.float32)
    sizes = np.empty(block, dtype=np.float32)
    y, y_change = np.zeros((block + 2 * plan.window, width), np.float32), np.zeros((block + 2 * plan.window, width), np.float32)
    y_slots = np.empty(block + 2 * plan.window, dtype=np.int64)
    logits = np.zeros((block, 2 * plan.window), dtype=np.float32)
    drawn, drawn_words = np.zeros((shared, width), np.float32), np.empty(shared, dtype=np.int64)
    weights = np.empty((block, shared), dtype=np.float32)
    for begin in range(0, kept.size, block):
        end = min(begin + block, kept.size)
        first, last = low[begin], high[begin]
        for i in range(begin, end):
            first, last = min(first, low[i]), max(last, high[i])
        gather_words(kept[begin:end], words, inputs, x, sizes)
        _to_means(x, sizes, end - begin)
        for j in range(first, last):
            y_slots[j - first] = own_row(outputs, kept[j])
            y[j - first] = outputs.copies[y_slots[j - first]]
        x_change[:] = 0
        y_change[: last - first] = 0
        rate = rate_at(text, plan, epoch, chunk, begin / kept.size)
        look = begin // block % _LOOK == 0
        _train_contexts(x, x_change, y, y_change, logits, low, high, begin, end, first, rate, look, totals)
        _draw(noise, state, drawn_words)
        weights[:] = 0
        for i in range(begin, end):
            weights[i - begin] = (high[i] - low[i] - 1) * np.float32(plan.negative / shared)
        _leave_out_contexts(weights, drawn_words, kept, low, high, begin, end, first, last, np.float32(plan.negative / shared))
        _train_negatives(x, x_change, drawn, drawn_words, weights, outputs, rate, look, totals)
        for j in range(last - first):
            _add_row(outputs.copies, y_slots[j], y_change, j)
        scatter_words(kept[begin:end], words, inputs, x_change)
    totals[3] += kept.size


@njit(cache=True, nogil=True)
def cbow_negative(
    text: Text,
    words: InputRows,
    noise: Noise,
    plan: Plan,
    inputs: Table,
    outputs: Table,
    epoch: int,
    chunk: int,
    totals: NDArray[np.float64],
) -> None:
    """One share of CBOW (kernels.py has the signature)."""
    state = np.empty(1, dtype=np.uint64)
    seed_state(state, plan.seed, epoch, chunk)
    kept, low, high = read_chunk(text, plan, chunk, state)
    width, block, shared = inputs.base.shape[1], plan.block, plan.shared
    x, x_change = np.zeros((block, width), np.float32), np.zeros((block, width), np.float32)
    sums, changes = np.zeros((block + 2 * plan.window, width), np.float32), np.zeros((block + 2 * plan.window, width), np.float32)
    sizes = np.empty(block + 2 * plan.window, dtype=np.float32)
    drawn, drawn_words = np.zeros((shared, width), np.float32), np.empty(shared, dtype=np.int64)
    weights = np.empty((block, shared), dtype=np.float32)
    for begin in range(0, kept.size, block):
        end = min(begin + block, kept.size)
        first, last = low[begin], high[begin]
        for i in range(begin, end):
            first, last = min(first, low[i]), max(last, high[i])
        gather_words(kept[first:last], words, inputs, sums, sizes)
        average_contexts(sums, sizes, low, high, begin, end, first, x)
        x_change[:] = 0
        rate = rate_at(text, plan, epoch, chunk, begin / kept.size)
        look = begin // block % _LOOK == 0
        _draw(noise, state, drawn_words)
        weights[:] = 0
        for i in range(begin, end):
            if high[i] - low[i] > 1:
                for k in range(shared):
                    weights[i - begin, k] = 0 if drawn_words[k] == kept[i] else np.float32(plan.negative / shared)
        _train_centres(x, x_change, kept, low, high, begin, end, outputs, rate, look, totals)
        _train_negatives(x, x_change, drawn, drawn_words, weights, outputs, rate, look, totals)
        changes[: last - first] = 0
        spread_contexts(x_change, low, high, begin, end, first, changes)
        scatter_words(kept[first:last], words, inputs, changes)
    totals[3] += kept.size


@njit(cache=True, nogil=True)
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _to_means(x: NDArray[np.float32], sizes: NDArray[np.float32], count: int) -> None:
    """Sums of rows become means; rows of centres that a short last block does not have are 0."""
    for i in range(count):
        if sizes[i] > 1:
            scale = np.float32(1) / sizes[i]
            for k in range(x.shape[1]):
                x[i, k] *= scale
    x[count:] = 0


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def average_contexts(
    sums: NDArray[np.float32],
    sizes: NDArray[np.float32],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    x: NDArray[np.float32],
) -> None:
    """x[i - begin] = mean of the input rows of all words in the context of position i; `sums` begins at position `first`."""
    x[:] = 0
    for i in range(begin, end):
        size = np.float32(0)
        for j in range(low[i], high[i]):
            if j != i:
                size += sizes[j - first]
                for k in range(x.shape[1]):
                    x[i - begin, k] += sums[j - first, k]
        if size > 1:
            scale = np.float32(1) / size
            for k in range(x.shape[1]):
                x[i - begin, k] *= scale


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def spread_contexts(
    x_change: NDArray[np.float32],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    changes: NDArray[np.float32],
) -> None:
    """Add the change of each context's mean to every word of that context, whole."""
    for i in range(begin, end):
        for j in range(low[i], high[i]):
            if j != i:
                _add_row(changes, j - first, x_change, i - begin)


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _add_row(target: NDArray[np.float32], row: int, source: NDArray[np.float32], from_row: int) -> None:
    for k in range(target.shape[1]):
        target[row, k] += source[from_row, k]


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _dot(x: NDArray[np.float32], i: int, y: NDArray[np.float32], j: int) -> np.float32:
    total = np.float32(0)
    for k in range(x.shape[1]):
        total += x[i, k] * y[j, k]
    return total


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _train_contexts(
    x: NDArray[np.float32],
    x_change: NDArray[np.float32],
    y: NDArray[np.float32],
    y_change: NDArray[np.float32],
    logits: NDArray[np.float32],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    rate: np.float32,
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """The pairs that stand in the text: every centre of the block with every word of its context."""
    for i in range(begin, end):
        place = 0
        for j in range(low[i], high[i]):
            if j != i:
                logits[i - begin, place] = _dot(x, i - begin, y, j - first)
                place += 1
        totals[2] += place
        if look:
            totals[1] += place
            for p in range(place):
                totals[0] += _softplus(-logits[i - begin, p])
    for i in range(end - begin):
        for place in range(logits.shape[1]):
            logits[i, place] = rate * (np.float32(1) - sigmoid(logits[i, place]))
    for i in range(begin, end):
        place = 0
        for j in range(low[i], high[i]):
            if j != i:
                step = logits[i - begin, place]
                place += 1
                for k in range(x.shape[1]):
                    x_change[i - begin, k] += step * y[j - first, k]
                for k in range(x.shape[1]):
                    y_change[j - first, k] += step * x[i - begin, k]


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _train_centres(
    x: NDArray[np.float32],
    x_change: NDArray[np.float32],
    kept: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    outputs: Table,
    rate: np.float32,
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """The mean of each context with the centre that stands in the text."""
    for i in range(begin, end):
        if high[i] - low[i] <= 1:
            continue
        slot = own_row(outputs, kept[i])
        logit = _dot(x, i - begin, outputs.copies, slot)
        step = rate * (np.float32(1) - sigmoid(logit))
        for k in range(x.shape[1]):
            x_change[i - begin, k] += step * outputs.copies[slot, k]
            outputs.copies[slot, k] += step * x[i - begin, k]
        totals[2] += 1
        if look:
            totals[1] += 1
            totals[0] += _softplus(-logit)


@njit(cache=True, nogil=True)
def _draw(noise: Noise, state: NDArray[np.uint64], drawn_words: NDArray[np.int64]) -> None:
    """Draw the shared negatives of a block."""
    size = np.uint64(noise.threshold.size)
    for k in range(drawn_words.size):
        bits = random_bits(state)
        word = np.int64(((bits >> np.uint64(32)) * size) >> np.uint64(32))
        if (bits & np.uint64(0xFFFFFFFF)) > np.uint64(noise.threshold[word]):
            word = np.int64(noise.other[word])
        drawn_words[k] = word


@njit(cache=True, nogil=True)
def _leave_out_contexts(
    weights: NDArray[np.float32],
    drawn_words: NDArray[np.int64],
    kept: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    last: int,
    one_pair: np.float32,
) -> None:
    """A pair does not count the negatives that equal its own target."""
    for k in range(drawn_words.size):
        word, equal = drawn_words[k], 0
        for j in range(first, last):
            equal += kept[j] == word
        if equal == 0:
            continue
        for j in range(first, last):
            if kept[j] == word:
                for i in range(begin, end):
                    if low[i] <= j < high[i] and i != j:
                        weights[i - begin, k] -= one_pair


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _train_negatives(
    x: NDArray[np.float32],
    x_change: NDArray[np.float32],
    drawn: NDArray[np.float32],
    drawn_words: NDArray[np.int64],
    weights: NDArray[np.float32],
    outputs: Table,
    rate: np.float32,
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """Every centre of the block with the shared negatives; `weights` (block, shared) is overwritten."""
    slots = np.empty(drawn_words.size, dtype=np.int64)
    for k in range(drawn_words.size):
        slots[k] = own_row(outputs, drawn_words[k])
        drawn[k] = outputs.copies[slots[k]]
    logits = np.empty_like(weights)
    products(x, drawn, logits)
    if look:
        for i in range(weights.shape[0]):
            for k in range(weights.shape[1]):
                totals[0] += weights[i, k] * _softplus(logits[i, k])
    for i in range(weights.shape[0]):
        for k in range(weights.shape[1]):
            weights[i, k] = -rate * weights[i, k] * sigmoid(logits[i, k])
    add_combinations(weights, drawn, x_change)
    drawn[:] = 0
    add_combinations(weights.T.copy(), x, drawn)
    for k in range(drawn_words.size):
        _add_row(outputs.copies, slots[k], drawn, k)
