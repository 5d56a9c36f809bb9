"""Where the numbers of a corpus's words wait until the vocabulary is known."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import disk_errors

_READ = 1 << 20  # numbers read back at once: 4 MB


class NumberStore:
    """The numbers of all words in the order read: blocks in memory, beyond a limit in a temporary file without a name."""

    def __init__(self, memory_mb: float) -> None:
        self._limit = memory_mb * 1e6
        self._blocks: list[NDArray[np.uint32]] = []
        self._file: Any = None
        self._ends: list[NDArray[np.int64]] = []
        self.size = 0

    def add(self, block: NDArray[np.uint32], ends: NDArray[np.int64]) -> None:
        """Take a block, and the ends of sentences in it counted from the first word of all."""
        self.size += block.size
        self._ends.append(ends)
        self._blocks.append(block)
        if self.size * 4 > self._limit or self._file:
            with disk_errors("temporary file", Path(tempfile.gettempdir())):
                self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115
                for held in self._blocks:
                    self._file.write(held.data)
            self._blocks = []

    def counts(self, words: int) -> NDArray[np.int64]:
        """(words,) occurrences of each number."""
        from hornbook.embeddings.scan_kernels import count

        counts = np.zeros(words, np.int64)
        for block in self._read():
            count(block, counts)
        return counts

    def sentences(
        self, kept: NDArray[np.int64], counts: NDArray[np.int64], types: int
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Ids (n,) and starts (S + 1,) of the sentences of the `kept` (V,) of `types` numbers, which get ids in that order.

        `counts` (V,) is how often each occurs. Sentences that keep no word are gone. The store is empty afterwards.
        """
        from hornbook.embeddings.scan_kernels import keep

        ids_of = np.full(types, -1, np.int32)
        ids_of[kept] = np.arange(kept.size, dtype=np.int32)
        ends = np.concatenate([*self._ends, np.array([self.size], np.int64)])
        if ends.size > 1 and ends[-2] == self.size:
            ends = ends[:-1]
        ids = self._room(int(counts.sum()))
        starts = np.zeros(ends.size + 1, np.int64)
        filled = passed = closed = before = 0
        for block in self._read() if self._file else self._give_up():
            filled, passed, closed = keep(block, before, ends, passed, ids_of, ids, filled, starts, closed)
            before += block.size
        if filled > starts[closed]:
            closed += 1
            starts[closed] = filled
        return ids, starts[: closed + 1].copy()

    def _read(self) -> Iterator[NDArray[np.uint32]]:
        if self._file is None:
            yield from self._blocks
            return
        self._file.seek(0)
        while (block := np.fromfile(self._file, np.uint32, _READ)).size:
            yield block

    def _give_up(self) -> Iterator[NDArray[np.uint32]]:
        """Blocks in order, each forgotten as soon as it is used, so that numbers and ids need room but once."""
        self._blocks.reverse()
        while self._blocks:
            yield self._blocks.pop()

    def _room(self, size: int) -> NDArray[np.uint32]:
        """(size,) to be filled; in a second temporary file where the first was needed, its blocks reserved beforehand."""
        if self._file is None or not size:
            return np.empty(size, np.uint32)
        with disk_errors("temporary file", Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, size * 4)  # a mapped page that finds no room would kill the process
            return np.memmap(file, np.uint32, "r+", shape=(size,))
