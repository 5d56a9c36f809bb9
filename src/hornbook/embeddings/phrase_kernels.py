"""Compiled loops behind phrases.py: bigrams as packed keys, and sentences with their phrases joined."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pack(ids: Any, starts: Any, begin: int, end: int, words: int, keys: Any) -> int:
    """Keys of the bigrams whose second word is one of `ids[begin:end]`; their number."""
    sentence = np.searchsorted(starts, begin, side="right") - 1
    filled = 0
    for place in range(begin, end):
        while place >= starts[sentence + 1]:
            sentence += 1
        if place > starts[sentence]:
            keys[filled] = np.uint64(ids[place - 1]) * np.uint64(words) + np.uint64(ids[place])
            filled += 1
    return filled


@njit(cache=True, nogil=True)
def run_lengths(keys: Any) -> Any:
    """Distinct keys of a sorted array, and how often each occurs."""
    distinct, counts = np.empty(keys.size, np.uint64), np.empty(keys.size, np.int64)
    filled = 0
    for place in range(keys.size):
        if place == 0 or keys[place] != keys[place - 1]:
            distinct[filled] = keys[place]
            counts[filled] = 0
            filled += 1
        counts[filled - 1] += 1
    return distinct[:filled].copy(), counts[:filled].copy()


@njit(cache=True, nogil=True)
def merge(keys: Any, counts: Any) -> Any:
    """Distinct keys of a sorted array and the sums of their counts."""
    filled = 0
    for place in range(keys.size):
        if place > 0 and keys[place] == keys[filled - 1]:
            counts[filled - 1] += counts[place]
        else:
            keys[filled] = keys[place]
            counts[filled] = counts[place]
            filled += 1
    return keys[:filled].copy(), counts[:filled].copy()


@njit(cache=True, nogil=True)
def join_ids(ids: Any, starts: Any, row_starts: Any, seconds: Any, joined: Any, new_ids: Any, new_starts: Any) -> int:
    """Write every sentence with its phrases joined, from left to right; returns the number of words written."""
    filled = 0
    for sentence in range(starts.size - 1):
        new_starts[sentence] = filled
        place, end = starts[sentence], starts[sentence + 1]
        while place < end:
            word = np.int64(ids[place])
            low, high = row_starts[word], row_starts[word + 1]
            found = False
            if low < high and place + 1 < end:
                second = np.int64(ids[place + 1])
                while low < high:
                    middle = (low + high) // 2
                    if seconds[middle] < second:
                        low = middle + 1
                    else:
                        high = middle
                found = low < row_starts[word + 1] and seconds[low] == second
            if found:
                new_ids[filled] = joined[low]
                place += 2
            else:
                new_ids[filled] = word
                place += 1
            filled += 1
    new_starts[starts.size - 1] = filled
    return filled
