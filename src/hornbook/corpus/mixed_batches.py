"""Batches drawn from several texts at once, each with its share of the rows: replay of an old domain, several languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.core.errors import UsageError


def row_shares(rows: int, weights: Sequence[float]) -> list[int]:
    """How many of the rows of a batch each text gets, in proportion to its weight by largest remainder, at least one each.

    UsageError when there are fewer rows than texts, or a weight is not above 0.
    """
    if len(weights) > rows or not all(weight > 0 for weight in weights):
        raise UsageError(
            "{rows} rows cannot be shared by {texts} texts of weights {weights}: give more rows, and weights above 0",
            rows=rows,
            texts=len(weights),
            weights=", ".join(f"{weight:g}" for weight in weights),
        )
    wanted = np.asarray(weights, np.float64) / sum(weights) * rows
    given = np.maximum(1, np.floor(wanted)).astype(np.int64)
    while given.sum() < rows:
        given[np.argmax(wanted - given)] += 1
    while given.sum() > rows:
        given[np.argmin(np.where(given > 1, wanted - given, np.inf))] -= 1
    return [int(count) for count in given]


def tempered(sizes: Sequence[float], temperature: float) -> list[float]:
    """Shares size ** (1 / temperature), summing to 1: 1 draws texts by their size, above it small ones more often.

    Conneau et al. 2020 (XLM-R, section 3.1) with 1 / temperature = 0.3. UsageError for a temperature not above 0.
    """
    if not temperature > 0:
        raise UsageError("a temperature of {temperature} does not mix texts: it must be above 0", temperature=temperature)
    powers = np.asarray(sizes, np.float64) ** (1 / temperature)
    return [float(share) for share in powers / powers.sum()]


class MixedBatches:
    """Batch `index` joins the rows of batch `index` of each text, in order; every text goes through its own epochs.

    The batches are of one kind and length. State of recurrent networks is carried within each text; a joined batch is fresh
    when one of its texts begins anew.
    """

    def __init__(self, texts: Sequence[Any]) -> None:
        self.texts = texts
        self.rows = sum(text.rows for text in texts)

    @property
    def tokens_per_epoch(self) -> int:
        """Of all texts together."""
        return sum(text.tokens_per_epoch for text in self.texts)

    def part(self, index: int, rank: int, world: int, progress: float = 0.0) -> Any:
        """The rows of one of `world` ranks: contiguous, together exactly the batch. UsageError for more ranks than rows."""
        if not 0 <= rank < world or world > self.rows:
            raise UsageError(
                "{rows} rows cannot be shared by {world} ranks (this is rank {rank}): give every rank a row",
                rows=self.rows,
                world=world,
                rank=rank,
            )
        parts = [text.part(index, 0, 1, progress) for text in self.texts]
        rows = slice(rank * self.rows // world, (rank + 1) * self.rows // world)
        joined: dict[str, Any] = {}
        for field in dataclasses.fields(parts[0]):
            values = [getattr(part, field.name) for part in parts]
            if field.name == "documents" and not all(value is None for value in values):
                values = [np.zeros(one.inputs.shape, np.int32) if value is None else value for one, value in zip(parts, values)]
            if isinstance(values[0], np.ndarray):
                joined[field.name] = np.concatenate(values)[rows]
            elif isinstance(values[0], bool):
                joined[field.name] = any(values)
        return dataclasses.replace(parts[0], **joined)

    def __getitem__(self, index: int) -> Any:
        """Batch `index` >= 0 of an endless sequence."""
        return self.part(index, 0, 1)
