"""Batches of labelled words as a pure function of their number: shuffled every epoch, rows of like length side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.corpus.tag_rows import NO_LABEL

_MEGA = 50  # batches sorted by length together


class TagExample(NamedTuple):
    """A row as a network reads it: ids (T,) with the added tokens; of each word its first token, its label, its characters."""

    ids: NDArray[np.int64]
    places: NDArray[np.int64]  # (K,)
    targets: NDArray[np.int64]  # (K,)
    characters: Sequence[NDArray[np.int64]]  # K times (C,), or nothing


@dataclass(frozen=True, eq=False)
class TagBatch:
    """Rows side by side; behind their ends -1 (documents, places), -100 (targets), 0 (characters), `pad` (inputs)."""

    inputs: NDArray[np.int64]  # (B, T)
    documents: NDArray[np.int32]  # (B, T)
    places: NDArray[np.int64]  # (B, K)
    targets: NDArray[np.int64]  # (B, K)
    characters: NDArray[np.int64]  # (B, K, C)
    fresh: bool = True


def stack(examples: Sequence[TagExample], *, pad: int) -> TagBatch:
    """Rows as one batch."""
    rows = len(examples)
    length = max((len(one.ids) for one in examples), default=1)
    words = max((len(one.places) for one in examples), default=1)
    longest = max((len(form) for one in examples for form in one.characters), default=0)
    batch = TagBatch(
        np.full((rows, length), pad, np.int64),
        np.full((rows, length), -1, np.int32),
        np.full((rows, words), -1, np.int64),
        np.full((rows, words), NO_LABEL, np.int64),
        np.zeros((rows, words, longest), np.int64),
    )
    for row, one in enumerate(examples):
        batch.inputs[row, : len(one.ids)], batch.documents[row, : len(one.ids)] = one.ids, 0
        batch.places[row, : len(one.places)], batch.targets[row, : len(one.targets)] = one.places, one.targets
        for word, form in enumerate(one.characters):
            batch.characters[row, word, : len(form)] = form
    return batch


class TagBatches:
    """Batches of `rows` examples, all of them once an epoch; the last of an epoch may be smaller."""

    def __init__(self, examples: Sequence[TagExample], *, rows: int, pad: int, seed: int) -> None:
        self.examples = examples
        self.rows = rows
        self.pad = pad
        self.seed = seed
        self._lengths = np.array([len(one.ids) for one in examples], np.int64)
        self._epoch = -1
        self._order: list[NDArray[np.int64]] = []

    @property
    def batches_an_epoch(self) -> int:
        """How many batches hold every example once."""
        return -(-len(self.examples) // self.rows)

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> TagBatch:
        """The examples of one rank of one batch; where a batch has fewer than ranks, one has its first without labels."""
        epoch, number = divmod(batch_index, self.batches_an_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        chosen = self._order[number][rank::world]
        if len(chosen):
            return stack([self.examples[index] for index in chosen], pad=self.pad)
        first = self.examples[self._order[number][0]]
        return stack([first._replace(targets=np.full_like(first.targets, NO_LABEL))], pad=self.pad)

    def _shuffled(self, epoch: int) -> list[NDArray[np.int64]]:
        """Which examples each batch of an epoch has: a shuffle, sorted by length in stretches, batches shuffled again."""
        draw = np.random.default_rng((self.seed, epoch))
        order = draw.permutation(len(self.examples))
        stretch = _MEGA * self.rows
        parts = [order[first : first + stretch] for first in range(0, len(order), stretch)]
        order = np.concatenate([part[np.argsort(self._lengths[part], kind="stable")] for part in parts])
        batches = [order[first : first + self.rows] for first in range(0, len(order), self.rows)]
        return [batches[place] for place in draw.permutation(len(batches))]
