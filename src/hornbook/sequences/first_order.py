"""The best path of every sequence (Viterbi 1967)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from hornbook.sequences.chain import Chain, lay_out
from hornbook.sequences.shards import even_shards, run_shards


def viterbi(
    emissions: ArrayLike, starts: ArrayLike, chain: Chain, *, threads: int = 1
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Best states (N,) and their scores (B,); of equal paths the one with the lower last states.

    `emissions` (N, S) are read as float32. A sequence without any permitted path scores -inf, an empty one 0.
    """
    scores, offsets = lay_out(emissions, starts, chain.states, np.float32)
    paths = np.zeros(len(scores), dtype=np.int32)
    best = np.zeros(offsets.size - 1, dtype=np.float64)
    tables = tuple(array.astype(np.float32) for array in (chain.transition, chain.start, chain.end))
    run_shards(
        lambda first, last: _decode(scores, offsets, first, last, *tables, paths, best), even_shards(offsets, threads), threads
    )
    return paths, best


@njit(cache=True, nogil=True)
def _decode(
    emissions: NDArray[np.float32],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    transition: NDArray[np.float32],
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    paths: NDArray[np.int32],
    best: NDArray[np.float64],
) -> None:
    """Scores are taken relative to the best state of each position, so that long sequences lose no precision."""
    states = start.size
    longest = 0
    for sequence in range(first, last):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    came_from = np.empty((max(longest, 1), states), dtype=np.int32)
    current = np.empty(states, dtype=np.float32)
    previous = np.empty(states, dtype=np.float32)
    for sequence in range(first, last):
        begin, stop = starts[sequence], starts[sequence + 1]
        if begin == stop:
            continue
        total = 0.0
        for j in range(states):
            current[j] = start[j] + emissions[begin, j]
        for t in range(begin + 1, stop):
            peak = current.max()
            if peak == -np.inf:
                break
            total += peak
            for j in range(states):
                previous[j] = current[j] - peak
                current[j] = -np.inf
            origins = came_from[t - begin]
            origins[:] = 0
            for i in range(states):
                before = previous[i]
                if before == -np.inf:
                    continue
                row = transition[i]
                for j in range(states):  # no branch inside: eight or sixteen states a machine instruction
                    score = before + row[j]
                    better = score > current[j]
                    current[j] = score if better else current[j]
                    origins[j] = i if better else origins[j]
            for j in range(states):
                current[j] += emissions[t, j]
        state = 0
        for j in range(states):
            current[j] += end[j]
            if current[j] > current[state]:
                state = j
        best[sequence] = total + current[state]
        if best[sequence] == -np.inf:
            continue
        for t in range(stop - 1, begin, -1):
            paths[t] = state
            state = came_from[t - begin, state]
        paths[begin] = state
