"""Skip-gram and CBOW with negative sampling (Mikolov et al. 2013b, section 2.2), for words of one or many input rows.

A block of neighbouring centres is trained at once. Each vector it needs is gathered once, every gradient is taken at the
values the block began with, and the sums are added back. The negatives are shared: `plan.shared` words are drawn for the
block, and each counts `negative / shared` times for every pair. Word2vec.c draws `negative` words for each pair and skips
one that equals the pair's target. Here a pair likewise leaves out the shared negatives that equal its own target, so
with K shared negatives the expected gradient of a pair is

    K * sum over words n != target of P(n) * (negative / K) * gradient(n)  =  negative * sum of P(n) * gradient(n),

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
    add_row,
    gather_words,
    own_rows,
    random_bits,
    rate_at,
    read_chunk,
    scatter_words,
    seed_state,
    sigmoid,
)
from hornbook.embeddings.tile_kernels import ROWS, add_combinations, products

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
    width, reach = inputs.base.shape[1], _whole_tiles(plan.block + 2 * plan.window)
    x, x_change = _rows(_whole_tiles(plan.block), width), _rows(_whole_tiles(plan.block), width)
    sizes = np.empty(plan.block, np.float32)
    y, y_change = _rows(reach + plan.shared, width), _rows(reach + plan.shared, width)
    chosen, slots = np.empty(reach + plan.shared, np.int64), np.empty(reach + plan.shared, np.int64)
    steps = np.zeros((x.shape[0], reach + plan.shared), np.float32)
    logits = _rows(ROWS, steps.shape[1])
    one_pair = np.float32(plan.negative / plan.shared)
    for begin in range(0, kept.size, plan.block):
        end = min(begin + plan.block, kept.size)
        first, last = low[begin], high[begin]
        for i in range(begin, end):
            first, last = min(first, low[i]), max(last, high[i])
        gather_words(kept[begin:end], words, inputs, x, sizes)
        _to_means(x, sizes, end - begin)
        chosen[: last - first] = kept[first:last]
        _draw(noise, state, chosen[reach:])
        _gather_targets(chosen, slots, last - first, reach, outputs, y)
        steps[:] = 0
        for i in range(begin, end):
            steps[i - begin, reach:] = (high[i] - low[i] - 1) * one_pair
        _leave_out_contexts(steps, chosen, reach, low, high, begin, end, first, last, one_pair)
        rate = rate_at(text, plan, epoch, chunk, begin / kept.size)
        look = begin // plan.block % _LOOK == 0
        x_change[:] = 0
        for tile in range(begin, end, ROWS):
            left, right = low[tile], high[tile]
            for i in range(tile, min(tile + ROWS, end)):
                left, right = min(left, low[i]), max(right, high[i])
            left, right = (left - first) // ROWS * ROWS, _whole_tiles(right - first)
            place = tile - begin, left, right, reach
            _train_tile(x, x_change, y, steps, logits, place, low, high, begin, end, first, rate, look, totals)
        y_change[:] = 0
        for j in range(0, last - first, ROWS):  # only centres within the window of these contexts have steps for them
            near = max(first + j - plan.window - begin, 0), min(first + j + ROWS + plan.window - begin, end - begin)
            add_combinations(steps, j, 1, steps.shape[1], x, near[0], near[1], y_change, j)
        for j in range(reach, reach + plan.shared, ROWS):
            add_combinations(steps, j, 1, steps.shape[1], x, 0, end - begin, y_change, j)
        _scatter_targets(slots, last - first, reach, y_change, outputs)
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
    width, block, reach = inputs.base.shape[1], _whole_tiles(plan.block), _whole_tiles(plan.block + 2 * plan.window)
    sums, changes, sizes = _rows(reach, width), _rows(reach, width), np.empty(reach, np.float32)
    x, x_change, members = _rows(block, width), _rows(block, width), _rows(block, reach)
    y, y_change = _rows(block + plan.shared, width), _rows(block + plan.shared, width)
    chosen, slots = np.empty(block + plan.shared, np.int64), np.empty(block + plan.shared, np.int64)
    steps = np.zeros((block, block + plan.shared), np.float32)
    logits = _rows(ROWS, steps.shape[1])
    one_pair = np.float32(plan.negative / plan.shared)
    for begin in range(0, kept.size, plan.block):
        end = min(begin + plan.block, kept.size)
        first, last = low[begin], high[begin]
        for i in range(begin, end):
            first, last = min(first, low[i]), max(last, high[i])
        gather_words(kept[first:last], words, inputs, sums, sizes)
        _average_contexts(sums, sizes, members, low, high, begin, end, first, x)
        chosen[: end - begin] = kept[begin:end]
        _draw(noise, state, chosen[block:])
        _gather_targets(chosen, slots, end - begin, block, outputs, y)
        steps[:] = 0
        for i in range(begin, end):
            if high[i] - low[i] > 1:
                for k in range(block, block + plan.shared):
                    steps[i - begin, k] = 0 if chosen[k] == kept[i] else one_pair
        rate = rate_at(text, plan, epoch, chunk, begin / kept.size)
        look = begin // plan.block % _LOOK == 0
        x_change[:] = 0
        y_change[:] = 0
        for tile in range(0, end - begin, ROWS):
            _train_centres(x, x_change, y, steps, logits, tile, block, low, high, begin, end, rate, look, totals)
            add_combinations(steps, tile, 1, steps.shape[1], x, tile, tile + ROWS, y_change, tile)
        for j in range(block, block + plan.shared, ROWS):
            add_combinations(steps, j, 1, steps.shape[1], x, 0, end - begin, y_change, j)
        _scatter_targets(slots, end - begin, block, y_change, outputs)
        changes[:] = 0
        for j in range(0, last - first, ROWS):  # the change of a context's mean goes to each of its words, whole
            near = max(first + j - plan.window - begin, 0), min(first + j + ROWS + plan.window - begin, end - begin)
            add_combinations(members, j, 1, reach, x_change, near[0], near[1], changes, j)
        scatter_words(kept[first:last], words, inputs, changes)
    totals[3] += kept.size


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def _average_contexts(
    sums: NDArray[np.float32],
    sizes: NDArray[np.float32],
    members: NDArray[np.float32],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    x: NDArray[np.float32],
) -> None:
    """x[i - begin] = mean of the input rows of all words in the context of position i; `sums` begins at position `first`.

    `members` (block, reach) becomes 1 where a position is in the context of a centre, 0 elsewhere.
    """
    x[:] = 0
    members[:] = 0
    for tile in range(begin, end, ROWS):
        left, right = low[tile], high[tile]
        for i in range(tile, min(tile + ROWS, end)):
            left, right = min(left, low[i]), max(right, high[i])
            members[i - begin, low[i] - first : high[i] - first] = 1
            members[i - begin, i - first] = 0
        row = tile - begin
        start = row * members.shape[1]
        add_combinations(members, start, members.shape[1], 1, sums, left - first, right - first, x, row)
        for i in range(tile, min(tile + ROWS, end)):
            size = np.float32(0)
            for j in range(low[i], high[i]):
                size += sizes[j - first] * members[i - begin, j - first]
            scale = np.float32(1) / max(size, np.float32(1))
            for k in range(x.shape[1]):
                x[i - begin, k] *= scale


@njit(cache=True, nogil=True)
def _rows(count: int, width: int) -> NDArray[np.float32]:
    """Zeros that begin at a cache line, so that no register is loaded from two."""
    flat = np.zeros(count * width + 16, dtype=np.float32)
    skip = -(flat.ctypes.data // 4) % 16
    return flat[skip : skip + count * width].reshape((count, width))


@njit(cache=True, nogil=True)
def _whole_tiles(count: int) -> int:
    return (count + ROWS - 1) // ROWS * ROWS


@njit(cache=True, nogil=True)
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def _to_means(x: NDArray[np.float32], sizes: NDArray[np.float32], count: int) -> None:
    """Sums of rows become means."""
    for i in range(count):
        if sizes[i] > 1:
            scale = np.float32(1) / sizes[i]
            for k in range(x.shape[1]):
                x[i, k] *= scale


@njit(cache=True, nogil=True)
def _draw(noise: Noise, state: NDArray[np.uint64], drawn: NDArray[np.int64]) -> None:
    """Draw the shared negatives of a block."""
    size = np.uint64(noise.threshold.size)
    for k in range(drawn.size):
        bits = random_bits(state)
        word = np.int64(((bits >> np.uint64(32)) * size) >> np.uint64(32))
        if (bits & np.uint64(0xFFFFFFFF)) > np.uint64(noise.threshold[word]):
            word = np.int64(noise.other[word])
        drawn[k] = word


@njit(cache=True, nogil=True)
def _gather_targets(
    chosen: NDArray[np.int64], slots: NDArray[np.int64], count: int, reach: int, outputs: Table, y: NDArray[np.float32]
) -> None:
    """Output rows of the `count` words of the text, and from place `reach` on those of the shared negatives."""
    own_rows(outputs, chosen[:count], slots[:count])
    own_rows(outputs, chosen[reach:], slots[reach:])
    copies = outputs.copies
    for j in range(chosen.size):
        if j < count or j >= reach:
            slot = slots[j]
            for k in range(y.shape[1]):
                y[j, k] = copies[slot, k]


@njit(cache=True, nogil=True)
def _scatter_targets(slots: NDArray[np.int64], count: int, reach: int, y_change: NDArray[np.float32], outputs: Table) -> None:
    """Add the changes back; a word that stands at several places receives all of them."""
    copies = outputs.copies
    for j in range(slots.size):
        if j < count or j >= reach:
            add_row(copies, slots[j], y_change, j)


@njit(cache=True, nogil=True)
def _leave_out_contexts(
    steps: NDArray[np.float32],
    chosen: NDArray[np.int64],
    reach: int,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    last: int,
    one_pair: np.float32,
) -> None:
    """A pair does not count the negatives that equal its own target."""
    for k in range(reach, chosen.size):
        equal = 0
        for j in range(last - first):
            equal += chosen[j] == chosen[k]
        if equal == 0:
            continue
        for j in range(first, last):
            if chosen[j - first] == chosen[k]:
                for i in range(begin, end):
                    if low[i] <= j < high[i] and i != j:
                        steps[i - begin, k] -= one_pair


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def _positive_steps(logits: NDArray[np.float32], rate: np.float32, steps: NDArray[np.float32]) -> None:
    """What pairs of the text add: rate * (1 - p)."""
    for j in range(logits.size):
        steps[j] = rate * (np.float32(1) - sigmoid(logits[j]))


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def _negative_steps(logits: NDArray[np.float32], rate: np.float32, steps: NDArray[np.float32]) -> None:
    """What shared negatives take away: rate * weight * p, in place of the weights."""
    for j in range(logits.size):
        steps[j] *= -rate * sigmoid(logits[j])


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def _train_tile(
    x: NDArray[np.float32],
    x_change: NDArray[np.float32],
    y: NDArray[np.float32],
    steps: NDArray[np.float32],
    logits: NDArray[np.float32],
    place: tuple[int, int, int, int],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    first: int,
    rate: np.float32,
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """Four centres with contexts and with the shared negatives, whose steps hold their weights.

    `place`: row of the first centre, columns of the contexts from and to, column where the negatives begin.
    """
    row, left, right, reach = place
    products(x, row, y, left, right, logits)
    products(x, row, y, reach, steps.shape[1], logits)
    for i in range(begin + row, min(begin + row + ROWS, end)):
        r, from_row = i - begin - row, i - begin
        totals[2] += high[i] - low[i] - 1
        if look:
            totals[1] += high[i] - low[i] - 1
            for j in range(low[i] - first, high[i] - first):
                totals[0] += _softplus(-logits[r, j]) if j + first != i else 0.0
            for j in range(reach, steps.shape[1]):
                totals[0] += steps[from_row, j] * _softplus(logits[r, j])
        _positive_steps(logits[r, low[i] - first : high[i] - first], rate, steps[from_row, low[i] - first : high[i] - first])
        steps[from_row, i - first] = 0
        _negative_steps(logits[r, reach:], rate, steps[from_row, reach:])
    add_combinations(steps, row * steps.shape[1], steps.shape[1], 1, y, left, right, x_change, row)
    add_combinations(steps, row * steps.shape[1], steps.shape[1], 1, y, reach, steps.shape[1], x_change, row)


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def _train_centres(
    x: NDArray[np.float32],
    x_change: NDArray[np.float32],
    y: NDArray[np.float32],
    steps: NDArray[np.float32],
    logits: NDArray[np.float32],
    row: int,
    block: int,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    begin: int,
    end: int,
    rate: np.float32,
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """Four means of contexts with their centres and with the shared negatives, whose steps hold their weights."""
    products(x, row, y, row, row + ROWS, logits)
    products(x, row, y, block, steps.shape[1], logits)
    for i in range(row, min(row + ROWS, end - begin)):
        r = i - row
        if high[begin + i] - low[begin + i] < 2:
            continue
        totals[2] += 1
        if look:
            totals[1] += 1
            totals[0] += _softplus(-logits[r, i])
            for j in range(block, steps.shape[1]):
                totals[0] += steps[i, j] * _softplus(logits[r, j])
        steps[i, i] = rate * (np.float32(1) - sigmoid(logits[r, i]))
        _negative_steps(logits[r, block:], rate, steps[i, block:])
    add_combinations(steps, row * steps.shape[1], steps.shape[1], 1, y, row, row + ROWS, x_change, row)
    add_combinations(steps, row * steps.shape[1], steps.shape[1], 1, y, block, steps.shape[1], x_change, row)
