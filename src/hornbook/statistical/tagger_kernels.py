"""Kernel of the tagger: the candidate states of every token, out of the lists of its word."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def gather(
    entries: NDArray[np.int64], states: NDArray[np.int32], scores: NDArray[np.float32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Lists of the given entries one after the other: states, scores, and where each starts, (entries + 1,)."""
    starts = np.zeros(entries.size + 1, dtype=np.int64)
    for i in range(entries.size):
        starts[i + 1] = starts[i] + offsets[entries[i] + 1] - offsets[entries[i]]
    gathered = np.empty(starts[-1], dtype=np.int32)
    values = np.empty(starts[-1], dtype=np.float32)
    for i in range(entries.size):
        begin = offsets[entries[i]]
        for j in range(starts[i + 1] - starts[i]):
            gathered[starts[i] + j] = states[begin + j]
            values[starts[i] + j] = scores[begin + j]
    return gathered, values, starts
