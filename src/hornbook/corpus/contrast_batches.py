"""Batches for learning from few labels: as many texts of each label, so that every batch has pairs that agree and differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

E = TypeVar("E")
B = TypeVar("B")


class ContrastBatches(Generic[E, B]):
    """Batches of `rows` examples as a pure function of their number: labels drawn anew, two texts of each or more.

    targets: (n,) label of each example. A label with a single text gives it alone: it then only says what it differs from.
    """

    def __init__(
        self,
        examples: Sequence[E],
        targets: NDArray[np.int64],
        *,
        rows: int,
        seed: int,
        stack: Callable[[Sequence[E]], B],
    ) -> None:
        self.examples, self.rows, self.seed = examples, rows, seed
        self._stack = stack
        self._of_label = [np.flatnonzero(targets == label) for label in np.unique(targets)]

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> B:
        """One rank's own `rows` / `world` examples, for pairs do not reach across ranks."""
        draw = np.random.default_rng((self.seed, batch_index, rank))
        rows = max(4, self.rows // world)
        labels = len(self._of_label)
        each = max(2, rows // labels)
        chosen = draw.permutation(labels)[: max(2, rows // each)]
        picked = [draw.choice(own, min(each, len(own)), replace=False) for own in map(self._of_label.__getitem__, chosen)]
        return self._stack([self.examples[index] for index in np.concatenate(picked)])
