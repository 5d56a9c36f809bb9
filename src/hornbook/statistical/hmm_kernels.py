"""Kernels of the hidden Markov model: expected counts, forward scores, distributions after a prefix.

Probabilities are float32, rescaled at every token (Rabiner 1989, section V A). Rows are padded with zeros to a multiple of 16
states, and the emission table has a row per word, so a token reads one contiguous row. Sequences of like length go through
both passes in lockstep: what was a vector times the transition table is a small matrix times it, in tiles that stay in
registers. The expected transitions are sums of outer products, multiplied by the transition table once at the very end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.tile_kernels import ROWS, add_combinations

TOGETHER = 16  # sequences in lockstep
_BATCH_TOKENS = 1 << 16  # more than ROWS sequences go together only as long as they hold no more
_FADED = np.float32(1e-25)  # smaller shares are dropped: they could only slow the machine down (denormal numbers)
_NOTHING = np.float32(1e-37)  # a token no state emits
_SMALL_PRODUCT = 1e-250  # times one more scale, this is still a normal number
_REGROUPING: Any = {"contract", "reassoc", "nsz", "arcp"}  # sums may be regrouped; NaN and infinity keep their meaning


@njit(cache=True, nogil=True)
def expect(
    tokens: NDArray[np.int32],
    starts: NDArray[np.int64],
    by_length: NDArray[np.int64],
    start: NDArray[np.float32],
    transition: NDArray[np.float32],
    transposed: NDArray[np.float32],
    emission: NDArray[np.float32],
    start_counts: NDArray[np.float64],
    pair_counts: NDArray[np.float64],
    emission_counts: NDArray[np.float32],
) -> tuple[float, int]:
    """Add the expected counts of some sequences; their log-likelihood, and the tokens that no state emits.

    `by_length` (n,) numbers the sequences, the longest first, none empty. `pair_counts` (S, S) is still to be multiplied by the
    transition table.
    """
    states = start.size
    rows, longest = _largest(starts, by_length)
    forward = np.empty((rows, states), dtype=np.float32)
    inverse = np.empty(rows, dtype=np.float32)
    row_starts = np.zeros(longest + 2, dtype=np.int64)
    pairs = np.zeros((states, states), dtype=np.float32)
    log_likelihood, impossible, first = 0.0, 0, 0
    while first < by_length.size:
        stop = _batch_end(starts, by_length, first)
        begins = starts[by_length[first:stop]]
        steps = _lay_out(starts, by_length, first, stop, row_starts)
        logs, without = _forward_pass(tokens, begins, steps, row_starts, start, transition, emission, forward, inverse)
        log_likelihood += logs
        impossible += without
        _backward_pass(
            tokens,
            begins,
            steps,
            row_starts,
            start,
            transposed,
            emission,
            forward,
            inverse,
            start_counts,
            pairs,
            emission_counts,
        )
        for i in range(states):  # float32 sums stay short, the long ones are float64
            for j in range(states):
                pair_counts[i, j] += pairs[i, j]
                pairs[i, j] = 0.0
        first = stop
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
    shares = np.empty((2, states), dtype=np.float32)  # of this token, of the next
    for sequence in range(first, last):
        current = np.uint64(0)
        shares[current] = start
        for t in range(starts[sequence], starts[sequence + 1]):
            token = np.uint64(tokens[t])
            total = np.float32(0.0)
            for j in range(states):
                total += shares[current, j] * emission[token, j]
            scores[t] = impossible if total < _NOTHING else math.log(total)
            if total >= _NOTHING:
                _weigh(shares, current, emission, token)
            _times(shares[current], transition, shares[current ^ np.uint64(1)])
            current ^= np.uint64(1)
        after[sequence] = shares[current]


@njit(cache=True, nogil=True)
def _batch_end(starts: NDArray[np.int64], by_length: NDArray[np.int64], first: int) -> int:
    """Where the batch ends that begins with `by_length[first]`."""
    tokens = 0
    stop = first
    while stop < by_length.size and stop - first < TOGETHER:
        tokens += starts[by_length[stop] + 1] - starts[by_length[stop]]
        if stop - first >= ROWS and tokens > _BATCH_TOKENS:
            break
        stop += 1
    return stop


@njit(cache=True, nogil=True)
def _largest(starts: NDArray[np.int64], by_length: NDArray[np.int64]) -> tuple[int, int]:
    """The most tokens of a batch, and the most steps."""
    rows, longest, first = 1, 1, 0
    while first < by_length.size:
        longest = max(longest, starts[by_length[first] + 1] - starts[by_length[first]])
        stop = _batch_end(starts, by_length, first)
        size = 0
        for i in range(first, stop):
            size += starts[by_length[i] + 1] - starts[by_length[i]]
        rows = max(rows, size)
        first = stop
    return rows, longest


@njit(cache=True, nogil=True)
def _lay_out(
    starts: NDArray[np.int64], by_length: NDArray[np.int64], first: int, stop: int, row_starts: NDArray[np.int64]
) -> int:
    """Fill where the rows of each time step begin: one for every sequence that long, in the order of the batch; the steps."""
    active = stop - first
    steps: int = starts[by_length[first] + 1] - starts[by_length[first]]
    for t in range(steps):
        while starts[by_length[first + active - 1] + 1] - starts[by_length[first + active - 1]] <= t:
            active -= 1
        row_starts[t + 1] = row_starts[t] + active
    row_starts[steps + 1] = row_starts[steps]  # nothing follows the last step
    return steps


@njit(cache=True, nogil=True)
def _forward_pass(
    tokens: NDArray[np.int32],
    begins: NDArray[np.int64],
    steps: int,
    row_starts: NDArray[np.int64],
    start: NDArray[np.float32],
    transition: NDArray[np.float32],
    emission: NDArray[np.float32],
    forward: NDArray[np.float32],
    inverse: NDArray[np.float32],
) -> tuple[float, int]:
    """Fill P(state | tokens so far) and what each row was rescaled by; log-likelihood, and the tokens no state emits."""
    log_likelihood, product, impossible = 0.0, 1.0, 0
    for t in range(steps):
        row, active = row_starts[t], row_starts[t + 1] - row_starts[t]
        if t:
            _times_rows(forward, row_starts[t - 1], transition, forward, row, active)
        else:
            forward[:active] = start
        for i in range(active):
            scale = _weigh(forward, np.uint64(row + i), emission, np.uint64(tokens[begins[i] + t]))
            if scale < _NOTHING:
                impossible += 1
                inverse[row + i] = np.float32(1.0)
                continue
            inverse[row + i] = np.float32(1.0) / scale
            product *= scale
            if product < _SMALL_PRODUCT:  # one logarithm for many tokens
                log_likelihood += math.log(product)
                product = 1.0
    return log_likelihood + math.log(product), impossible


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def _backward_pass(
    tokens: NDArray[np.int32],
    begins: NDArray[np.int64],
    steps: int,
    row_starts: NDArray[np.int64],
    start: NDArray[np.float32],
    transposed: NDArray[np.float32],
    emission: NDArray[np.float32],
    forward: NDArray[np.float32],
    inverse: NDArray[np.float32],
    start_counts: NDArray[np.float64],
    pairs: NDArray[np.float32],
    emission_counts: NDArray[np.float32],
) -> None:
    """Add the expected counts of a batch, from its last step to its first."""
    states = start.size
    backward = np.empty((begins.size, states), dtype=np.float32)
    incoming = np.empty((begins.size, states), dtype=np.float32)  # of the step after: emission * backward, rescaled
    for t in range(steps - 1, -1, -1):
        row, active = row_starts[t], row_starts[t + 1] - row_starts[t]
        going_on = row_starts[t + 2] - row_starts[t + 1]
        _times_rows(incoming, 0, transposed, backward, 0, going_on)
        backward[going_on:active] = 1.0
        for i in range(0, states, ROWS):  # pairs += forward (x) incoming
            add_combinations(forward, row * states + i, 1, states, incoming, 0, going_on, pairs, i)
        for i in range(active):
            here, at, token, factor = np.uint64(row + i), np.uint64(i), np.uint64(tokens[begins[i] + t]), inverse[row + i]
            for j in range(states):
                emission_counts[token, j] += forward[here, j] * backward[at, j]
                share = emission[token, j] * backward[at, j] * factor
                incoming[at, j] = share if share > _FADED else np.float32(0.0)
    for i in range(begins.size):  # `incoming` * start is P(first state | sequence)
        for j in range(states):
            start_counts[j] += start[j] * incoming[i, j]


@njit(cache=True, nogil=True, fastmath=_REGROUPING)
def _weigh(shares: NDArray[np.float32], row: np.uint64, emission: NDArray[np.float32], token: np.uint64) -> np.float32:
    """shares[row] *= emission[token], rescaled to sum 1; returns the sum. Where nothing is left, the shares become even.

    Whole arrays and unsigned indices: slices, and indices that might be negative, cost four times the arithmetic.
    """
    states = shares.shape[1]
    total = np.float32(0.0)
    for j in range(states):
        share = shares[row, j] * emission[token, j]
        shares[row, j] = share
        total += share
    nothing = total < _NOTHING
    factor = np.float32(1.0) / (np.float32(1.0) if nothing else total)
    for j in range(states):
        share = shares[row, j] * factor
        shares[row, j] = share if share > _FADED else np.float32(0.0)
    if nothing:
        shares[row] = np.float32(1.0) / np.float32(states)
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


@njit(cache=True, nogil=True)
def _times_rows(
    vectors: NDArray[np.float32], first: int, matrix: NDArray[np.float32], results: NDArray[np.float32], row: int, count: int
) -> None:
    """results[row + i] = vectors[first + i] @ matrix, i < count: tiles of ROWS, then what is left one by one."""
    states = matrix.shape[0]
    tiled = count - count % ROWS
    results[row : row + tiled] = 0.0
    for i in range(0, tiled, ROWS):
        add_combinations(vectors, (first + i) * states, states, 1, matrix, 0, states, results, row + i)
    for i in range(tiled, count):
        _times(vectors[first + i], matrix, results[row + i])
