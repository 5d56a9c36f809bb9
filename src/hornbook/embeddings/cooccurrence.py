"""Counting how often words stand near each other, in bounded memory: Pennington et al. 2014, section 4.2.

The rows of the matrix are split into bands; each band is counted by one scan of the text on one thread, so the result is the
same, bit for bit, for every number of threads and every memory limit. When the whole does not fit into the limit, the cells go
to temporary files without a name: the system removes them when the process ends, killed or not.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError, disk_errors
from hornbook.core.events import Event, Progress
from hornbook.core.runtime import release_free_memory
from hornbook.embeddings.cooccurrence_kernels import row_masses, scan_band, sum_band

MAX_WINDOW = 255  # a distance is one byte
_PAIR_BYTES = 5  # a pair of positions while it waits to be summed: its column and its distance
_CELL_BYTES = 8  # a cell of the result: its column and its value
_BAND_BYTES = 128 << 20  # fresh memory costs more than another scan of the text
_MOST_BANDS = 8  # a thread, where memory allows so few
_SHARE = 0.7  # of the memory for bands at work; the rest is for those that wait to be written, and for holes in the heap


@dataclass(frozen=True, eq=False)
class Cooccurrences:
    """A sparse matrix of weighted counts: row i has `columns[starts[i]:starts[i + 1]]` and the `values` there.

    With `half` a cell (i, j) also stands for (j, i), and the row is the commoner word (i <= j); otherwise the row is the word
    and the column a word on its left.
    """

    starts: NDArray[np.int64]  # (V + 1,)
    columns: NDArray[np.uint32]  # (cells,)
    values: NDArray[np.float32]  # (cells,)
    half: bool
    pairs: int  # different (word, context) pairs: a cell of a half matrix is two, unless the word stands beside itself
    total: float  # sum of the whole matrix, both halves
    on_disk: bool  # the arrays are mapped temporary files

    def __len__(self) -> int:
        return int(self.starts.size - 1)


def count_cooccurrences(
    ids: NDArray[np.uint32],
    starts: NDArray[np.int64],
    vocabulary_size: int,
    *,
    window: int = 10,
    symmetric: bool = True,
    memory: int = 2 << 30,
    threads: int = 1,
    folder: Path | None = None,
    log: Callable[[Event], None] = lambda event: None,
) -> Cooccurrences:
    """Count sentences `ids[starts[s]:starts[s + 1]]` (n,), (S + 1,): two words at distance k <= window add 1 / k.

    `symmetric` counts both sides of a word, else its left only. `memory` bytes are for the counting and its result; beyond them
    the result goes to disk, into `folder` (default: the system's temporary folder). Raises UsageError, DiskFullError.
    """
    if not 1 <= window <= MAX_WINDOW:
        raise UsageError("window = {window}: choose 1 to {most} words", window=window, most=MAX_WINDOW)
    weights = np.zeros(window + 1)
    weights[1:] = 1.0 / np.arange(1, window + 1)
    lengths = np.zeros(vocabulary_size + 1, dtype=np.int64)
    diagonal = 0
    with ThreadPoolExecutor(threads) as pool:
        masses = _masses(pool, threads, ids, starts, vocabulary_size, window, symmetric)
        need = _row_bytes(masses)
        store = _Store(on_disk=int(need.sum()) > memory, folder=folder)
        limit = int(min(_SHARE * memory / threads, max(_BAND_BYTES, need.sum() / (_MOST_BANDS * threads))))
        bands = _bands(masses, need, limit=limit, threads=threads)

        def count(band: tuple[int, int]) -> _Cells:
            return _count_band(ids, starts, weights, symmetric, band[0], masses[band[0] : band[1]], vocabulary_size)

        for done, (band, cells) in enumerate(_in_order(pool, threads, count, bands), start=1):
            lengths[band[0] + 1 : band[1] + 1] = cells.lengths
            diagonal += cells.diagonal
            store.append(cells)
            log(Progress("counting co-occurrences", done, len(bands), "bands"))
        columns, values = store.arrays()
    pairs = 2 * columns.size - diagonal if symmetric else columns.size
    total = sum(np.maximum(np.diff(starts) - k, 0).sum() * weights[k] for k in range(1, window + 1)) * (2 if symmetric else 1)
    return Cooccurrences(np.cumsum(lengths), columns, values, symmetric, pairs, float(total), store.on_disk)


@dataclass(frozen=True)
class _Cells:
    """What one band gives."""

    columns: NDArray[np.uint32]  # (cells,)
    values: NDArray[np.float32]  # (cells,)
    lengths: NDArray[np.int64]  # (rows,)
    diagonal: int


def _masses(
    pool: ThreadPoolExecutor,
    threads: int,
    ids: NDArray[np.uint32],
    starts: NDArray[np.int64],
    vocabulary_size: int,
    window: int,
    half: bool,
) -> NDArray[np.int64]:
    """(V,) pairs of positions of each row; threads take stretches of the text."""
    cuts = np.searchsorted(starts, np.linspace(0, ids.size, threads + 1).astype(np.int64))
    cuts[-1] = starts.size - 1
    parts = np.zeros((threads, vocabulary_size), dtype=np.int64)
    jobs = [
        pool.submit(row_masses, ids, starts, int(cuts[i]), int(cuts[i + 1]), window, half, parts[i]) for i in range(threads)
    ]
    for job in jobs:
        job.result()
    total: NDArray[np.int64] = parts.sum(axis=0)
    return total


def _is_dense(masses: NDArray[np.int64], vocabulary_size: int) -> NDArray[np.bool_]:
    """Rows whose sums, 8 bytes a word of the vocabulary, take less room than the list of their pairs."""
    return masses * _PAIR_BYTES > 8 * vocabulary_size


def _row_bytes(masses: NDArray[np.int64]) -> NDArray[np.int64]:
    """(V,) memory that counting a row takes at most, its result included."""
    working = np.where(_is_dense(masses, masses.size), 8 * masses.size, masses * _PAIR_BYTES)
    need: NDArray[np.int64] = working + _CELL_BYTES * np.minimum(masses, masses.size)
    return need


def _bands(masses: NDArray[np.int64], need: NDArray[np.int64], *, limit: int, threads: int) -> list[tuple[int, int]]:
    """Ranges of rows that take at most `limit` bytes (or are one row), and on several threads are about equal work."""
    work = np.concatenate([[0], np.cumsum(masses)])
    size = np.concatenate([[0], np.cumsum(need)])
    share = -(-int(work[-1]) // (1 if threads == 1 else 2 * threads))
    bands: list[tuple[int, int]] = []
    first = 0
    while first < masses.size:
        by_size = int(np.searchsorted(size, size[first] + limit, side="right")) - 1
        by_work = int(np.searchsorted(work, work[first] + share, side="left"))
        last = max(first + 1, min(by_size, by_work, masses.size))
        bands.append((first, last))
        first = last
    return bands


def _count_band(
    ids: NDArray[np.uint32],
    starts: NDArray[np.int64],
    weights: NDArray[np.float64],
    half: bool,
    first: int,
    masses: NDArray[np.int64],
    vocabulary_size: int,
) -> _Cells:
    """Count the rows from `first` on whose masses are given."""
    is_dense = _is_dense(masses, vocabulary_size)
    dense_row = np.where(is_dense, np.cumsum(is_dense) - 1, -1)
    dense = np.zeros((int(is_dense.sum()), vocabulary_size))
    listed = np.where(is_dense, 0, masses)
    free = np.cumsum(listed) - listed
    columns = np.empty(int(listed.sum()), dtype=np.uint32)
    distances = np.empty(columns.size, dtype=np.uint8)
    scan_band(ids, starts, weights, half, first, first + masses.size, free, columns, distances, dense_row, dense)
    most = int(np.minimum(masses, vocabulary_size).sum())
    out_columns, out_values = np.empty(most, dtype=np.uint32), np.empty(most, dtype=np.float32)
    lengths = np.zeros(masses.size, dtype=np.int64)
    sums = np.zeros(vocabulary_size)
    size, diagonal = sum_band(
        first, half, weights, free, columns, distances, dense_row, dense, sums, out_columns, out_values, lengths
    )
    del columns, distances, dense
    return _Cells(out_columns[:size].copy(), out_values[:size].copy(), lengths, diagonal)


def _in_order(
    pool: ThreadPoolExecutor, threads: int, work: Callable[[tuple[int, int]], _Cells], bands: Iterable[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], _Cells]]:
    """Results in the order of the bands, never more than one band a thread at work or waiting."""
    waiting: deque[tuple[tuple[int, int], Future[_Cells]]] = deque()
    for band in bands:
        if len(waiting) == threads:
            done, job = waiting.popleft()
            yield done, job.result()
        waiting.append((band, pool.submit(work, band)))
    for done, job in waiting:
        yield done, job.result()


class _Store:
    """Cells of the bands one after the other, in memory or in nameless files."""

    def __init__(self, *, on_disk: bool, folder: Path | None) -> None:
        self.on_disk, self._folder = on_disk, Path(tempfile.gettempdir()) if folder is None else folder
        self._parts: list[_Cells] = []
        self._files = [self._open(), self._open()] if on_disk else []

    def append(self, cells: _Cells) -> None:
        """Add the cells of the next band."""
        if not self.on_disk:
            self._parts.append(cells)
            return
        with disk_errors("co-occurrences", self._folder):
            self._files[0].write(cells.columns.data)
            self._files[1].write(cells.values.data)
        release_free_memory()

    def arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Columns and values of all bands; mapped files need no file object once they are mapped."""
        if self.on_disk:
            return self._map(self._files[0], np.uint32), self._map(self._files[1], np.float32)
        columns = np.concatenate([part.columns for part in self._parts] or [np.zeros(0, np.uint32)])
        return columns, np.concatenate([part.values for part in self._parts] or [np.zeros(0, np.float32)])

    def _open(self) -> Any:
        with disk_errors("co-occurrences", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(dir=self._folder)

    def _map(self, file: Any, kind: type[Any]) -> NDArray[Any]:
        with disk_errors("co-occurrences", self._folder):
            size = file.seek(0, 2) // 4  # flushes
        array = np.memmap(file, dtype=kind, mode="r", shape=(size,)) if size else np.zeros(0, dtype=kind)
        file.close()
        return array


def room(size: int, kind: type[Any], *, on_disk: bool, folder: Path | None) -> NDArray[Any]:
    """(size,) to be filled: in memory, or mapped from a nameless file whose blocks are reserved. Raises DiskFullError."""
    if not on_disk or not size:
        return np.empty(size, dtype=kind)
    place = Path(tempfile.gettempdir()) if folder is None else folder
    with disk_errors("co-occurrences", place), tempfile.TemporaryFile(dir=place) as file:
        os.posix_fallocate(file.fileno(), 0, size * np.dtype(kind).itemsize)  # a mapped page without room would kill us
        return np.memmap(file, dtype=kind, mode="r+", shape=(size,))


def leave_memory(array: NDArray[Any]) -> None:
    """Tell the system that the pages of a mapped array may go; arrays in memory stay as they are."""
    mapping = getattr(array, "_mmap", None)
    if isinstance(mapping, mmap.mmap):
        mapping.madvise(mmap.MADV_DONTNEED)
