"""Batches of labelled examples as a pure function of their number: shuffled every epoch, rows of like length side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

E = TypeVar("E")
B = TypeVar("B")
_MEGA = 50  # batches sorted by length together


class ExampleBatches(Generic[E, B]):
    """Batches of `rows` examples, all of them once an epoch; the last of an epoch may be smaller.

    lengths: tokens of each example. stack: examples to one batch. blank: the same example without anything to be learned.
    """

    def __init__(
        self,
        examples: Sequence[E],
        *,
        lengths: Sequence[int],
        rows: int,
        seed: int,
        stack: Callable[[Sequence[E]], B],
        blank: Callable[[E], E],
    ) -> None:
        self.examples = examples
        self.rows = rows
        self.seed = seed
        self._lengths = np.array(lengths, np.int64)
        self._stack, self._blank = stack, blank
        self._epoch = -1
        self._order: list[NDArray[np.int64]] = []

    @property
    def batches_an_epoch(self) -> int:
        """How many batches hold every example once."""
        return -(-len(self.examples) // self.rows)

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> B:
        """The examples of one rank of one batch; where a batch has fewer than ranks, one has its first without labels."""
        epoch, number = divmod(batch_index, self.batches_an_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(epoch)
        chosen = self._order[number][rank::world]
        if len(chosen):
            return self._stack([self.examples[index] for index in chosen])
        return self._stack([self._blank(self.examples[self._order[number][0]])])

    def _shuffled(self, epoch: int) -> list[NDArray[np.int64]]:
        """Which examples each batch of an epoch has: a shuffle, sorted by length in stretches, batches shuffled again."""
        draw = np.random.default_rng((self.seed, epoch))
        order = draw.permutation(len(self.examples))
        stretch = _MEGA * self.rows
        parts = [order[first : first + stretch] for first in range(0, len(order), stretch)]
        order = np.concatenate([part[np.argsort(self._lengths[part], kind="stable")] for part in parts])
        batches = [order[first : first + self.rows] for first in range(0, len(order), self.rows)]
        return [batches[place] for place in draw.permutation(len(batches))]
