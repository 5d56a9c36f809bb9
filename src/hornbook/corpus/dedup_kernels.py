"""Compiled loops behind dedup.py: clusters as a forest in one array, smallest number at the root."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_LEADERS = 16  # documents of a run that the next ones are compared with: bounds the work on boilerplate


@njit(cache=True, nogil=True)
def find(parent: Any, number: Any) -> Any:
    """The root of a document, shortening the path on the way (path halving, Tarjan and van Leeuwen 1984)."""
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


@njit(cache=True, nogil=True)
def link_runs(keys: Any, numbers: Any, signatures: Any, needed: Any, parent: Any) -> None:
    """Join documents with equal keys (n,), neighbours after sorting, whose signatures (n, k) agree in `needed` entries.

    Each document is compared with the leaders of its run: those that none of the leaders before them was like.
    """
    leaders = np.empty(_LEADERS, np.int64)
    count = 0
    for place in range(numbers.size):
        if place == 0 or keys[place] != keys[place - 1]:
            count = 0
        here = find(parent, numbers[place])
        joined = False
        for leader in range(count):
            there = find(parent, numbers[leaders[leader]])
            equal = 0
            if here != there:
                for entry in range(signatures.shape[1]):
                    equal += signatures[place, entry] == signatures[leaders[leader], entry]
            if here == there or equal >= needed:
                parent[max(here, there)] = min(here, there)
                joined = True
                break
        if not joined and count < _LEADERS:
            leaders[count] = place
            count += 1


@njit(cache=True, nogil=True)
def flatten(parent: Any) -> None:
    """Point every document at its root. Roots are the smallest numbers, so parents come first and one pass is enough."""
    for number in range(parent.size):
        parent[number] = parent[parent[number]]
