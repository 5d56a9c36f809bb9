r"""Compiled loops behind words.py: bytes to word numbers, and numbers to the vocabulary's ids.

Different words are numbered in order of first appearance. Their bytes stand one after the other in an arena, word w from
`word_starts[w]` to `word_starts[w + 1]`; an open-addressing table finds a word by its 64-bit hash and compares the bytes.
A line end (\n) ends a sentence; blanks are space, tab, \r, \v and \f.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def scan(
    text: Any,
    begin: int,
    hashes: Any,
    numbers: Any,
    arena: Any,
    word_starts: Any,
    words: int,
    before: int,
    last_end: int,
    ids: Any,
    ends: Any,
) -> Any:
    """Number the words of `text` (n,) uint8 from byte `begin`; the text ends with a blank, or all text ends there.

    Table: `hashes` (C,) uint64, 0 empty, and `numbers` (C,) uint32, C a power of two. `arena` has room for the whole text,
    `word_starts` for C / 2 + 1. `before` tokens precede, of them `last_end` in ended sentences. Fills `ids` uint32 and `ends`
    int64 (tokens before each line end that follows a word). Stops early when the table is half full.
    Returns (byte reached, words, tokens filled, ends filled, last end).
    """
    mask = np.uint64(hashes.size - 1)
    most = hashes.size // 2
    filled = 0
    ended = 0
    place = begin
    size = text.size
    while place < size:
        byte = text[place]
        if byte == 10:
            if before + filled > last_end:
                last_end = before + filled
                ends[ended] = last_end
                ended += 1
            place += 1
            continue
        if byte == 32 or (byte >= 9 and byte <= 13):
            place += 1
            continue
        if words >= most:
            break
        start = place
        value = _OFFSET  # FNV-1a, 64 bits
        while place < size:
            byte = text[place]
            if byte <= 32 and (byte == 32 or (byte >= 9 and byte <= 13)):
                break
            value = (value ^ np.uint64(byte)) * _PRIME
            place += 1
        value = (value ^ (value >> _SHIFT)) * _SPREAD
        value = max(value, _ONE)  # 0 is an empty slot
        slot = (value >> _SHIFT) & mask
        length = place - start
        while hashes[slot] != 0:
            if hashes[slot] == value:
                first = word_starts[numbers[slot]]
                if word_starts[numbers[slot] + 1] - first == length:
                    same = True
                    for offset in range(length):
                        if arena[first + offset] != text[start + offset]:
                            same = False
                            break
                    if same:
                        break
            slot = (slot + _ONE) & mask
        if hashes[slot] == 0:
            first = word_starts[words]
            for offset in range(length):
                arena[first + offset] = text[start + offset]
            hashes[slot] = value
            numbers[slot] = words
            words += 1
            word_starts[words] = first + length
        ids[filled] = numbers[slot]
        filled += 1
    return place, words, filled, ended, last_end


@njit(cache=True, nogil=True)
def rehash(old_hashes: Any, old_numbers: Any, hashes: Any, numbers: Any) -> None:
    """Put every entry of a table into a larger, empty one."""
    mask = np.uint64(hashes.size - 1)
    for old in range(old_hashes.size):
        if old_hashes[old] != 0:
            slot = (old_hashes[old] >> _SHIFT) & mask
            while hashes[slot] != 0:
                slot = (slot + _ONE) & mask
            hashes[slot] = old_hashes[old]
            numbers[slot] = old_numbers[old]


@njit(cache=True, nogil=True)
def count(block: Any, counts: Any) -> None:
    """Add the occurrences in `block` uint32 to `counts` (P,) int64."""
    for place in range(block.size):
        counts[block[place]] += 1


@njit(cache=True, nogil=True)
def keep(
    block: Any, before: int, ends: Any, sentence: int, ids_of: Any, ids: Any, filled: int, starts: Any, sentences: int
) -> Any:
    """Write the ids of the kept words of a block after `filled` others, and where sentences that keep a word start.

    `block` (m,) uint32 numbers, the first of them token `before` of the text; `ends` (S,) int64 ends of sentences in tokens of
    the text, rising, `sentence` of them passed; `ids_of` (P,) int32 id of each number, -1 to leave it out.
    Returns (ids filled, old sentences passed, new sentences closed).
    """
    for place in range(block.size):
        if sentence < ends.size and ends[sentence] == before + place:
            sentence += 1
            if filled > starts[sentences]:
                sentences += 1
                starts[sentences] = filled
        number = ids_of[block[place]]
        if number >= 0:
            ids[filled] = number
            filled += 1
    return filled, sentence, sentences


@njit(cache=True, nogil=True)
def number_by_appearance(ids: Any, words: int) -> Any:
    """(n,) uint32 ids renumbered in order of first appearance, and (P,) int64 the old id of each new number."""
    numbers = np.full(words, -1, np.int64)
    seen = np.empty(words, np.int64)
    result = np.empty(ids.size, np.uint32)
    used = 0
    for place in range(ids.size):
        word = ids[place]
        if numbers[word] < 0:
            numbers[word] = used
            seen[used] = word
            used += 1
        result[place] = numbers[word]
    return result, seen[:used].copy()
