"""Counts of a text in pieces: each piece is counted alone, its sorted n-grams are kept as a run, and the runs are merged.

A piece is a stretch of the stream with the few tokens that its last n-grams need, so every n-gram is counted once, in the
piece where it starts. The runs of one order lie behind one another in one array; since the continuations of the last row of a
run end where those of the next run begin, the whole is walked like one model. Merging goes order by order: the continuations
of a context are sorted in every run, so the next n-gram is the smallest at the heads of the runs that have the context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.events import Event, Progress
from hornbook.core.types import Ids
from hornbook.statistical.counts import Level, count_levels
from hornbook.statistical.storage import Storage
from hornbook.statistical.stream import lay_out_part

_CONTEXTS = 1 << 20  # merged between two moments in which memory is given back


def count_in_pieces(
    tokens: Ids,
    starts: NDArray[np.int64],
    order: int,
    *,
    piece: int,
    vocabulary_size: int,
    end: int,
    threads: int,
    storage: Storage,
    log: Callable[[Event], None],
) -> list[Level]:
    """The same levels as `count_levels` of the whole stream, from pieces of `piece` positions, `threads` at a time."""
    length = tokens.size + 2 * (starts.size - 1)

    def count(first: int) -> list[Level]:
        last = min(first + piece, length)
        stream = lay_out_part(tokens, starts, first, min(last + order - 1, length), vocabulary_size=vocabulary_size, end=end)
        return count_levels(stream, vocabulary_size, order, starting=last - first)

    runs = Runs(order, storage)
    with ThreadPoolExecutor(threads) as pool:
        for group in (range(first, length, piece)[:threads] for first in range(0, length, piece * threads)):
            log(Progress("counting n-grams", min(group[-1] + piece, length), length, "tokens"))
            for levels in pool.map(count, group):
                runs.add(levels)
            storage.release()
    return runs.merge(log)


class Runs:
    """Sorted n-grams of several pieces, one behind the other for each order."""

    def __init__(self, order: int, storage: Storage) -> None:
        self._order = order
        self._storage = storage
        self._rows: list[list[int]] = [[] for _ in range(order)]  # of each order in each run

    def add(self, levels: Sequence[Level]) -> None:
        """Keep a piece's words, counts and continuations."""
        for k, level in enumerate(levels):
            before = sum(self._rows[k])
            if before + level.words.size >= 1 << 32:
                raise ContentError(
                    "{rows} n-grams are more than a model holds (4.29e9): lower the order or prune",
                    rows=before + level.words.size,
                )
            self._rows[k].append(level.words.size)
            self._storage.append(f"counts{k}", level.counts)
            if k:
                self._storage.append(f"words{k}", level.words)
                self._storage.append(f"children{k}", level.children[:-1] + np.uint32(before))

    def merge(self, log: Callable[[Event], None]) -> list[Level]:
        """One run of them all, suffixes included."""
        storage, nothing = self._storage, np.zeros(0, dtype=np.uint32)
        no_keep = np.zeros(0, dtype=np.bool_)
        symbols, runs = self._rows[0][0], len(self._rows[0])
        counts = storage.gather("counts0").reshape(runs, symbols).sum(axis=0, dtype=np.uint32)
        levels = [Level(np.arange(symbols, dtype=np.uint32), nothing, counts, nothing, no_keep)]
        owners = np.tile(levels[0].words, runs)  # the merged row of every row of every run
        for k in range(1, self._order):
            log(Progress("merging n-grams", k + 1, self._order, "orders"))
            level, owners = self._merge_order(k, levels[-1].words.size, owners)
            level.suffixes = link_order(levels[-1], level, storage)
            levels.append(level)
            storage.release()
        return levels

    def _merge_order(self, k: int, contexts: int, owners: NDArray[np.uint32]) -> tuple[Level, NDArray[np.uint32]]:
        storage, total = self._storage, sum(self._rows[k])
        run_words, run_counts = storage.gather(f"words{k}"), storage.gather(f"counts{k}")
        storage.append(f"children{k}", np.array([total], dtype=np.uint32))
        run_children = storage.gather(f"children{k}")
        words, counts = storage.empty(total, np.uint32), storage.empty(total, np.uint32)
        children, own = storage.empty(contexts + 1, np.uint32), storage.empty(total, np.uint32)
        bounds = np.cumsum([0, *self._rows[k - 1]])
        cursors, ends = bounds[:-1].copy(), bounds[1:].copy()
        written = 0
        for first in range(0, contexts, _CONTEXTS):
            last = min(first + _CONTEXTS, contexts)
            source = owners, run_words, run_counts, run_children
            written = _merge(first, last, written, cursors, ends, *source, words, counts, children, own)
            storage.release()
        children[contexts] = written
        nothing = np.zeros(0, dtype=np.uint32)
        return Level(words[:written], nothing, counts[:written], children, np.zeros(0, dtype=np.bool_)), own


def link_order(shorter: Level, level: Level, storage: Storage) -> NDArray[np.uint32]:
    """(rows,) the row of each n-gram without its first word in the order below, whose own suffixes are known."""
    if not shorter.suffixes.size:  # order 2: the suffix is the word
        return level.words
    suffixes = storage.empty(level.words.size, np.uint32)
    for first in range(0, shorter.words.size, _CONTEXTS):
        last = min(first + _CONTEXTS, shorter.words.size)
        _link(first, last, level.children, level.words, shorter.suffixes, shorter.children, shorter.words, suffixes)
        storage.release()
    return suffixes


@njit(cache=True, nogil=True)
def _merge(
    first: int,
    last: int,
    written: int,
    cursors: NDArray[np.int64],
    ends: NDArray[np.int64],
    owners: NDArray[np.uint32],
    run_words: NDArray[np.uint32],
    run_counts: NDArray[np.uint32],
    run_children: NDArray[np.uint32],
    words: NDArray[np.uint32],
    counts: NDArray[np.uint32],
    children: NDArray[np.uint32],
    own: NDArray[np.uint32],
) -> int:
    """Merge the continuations of the contexts first..last; returns the rows written so far. `cursors`: next row of each run."""
    heads = np.empty(cursors.size, dtype=np.int64)
    stops = np.empty(cursors.size, dtype=np.int64)
    for context in range(first, last):
        children[context] = written
        active = 0
        for run in range(cursors.size):
            row = cursors[run]
            if row < ends[run] and owners[row] == context:
                cursors[run] = row + 1
                if run_children[row] < run_children[row + 1]:
                    heads[active] = run_children[row]
                    stops[active] = run_children[row + 1]
                    active += 1
        while active:
            word = run_words[heads[0]]
            for i in range(1, active):
                word = min(word, run_words[heads[i]])
            total = np.uint32(0)
            remaining = 0
            for i in range(active):
                head, stop = heads[i], stops[i]
                if run_words[head] == word:
                    total += run_counts[head]
                    own[head] = written
                    head += 1
                if head < stop:
                    heads[remaining] = head
                    stops[remaining] = stop
                    remaining += 1
            active = remaining
            words[written] = word
            counts[written] = total
            written += 1
    return written


@njit(cache=True, nogil=True)
def _link(
    first: int,
    last: int,
    children: NDArray[np.uint32],
    words: NDArray[np.uint32],
    context_suffixes: NDArray[np.uint32],
    shorter_children: NDArray[np.uint32],
    shorter_words: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
) -> None:
    """Find each continuation among those of the context without its first word; both lists are sorted."""
    for context in range(first, last):
        low = np.int64(shorter_children[context_suffixes[context]])
        high = np.int64(shorter_children[context_suffixes[context] + 1])
        for row in range(np.int64(children[context]), np.int64(children[context + 1])):
            begin, end = low, high
            while begin < end:
                middle = (begin + end) >> 1
                if shorter_words[middle] < words[row]:
                    begin = middle + 1
                else:
                    end = middle
            suffixes[row] = begin
            low = begin + 1
