"""Kernels of forward_backward.py: rescaled weights for nearly all sequences, logs for the few they cannot hold."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

_FADED = 1e-200  # a sum below this may have lost digits (the smallest whole double is 2e-308): the sequence is done in logs


@njit(cache=True, nogil=True)
def scaled_forward(
    weights: NDArray[np.float64],
    peaks: NDArray[np.float64],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    transition: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    lift: NDArray[np.float64],
    result: NDArray[np.float64],
) -> None:
    """Fill the log-partition of the sequences first to last; NaN where the weights faded."""
    states = start.size
    current = np.empty(states)
    following = np.empty(states)
    for sequence in range(first, last):
        begin, stop = starts[sequence], starts[sequence + 1]
        if begin == stop:
            continue
        logs = lift[1] + lift[2] + lift[0] * (stop - begin - 1)
        scale = 0.0
        for j in range(states):
            current[j] = start[j] * weights[begin, j]
            scale += current[j]
        faded = scale < _FADED
        for t in range(begin, stop):
            if faded:
                break
            logs += math.log(scale) + peaks[t]
            inverse = 1.0 / scale
            for j in range(states):
                current[j] *= inverse
            if t + 1 < stop:
                scale = _advance(current, transition, weights[t + 1], following)
                current, following = following, current
                faded = scale < _FADED
        scale = 0.0
        for j in range(states):
            scale += current[j] * end[j]
        result[sequence] = math.nan if faded or scale < _FADED else logs + math.log(scale)


@njit(cache=True, nogil=True)
def scaled_forward_backward(
    weights: NDArray[np.float64],
    peaks: NDArray[np.float64],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    transition: NDArray[np.float64],
    transposed: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    lift: NDArray[np.float64],
    result: NDArray[np.float64],
    marginals: NDArray[np.float64],
    pairs: NDArray[np.float64],
) -> None:
    """The same, the marginals, and `pairs` += sum of forward (x) backward, to be multiplied by the transition once."""
    states = start.size
    longest = 1
    for sequence in range(first, last):
        longest = max(longest, starts[sequence + 1] - starts[sequence])
    inverse = np.empty(longest)
    backward = np.empty(states)
    incoming = np.empty(states)
    for sequence in range(first, last):
        begin, stop = starts[sequence], starts[sequence + 1]
        if begin == stop:
            continue
        logs = lift[1] + lift[2] + lift[0] * (stop - begin - 1)
        scale = 0.0
        for j in range(states):
            marginals[begin, j] = start[j] * weights[begin, j]
            scale += marginals[begin, j]
        faded = scale < _FADED
        for t in range(begin, stop):  # forward: rows of `marginals` hold P(state t | emissions up to t)
            if faded:
                break
            logs += math.log(scale) + peaks[t]
            inverse[t - begin] = 1.0 / scale
            for j in range(states):
                marginals[t, j] *= inverse[t - begin]
            if t + 1 < stop:
                scale = _advance(marginals[t], transition, weights[t + 1], marginals[t + 1])
                faded = scale < _FADED
        scale = 0.0
        for j in range(states):
            scale += marginals[stop - 1, j] * end[j]
        if faded or scale < _FADED:
            result[sequence] = math.nan
            marginals[begin:stop] = 0.0
            continue
        result[sequence] = logs + math.log(scale)
        for j in range(states):
            backward[j] = end[j] / scale
            marginals[stop - 1, j] *= backward[j]
        for t in range(stop - 2, begin - 1, -1):
            for j in range(states):
                incoming[j] = weights[t + 1, j] * backward[j] * inverse[t + 1 - begin]
                backward[j] = 0.0
            for i in range(states):
                forward = marginals[t, i]
                for j in range(states):
                    pairs[i, j] += forward * incoming[j]
            for j in range(states):
                factor = incoming[j]
                for i in range(states):
                    backward[i] += transposed[j, i] * factor
            for j in range(states):
                marginals[t, j] *= backward[j]


@njit(cache=True, nogil=True)
def _advance(
    current: NDArray[np.float64], transition: NDArray[np.float64], weights: NDArray[np.float64], following: NDArray[np.float64]
) -> float:
    """following = (current transition) * weights, and its sum; the inner loop runs over contiguous targets."""
    states = current.size
    following[:] = 0.0
    for i in range(states):
        factor = current[i]
        for j in range(states):
            following[j] += factor * transition[i, j]
    scale: float = 0.0
    for j in range(states):
        following[j] *= weights[j]
        scale += following[j]
    return scale


@njit(cache=True, nogil=True)
def sum_in_logs(
    emissions: NDArray[np.float64],
    transition: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    marginals: NDArray[np.float64],
    transitions: NDArray[np.float64],
) -> float:
    """Log-partition of one sequence (T, S); fills its marginals, adds its expected transitions. -inf: no permitted path."""
    length, states = emissions.shape
    forward = np.empty((length, states))
    backward = np.empty((length, states))
    terms = np.empty(states)
    forward[0] = start + emissions[0]
    for t in range(1, length):
        for j in range(states):
            for i in range(states):
                terms[i] = forward[t - 1, i] + transition[i, j]
            forward[t, j] = _log_sum(terms) + emissions[t, j]
    backward[length - 1] = end
    total: float = _log_sum(forward[length - 1] + end)
    if total == -np.inf:
        marginals[:] = 0.0
        return total
    for t in range(length - 2, -1, -1):
        for i in range(states):
            for j in range(states):
                terms[j] = transition[i, j] + emissions[t + 1, j] + backward[t + 1, j]
            backward[t, i] = _log_sum(terms)
            for j in range(states):
                transitions[i, j] += math.exp(forward[t, i] + terms[j] - total)
    for t in range(length):
        for j in range(states):
            marginals[t, j] = math.exp(forward[t, j] + backward[t, j] - total)
    return total


@njit(cache=True, nogil=True)
def _log_sum(terms: NDArray[np.float64]) -> float:
    peak: float = terms.max()
    if peak == -np.inf:
        return peak
    total: float = 0.0
    for term in terms:
        total += math.exp(term - peak)
    return peak + math.log(total)
