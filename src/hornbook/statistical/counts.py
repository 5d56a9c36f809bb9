"""Counts of all n-grams of orders 1 to N, by refining one sorted list of positions; nothing is hashed.

Positions of the stream are kept sorted by the n-gram that ends there. The list of order k + 1 comes from that of order k: the
positions after an n-gram form a group, and only within its group is a position sorted by its own token. A group's rank, the
token and the position's place fit into one uint64, so each refinement is one machine sort of plain integers per block of groups
(numpy's sort is vectorised) and one linear scan. It works for every vocabulary size and every order.

Because the order is that of the first word, then the second, ..., the continuations of a context are one contiguous range of
rows: counts, denominators, back-off weights and later the query all walk it without a search.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.events import Event, Progress

_BLOCK = 1 << 20  # positions sorted together: 8 MB of keys stay near the processor


@dataclass
class Level:
    """The n-grams of one order, sorted by their words from the first to the last."""

    words: NDArray[np.uint32]  # (rows,) last word
    suffixes: NDArray[np.uint32]  # (rows,) row of the n-gram without its first word, in the order below
    counts: NDArray[np.uint32]  # (rows,) occurrences; see `count_left_neighbours`
    children: NDArray[np.uint32]  # (rows of the order below + 1,) row where the continuations of each context start
    keep: NDArray[np.bool_]  # (rows,) not pruned; empty when nothing is pruned


def count_levels(
    stream: NDArray[np.uint32],
    boundary: int,
    order: int,
    *,
    starting: int | None = None,
    log: Callable[[Event], None] = lambda event: None,
) -> list[Level]:
    """Count a stream (see stream.py) up to `order`; level k - 1 of the result holds the k-grams that do not cross a document.

    Order 1 has one row per id, the boundary last. Only n-grams that start in the first `starting` positions are counted (all
    by default): a piece of a text is followed by what its last n-grams need, and its suffixes are not to be used.
    """
    positions, row_starts = _group_by_word(stream[:starting], boundary + 1)
    ranks = stream.copy()  # row of the n-gram that ends at each position, in the order counted last
    every_word = np.arange(boundary + 1, dtype=np.uint32)
    nothing = np.zeros(0, dtype=np.uint32)
    levels = [Level(every_word, nothing, np.diff(row_starts), nothing, np.zeros(0, dtype=np.bool_))]
    for k in range(2, order + 1):
        log(Progress("counting n-grams", k, order, "orders"))
        level, row_starts = _refine(stream, positions, row_starts, ranks, boundary, last_order=k == order)
        levels.append(level)
    return levels


def mark_rare(levels: Sequence[Level], minimum: Sequence[int]) -> None:
    """Set `keep`: a k-gram needs `minimum[k - 1]` occurrences. Call while the counts are occurrences."""
    if max(minimum) > 1:
        for level, fewest in zip(levels[1:], minimum[1:]):
            level.keep = level.counts >= fewest


def count_left_neighbours(levels: Sequence[Level], *, release: Callable[[], None] = lambda: None) -> None:
    """Replace occurrences by the number of different words seen before the n-gram, in place (Kneser and Ney 1995).

    The highest order, and n-grams that begin with the boundary, keep their occurrences (as KenLM does: Heafield et al. 2013,
    section 3): nothing stands before them. `release` is called between two orders (see storage.py).
    """
    first_boundary_row = levels[0].counts.size - 1  # n-grams beginning with the boundary are the last rows of their order
    for level, longer in itertools.pairwise(levels):
        _count_left_neighbours(longer.suffixes, level.counts, first_boundary_row)
        first_boundary_row = int(longer.children[first_boundary_row])
        release()


def _refine(
    stream: NDArray[np.uint32],
    positions: NDArray[np.uint32],
    row_starts: NDArray[np.uint32],
    ranks: NDArray[np.uint32],
    boundary: int,
    *,
    last_order: bool,
) -> tuple[Level, NDArray[np.uint32]]:
    """The next order, occurrences as counts, and where its rows start in `positions`.

    `positions` and `ranks` are updated, except for the last order, after which nothing reads them.
    """
    updated = positions[:0] if last_order else positions
    groups, count = row_starts.size - 1, int(row_starts[-1])
    words = np.empty(count, dtype=np.uint32)
    suffixes = np.empty(count, dtype=np.uint32)
    new_starts = np.empty(count + 1, dtype=np.uint32)
    children = np.empty(groups + 1, dtype=np.uint32)
    rows = written = first = 0
    while first < groups:
        begin = int(row_starts[first])
        last = max(int(np.searchsorted(row_starts, begin + _BLOCK, side="right")) - 1, first + 1)
        block = positions[begin : int(row_starts[last])].copy()  # the sorted block is written over what it came from
        index_bits, word_bits = max(block.size - 1, 1).bit_length(), boundary.bit_length()
        keys = np.empty(block.size, dtype=np.uint64)
        used = _pack(block, row_starts, first, last, stream, boundary, index_bits, word_bits, keys)
        keys = keys[:used]
        keys.sort()
        rows = _unpack(
            keys,
            block,
            index_bits,
            word_bits,
            first,
            last,
            rows,
            written,
            updated,
            ranks,
            words,
            suffixes,
            new_starts,
            children,
        )
        written += used
        first = last
    children[groups] = rows
    new_starts[rows] = written
    new_starts = new_starts[: rows + 1].copy()
    level = Level(words[:rows].copy(), suffixes[:rows].copy(), np.diff(new_starts), children, np.zeros(0, dtype=np.bool_))
    return level, new_starts


@njit(cache=True, nogil=True)
def _group_by_word(stream: NDArray[np.uint32], symbols: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Positions sorted by their token, and where each token's positions start, (symbols + 1,)."""
    starts = np.zeros(symbols + 1, dtype=np.uint32)
    for i in range(stream.size):
        starts[stream[i] + 1] += 1
    for symbol in range(symbols):
        starts[symbol + 1] += starts[symbol]
    free = starts.copy()
    positions = np.empty(stream.size, dtype=np.uint32)
    for i in range(stream.size):
        positions[free[stream[i]]] = i
        free[stream[i]] += 1
    return positions, starts


@njit(cache=True, nogil=True)
def _pack(
    block: NDArray[np.uint32],
    row_starts: NDArray[np.uint32],
    first: int,
    last: int,
    stream: NDArray[np.uint32],
    boundary: int,
    index_bits: int,
    word_bits: int,
    keys: NDArray[np.uint64],
) -> int:
    """Keys (group, next token, place in the block) of the positions that have a next token in their document; their number."""
    used = 0
    begin = np.int64(row_starts[first])
    for group in range(first, last):
        high = np.uint64(group - first) << np.uint64(word_bits + index_bits)
        for i in range(np.int64(row_starts[group]) - begin, np.int64(row_starts[group + 1]) - begin):
            after = np.int64(block[i]) + 1
            if after < stream.size and stream[after] != boundary:
                keys[used] = high | (np.uint64(stream[after]) << np.uint64(index_bits)) | np.uint64(i)
                used += 1
    return used


@njit(cache=True, nogil=True)
def _unpack(
    keys: NDArray[np.uint64],
    block: NDArray[np.uint32],
    index_bits: int,
    word_bits: int,
    first: int,
    last: int,
    rows: int,
    written: int,
    positions: NDArray[np.uint32],
    ranks: NDArray[np.uint32],
    words: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    row_starts: NDArray[np.uint32],
    children: NDArray[np.uint32],
) -> int:
    """Turn sorted keys into rows; returns the number of rows so far. A new n-gram is where group or token changes.

    With empty `positions` (the last order) neither these nor the ranks are written.
    """
    index_mask = (np.uint64(1) << np.uint64(index_bits)) - np.uint64(1)
    word_mask = (np.uint64(1) << np.uint64(word_bits)) - np.uint64(1)
    group = first - 1  # the last group whose children have a start
    previous = ~np.uint64(0)
    for i in range(keys.size):
        gram = keys[i] >> np.uint64(index_bits)
        position = np.int64(block[keys[i] & index_mask]) + 1
        if gram != previous:
            previous = gram
            while group < first + np.int64(gram >> np.uint64(word_bits)):
                group += 1
                children[group] = rows
            words[rows] = gram & word_mask
            suffixes[rows] = ranks[position]  # still the rank in the order below: each position is overwritten only here
            row_starts[rows] = written + i
            rows += 1
        if positions.size:
            ranks[position] = rows - 1
            positions[written + i] = position
    while group < last - 1:
        group += 1
        children[group] = rows
    return rows


@njit(cache=True, nogil=True)
def _count_left_neighbours(suffixes: NDArray[np.uint32], counts: NDArray[np.uint32], first_boundary_row: int) -> None:
    """Replace occurrences by different left neighbours: every longer n-gram is one neighbour of its suffix."""
    counts[:first_boundary_row] = 0
    for row in range(suffixes.size):
        counts[suffixes[row]] += 1
