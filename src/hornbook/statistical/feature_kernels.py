"""Kernels of features.py: code points -> hashed n-grams of each text with their counts -> weights.

Bucket numbers have the family in their highest bit, so that the two never collide: 0 words and scripts
without spaces, 1 characters inside words.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SPACE, WORD, MARK, UNSPACED = 0, 1, 2, 3  # what a code point is to the scanner

_PRIME = np.uint64(0x100000001B3)
_SEED = np.uint64(0xCBF29CE484222325)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_BLANK = np.uint64(32)


@njit(cache=True, nogil=True)
def most_ngrams(length: int, words: int, characters: int, unspaced: int) -> int:
    """No text of so many code points has more n-grams."""
    return length * (words + max(2 * characters, unspaced)) + 1


@njit(cache=True, nogil=True)
def scan(
    codes: NDArray[np.uint32],
    ends: NDArray[np.int64],
    classes: NDArray[np.uint8],
    words: int,
    characters: int,
    unspaced: int,
    bits: int,
    rows: NDArray[np.int64],
    buckets: NDArray[np.int32],
    counts: NDArray[np.float32],
) -> None:
    """Fill (bucket, count) of every text, each bucket once in the order of first appearance; rows[i + 1] is where text i ends.

    Duplicates are found in a small open-addressing table of one text, which stays in the processor's cache.
    """
    longest = begin = 0
    for end in ends:
        longest = max(longest, end - begin)
        begin = end
    size = 16
    while size < 2 * most_ngrams(longest, words, characters, unspaced):
        size *= 2
    table = np.full(size, -1, dtype=np.int64)  # place in `buckets`
    history = np.zeros(max(words, 1), dtype=np.uint64)  # hashes of the last words, newest last
    begin = written = 0
    for text in range(ends.size):
        end = ends[text]
        mask = 15
        while mask + 1 < 2 * most_ngrams(end - begin, words, characters, unspaced):
            mask = 2 * mask + 1
        first = written
        history[max(words, 1) - 1] = _SEED  # the start of the text counts as a word of n-grams, not as one by itself
        known = 1
        i = begin
        while i < end:
            kind = classes[codes[i]]
            start = i
            if kind == SPACE:
                i += 1
            elif kind == UNSPACED:
                while i < end and classes[codes[i]] == UNSPACED:
                    i += 1
                for place in range(start, i):
                    value = _SEED + np.uint64(2)
                    for k in range(place, min(i, place + unspaced)):
                        value = (value ^ np.uint64(codes[k])) * _PRIME
                        written = _count(value, 0, bits, mask, table, buckets, counts, written)
                known = 0  # words that scripts without spaces part are no neighbours
            else:
                while i < end and (classes[codes[i]] == WORD or classes[codes[i]] == MARK):
                    i += 1
                for place in range(start - 1, i):  # a blank stands on both sides of the chunk
                    value = _SEED + np.uint64(1)
                    for k in range(place, min(i + 1, place + characters)):
                        value = (value ^ (_BLANK if k < start or k == i else np.uint64(codes[k]))) * _PRIME
                        if k >= start:
                            written = _count(value, 1, bits, mask, table, buckets, counts, written)
                place = start
                while place < i and words > 0:
                    kind = classes[codes[place]]
                    value = _SEED
                    while place < i and classes[codes[place]] == kind:
                        value = (value ^ np.uint64(codes[place])) * _PRIME
                        place += 1
                    for k in range(words - 1):
                        history[k] = history[k + 1]
                    history[words - 1] = value
                    known += known < words
                    value = _SEED
                    for k in range(1, known + 1):
                        value = (value ^ history[words - k]) * _PRIME
                        written = _count(value, 0, bits, mask, table, buckets, counts, written)
        for place in range(first, written):
            slot = np.int64(buckets[place]) & mask
            while table[slot] >= 0:
                table[slot] = -1
                slot = (slot + 1) & mask
        rows[text + 1] = written
        begin = end


@njit(cache=True, nogil=True, inline="always")
def _count(
    value: np.uint64,
    family: int,
    bits: int,
    mask: int,
    table: NDArray[np.int64],
    buckets: NDArray[np.int32],
    counts: NDArray[np.float32],
    written: int,
) -> int:
    """Count one n-gram by the mixed (murmur3 finaliser) upper bits of its hash; returns how many buckets are written."""
    value ^= value >> _HALF
    value *= _MIX_1
    value ^= value >> _HALF
    value *= _MIX_2
    value ^= value >> _HALF
    bucket = np.int64(value >> np.uint64(65 - bits)) | (family << (bits - 1))
    slot = bucket & mask
    while table[slot] >= 0:
        if buckets[table[slot]] == bucket:
            counts[table[slot]] += np.float32(1)
            return written
        slot = (slot + 1) & mask
    table[slot] = written
    buckets[written] = bucket
    counts[written] = np.float32(1)
    return written + 1


@njit(cache=True, nogil=True)
def weigh(
    rows: NDArray[np.int64],
    buckets: NDArray[np.int32],
    values: NDArray[np.float32],
    columns_of: NDArray[np.int32],
    idf: NDArray[np.float32],
    families: int,
    term: int,
    second_weight: float,
) -> None:
    """In place: buckets become columns, counts become weights; buckets without a column (-1) fall away, `rows` shrinks.

    `families` is the first column of the second family. With `second_weight` above 0 the first family of a text has length 1,
    the second that weight, before both together are given length 1.
    """
    written = begin = 0
    for text in range(rows.size - 1):
        end = rows[text + 1]
        first = written
        squares = np.zeros(2)
        for place in range(begin, end):
            column = columns_of[buckets[place]]
            if column < 0:
                continue
            value = values[place]
            if term == 1:
                value = np.float32(1)
            elif term == 2:
                value = np.float32(1) + np.log(value)
            value *= idf[column]
            squares[0 if column < families else 1] += value * value
            buckets[written] = column
            values[written] = value
            written += 1
        if second_weight > 0:
            there = (squares[0] > 0) + second_weight**2 * (squares[1] > 0)
            factor_0 = np.float32(1 / np.sqrt(squares[0] * there)) if squares[0] > 0 else np.float32(0)
            factor_1 = np.float32(second_weight / np.sqrt(squares[1] * there)) if squares[1] > 0 else np.float32(0)
            for place in range(first, written):
                values[place] *= factor_0 if buckets[place] < families else factor_1
        begin = end
        rows[text + 1] = written
