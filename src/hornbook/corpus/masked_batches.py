"""Masked batches: pure functions of (seed, index), like batches.py, of rows that are laid out anew for every epoch.

The stages, in order:

1. an epoch lays its rows out: full sentences packed (`MaskedBatches`) or pairs of segments (pair_batches.py), key (seed, copy);
2. the rows are shuffled: key (seed, epoch);
3. row numbers, counted over the whole training, name a row of an epoch: batch `index` needs nothing but `index`;
4. tokens are masked: key (seed, epoch, row).

There are `COPIES` layouts, which come round again after as many epochs (masks and order do not); with static masking there
are `static_copies` of them, and the masks come round too. Layouts differ a little in their number of rows, so seeking counts
the rows of the epochs before, of `COPIES` at most. Memory: two layouts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Tokenizer
from hornbook.corpus.batches import read_only
from hornbook.corpus.masking import MaskedBatch, Masker, Masking
from hornbook.corpus.packing import Packing, pack_documents
from hornbook.corpus.shards import ShardSplit

COPIES = 64
"""Layouts of rows before the first one comes again."""
HELD_OUT_SEED = 20191
"""What masks held-out text, whatever the training's seed: scores of different runs are of the same tokens."""
_SHORTEST = 8


class Layout(Protocol):
    """How the text of an epoch lies in rows."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...


L = TypeVar("L", bound=Layout)


class Blank:
    """Rows before masking: padding everywhere until they are written."""

    def __init__(self, rows: int, length: int, *, pad: int) -> None:
        self.inputs = np.full((rows, length), pad, np.int64)
        self.documents = np.full((rows, length), -1, np.int32)
        self.starts = np.ones((rows, length), np.bool_)
        self.segments: NDArray[np.int64] | None = None
        self.labels: NDArray[np.int64] | None = None

    @staticmethod
    def joined(parts: list[Blank]) -> Blank:
        """The rows of all parts."""
        whole = Blank(0, 0, pad=0)
        for name in vars(whole):
            if getattr(parts[0], name) is not None:
                setattr(whole, name, np.concatenate([getattr(part, name) for part in parts]))
        return whole


class MaskedRows(ABC, Generic[L]):
    """What packed rows and pairs share: which row of which epoch stands where, shuffling, masking."""

    def __init__(self, split: ShardSplit, tokenizer: Tokenizer, *, rows: int, length: int, masking: Masking, seed: int) -> None:
        if rows < 1 or length < _SHORTEST:
            raise UsageError(
                "a masked batch needs at least 1 row of at least {least} tokens, not {rows} of {length}",
                least=_SHORTEST,
                rows=rows,
                length=length,
            )
        if split.tokens.size == 0:
            raise ContentError("there are no documents to make batches of: the training split is empty")
        if masking.units != "tokens" and split.words is None:
            raise UsageError("masking whole words needs to know where they begin: add word starts to the token shards first")
        self.split, self.rows, self.length, self.masking, self.seed = split, rows, length, masking, seed
        self.masker = Masker(masking, tokenizer)
        specials = tokenizer.specials
        self.end = specials["end"]  # as encoders close a text; BERT's own tokenizers have [SEP] for it
        self.start = specials.get("start", self.end)
        self.separator = specials.get("separator", self.end)
        self.pad = specials.get("pad", self.end)
        self._tokens, self._starts = read_only(split.tokens), read_only(split.starts)
        self._words = read_only(split.words if masking.units != "tokens" and split.words is not None else np.empty(0, np.uint8))
        self._copies = masking.static_copies or COPIES
        self._counts: dict[int, int] = {}  # rows of the layouts known so far
        self._layouts: list[tuple[int, L]] = []
        self._orders: list[tuple[int, NDArray[np.int64]]] = []

    @property
    def tokens_per_epoch(self) -> int:
        """Tokens of text that an epoch reads; the mask rate says how many of them are predicted."""
        return int(self.split.tokens.size)

    @property
    def batches_per_epoch(self) -> int:
        """Of the first epoch, rounded up; later ones differ by a few rows in a thousand."""
        return -(-self._rows_of(0) // self.rows)

    def part(self, index: int, rank: int, world: int, progress: float = 0.0, *, mask_rate: float | None = None) -> MaskedBatch:
        """The rows of one of `world` ranks: contiguous, the same for every index, together exactly the batch.

        `mask_rate` overrides what the configuration says for this `progress` of the training.
        """
        if not 0 <= rank < world or world > self.rows:
            raise UsageError(
                "{rows} rows cannot be shared by {world} ranks (this is rank {rank}): give every rank a row",
                rows=self.rows,
                world=world,
                rank=rank,
            )
        first, last = rank * self.rows // world, (rank + 1) * self.rows // world
        rate = self.masking.rate_at(progress) if mask_rate is None else mask_rate
        return self._batch(index * self.rows + first, last - first, rate)

    def __getitem__(self, index: int) -> MaskedBatch:
        """Batch `index` >= 0 of an endless sequence."""
        return self.part(index, 0, 1)

    def epoch(self, number: int = 0) -> Iterator[MaskedBatch]:
        """Every row of one epoch once, in batches of at most `rows`, at the mask rate of the beginning."""
        turns, copy = divmod(number, self._copies)
        counts = [self._rows_of(one) for one in range(self._copies if turns else copy + 1)]
        first = turns * sum(counts) + sum(counts[:copy])
        for begin in range(0, counts[copy], self.rows):
            yield self._batch(first + begin, min(self.rows, counts[copy] - begin), self.masking.rate)

    @abstractmethod
    def _lay_out(self, key: int) -> L:
        """The rows of an epoch, as `key` decides."""

    @abstractmethod
    def _write(self, layout: L, rows: NDArray[np.int64]) -> Blank:
        """The given rows before masking."""

    def _batch(self, number: int, count: int, rate: float) -> MaskedBatch:
        """Rows number .. number + count - 1 of the training."""
        from hornbook.corpus.batch_kernels import derive_key
        from hornbook.corpus.masking_kernels import row_keys

        parts, keys = [], []
        last = number + count
        while number < last:
            epoch, first, rows = self._locate(number)
            behind = min(first + rows, last)
            layout = self._layout(epoch % self._copies)
            chosen = self._order(epoch, rows)[number - first : behind - first]
            parts.append(self._write(layout, chosen))
            drawn = epoch % self._copies if self.masking.static_copies else epoch
            keys.append(np.empty(chosen.size, np.uint64))
            row_keys(np.uint64(derive_key(self.seed, drawn, 4)), chosen, keys[-1])
            number = behind
        blank = parts[0] if len(parts) == 1 else Blank.joined(parts)
        targets = self.masker(blank.inputs, blank.documents, blank.starts, keys=np.concatenate(keys), rate=rate)
        return MaskedBatch(blank.inputs, targets, blank.documents, blank.segments, blank.labels)

    def _locate(self, number: int) -> tuple[int, int, int]:
        """The epoch of row `number` of the training, the number of its first row, and how many rows it has."""
        first = 0
        for copy in range(self._copies):
            rows = self._rows_of(copy)
            if number < first + rows:
                return copy, first, rows
            first += rows
        turns, rest = divmod(number, first)  # all copies together are a cycle
        copy, begin, rows = self._locate(rest)
        return turns * self._copies + copy, turns * first + begin, rows

    def _rows_of(self, copy: int) -> int:
        if copy not in self._counts:
            self._counts[copy] = self._layout(copy).rows
        return self._counts[copy]

    def _layout(self, copy: int) -> L:
        from hornbook.corpus.batch_kernels import derive_key

        for number, layout in self._layouts:
            if number == copy:
                return layout
        layout = self._lay_out(derive_key(self.seed, copy, 5))
        self._layouts = [*self._layouts[-1:], (copy, layout)]  # a batch can straddle two epochs
        return layout

    def _order(self, epoch: int, rows: int) -> NDArray[np.int64]:
        from hornbook.corpus.batch_kernels import derive_key, shuffled

        for number, order in self._orders:
            if number == epoch:
                return order
        order = shuffled(rows, derive_key(self.seed, epoch, 3))
        self._orders = [*self._orders[-1:], (epoch, order)]
        return order


class MaskedBatches(MaskedRows[Packing]):
    """Full rows of packed pieces `start tokens end`, each piece its own text: for RoBERTa, and BERT without pairs.

    Guarantee: an epoch holds every token of every document exactly once. Epochs differ in the order of the documents, in
    where those longer than a row are cut, in which pieces share a row, and in what is masked. `fill` is the share of places
    in use. Rows with the same number of static copies before them are equal.
    """

    @property
    def fill(self) -> float:
        """Share of the places of the first epoch that hold text or its start and end."""
        self._rows_of(0)
        return self._layout(0).fill

    def _lay_out(self, key: int) -> Packing:
        return pack_documents(self._starts, length=self.length, key=key)

    def _write(self, layout: Packing, rows: NDArray[np.int64]) -> Blank:
        from hornbook.corpus.packing_kernels import fill_rows

        blank = Blank(rows.size, self.length, pad=self.pad)
        fill_rows(
            self._tokens, self._words, layout.begins, layout.sizes, layout.firsts, rows, self.start, self.end,
            blank.inputs, blank.documents, blank.starts,
        )  # fmt: skip
        return blank


def held_out_rows(
    split: ShardSplit, tokenizer: Tokenizer, *, length: int, masking: Masking, tokens: int = 8192
) -> Iterator[MaskedBatch]:
    """Every row of held-out text once, masked the same way at every call, in batches of at most `tokens` places."""
    fixed = replace(masking, static_copies=1)
    rows = max(1, tokens // length)
    return MaskedBatches(split, tokenizer, rows=rows, length=length, masking=fixed, seed=HELD_OUT_SEED).epoch()
