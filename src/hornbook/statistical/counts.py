"""Counts of all n-grams of orders 1 to N, by sorting numbers; nothing is hashed.

Order k + 1 comes from order k: an (k + 1)-gram is the k-gram that ends one position earlier, known by its row, and one more
token. Row, token and position fit into one uint64, so an order is one walk along the stream that writes keys, one machine sort
of plain integers (numpy's sort is vectorised), and one walk along the sorted keys that makes rows and tells each position the
row of the n-gram that ends there. For the last order no position has to be told, so there the place of token and position is
taken by the row of the k-gram that ends at the position, which sorts as its last token does: it is the suffix, and nothing is
looked up. Where the bits do not suffice, or the sort would leave the cache, keys are first dealt into buckets by row.

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

_BUCKET_BITS = 6  # at least so many buckets, as a power of two: sorted one by one they stay nearer to the processor
_NONE = np.uint32(0xFFFFFFFF)  # the row of a position where no n-gram of this order ends


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
    ranks = stream.copy()  # row of the n-gram that ends at each position, in the order counted last
    nothing, no_keep = np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.bool_)
    every_word = np.arange(boundary + 1, dtype=np.uint32)
    levels = [Level(every_word, nothing, _count_words(stream[:starting], boundary + 1), nothing, no_keep)]
    for k in range(2, order + 1):
        log(Progress("counting n-grams", k, order, "orders"))
        counted = stream if starting is None else stream[: starting + k - 1]  # no n-gram begins later
        if k == order and starting is None:
            levels.append(_last_order(counted, ranks, boundary, levels[-1].words))
        else:
            levels.append(_next_order(counted, ranks, boundary, levels[-1].words.size))
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


@dataclass
class _Keys:
    """Sorted keys of one order: the context's row within its bucket, `low_bits` of what follows, `position_bits`."""

    buckets: list[NDArray[np.uint64]]
    bucket_bits: int  # a bucket holds the keys of 2^bucket_bits contexts
    low_bits: int
    position_bits: int

    def empty_level(self, contexts: int) -> Level:
        """A level of the right size, to be filled."""
        rows = sum(_distinct(bucket, self.position_bits) for bucket in self.buckets)
        words, suffixes, counts = (np.empty(rows, dtype=np.uint32) for _ in range(3))
        return Level(words, suffixes, counts, np.zeros(contexts + 1, dtype=np.uint32), np.zeros(0, dtype=np.bool_))


def _next_order(stream: NDArray[np.uint32], ranks: NDArray[np.uint32], boundary: int, contexts: int) -> Level:
    """The next order, occurrences as counts; `ranks` becomes that of this order."""
    keys = _sorted_keys(stream, ranks, boundary, contexts, stream, boundary.bit_length(), stream.size.bit_length())
    level, rows = keys.empty_level(contexts), 0
    for number, bucket in enumerate(keys.buckets):
        first = number << keys.bucket_bits
        arrays = level.words, level.suffixes, level.counts, level.children
        rows = _fill_rows(bucket, first, keys.low_bits, keys.position_bits, rows, ranks, *arrays)
    _fill_gaps(level.children)
    return level


def _last_order(stream: NDArray[np.uint32], ranks: NDArray[np.uint32], boundary: int, words_below: NDArray[np.uint32]) -> Level:
    """The same for the last order, after which nothing reads the ranks: they are not updated."""
    contexts = words_below.size
    keys = _sorted_keys(stream, ranks, boundary, contexts, ranks, contexts.bit_length(), 0)
    level, rows = keys.empty_level(contexts), 0
    for number, bucket in enumerate(keys.buckets):
        first = number << keys.bucket_bits
        arrays = level.words, level.suffixes, level.counts, level.children
        rows = _fill_last_rows(bucket, first, keys.low_bits, rows, words_below, *arrays)
    _fill_gaps(level.children)
    return level


def _sorted_keys(
    stream: NDArray[np.uint32],
    ranks: NDArray[np.uint32],
    boundary: int,
    contexts: int,
    low: NDArray[np.uint32],
    low_bits: int,
    position_bits: int,
) -> _Keys:
    """Keys of all n-grams of the next order; ranks of positions where none ends become _NONE."""
    rank_bits = contexts.bit_length()
    bucket_bits = min(64 - low_bits - position_bits, max(rank_bits - _BUCKET_BITS, 0))
    sizes = np.zeros((max(contexts - 1, 0) >> bucket_bits) + 1, dtype=np.int64)
    _count_keys(stream, ranks, boundary, bucket_bits, sizes)
    ends = np.cumsum(sizes)
    keys = np.empty(int(ends[-1]), dtype=np.uint64)
    _deal_keys(stream, ranks, boundary, low, bucket_bits, low_bits, position_bits, ends - sizes, keys)
    buckets = np.split(keys, ends[:-1])
    for bucket in buckets:
        bucket.sort()
    return _Keys(buckets, bucket_bits, low_bits, position_bits)


@njit(cache=True, nogil=True)
def _count_words(stream: NDArray[np.uint32], symbols: int) -> NDArray[np.uint32]:
    counts = np.zeros(symbols, dtype=np.uint32)
    for i in range(stream.size):
        counts[stream[i]] += 1
    return counts


@njit(cache=True, nogil=True)
def _count_keys(
    stream: NDArray[np.uint32], ranks: NDArray[np.uint32], boundary: int, bucket_bits: int, sizes: NDArray[np.int64]
) -> None:
    for position in range(1, stream.size):
        if ranks[position - 1] != _NONE and stream[position] != boundary:
            sizes[np.int64(ranks[position - 1]) >> bucket_bits] += 1


@njit(cache=True, nogil=True)
def _deal_keys(
    stream: NDArray[np.uint32],
    ranks: NDArray[np.uint32],
    boundary: int,
    low: NDArray[np.uint32],
    bucket_bits: int,
    low_bits: int,
    position_bits: int,
    free: NDArray[np.int64],
    keys: NDArray[np.uint64],
) -> None:
    """Write keys to the next free place of their bucket."""
    mask = (np.uint64(1) << np.uint64(bucket_bits)) - np.uint64(1)
    if not stream.size:
        return
    context = ranks[0]
    ranks[0] = _NONE
    for position in range(1, stream.size):
        following = ranks[position]  # read before it is overwritten: the context of the next position
        if context != _NONE and stream[position] != boundary:
            gram = ((np.uint64(context) & mask) << np.uint64(low_bits)) | np.uint64(low[position])
            bucket = np.int64(context) >> bucket_bits
            keys[free[bucket]] = (gram << np.uint64(position_bits)) | np.uint64(position if position_bits else 0)
            free[bucket] += 1
        else:
            ranks[position] = _NONE
        context = following


@njit(cache=True, nogil=True)
def _distinct(keys: NDArray[np.uint64], position_bits: int) -> int:
    """Number of different n-grams among sorted keys."""
    rows = 0
    previous = ~np.uint64(0)
    for i in range(keys.size):
        gram = keys[i] >> np.uint64(position_bits)
        rows += gram != previous
        previous = gram
    return rows


@njit(cache=True, nogil=True)
def _fill_rows(
    keys: NDArray[np.uint64],
    first: int,
    low_bits: int,
    position_bits: int,
    rows: int,
    ranks: NDArray[np.uint32],
    words: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    counts: NDArray[np.uint32],
    children: NDArray[np.uint32],
) -> int:
    """Turn a bucket's sorted keys into rows, `first` its first context; returns the number of rows so far."""
    position_mask = (np.uint64(1) << np.uint64(position_bits)) - np.uint64(1)
    low_mask = (np.uint64(1) << np.uint64(low_bits)) - np.uint64(1)
    previous = ~np.uint64(0)
    for i in range(keys.size):
        gram, position = keys[i] >> np.uint64(position_bits), np.int64(keys[i] & position_mask)
        if gram != previous:
            previous = gram
            words[rows] = gram & low_mask
            suffixes[rows] = ranks[position]  # still the row in the order below: each position is overwritten only here
            counts[rows] = 0
            rows += 1
            children[first + np.int64(gram >> np.uint64(low_bits)) + 1] = rows
        counts[rows - 1] += 1
        ranks[position] = rows - 1
    return rows


@njit(cache=True, nogil=True)
def _fill_last_rows(
    keys: NDArray[np.uint64],
    first: int,
    low_bits: int,
    rows: int,
    words_below: NDArray[np.uint32],
    words: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    counts: NDArray[np.uint32],
    children: NDArray[np.uint32],
) -> int:
    """The same for keys that end with the suffix."""
    low_mask = (np.uint64(1) << np.uint64(low_bits)) - np.uint64(1)
    previous = ~np.uint64(0)
    for i in range(keys.size):
        if keys[i] != previous:
            previous = keys[i]
            suffix = np.int64(previous & low_mask)
            words[rows] = words_below[suffix]
            suffixes[rows] = suffix
            counts[rows] = 0
            rows += 1
            children[first + np.int64(previous >> np.uint64(low_bits)) + 1] = rows
        counts[rows - 1] += 1
    return rows


@njit(cache=True, nogil=True)
def _fill_gaps(children: NDArray[np.uint32]) -> None:
    """Contexts without continuations end where the one before them ends."""
    for context in range(1, children.size):
        children[context] = max(children[context], children[context - 1])


@njit(cache=True, nogil=True)
def _count_left_neighbours(suffixes: NDArray[np.uint32], counts: NDArray[np.uint32], first_boundary_row: int) -> None:
    """Replace occurrences by different left neighbours: every longer n-gram is one neighbour of its suffix."""
    counts[:first_boundary_row] = 0
    for row in range(suffixes.size):
        counts[suffixes[row]] += 1
