"""Kernels of crf.py and crf_features.py: attributes of tokens, and sums of weights over features.

Positions do not list their features. They name the windows they see (this token, the token before, the pair of both, ...) and
each different window lists its features once: a window that occurs a thousand times is added up once, not a thousand times.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

OTHER, UPPER, LOWER, DIGIT, LETTER = 0, 1, 2, 3, 4  # what a code point is in a shape
AFFIX = 4  # longest prefix and suffix
ATTRIBUTES = 4 + 2 * AFFIX  # word, lower case, shape, short shape, prefixes, suffixes

_PRIME = np.uint64(0x100000001B3)
_SEED = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)


@njit(cache=True, nogil=True)
def token_attributes(
    codes: NDArray[np.uint32],
    ends: NDArray[np.int64],
    folded: NDArray[np.uint32],
    folded_ends: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    values: NDArray[np.uint64],
) -> None:
    """values (ATTRIBUTES, types): 64-bit hashes of every attribute of every token; 0 for an affix longer than the token."""
    begin = folded_begin = 0
    for token in range(ends.size):
        end, folded_end = ends[token], folded_ends[token]
        values[0, token] = _hash(codes, begin, end)
        values[1, token] = _hash(folded, folded_begin, folded_end)
        shape = short = _SEED
        before = np.uint64(0)
        for place in range(begin, end):
            kind = kinds[codes[place]]
            mark = np.uint64(kind) if kind != OTHER else np.uint64(codes[place]) + np.uint64(16)
            shape = (shape ^ mark) * _PRIME
            if mark != before or place == begin:
                short = (short ^ mark) * _PRIME
            before = mark
        values[2, token], values[3, token] = shape, short
        for length in range(1, AFFIX + 1):
            there = folded_end - folded_begin >= length
            prefix = _hash(folded, folded_begin, folded_begin + length) if there else np.uint64(0)
            suffix = _hash(folded, folded_end - length, folded_end) if there else np.uint64(0)
            values[3 + length, token], values[3 + AFFIX + length, token] = prefix, suffix
        begin, folded_begin = end, folded_end


@njit(cache=True, nogil=True, inline="always")
def _hash(codes: NDArray[np.uint32], begin: int, end: int) -> np.uint64:
    value = _SEED
    for place in range(begin, end):
        value = (value ^ np.uint64(codes[place])) * _PRIME
    return value


@njit(cache=True, nogil=True)
def window_keys(
    members: NDArray[np.int64], values: NDArray[np.uint64], attributes: NDArray[np.int64], seed: int, keys: NDArray[np.uint64]
) -> None:
    """keys (U, A): the hash of (window, attribute, that attribute of each member); 0 where a member lacks the attribute.

    members (U, size) are token types; attribute -1 is the bias, the same for every window.
    """
    for row in range(members.shape[0]):
        for k in range(attributes.size):
            key = (_SEED ^ np.uint64(seed * 64 + k)) * _MIX
            there = True
            if attributes[k] >= 0:
                for member in members[row]:
                    value = values[attributes[k], member]
                    there = there and value != np.uint64(0)
                    key = (key ^ value) * _MIX
                    key ^= key >> _HALF
            keys[row, k] = max(key, np.uint64(1)) if there else np.uint64(0)


@njit(cache=True, nogil=True)
def list_parameters(
    features: NDArray[np.int32], first_parameters: NDArray[np.int64], starts: NDArray[np.int64], parameters: NDArray[np.int32]
) -> None:
    """The parameters of every window: those of its features (U, A), -1 for none. Fills `starts` (U + 1,), then `parameters`.

    Called with empty `parameters` it only counts.
    """
    counting = parameters.size == 0
    written = 0
    for row in range(features.shape[0]):
        for feature in features[row]:
            if feature >= 0:
                for parameter in range(first_parameters[feature], first_parameters[feature + 1]):
                    if not counting:
                        parameters[written] = parameter
                    written += 1
        starts[row + 1] = written


@njit(cache=True, nogil=True)
def window_scores(
    starts: NDArray[np.int64],
    parameters: NDArray[np.int32],
    labels: NDArray[np.uint8],
    weights: NDArray[np.float64],
    first: int,
    last: int,
    scores: NDArray[np.float64],
) -> None:
    """scores (U, L) of the windows first to last: the weights of their features by label."""
    for row in range(first, last):
        scores[row] = 0.0
        for place in range(starts[row], starts[row + 1]):
            parameter = parameters[place]
            scores[row, labels[parameter]] += weights[parameter]


@njit(cache=True, nogil=True)
def emission_scores(
    windows: NDArray[np.int32], scores: NDArray[np.float64], first: int, last: int, emissions: NDArray[np.float64]
) -> None:
    """emissions (n, L) of the positions first to last: the sum over the windows (n, W) they see."""
    labels = scores.shape[1]
    for place in range(first, last):
        total = emissions[place]
        total[:] = 0.0
        for window in windows[place]:
            row = scores[window]
            for label in range(labels):
                total[label] += row[label]


@njit(cache=True, nogil=True)
def add_residuals(
    windows: NDArray[np.int32], residuals: NDArray[np.float64], first: int, last: int, sums: NDArray[np.float64]
) -> None:
    """sums (U, L) += the residuals (n, L) of the positions first to last that see each window."""
    labels = sums.shape[1]
    for place in range(first, last):
        residual = residuals[place]
        for window in windows[place]:
            row = sums[window]
            for label in range(labels):
                row[label] += residual[label]


@njit(cache=True, nogil=True)
def add_gradient(
    starts: NDArray[np.int64],
    parameters: NDArray[np.int32],
    labels: NDArray[np.uint8],
    sums: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> None:
    """gradient (P,) += the sums (U, L) of the windows in which each parameter's feature occurs."""
    for row in range(starts.size - 1):
        for place in range(starts[row], starts[row + 1]):
            parameter = parameters[place]
            gradient[parameter] += sums[row, labels[parameter]]
