"""Sequences shared out to threads in contiguous shards; results come back in the order of the shards, whatever the timing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def even_shards(starts: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """At most `count` ranges (first, last) of sequences that hold about equally many positions; none is empty."""
    sequences = starts.size - 1
    targets = starts[0] + (starts[-1] - starts[0]) * np.arange(1, count) // count
    cuts = sorted({0, sequences, *(int(cut) for cut in np.searchsorted(starts, targets))})
    return [(first, last) for first, last in pairwise(cuts) if first < last]


def run_shards(work: Callable[[int, int], T], shards: list[tuple[int, int]], threads: int) -> list[T]:
    """`work(first, last)` of every shard, on `threads` threads; the kernels inside release the interpreter lock."""
    if threads <= 1 or len(shards) <= 1:
        return [work(first, last) for first, last in shards]
    with ThreadPoolExecutor(min(threads, len(shards))) as pool:
        return list(pool.map(lambda shard: work(*shard), shards))
