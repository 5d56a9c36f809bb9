"""The training texts most like given texts: where a classifier may have learned what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hornbook.statistical.features import FeatureConfig, HashedFeatures
from hornbook.tasks.texts import Sample, as_one

_FEATURES = FeatureConfig(words=2, characters=4, bits=18)
_CHARACTERS_AT_ONCE = 2_000_000  # of training texts: about 100 MB of features


class Near(NamedTuple):
    """The training text most like another: cosine of their tf-idf vectors, 1 where they share every feature."""

    text: str
    label: str
    place: str
    cosine: float


def nearest_training(texts: Sequence[str], train: Sample) -> list[Near | None]:
    """The training text with the highest cosine of tf-idf vectors for each text; None where none shares a feature.

    Memory is bounded: the training texts pass in blocks, and the weights are learned from the first block and the texts.
    """
    from hornbook.statistical.linear_solve import dense_product

    blocks = list(_blocks(train.texts))
    features = HashedFeatures(_FEATURES)
    features.fit_transform([*(written(train.texts[i])[:_CHARACTERS_AT_ONCE] for i in blocks[0]), *texts])
    asked = features.transform(texts)
    columns = np.zeros((features.width, len(texts)))  # (F, Q)
    columns[asked.columns, np.repeat(np.arange(len(texts)), np.diff(asked.starts))] = asked.values
    best, place = np.zeros(len(texts)), np.full(len(texts), -1)
    for block in blocks:
        rows = features.transform([written(train.texts[i])[:_CHARACTERS_AT_ONCE] for i in block])
        cosines = dense_product(rows, columns, np.zeros(len(texts)))  # (rows, Q)
        first = cosines.argmax(axis=0)
        values = cosines[first, np.arange(len(texts))]
        closer = values > best + 1e-6
        best[closer], place[closer] = values[closer], np.array(block)[first[closer]]
    return [_near(train, int(row), float(cosine)) if row >= 0 else None for row, cosine in zip(place, best)]


def _blocks(texts: Sequence[Any]) -> Iterator[range]:
    """Neighbouring texts of about `_CHARACTERS_AT_ONCE` characters together."""
    first = size = 0
    for row, text in enumerate(texts):
        size += len(written(text))
        if size >= _CHARACTERS_AT_ONCE:
            yield range(first, row + 1)
            first, size = row + 1, 0
    if first < len(texts):
        yield range(first, len(texts))


def _near(train: Sample, row: int, cosine: float) -> Near:
    label = train.labels[row]
    return Near(
        written(train.texts[row]), label if isinstance(label, str) else ", ".join(label), place_of(train, row), min(1.0, cosine)
    )


def written(text: Any) -> str:
    """A text, or the two of a pair as one."""
    return text if isinstance(text, str) else as_one(*text)


def place_of(sample: Sample, row: int) -> str:
    """Where a text was read: file:line."""
    path, line = sample.places[row]
    return f"{path}:{line}"
