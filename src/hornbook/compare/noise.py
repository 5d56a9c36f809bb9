"""Made-up text for measuring speed: what it says does not change what a step costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.corpus.batches import IGNORED, Batch
from hornbook.corpus.masking import MaskedBatch


@dataclass(frozen=True)
class Vocabulary:
    """All that models need of a tokenizer to compute."""

    size: int
    specials: Mapping[str, int] = field(
        default_factory=lambda: {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}
    )


@dataclass(frozen=True)
class NoiseBatches:
    """Batches of ids drawn as words of a text are, the n-th as often as 1/n (Zipf), each token the target of the one before."""

    rows: int
    length: int
    vocabulary: int

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> Batch:
        """The rows of one rank."""
        ids = self._draw(batch_index, rank, world, self.length + 1)[0]
        return Batch(ids[:, :-1], ids[:, 1:], fresh=batch_index == 0)

    def _draw(self, batch_index: int, rank: int, world: int, length: int) -> tuple[NDArray[np.int64], np.random.Generator]:
        generator = np.random.default_rng((batch_index, rank))
        ranks = self.vocabulary ** generator.random((max(1, self.rows // world), length))  # from 1, log-uniform
        return np.minimum(ranks.astype(np.int64), self.vocabulary) - 1, generator


@dataclass(frozen=True)
class MaskedNoiseBatches(NoiseBatches):
    """Full rows of ids drawn so, two pieces of text in each, of which a share is to be guessed."""

    rate: float = 0.15
    pairs: bool = False

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> Any:
        """The rows of one rank."""
        ids, generator = self._draw(batch_index, rank, world, self.length)
        targets = np.where(generator.random(ids.shape) < self.rate, ids, IGNORED)
        second = np.zeros(ids.shape, np.int32)
        second[:, self.length // 2 :] = 1
        if not self.pairs:
            return MaskedBatch(ids, targets, second)
        return MaskedBatch(ids, targets, np.zeros_like(second), second.astype(np.int64), np.arange(len(ids)) % 2)


def zipf_counts(vocabulary: int) -> NDArray[np.int64]:
    """(V,) how often the types of a long made-up text occur."""
    return (1e6 / np.arange(1, vocabulary + 1)).astype(np.int64)


def noise(recipe: Any, config: Any, *, rows: int, vocabulary: int) -> NoiseBatches:
    """Batches as the recipe's network reads them."""
    length = config.training.length
    if recipe.batches == "masked":
        return MaskedNoiseBatches(rows, length, vocabulary, config.masking.rate, config.pairs != "none")
    return NoiseBatches(rows, length, vocabulary)
