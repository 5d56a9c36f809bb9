"""Compiled loops behind subwords.py: the hashed character n-grams of words, and sums of their rows.

Words stand one after the other as UTF-8 in `text` (n,) uint8, word w from `ends[w]` to `ends[w + 1]`, each between < and >.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_OFFSET = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_SIGN = np.uint32(0xFFFFFF00)


@njit(cache=True, nogil=True)
def hash_ngrams(text: Any, ends: Any, min_n: int, max_n: int, buckets: int, rows: Any, starts: Any) -> None:
    """Bucket numbers of the n-grams of every word, (r,) int32, those of word w from `starts[w]` to `starts[w + 1]`.

    In the order and with the hash of fastText (Dictionary::computeSubwords, Dictionary::hash): FNV-1a of 32 bits over bytes
    taken as signed, so that bytes from 128 on flip the upper 24 bits as well. < and > alone are no n-grams.
    """
    filled = 0
    for word in range(ends.size - 1):
        starts[word] = filled
        begin, end = ends[word], ends[word + 1]
        for first in range(begin, end):
            if text[first] & 0xC0 == 0x80:  # inside a character
                continue
            value = _OFFSET
            place = first
            length = 0
            while place < end and length < max_n:
                length += 1
                value = _add_byte(value, text[place])
                place += 1
                while place < end and text[place] & 0xC0 == 0x80:
                    value = _add_byte(value, text[place])
                    place += 1
                if length >= min_n and not (length == 1 and (first == begin or place == end)):
                    rows[filled] = value % np.uint32(buckets)
                    filled += 1
    starts[ends.size - 1] = filled


@njit(cache=True, nogil=True)
def _add_byte(value: Any, byte: Any) -> Any:
    wide = np.uint32(byte)
    if wide >= 128:
        wide |= _SIGN
    return np.uint32((value ^ wide) * _PRIME)


@njit(cache=True, nogil=True)
def add_rows(rows: Any, starts: Any, places: Any, buckets: Any, sums: Any, sizes: Any) -> None:
    """Add to `sums` (n, d) the rows of `buckets` that each word has, and to `sizes` (n,) how many.

    `places` (B,) int32 says where in `buckets` a bucket's row is, -1 for a bucket that was pruned; (0,) for every bucket.
    """
    for word in range(starts.size - 1):
        for entry in range(starts[word], starts[word + 1]):
            row = np.int64(rows[entry])
            if places.size > 0:
                row = np.int64(places[row])
            if row >= 0:
                sizes[word] += 1
                for k in range(sums.shape[1]):
                    sums[word, k] += buckets[row, k]
