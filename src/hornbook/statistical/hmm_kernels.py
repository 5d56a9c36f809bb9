"""Kernels of the hidden Markov model: expected counts, forward scores, distributions after a prefix.

Probabilities are float32, rescaled at every token (Rabiner 1989, section V A). Rows are padded with zeros to a multiple of 16
states, the emission table has a row per word, so a token reads one contiguous row and every inner loop is whole vectors. The
expected transitions of a sequence are one sum of outer products, done after its backward pass, and multiplied by the
transition table once at the very end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LANES = 16  # float32 numbers in the widest vector register
_FADED = np.float32(1e-25)  # smaller shares are dropped: they could only slow the machine down (denormal numbers)
_NOTHING = np.float32(1e-37)  # a token no state emits
_REGROUPING: Any = {"contract", "reassoc", "nsz", "arcp"}  # sums may be regrouped; NaN and infinity keep their meaning


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def expect(
    tokens: NDArray[np.int32],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    start: NDArray[np.float32],
    transition: NDArray[np.float32],
    transposed: NDArray[np.float32],
    emission: NDArray[np.float32],
    start_counts: NDArray[np.float64],
    pair_counts: NDArray[np.float64],
    emission_counts: NDArray[np.float32],
) -> tuple[float, int]:
    """Add the expected counts of the sequences first to last; their log-likelihood, and the tokens that no state emits.

    `pair_counts` (S, S) is still to be multiplied by the transition table.
    """
    states = start.size
    longest = 1
    for sequence in range(first, last):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    forward = np.empty((longest, states), dtype=np.float32)
    incoming = np.empty((longest, states), dtype=np.float32)
    inverse = np.empty(longest, dtype=np.float32)
    backward = np.empty(states, dtype=np.float32)
    pairs = np.zeros((states, states), dtype=np.float32)
    log_likelihood = 0.0
    impossible = 0
    pending = 0
    for sequence in range(first, last):
        begin, length = starts[sequence], starts[sequence + 1] - starts[sequence]
        if length == 0:
            continue
        forward[0] = start
        for t in range(length):
            if t:
                _times(forward[t - 1], transition, forward[t])
            scale = _weigh(forward[t], emission[tokens[begin + t]])
            if scale < _NOTHING:
                impossible += 1
            else:
                log_likelihood += math.log(scale)
            inverse[t] = np.float32(1.0) / scale if scale >= _NOTHING else np.float32(1.0)
        backward[:] = 1.0
        for t in range(length - 1, -1, -1):
            row, counts = emission[tokens[begin + t]], emission_counts[tokens[begin + t]]
            factor = inverse[t]
            for j in range(states):
                counts[j] += forward[t, j] * backward[j]
                share = row[j] * backward[j] * factor
                incoming[t, j] = share if share > _FADED else np.float32(0.0)
            if t:
                _times(incoming[t], transposed, backward)
        # after the last round `incoming[0]` * start is P(first state | sequence)
        for j in range(states):
            start_counts[j] += start[j] * incoming[0, j]
        _add_outer_products(forward, incoming, length, pairs)
        pending += length
        if pending > 1000 or sequence == last - 1:  # float32 sums stay short, the long ones are float64
            pending = 0
            for i in range(states):
                for j in range(states):
                    pair_counts[i, j] += pairs[i, j]
                    pairs[i, j] = 0.0
    return log_likelihood, impossible


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def forward_scores(
    tokens: NDArray[np.int32],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    start: NDArray[np.float32],
    transition: NDArray[np.float32],
    emission: NDArray[np.float32],
    impossible: float,
    scores: NDArray[np.float32],
    after: NDArray[np.float32],
) -> None:
    """Fill log p(token | tokens before it) of the sequences first to last, and `after` (B, S): P(state of the next token).

    A token no state emits scores `impossible` and says nothing about the state.
    """
    states = start.size
    current = np.empty(states, dtype=np.float32)
    following = np.empty(states, dtype=np.float32)
    for sequence in range(first, last):
        current[:] = start
        for t in range(starts[sequence], starts[sequence + 1]):
            row = emission[tokens[t]]
            total = np.float32(0.0)
            for j in range(states):
                total += current[j] * row[j]
            scores[t] = impossible if total < _NOTHING else math.log(total)
            if total >= _NOTHING:
                _weigh(current, row)
            _times(current, transition, following)
            current, following = following, current
        after[sequence] = current


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def _weigh(shares: NDArray[np.float32], row: NDArray[np.float32]) -> np.float32:
    """shares *= row, rescaled to sum 1; returns the sum. Where nothing is left, the shares become even."""
    states = shares.size
    total = np.float32(0.0)
    for j in range(states):
        shares[j] *= row[j]
        total += shares[j]
    if total < _NOTHING:
        shares[:] = np.float32(1.0) / np.float32(states)
        return total
    factor = np.float32(1.0) / total
    for j in range(states):
        share = shares[j] * factor
        shares[j] = share if share > _FADED else np.float32(0.0)
    return total


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def _times(vector: NDArray[np.float32], matrix: NDArray[np.float32], result: NDArray[np.float32]) -> None:
    """result = vector @ matrix; four rows at a time, so that `result` is read and written a quarter as often."""
    states = vector.size
    result[:] = 0.0
    for i in range(0, states, 4):
        a, b, c, d = vector[i], vector[i + 1], vector[i + 2], vector[i + 3]
        for j in range(states):
            result[j] += a * matrix[i, j] + b * matrix[i + 1, j] + c * matrix[i + 2, j] + d * matrix[i + 3, j]


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def _add_outer_products(
    forward: NDArray[np.float32], incoming: NDArray[np.float32], length: int, pairs: NDArray[np.float32]
) -> None:
    """pairs += sum over t of forward[t] (x) incoming[t + 1]; four positions at a time."""
    states = pairs.shape[0]
    t = 0
    while t + 4 < length:
        for i in range(states):
            a, b, c, d = forward[t, i], forward[t + 1, i], forward[t + 2, i], forward[t + 3, i]
            for j in range(states):
                pairs[i, j] += a * incoming[t + 1, j] + b * incoming[t + 2, j] + c * incoming[t + 3, j] + d * incoming[t + 4, j]
        t += 4
    while t + 1 < length:
        for i in range(states):
            a = forward[t, i]
            for j in range(states):
                pairs[i, j] += a * incoming[t + 1, j]
        t += 1
