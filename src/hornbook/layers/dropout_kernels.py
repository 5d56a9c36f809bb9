"""Compiled loops behind dropout.py: zero and scale in one pass, with masks that are drawn again in place of being kept.

Each works on blocks that stay in the first cache: eight bytes of mask from each 64-bit draw (SplitMix64 by number, so that the
mask is a function of the key), then the numbers themselves. Both loops of a block compile to vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hornbook.corpus.batch_kernels import mix

_BLOCK = 4096  # numbers
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_16, _ONE, _HALF = np.uint32(16), np.uint32(1), np.uint32(0x7FFF)


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_bytes(words: Any, key: Any, block: Any) -> None:
    """words (BLOCK / 8,) uint64 of random bytes for block number `block`."""
    first = np.uint64(block * (_BLOCK // 8))
    for place in range(words.size):
        words[place] = mix(key + _GOLDEN * (first + np.uint64(place)))


@njit(cache=True, nogil=True, error_model="numpy")
def drop_floats(numbers: Any, result: Any, key: Any, threshold: Any, scale: Any) -> None:
    """numbers (N,) float32 or float64 -> result (N,): 0 with probability threshold / 256, else times `scale` (same dtype)."""
    words = np.empty(_BLOCK // 8, np.uint64)
    drawn = words.view(np.uint8)
    zero = scale - scale  # of its dtype
    for begin in range(0, numbers.size, _BLOCK):
        _draw_bytes(words, key, begin // _BLOCK)
        count = min(_BLOCK, numbers.size - begin)
        given, taken = numbers[begin : begin + count], result[begin : begin + count]
        for place in range(count):
            taken[place] = given[place] * scale if drawn[place] >= threshold else zero


@njit(cache=True, nogil=True, error_model="numpy")
def drop_bfloat16(numbers: Any, result: Any, key: Any, threshold: Any, scale: Any) -> None:
    """The same for bfloat16 numbers (N,) given as uint16, `scale` float32; rounded to nearest, ties to even."""
    words = np.empty(_BLOCK // 8, np.uint64)
    drawn = words.view(np.uint8)
    wide = np.empty(_BLOCK, np.float32)
    bits = wide.view(np.uint32)
    for begin in range(0, numbers.size, _BLOCK):
        _draw_bytes(words, key, begin // _BLOCK)
        count = min(_BLOCK, numbers.size - begin)
        given, taken = numbers[begin : begin + count], result[begin : begin + count]
        for place in range(count):
            bits[place] = np.uint32(given[place]) << _16
        for place in range(count):
            wide[place] *= scale
        for place in range(count):
            pattern = bits[place]
            rounded = (pattern + (_HALF + ((pattern >> _16) & _ONE))) >> _16
            taken[place] = np.uint16(rounded) if drawn[place] >= threshold else np.uint16(0)
