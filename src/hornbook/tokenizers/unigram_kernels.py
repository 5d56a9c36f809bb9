"""Compiled parts of Unigram learning: a trie of pieces in an open-addressing table, and passes over all pre-tokens.

A trie edge is the key (node << 21 | code point) + 1 (0 is empty) in `keys` (C,) uint64, its child in `children` (C,) int32;
`piece_at` (nodes,) int32 is the piece that ends in a node or -1. Pre-token w is `codes[starts[w]:starts[w + 1]]`, uint32.
Probabilities are kept linear: LONGEST_PRETOKEN factors of at least 1e-9 stay in the range of float64 for 30 characters.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

LONGEST = 32  # characters of a pre-token at most


@numba.njit(cache=True, nogil=True)
def _slot(keys: Any, key: Any) -> Any:
    """Where a key is or would be put: Fibonacci hashing, then linear probing."""
    mask = np.uint64(len(keys) - 1)
    place = ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while keys[place] != 0 and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@numba.njit(cache=True, nogil=True)
def build_trie(codes: Any, starts: Any, capacity: int) -> Any:
    """Trie of the pieces; `capacity` is a power of two, at least twice the characters."""
    keys = np.zeros(capacity, dtype=np.uint64)
    children = np.zeros(capacity, dtype=np.int32)
    piece_at = np.full(len(codes) + 1, -1, dtype=np.int32)
    nodes = 1
    for piece in range(len(starts) - 1):
        node = 0
        for place in range(starts[piece], starts[piece + 1]):
            key = ((np.uint64(node) << np.uint64(21)) | np.uint64(codes[place])) + np.uint64(1)
            slot = _slot(keys, key)
            if keys[slot] == 0:
                keys[slot] = key
                children[slot] = nodes
                nodes += 1
            node = children[slot]
        piece_at[node] = piece
    return keys, children, piece_at


@numba.njit(cache=True, nogil=True)
def expect(codes: Any, starts: Any, counts: Any, keys: Any, children: Any, piece_at: Any, probs: Any, rare: float) -> Any:
    """(P,) expected uses of every piece over all segmentations (forward-backward), and the log-likelihood in nats.

    A character without a piece of its own is passed over with probability `rare`.
    """
    expected = np.zeros(len(probs))
    likelihood = 0.0
    forward, backward = np.zeros(LONGEST + 1), np.zeros(LONGEST + 1)
    edge_from = np.zeros(LONGEST * LONGEST, dtype=np.int32)
    edge_to = np.zeros(LONGEST * LONGEST, dtype=np.int32)
    edge_piece = np.zeros(LONGEST * LONGEST, dtype=np.int32)
    for word in range(len(starts) - 1):
        first, length = starts[word], starts[word + 1] - starts[word]
        forward[: length + 1] = 0.0
        backward[: length + 1] = 0.0
        forward[0] = 1.0
        edges = 0
        for begin in range(length):
            node, single = 0, False
            for end in range(begin, length):
                key = ((np.uint64(node) << np.uint64(21)) | np.uint64(codes[first + end])) + np.uint64(1)
                slot = _slot(keys, key)
                if keys[slot] == 0:
                    break
                node = children[slot]
                piece = piece_at[node]
                if piece >= 0 and probs[piece] > 0.0:
                    single = single or end == begin
                    edge_from[edges], edge_to[edges], edge_piece[edges] = begin, end + 1, piece
                    edges += 1
                    forward[end + 1] += forward[begin] * probs[piece]
            if not single:
                edge_from[edges], edge_to[edges], edge_piece[edges] = begin, begin + 1, -1
                edges += 1
                forward[begin + 1] += forward[begin] * rare
        backward[length] = 1.0
        share = counts[word] / forward[length]
        for edge in range(edges - 1, -1, -1):
            begin, end, piece = edge_from[edge], edge_to[edge], edge_piece[edge]
            probability = probs[piece] if piece >= 0 else rare
            backward[begin] += backward[end] * probability
            if piece >= 0:
                expected[piece] += share * forward[begin] * probability * backward[end]
        likelihood += counts[word] * np.log(forward[length])
    return expected, likelihood


@numba.njit(cache=True, nogil=True)
def alternatives(codes: Any, starts: Any, keys: Any, children: Any, piece_at: Any, probs: Any, rare: float) -> Any:
    """(P,) log-probability of the best segmentation of every piece that does not use the piece itself (Viterbi)."""
    result = np.zeros(len(starts) - 1)
    best = np.zeros(LONGEST + 1)
    for own in range(len(starts) - 1):
        first, length = starts[own], starts[own + 1] - starts[own]
        best[: length + 1] = -np.inf
        best[0] = 0.0
        for begin in range(length):
            node = 0
            best[begin + 1] = max(best[begin + 1], best[begin] + np.log(rare))
            for end in range(begin, length):
                key = ((np.uint64(node) << np.uint64(21)) | np.uint64(codes[first + end])) + np.uint64(1)
                slot = _slot(keys, key)
                if keys[slot] == 0:
                    break
                node = children[slot]
                piece = piece_at[node]
                if piece >= 0 and piece != own and probs[piece] > 0.0:
                    best[end + 1] = max(best[end + 1], best[begin] + np.log(probs[piece]))
        result[own] = best[length]
    return result


def flatten(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points of all texts in a row, and where each starts (n + 1,)."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    return codes, starts
