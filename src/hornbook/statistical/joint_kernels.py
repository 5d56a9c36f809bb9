"""Kernels of the segmenter: hash tables of character pairs and triples, and Viterbi over legal tag triples.

A tag has two legal successors (B and M: M or E; E and S: B or S), so a row holds 16 scores for three characters, 8 for two and
4 for one. `2 * tag + k` numbers a tag and its k-th successor; twice that plus the next k, a triple.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

B, M, E, S = 0, 1, 2, 3
SUCCESSORS = np.array([[M, E], [M, E], [B, S], [B, S]], dtype=np.int64)  # [tag, k]
_EMPTY = np.int64(-1)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads the high bits (Knuth, volume 3, section 6.4)


@njit(cache=True, nogil=True)
def build_table(keys: NDArray[np.int64], bits: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """An open-addressing table of 2^bits places: key of each place (-1: empty) and its row number."""
    places = np.full(1 << bits, _EMPTY, dtype=np.int64)
    rows = np.zeros(1 << bits, dtype=np.int32)
    mask = (1 << bits) - 1
    for row in range(keys.size):
        place = np.int64((np.uint64(keys[row]) * _MIX) >> np.uint64(64 - bits))
        while places[place] != _EMPTY:
            place = (place + 1) & mask
        places[place] = keys[row]
        rows[place] = row
    return places, rows


@njit(cache=True, nogil=True, inline="always")
def _find(key: int, places: NDArray[np.int64], rows: NDArray[np.int32], bits: int) -> int:
    place = np.int64((np.uint64(key) * _MIX) >> np.uint64(64 - bits))
    while places[place] != key:
        if places[place] == _EMPTY:
            return -1
        place = (place + 1) & (places.size - 1)
    row: int = rows[place]
    return row


@njit(cache=True, nogil=True)
def best_tags(
    characters: NDArray[np.int32],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    boundary: int,
    bits: int,
    single: NDArray[np.float32],
    single_backoff: NDArray[np.float32],
    pair_places: NDArray[np.int64],
    pair_rows: NDArray[np.int32],
    pair_scores: NDArray[np.float32],
    pair_backoff: NDArray[np.float32],
    triple_places: NDArray[np.int64],
    triple_rows: NDArray[np.int32],
    triple_scores: NDArray[np.float32],
    wishes: NDArray[np.float32],
    tags: NDArray[np.uint8],
) -> None:
    """Fill the best tags of the sentences first to last. `wishes` (n, 4) are added to the scores; (0, 4): there are none.

    `single` (C, 4), `pair_scores` (pairs, 8), `triple_scores` (triples, 16) are log-probabilities of the last character with
    its tag given those before; what is in no table is the score of the shorter one plus the log back-off weight of the context.
    Before and after a sentence stand boundaries tagged S; a key is the character numbers, `bits` bits each.
    """
    pair_bits, triple_bits = _bits(pair_places.size), _bits(triple_places.size)
    longest = 0
    for sentence in range(first, last):
        longest = max(longest, starts[sentence + 1] - starts[sentence])
    came_from = np.empty((longest + 1, 8), dtype=np.uint8)
    current = np.empty(8, dtype=np.float32)
    following = np.empty(8, dtype=np.float32)
    two = np.empty(8, dtype=np.float32)
    for sentence in range(first, last):
        begin, length = starts[sentence], starts[sentence + 1] - starts[sentence]
        if length == 0:
            continue
        current[:] = -np.inf
        current[2 * S + 1] = 0.0  # S after S: two boundaries
        older = before = np.int64(boundary)
        before_row = _find((older << bits) | before, pair_places, pair_rows, pair_bits)
        for i in range(length + 1):
            character = np.int64(characters[begin + i]) if i < length else np.int64(boundary)
            row = _find((before << bits) | character, pair_places, pair_rows, pair_bits)
            for a in range(8):
                if row >= 0:
                    two[a] = pair_scores[row, a]
                else:
                    two[a] = single[character, SUCCESSORS[a >> 1, a & 1]] + single_backoff[before, a >> 1]
            triple = -1
            if row >= 0 and before_row >= 0:
                key = (((older << bits) | before) << bits) | character
                triple = _find(key, triple_places, triple_rows, triple_bits)
            _best_states(current, two, before_row, pair_backoff, triple, triple_scores, following, i, came_from)
            if i < length and wishes.shape[0]:
                for state in range(8):
                    following[state] += wishes[begin + i, SUCCESSORS[state >> 1, state & 1]]
            peak = following.max()
            for state in range(8):
                current[state] = following[state] - peak
            older, before, before_row = before, character, row
        state = 2 * S + 1 if current[2 * S + 1] >= current[2 * E + 1] else 2 * E + 1  # the boundary is tagged S
        _trace(came_from, state, tags[begin : begin + length])


@njit(cache=True, nogil=True)
def _best_states(
    current: NDArray[np.float32],
    two: NDArray[np.float32],
    before_row: int,
    pair_backoff: NDArray[np.float32],
    triple: int,
    triple_scores: NDArray[np.float32],
    following: NDArray[np.float32],
    i: int,
    came_from: NDArray[np.uint8],
) -> None:
    """One step of Viterbi: the best `following` (8,), and in `came_from[i]` whence. Rows of the tables, -1 for none."""
    following[:] = -np.inf
    for a in range(8):  # a: the two tags before; state 2 * their last + k
        if current[a] == -np.inf:
            continue
        tag = SUCCESSORS[a >> 1, a & 1]
        weight = pair_backoff[before_row, a] if before_row >= 0 else np.float32(0.0)
        for k in range(2):
            state = 2 * tag + k
            score = triple_scores[triple, 2 * a + k] if triple >= 0 else weight + two[state]
            score += current[a]
            if score > following[state]:
                following[state] = score
                came_from[i, state] = a


@njit(cache=True, nogil=True)
def _trace(came_from: NDArray[np.uint8], state: int, tags: NDArray[np.uint8]) -> None:
    """Tags of a sentence, from the best state of the boundary behind it."""
    for i in range(tags.size, 0, -1):
        state = np.int64(came_from[i, state])  # type: ignore[assignment]
        tags[i - 1] = SUCCESSORS[state >> 1, state & 1]


@njit(cache=True, nogil=True)
def _bits(size: int) -> int:
    bits = 0
    while (1 << bits) < size:
        bits += 1
    return bits
