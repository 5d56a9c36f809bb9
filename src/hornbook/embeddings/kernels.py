"""What the kernels of Word2Vec and fastText share: the data they read, tables with overlays, random numbers, words of a chunk.

A *share* is one chunk of text trained by one thread. Every training kernel has this signature, whatever its model and loss:

    kernel(text: Text, words: InputRows, targets: Noise | Tree, plan: Plan, inputs: Table, outputs: Table,
           epoch: int, chunk: int, totals: float64 (4,)) -> None

It reads chunk `chunk` of epoch `epoch` with `read_chunk`, takes blocks of `plan.block` centres, gathers their vectors
with `gather_words`, adds what it learned to the rows of `inputs` (with `scatter_words`) and of `outputs` (through
`own_row`), and adds to `totals`:
    [0] sum of losses in nats of the pairs it looked at, [1] how many pairs these were, [2] pairs trained, [3] words kept.
`targets` is the only argument whose type depends on the loss: `Noise` for negative sampling, the Huffman tree of
hierarchical.py for hierarchical softmax. Random numbers depend on (seed, epoch, chunk) alone, so that a resumed run
repeats them, and another number of threads reads the same text with the same draws.

Matrices are padded: their width is a multiple of 16 and the columns beyond the dimensions stay 0. The kernels are written
for whole vector registers and need no remainder loops.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

REASSOCIATE = {"reassoc", "contract", "nsz", "arcp"}  # sums may be reordered; infinities and NaN keep their meaning
LANES = 16  # float32 numbers of the widest register


class Text(NamedTuple):
    """Sentences as ids, cut into chunks; no sentence is longer than word2vec.c's limit."""

    ids: NDArray[np.uint32]  # (tokens,) words of the vocabulary
    sentences: NDArray[np.int64]  # (S + 1,) where sentences start in ids
    chunks: NDArray[np.int64]  # (C + 1,) where chunks start in sentences
    keep: NDArray[np.uint32]  # (V,) subsampling: a word stays when 32 random bits are not above this


class InputRows(NamedTuple):
    """The rows of the input table that make up a word: the mean of `rows[starts[w]:starts[w + 1]]` is its vector."""

    rows: NDArray[np.int32]  # (sum of rows,)
    starts: NDArray[np.int64]  # (V + 1,)


class Noise(NamedTuple):
    """An alias table (Walker 1977) of the distribution that negatives are drawn from."""

    threshold: NDArray[np.uint32]  # (V,) a draw of slot w is w itself when 32 random bits are not above this
    other: NDArray[np.uint32]  # (V,) and this word otherwise


class Plan(NamedTuple):
    """Numbers that stay the same for a whole training."""

    seed: int
    epochs: int
    window: int
    block: int  # centres trained together
    negative: int  # negatives that each pair counts
    shared: int  # negatives drawn for a block, a multiple of 4
    rate: float  # learning rate at the start
    last_rate: float  # and at the end


class Table(NamedTuple):
    """A matrix, and one thread's own copies of the rows it has touched since the round began.

    `base` stays as it was at the start of the round; a row that is touched is copied to `copies` and changed there. With
    `slots` empty there are no copies: `copies` is `base` itself and changes are seen at once (one thread, or racy).
    """

    base: NDArray[np.float32]  # (R, width)
    copies: NDArray[np.float32]  # (capacity, width)
    slots: NDArray[np.int32]  # (R,) where a row's copy is, -1: none; or (0,)
    touched: NDArray[np.int32]  # (capacity,) the row that each copy belongs to
    used: NDArray[np.int64]  # (1,) copies in use


@njit(cache=True, nogil=True)
def own_row(table: Table, row: int) -> int:
    """Where in `table.copies` this thread reads and writes a row; copied there at the first touch of the round."""
    if table.slots.size == 0:
        return row
    slot = int(table.slots[row])
    if slot < 0:
        slot = int(table.used[0])
        table.used[0] = slot + 1
        table.slots[row] = slot
        table.touched[slot] = row
        for k in range(table.base.shape[1]):
            table.copies[slot, k] = table.base[row, k]
    return slot


@njit(cache=True, nogil=True)
def own_rows(table: Table, rows: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """`own_row` of many rows: (n,) -> (n,). Arrays are taken out of the table once, each time costs a locked instruction."""
    slots = table.slots
    for i in range(rows.size):
        if slots.size == 0:
            found[i] = rows[i]
        else:
            found[i] = slots[rows[i]]
            if found[i] < 0:
                found[i] = own_row(table, rows[i])


@njit(cache=True, nogil=True)
def random_bits(state: NDArray[np.uint64]) -> np.uint64:
    """64 random bits (splitmix64: Steele, Lea and Flood 2014); `state` is (1,)."""
    z = state[0] + np.uint64(0x9E3779B97F4A7C15)
    state[0] = z
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits: np.uint64 = z ^ (z >> np.uint64(31))
    return bits


@njit(cache=True, nogil=True)
def seed_state(state: NDArray[np.uint64], seed: int, epoch: int, chunk: int) -> None:
    """Start the random numbers of one chunk of one epoch."""
    state[0] = np.uint64(seed)
    for part in (epoch, chunk):
        state[0] = random_bits(state) ^ np.uint64(part)
    random_bits(state)


@njit(cache=True, nogil=True)
def read_chunk(
    text: Text, plan: Plan, chunk: int, state: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The words of a chunk after subsampling, (m,) each: word, and the context of position i: low[i] <= j < high[i], j != i.

    The window of each centre is drawn evenly from 1 to `plan.window` and does not leave its sentence
    (Mikolov et al. 2013a, section 3.1); subsampling is that of Mikolov et al. 2013b, section 2.3, as in word2vec.c.
    """
    first, last = text.chunks[chunk], text.chunks[chunk + 1]
    most = text.sentences[last] - text.sentences[first]
    words = np.empty(most, dtype=np.int64)
    low = np.empty(most, dtype=np.int64)
    high = np.empty(most, dtype=np.int64)
    kept = 0
    for sentence in range(first, last):
        begin = kept
        for token in range(text.sentences[sentence], text.sentences[sentence + 1]):
            word = np.int64(text.ids[token])
            words[kept] = word
            if (random_bits(state) >> np.uint64(32)) <= np.uint64(text.keep[word]):
                kept += 1
        for i in range(begin, kept):
            reach = 1 + np.int64(((random_bits(state) >> np.uint64(32)) * np.uint64(plan.window)) >> np.uint64(32))
            low[i] = max(begin, i - reach)
            high[i] = min(kept, i + reach + 1)
    return words[:kept], low[:kept], high[:kept]


@njit(cache=True, nogil=True)
def rate_at(text: Text, plan: Plan, epoch: int, chunk: int, done: float) -> np.float32:
    """Learning rate when a share `done` of a chunk is trained: it falls linearly over the words of all epochs."""
    begin, end = text.sentences[text.chunks[chunk]], text.sentences[text.chunks[chunk + 1]]
    position = (epoch + (begin + done * (end - begin)) / text.ids.size) / plan.epochs
    return np.float32(plan.rate + (plan.last_rate - plan.rate) * position)


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def gather_words(
    chosen: NDArray[np.int64], words: InputRows, inputs: Table, sums: NDArray[np.float32], sizes: NDArray[np.float32]
) -> None:
    """Sum of the input rows of each chosen word, (n, width), and how many rows these are, (n,)."""
    width, copies, slots, rows, starts = sums.shape[1], inputs.copies, inputs.slots, words.rows, words.starts
    for i in range(chosen.size):
        begin, end = starts[chosen[i]], starts[chosen[i] + 1]
        for place in range(begin, end):
            slot = np.int64(rows[place])
            if slots.size > 0:
                slot = np.int64(slots[slot])
                if slot < 0:
                    slot = own_row(inputs, np.int64(rows[place]))
            if place == begin:
                for k in range(width):
                    sums[i, k] = copies[slot, k]
            else:
                for k in range(width):
                    sums[i, k] += copies[slot, k]
        sizes[i] = end - begin


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def scatter_words(chosen: NDArray[np.int64], words: InputRows, inputs: Table, changes: NDArray[np.float32]) -> None:
    """Add the change of each chosen word, (n, width), to every one of its input rows, whole, as word2vec.c and fastText do.

    The words have been gathered in the same round. The vector of a word is the mean of its rows, so adding the whole change to
    each row moves it by the whole change.
    """
    copies, slots, rows, starts = inputs.copies, inputs.slots, words.rows, words.starts
    for i in range(chosen.size):
        for place in range(starts[chosen[i]], starts[chosen[i] + 1]):
            slot = np.int64(rows[place])
            if slots.size > 0:  # the words were gathered before, so every row has its copy
                slot = np.int64(slots[slot])
            for k in range(changes.shape[1]):
                copies[slot, k] += changes[i, k]


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def add_row(target: NDArray[np.float32], row: int, source: NDArray[np.float32], from_row: int) -> None:
    """target[row] += source[from_row]."""
    for k in range(target.shape[1]):
        target[row, k] += source[from_row, k]


@njit(cache=True, nogil=True, fastmath=REASSOCIATE, error_model="numpy")
def sigmoid(x: np.float32) -> np.float32:
    """Logistic function by a continued fraction of tanh, error below 2e-5; 0 and 1 from |x| = 9.9 on. No exp: it vectorises."""
    z = min(max(x * np.float32(0.5), np.float32(-4.97)), np.float32(4.97))
    square = z * z
    above = z * (np.float32(135135) + square * (np.float32(17325) + square * (np.float32(378) + square)))
    below = np.float32(135135) + square * (np.float32(62370) + square * (np.float32(3150) + square * np.float32(28)))
    return np.float32(0.5) + np.float32(0.5) * (above / below)
