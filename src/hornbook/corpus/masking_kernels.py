"""Compiled loop behind masking.py: which tokens of each row are predicted, and what stands in their place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from hornbook.corpus.batch_kernels import mix

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONE, _11 = np.uint64(1), np.uint64(11)
_REPLACEMENT = np.uint64(0x5851F42D4C957F2D)  # tells the draws of replacements from those of the choice


@njit(cache=True, nogil=True)
def draw(key: Any, number: Any) -> Any:
    """Random number `number` of the stream `key`, uint64: SplitMix64 at any place without the ones before it."""
    return mix(key + _GOLDEN * np.uint64(number))


@njit(cache=True, nogil=True)
def share(bits: Any) -> Any:
    """64 random bits to a float64 in [0, 1)."""
    return np.float64(bits >> _11) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def row_keys(key: Any, numbers: Any, keys: Any) -> None:
    """keys (B,) of rows with these numbers (B,), all derived from one key."""
    for row in range(numbers.size):
        keys[row] = mix(key ^ mix(np.uint64(numbers[row])))


@njit(cache=True, nogil=True)
def _span(bits: Any, stop: Any, longest: Any) -> Any:
    """Words of a span: geometric with probability `stop` of ending after each word, given that it is at most `longest`."""
    within = 1.0 - (1.0 - stop) ** longest
    words = 1 + np.int64(math.log(1.0 - share(bits) * within) / math.log(1.0 - stop))
    return min(words, longest)


@njit(cache=True, nogil=True)
def _find_units(
    ids: Any, documents: Any, starts: Any, maskable: Any, key: Any, stop: Any, longest: Any, places: Any, firsts: Any
) -> Any:
    """Fill places (n,) with the maskable columns and firsts (units + 1,) with where each unit begins in `places`."""
    found, units, words_left, before = 0, 0, 0, -2
    for column in range(ids.size):
        if documents[column] < 0 or not maskable[ids[column]]:
            continue
        broken = column != before + 1 or documents[column] != documents[before]
        if broken:
            words_left = 0
        if broken or starts[column]:
            if words_left == 0:
                firsts[units] = found
                words_left = 1 if longest == 1 else _span(draw(key, units), stop, longest)
                units += 1
            words_left -= 1
        places[found] = column
        found += 1
        before = column
    firsts[units] = found
    return units


@njit(cache=True, nogil=True)
def _choose(firsts: Any, units: Any, budget: Any, key: Any, order: Any, chosen: Any) -> None:
    """Choose units: laid out in random order on a circle, those that begin in a window of `budget` tokens at a random place.

    Each unit begins there with probability budget / tokens, whatever its length, so none is favoured; single tokens come out
    at exactly `budget`, longer units at most one unit's length beside it.
    """
    tokens = firsts[units]
    for unit in range(units):
        order[unit] = unit
    for last in range(units - 1, 0, -1):
        other = np.int64(draw(key, tokens + last) % np.uint64(last + 1))
        order[last], order[other] = order[other], order[last]
    window = np.int64(draw(key, 2 * tokens) % np.uint64(tokens))
    position = 0
    for place in range(units):
        unit = order[place]
        chosen[unit] = (position - window) % tokens < budget
        position += firsts[unit + 1] - firsts[unit]


@njit(cache=True, nogil=True)
def _ordinary(bits: Any, specials: Any, vocabulary: Any) -> Any:
    """An id below `vocabulary` that is none of `specials` (sorted), each equally likely."""
    token = np.int64(bits % np.uint64(vocabulary - specials.size))
    for special in specials:
        if token >= special:
            token += 1
    return token


@njit(cache=True, nogil=True)
def mask_rows(
    inputs: Any,
    targets: Any,
    documents: Any,
    starts: Any,
    keys: Any,
    maskable: Any,
    specials: Any,
    mask: Any,
    rate: Any,
    masked: Any,
    random: Any,
    stop: Any,
    longest: Any,
    together: Any,
) -> None:
    """Mask rows in place: inputs, targets (B, T) int64; documents (B, T) int32; starts (B, T) bool; keys (B,) uint64.

    maskable (V,) bool; specials sorted ids; a unit is `longest` = 1 word or a span of up to `longest` words; `together` draws
    one replacement for a whole unit.
    """
    length = inputs.shape[1]
    places, firsts, order = np.empty(length, np.int64), np.empty(length + 1, np.int64), np.empty(length, np.int64)
    chosen = np.empty(length, np.bool_)
    for row in range(inputs.shape[0]):
        targets[row] = -100
        key = keys[row]
        units = _find_units(inputs[row], documents[row], starts[row], maskable, key, stop, longest, places, firsts)
        tokens = firsts[units]
        if tokens == 0:
            continue
        budget = np.int64(rate * tokens + share(draw(key, 2 * tokens + 1)))  # rounded up as often as the fraction says
        _choose(firsts, units, budget, key, order, chosen)
        other = mix(key ^ _REPLACEMENT)
        for unit in range(units):
            if not chosen[unit]:
                continue
            for found in range(firsts[unit], firsts[unit + 1]):
                column = places[found]
                targets[row, column] = inputs[row, column]
                coin = share(draw(other, 2 * firsts[unit] if together else 2 * found))
                if coin < masked:
                    inputs[row, column] = mask
                elif coin < masked + random:
                    inputs[row, column] = _ordinary(draw(other, 2 * found + 1), specials, maskable.size)
