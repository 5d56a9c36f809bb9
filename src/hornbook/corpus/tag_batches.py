"""Labelled words side by side, as a network reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.corpus.example_batches import ExampleBatches
from hornbook.corpus.tag_rows import NO_LABEL


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


def tag_batches(examples: Sequence[TagExample], *, rows: int, pad: int, seed: int) -> ExampleBatches[TagExample, TagBatch]:
    """Batches of `rows` examples."""
    return ExampleBatches(
        examples,
        lengths=[len(one.ids) for one in examples],
        rows=rows,
        seed=seed,
        stack=lambda chosen: stack(chosen, pad=pad),
        blank=lambda one: one._replace(targets=np.full_like(one.targets, NO_LABEL)),
    )
