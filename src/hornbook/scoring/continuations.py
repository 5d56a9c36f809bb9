"""What texts that begin alike are worth from where they part: what they share is read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.types import Ids, LanguageModel


def shared_length(texts: Sequence[Ids]) -> int:
    """How many ids all texts begin with."""
    shortest = min(map(len, texts))
    rows = np.stack([np.asarray(ids[:shortest]) for ids in texts])  # (texts, shortest)
    different = np.flatnonzero((rows != rows[0]).any(axis=0))
    return int(different[0]) if len(different) else shortest


def by_steps(
    model: LanguageModel[Any], prefixes: Sequence[Ids], owners: Sequence[int], rests: Sequence[Ids]
) -> NDArray[np.float64]:
    """(n,) natural logs of P(rests[i] | prefixes[owners[i]]), `end` left out: every prefix is read once, then all rows step."""
    scores, state = model.start(prefixes)
    scores, state = scores[list(owners)], model.select(state, owners)
    totals = np.zeros(len(rests))
    longest = max(map(len, rests))
    for position in range(longest):
        there = np.array([row for row, rest in enumerate(rests) if position < len(rest)])
        totals[there] += scores[there, [int(rests[row][position]) for row in there]]
        if position + 1 == longest:
            break
        fed = np.array(
            [int(rest[min(position, len(rest) - 1)]) if len(rest) else 0 for rest in rests]
        )  # rows at their end idle
        scores, state = model.step(state, fed)
    return totals
