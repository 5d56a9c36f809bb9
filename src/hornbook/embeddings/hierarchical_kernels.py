"""Skip-gram and CBOW with hierarchical softmax (Mikolov et al. 2013b, section 2.1), for words of one or many input rows.

The probability of a word is a product of decisions on its path from the root of a Huffman tree: with x the input vector and
v_n the output vector of inner node n, the step to a child with code 0 has probability sigmoid(v_n . x), that to a child
with code 1 has 1 minus that. The gradient of one pair is taken at one value of x for the whole path, as in word2vec.c; the
input changes from pair to pair, as in fastText. In skip-gram the centre predicts its context.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import (
    REASSOCIATE,
    InputRows,
    Plan,
    Table,
    Text,
    add_row,
    gather_words,
    own_row,
    rate_at,
    read_chunk,
    scatter_words,
    seed_state,
    sigmoid,
)

_LOOK = 16  # one block of so many adds to the loss that is shown


class Tree(NamedTuple):
    """Paths from the root to the words: word w passes the nodes `points[starts[w]:starts[w + 1]]`, root first."""

    points: NDArray[np.int32]  # (sum of path lengths,) inner nodes, 0 to V - 2; V - 2 is the root
    codes: NDArray[np.uint8]  # (sum of path lengths,) 0 or 1, which child follows
    starts: NDArray[np.int64]  # (V + 1,)
    depth: int  # the longest path


@njit(cache=True, nogil=True)
def skipgram_hierarchical(
    text: Text,
    words: InputRows,
    tree: Tree,
    plan: Plan,
    inputs: Table,
    outputs: Table,
    epoch: int,
    chunk: int,
    totals: NDArray[np.float64],
) -> None:
    """One share of skip-gram (kernels.py has the signature); `outputs` has a row for every inner node."""
    state = np.empty(1, dtype=np.uint64)
    seed_state(state, plan.seed, epoch, chunk)
    kept, low, high = read_chunk(text, plan, chunk, state)
    width = inputs.base.shape[1]
    x, x_change = np.zeros((1, width), np.float32), np.zeros((1, width), np.float32)
    change, sizes = np.zeros(width, np.float32), np.empty(1, np.float32)
    slots, steps = np.empty(tree.depth, np.int64), np.empty(tree.depth, np.float32)
    for i in range(kept.size):
        if high[i] - low[i] < 2:
            continue
        gather_words(kept[i : i + 1], words, inputs, x, sizes)
        x /= sizes[0]
        x_change[:] = 0
        rate = rate_at(text, plan, epoch, chunk, i / kept.size)
        look = i // plan.block % _LOOK == 0
        for j in range(low[i], high[i]):
            if j != i:
                change[:] = 0
                train_path(x[0], kept[j], tree, outputs, rate, change, slots, steps, look, totals)
                for k in range(width):
                    x[0, k] += change[k]
                    x_change[0, k] += change[k]
        scatter_words(kept[i : i + 1], words, inputs, x_change)
    totals[3] += kept.size


@njit(cache=True, nogil=True)
def cbow_hierarchical(
    text: Text,
    words: InputRows,
    tree: Tree,
    plan: Plan,
    inputs: Table,
    outputs: Table,
    epoch: int,
    chunk: int,
    totals: NDArray[np.float64],
) -> None:
    """One share of CBOW (kernels.py has the signature). Contexts are gathered and changed once a block, nodes at once."""
    state = np.empty(1, dtype=np.uint64)
    seed_state(state, plan.seed, epoch, chunk)
    kept, low, high = read_chunk(text, plan, chunk, state)
    width, block = inputs.base.shape[1], plan.block
    x, x_change = np.zeros((block, width), np.float32), np.zeros((block, width), np.float32)
    reach = block + 2 * plan.window
    sums, changes, sizes = (
        np.zeros((reach, width), np.float32),
        np.zeros((reach, width), np.float32),
        np.empty(reach, np.float32),
    )
    slots, steps = np.empty(tree.depth, np.int64), np.empty(tree.depth, np.float32)
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
        for i in range(begin, end):
            if high[i] - low[i] > 1:
                train_path(x[i - begin], kept[i], tree, outputs, rate, x_change[i - begin], slots, steps, look, totals)
        changes[: last - first] = 0
        spread_contexts(x_change, low, high, begin, end, first, changes)
        scatter_words(kept[first:last], words, inputs, changes)
    totals[3] += kept.size


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
                add_row(changes, j - first, x_change, i - begin)


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def train_path(
    x: NDArray[np.float32],
    word: int,
    tree: Tree,
    outputs: Table,
    rate: np.float32,
    change: NDArray[np.float32],
    slots: NDArray[np.int64],
    steps: NDArray[np.float32],
    look: bool,
    totals: NDArray[np.float64],
) -> None:
    """One pair: move the nodes on the path of `word`, and add to `change` (width,) what the input `x` (width,) moves by.

    With p = sigmoid(v . x) and c the code, both move along rate * (1 - c - p): v by that times x, x by that times the old v.
    `slots` and `steps` (depth,) are scratch.
    """
    begin, length = tree.starts[word], tree.starts[word + 1] - tree.starts[word]
    for d in range(length):
        slots[d] = own_row(outputs, tree.points[begin + d])
        logit = np.float32(0)
        for k in range(x.size):
            logit += x[k] * outputs.copies[slots[d], k]
        steps[d] = logit
    if look:
        totals[1] += 1
        for d in range(length):
            signed = -steps[d] if tree.codes[begin + d] == 0 else steps[d]
            totals[0] += max(signed, 0.0) + math.log1p(math.exp(-abs(signed)))
    totals[2] += 1
    for d in range(length):
        steps[d] = rate * (np.float32(1) - np.float32(tree.codes[begin + d]) - sigmoid(steps[d]))
    for d in range(length):
        step, slot = steps[d], slots[d]
        for k in range(x.size):
            change[k] += step * outputs.copies[slot, k]
            outputs.copies[slot, k] += step * x[k]
