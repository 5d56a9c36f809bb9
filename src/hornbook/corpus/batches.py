"""Batches for language models: pure functions of (seed, index), so that resuming seeks and any number of ranks agree.

The stages, in order:

1. an epoch permutes the documents: key (seed, epoch);
2. the permuted documents are one circular stream `start d1 end start d2 end ...`, never written anywhere;
3. the stream is cut at an offset that (seed, epoch) decides: into blocks, shuffled (`BlockBatches`), or into one
   contiguous lane per row (`LaneBatches`);
4. row numbers, counted over the whole training, name blocks and lanes: batch `index` needs nothing but `index`.

To restart anywhere: the batch index. Nothing else is state; what is cached (the permutations of the epochs in use) can be
computed again. Memory: 16 bytes a document and 8 bytes a block for each cached epoch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.shards import ShardSplit

IGNORED = -100
"""A target that is not counted."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Token ids and what follows each of them; `fresh` says that recurrent state must be dropped before this batch.

    `documents` (B, T) numbers the documents within a row for networks that must not look from one into another; None where
    every row lies in one document, or where the state is carried.
    """

    inputs: NDArray[np.int64]  # (B, T)
    targets: NDArray[np.int64]  # (B, T) the id after each input; IGNORED where it is not counted
    fresh: bool
    documents: NDArray[np.int32] | None = None

    @property
    def counted(self) -> int:
        """How many targets count."""
        return int(np.count_nonzero(self.targets != IGNORED))


@dataclass(frozen=True, eq=False)
class _Epoch:
    number: int
    order: NDArray[np.int64]  # (docs,)
    ends: NDArray[np.int64]  # (docs,) stream position behind each document of `order`
    offset: int  # where the stream is cut first
    blocks: NDArray[np.int64]  # (blocks,) shuffled; empty for lanes


class _Stream(ABC):
    """What both kinds of batches share: the documents, the circular stream of an epoch, and the gather."""

    def __init__(self, split: ShardSplit, *, rows: int, length: int, specials: Mapping[str, int], seed: int) -> None:
        if rows < 1 or length < 1:
            raise UsageError(
                "a batch of {rows} rows of {length} tokens is empty: both must be at least 1", rows=rows, length=length
            )
        if len(split) == 0:
            raise ContentError("there are no documents to make batches of: the training split is empty")
        self.split, self.rows, self.length, self.seed = split, rows, length, seed
        self.end = specials["end"]
        self.start = specials.get("start", self.end)  # tokenizers without `start` (GPT-2's own) open a document with `end`
        self.tokens_per_epoch = split.tokens.size + len(split)  # targets: every token of every document, and its end
        self.stream_length = self.tokens_per_epoch + len(split)  # and one start each, never a target
        # Plain read-only arrays: one type each for the compiled gather, whatever kind of memory lies behind.
        self._tokens, self._starts = read_only(split.tokens), read_only(split.starts)
        self._epochs: list[_Epoch] = []

    def part(self, index: int, rank: int, world: int, progress: float = 0.0) -> Batch:
        """The rows of one of `world` ranks: contiguous, the same for every index and progress, together exactly the batch."""
        if not 0 <= rank < world or world > self.rows:
            raise UsageError(
                "{rows} rows cannot be shared by {world} ranks (this is rank {rank}): give every rank a row",
                rows=self.rows,
                world=world,
                rank=rank,
            )
        return self._batch(index, np.arange(rank * self.rows // world, (rank + 1) * self.rows // world))

    def __getitem__(self, index: int) -> Batch:
        """Batch `index` >= 0 of an endless sequence."""
        return self._batch(index, np.arange(self.rows))

    @abstractmethod
    def _batch(self, index: int, rows: NDArray[np.int64]) -> Batch:
        """The given rows of batch `index`."""

    def _epoch(self, number: int, blocks: int) -> _Epoch:
        from hornbook.corpus.batch_kernels import derive_key, shuffled

        for epoch in self._epochs:
            if epoch.number == number:
                return epoch
        order = shuffled(len(self.split), derive_key(self.seed, number, 1))
        ends = np.cumsum((self._starts[1:] - self._starts[:-1] + 2)[order])
        offset = derive_key(self.seed, number, 2) % self.stream_length
        epoch = _Epoch(number, order, ends, offset, shuffled(blocks, derive_key(self.seed, number, 3)))
        self._epochs = [*self._epochs[-1:], epoch]  # a batch can straddle two epochs
        return epoch

    def _fill(
        self, epoch: _Epoch, positions: NDArray[np.int64], counted: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        from hornbook.corpus.batch_kernels import gather

        inputs = np.empty((positions.size, length), np.int64)
        targets = np.empty_like(inputs)
        gather(
            self._tokens, self._starts, epoch.order, epoch.ends, positions, counted, self.start, self.end, inputs, targets
        )  # fmt: skip
        return inputs, targets


class BlockBatches(_Stream):
    """Shuffled blocks of `length` tokens, for models without recurrent carry; every batch is `fresh`.

    Guarantee: rows are numbered over the whole training (row k of batch i is `i * rows + k`); any `blocks_per_epoch`
    consecutive rows that begin at a multiple of it count every token of every document and every `end` exactly once.
    The stream is cut into ceil(stream_length / length) blocks; the last one is filled up with text whose targets are not
    counted. A batch may straddle epochs, and a corpus smaller than a batch gives several epochs in one batch.
    """

    def __init__(self, split: ShardSplit, *, rows: int, length: int, specials: Mapping[str, int], seed: int) -> None:
        """(B, T) = (rows, length) of a split. ContentError when it has no documents, UsageError for an empty shape."""
        super().__init__(split, rows=rows, length=length, specials=specials, seed=seed)
        self.blocks_per_epoch = -(-self.stream_length // length)
        self.batches_per_epoch = -(-self.blocks_per_epoch // rows)  # rounded up: an epoch may end inside a batch

    def _batch(self, index: int, rows: NDArray[np.int64]) -> Batch:
        numbers = index * self.rows + rows
        epochs, places = np.divmod(numbers, self.blocks_per_epoch)
        inputs = np.empty((rows.size, self.length), np.int64)
        targets = np.empty_like(inputs)
        for number in range(int(epochs[0]), int(epochs[-1]) + 1):
            epoch = self._epoch(number, self.blocks_per_epoch)
            mine = epochs == number
            blocks = epoch.blocks[places[mine]]
            counted = np.minimum(self.stream_length - blocks * self.length, self.length)
            inputs[mine], targets[mine] = self._fill(epoch, epoch.offset + blocks * self.length, counted, self.length)
        return Batch(inputs, targets, fresh=True, documents=_documents(targets))


def _documents(targets: NDArray[np.int64]) -> NDArray[np.int32] | None:
    """(B, T) number of the document within its row: one begins behind each place whose target, a start, is not counted."""
    begins = targets[:, :-1] == IGNORED
    if not begins.any():
        return None
    documents = np.zeros(targets.shape, np.int32)
    np.cumsum(begins, axis=1, out=documents[:, 1:])
    return documents


class LaneBatches(_Stream):
    """One contiguous lane of text per row, for recurrent carry: batch i + 1 goes on where batch i ended, in every row.

    `fresh` is true for the first batch of each epoch only. Guarantee: an epoch counts every token of every document and
    every `end` exactly once; the last batch of an epoch may be partly uncounted, because lanes end inside it. A corpus
    smaller than one batch is the exception: its rows begin evenly spaced, go round the corpus and count all they read.

    With `spread` every cut between two batches of an epoch is moved by up to so many tokens either way, as (seed, index)
    decides: stretches of random length (Merity et al. 2017, section 4.1) that are `length` on average and found at once.
    """

    def __init__(
        self, split: ShardSplit, *, rows: int, length: int, specials: Mapping[str, int], seed: int, spread: int = 0
    ) -> None:
        """(B, T) = (rows, length) of a split. ContentError when it has no documents, UsageError for an empty shape."""
        super().__init__(split, rows=rows, length=length, specials=specials, seed=seed)
        if not 0 <= 2 * spread < length:
            raise UsageError(
                "cuts that move by {spread} need batches of more than {twice} tokens", spread=spread, twice=2 * spread
            )
        self.spread = spread
        self.lane_length = -(-self.stream_length // rows)
        self.batches_per_epoch = -(-self.lane_length // length)

    def _batch(self, index: int, rows: NDArray[np.int64]) -> Batch:
        number, place = divmod(index, self.batches_per_epoch)
        epoch = self._epoch(number, 0)
        begin = self._cut(number, place)  # within every lane
        length = self._cut(number, place + 1) - begin
        lanes, ends = rows * self.stream_length // self.rows, (rows + 1) * self.stream_length // self.rows
        small = self.stream_length < self.rows * self.length
        counted = np.full(rows.size, length) if small else np.clip(ends - lanes - begin, 0, length)
        inputs, targets = self._fill(epoch, epoch.offset + lanes + begin, counted, length)
        return Batch(inputs, targets, fresh=place == 0)

    def _cut(self, number: int, place: int) -> int:
        """Where batch `place` of an epoch begins within its lanes; the epoch's own ends stay where they are."""
        even = place * self.length
        if not self.spread or place in (0, self.batches_per_epoch):
            return even
        from hornbook.corpus.batch_kernels import derive_key

        return even + derive_key(self.seed, number, 4, place) % (2 * self.spread + 1) - self.spread


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A plain view that cannot be written, so that compiled code sees one type whatever memory lies behind."""
    view = np.asarray(array).view()
    view.setflags(write=False)
    return view
