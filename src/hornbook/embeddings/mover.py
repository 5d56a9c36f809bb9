"""Word mover's distance (Kusner, Sun, Kolkin and Weinberger 2015, section 4), exact."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hornbook.embeddings.vectors import WordVectors


def word_movers_distance(vectors: WordVectors, first: Sequence[str], second: Sequence[str], *, norm: bool = True) -> float:
    """Least total Euclidean distance that the words of one document travel to become the other's, each document of mass 1.

    Unknown words are left out; infinite when a document has no known word; `norm` takes vectors of length 1. Two documents of
    the same words are at distance 0.
    """
    from hornbook.embeddings.mover_kernels import transport

    heaps = [Counter(word for word in document if word in vectors) for document in (first, second)]
    masses = [sum(heap.values()) for heap in heaps]
    if not all(masses):
        return math.inf
    rows = [
        np.stack([vectors.get_vector(word, norm=norm) for word in heap]).astype(np.float64) for heap in heaps
    ]  # (n, d), (m, d)
    squares = (rows[0] ** 2).sum(axis=1)[:, None] + (rows[1] ** 2).sum(axis=1) - 2 * rows[0] @ rows[1].T
    costs = np.sqrt(np.maximum(squares, 0))  # (n, m)
    places = {word: place for place, word in enumerate(heaps[1])}
    for place, word in enumerate(heaps[0]):
        if word in places:
            costs[place, places[word]] = 0.0  # exactly, whatever the rounding of the squares
    # in units of 1 / (mass of first * mass of second) every amount is whole
    supply, demand = (
        np.array(list(heap.values()), np.int64) * other for heap, other in zip(heaps, reversed(masses), strict=True)
    )
    return float(transport(supply, demand, costs)) / (masses[0] * masses[1])
