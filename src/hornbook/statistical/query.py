"""Kernels that read the trie: log-probability of every token of a stream, and the whole next-token distribution of a context.

log p(w | h) = log_probs of the longest n-gram of the model that ends in w, plus the back-off weights of the contexts longer
than that one. When the model lacks a context it lacks every longer one, so both walks stop at the first miss.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray


def stored_log(log_probs: NDArray[Any], table: NDArray[np.float32], order: int, row: int) -> float:
    """The natural log in a row of an order: the number itself, or the entry of the table that its byte names."""
    return float(log_probs[row]) if log_probs.dtype.kind == "f" else float(table[order - 1, log_probs[row]])


@overload(stored_log)
def _compile_stored_log(log_probs: Any, table: Any, order: Any, row: Any) -> Any:
    """Chosen by the type of the array when a kernel is compiled, so that plain models pay nothing for quantised ones."""

    def exact(log_probs: Any, table: Any, order: Any, row: Any) -> Any:
        return log_probs[row]

    def looked_up(log_probs: Any, table: Any, order: Any, row: Any) -> Any:
        return table[order - 1, log_probs[row]]

    return exact if isinstance(log_probs.dtype, types.Float) else looked_up


@njit(cache=True, nogil=True)
def find(words: NDArray[Any], begin: int, end: int, word: int) -> int:
    """Row of `word` among the sorted rows begin..end, or -1."""
    stop = end
    while begin < end:
        middle = (begin + end) >> 1
        if np.int64(words[middle]) < word:
            begin = middle + 1
        else:
            end = middle
    return begin if begin < stop and np.int64(words[begin]) == word else -1


@njit(cache=True, nogil=True)
def score_stream(
    stream: NDArray[np.uint32],
    boundary: int,
    order: int,
    words: NDArray[Any],
    log_probs: NDArray[Any],
    table: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    children: NDArray[np.uint32],
    scores: NDArray[np.float32],
) -> None:
    """Fill `scores` with one natural log for each id of the stream (see stream.py) that is not the boundary, in order."""
    contexts = np.zeros(order + 1, dtype=np.int64)  # contexts[m]: row of the last m ids, for m from 1 to `known`
    extended = np.zeros(order + 1, dtype=np.int64)  # the same once the next id is read
    known = 0
    written = 0
    for i in range(stream.size):
        word = np.int64(stream[i])
        if word == boundary:
            contexts[1] = boundary
            known = min(1, order - 1)
            continue
        extended[1] = word
        matched = 1
        while matched <= known:
            context = contexts[matched]
            row = find(words, np.int64(children[context]), np.int64(children[context + 1]), word)
            if row < 0:
                break
            matched += 1
            extended[matched] = row
        score = np.float64(stored_log(log_probs, table, matched, extended[matched]))
        for m in range(matched, known + 1):
            score += backoffs[contexts[m]]
        scores[written] = score
        written += 1
        known = min(matched, order - 1)
        contexts, extended = extended, contexts


@njit(cache=True, nogil=True)
def next_scores(
    contexts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    words: NDArray[Any],
    log_probs: NDArray[Any],
    table: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    children: NDArray[np.uint32],
    scores: NDArray[np.float32],
) -> None:
    """Fill `scores` (B, V) after each context, (B, order - 1) ids of which the last `lengths[b]` count.

    Starts from order 1 under the product of all back-off weights; each longer context then overwrites its continuations, which
    are one contiguous range of rows.
    """
    rows, width = contexts.shape
    vocabulary = scores.shape[1]
    found = np.empty(width + 1, dtype=np.int64)
    for b in range(rows):
        known = 0
        weight = 0.0
        for m in range(1, lengths[b] + 1):
            row = contexts[b, width - m]
            for i in range(width - m + 1, width):
                row = find(words, np.int64(children[row]), np.int64(children[row + 1]), contexts[b, i])
                if row < 0:
                    break
            if row < 0:
                break
            found[m] = row
            weight += backoffs[row]
            known = m
        for word in range(vocabulary):
            scores[b, word] = stored_log(log_probs, table, 1, word) + weight
        for m in range(1, known + 1):
            weight -= backoffs[found[m]]
            for row in range(np.int64(children[found[m]]), np.int64(children[found[m] + 1])):
                scores[b, words[row]] = stored_log(log_probs, table, m + 1, row) + weight


@njit(cache=True, nogil=True)
def sorted_within_parents(words: NDArray[Any], children: NDArray[np.uint32]) -> bool:
    """Whether the continuations of every context are strictly increasing words; `children` must not decrease."""
    for context in range(children.size - 1):
        for row in range(np.int64(children[context]) + 1, np.int64(children[context + 1])):
            if words[row] <= words[row - 1]:
                return False
    return True
