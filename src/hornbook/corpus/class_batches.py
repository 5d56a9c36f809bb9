"""Labelled texts side by side, as a network reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.corpus.example_batches import ExampleBatches


class ClassExample(NamedTuple):
    """A text, or a pair: ids (T,) with the added tokens, token types of pairs (T,) or None, and 1 for each of its labels."""

    ids: NDArray[np.int64]
    segments: NDArray[np.int64] | None
    wanted: NDArray[np.float32]  # (L,)


@dataclass(frozen=True, eq=False)
class ClassBatch:
    """Texts side by side; behind their ends `pad` (inputs), -1 (documents), 0 (segments)."""

    inputs: NDArray[np.int64]  # (B, T)
    documents: NDArray[np.int32]  # (B, T)
    segments: NDArray[np.int64] | None  # (B, T)
    wanted: NDArray[np.float32]  # (B, L)
    targets: NDArray[np.int64]  # (B,) the first label, -100 for an example without
    fresh: bool = True


def stack(examples: Sequence[ClassExample], *, pad: int) -> ClassBatch:
    """Texts as one batch."""
    shape = len(examples), max(len(one.ids) for one in examples)
    inputs, documents = np.full(shape, pad, np.int64), np.full(shape, -1, np.int32)
    segments = None if examples[0].segments is None else np.zeros(shape, np.int64)
    wanted = np.stack([one.wanted for one in examples])
    for row, one in enumerate(examples):
        inputs[row, : len(one.ids)], documents[row, : len(one.ids)] = one.ids, 0
        if segments is not None and one.segments is not None:
            segments[row, : len(one.ids)] = one.segments
    known = np.nan_to_num(wanted)
    targets = np.where(known.any(axis=1), known.argmax(axis=1), -100)
    return ClassBatch(inputs, documents, segments, wanted, targets)


def class_batches(
    examples: Sequence[ClassExample], *, rows: int, pad: int, seed: int
) -> ExampleBatches[ClassExample, ClassBatch]:
    """Batches of `rows` examples."""
    return ExampleBatches(
        examples,
        lengths=[len(one.ids) for one in examples],
        rows=rows,
        seed=seed,
        stack=lambda chosen: stack(chosen, pad=pad),
        blank=lambda one: one._replace(wanted=np.full_like(one.wanted, np.nan)),
    )
