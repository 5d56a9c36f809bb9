"""Compiled loops behind batches.py: a shuffle that is the same on every machine, and the gather of rows from a token file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_GOLDEN, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


@njit(cache=True, nogil=True)
def mix(value: Any) -> Any:
    """One step of SplitMix64 (Steele, Lea, Flood 2014, figure 13): uint64 -> uint64, every bit depends on every bit."""
    value = value + _GOLDEN
    value = (value ^ (value >> _30)) * _MIX_1
    value = (value ^ (value >> _27)) * _MIX_2
    return value ^ (value >> _31)


@njit(cache=True, nogil=True)
def _shuffle(order: Any, key: Any) -> None:
    state = key
    for last in range(order.size - 1, 0, -1):
        state = state + _GOLDEN
        other = np.int64(mix(state) % np.uint64(last + 1))  # the bias of the remainder is below size / 2^64
        order[last], order[other] = order[other], order[last]


def shuffled(size: int, key: int) -> NDArray[np.int64]:
    """(size,) the numbers 0..size-1 in the order that `key` decides (Fisher-Yates); numpy's own may change with its version."""
    order = np.arange(size, dtype=np.int64)
    _shuffle(order, np.uint64(key))
    return order


def derive_key(*numbers: int) -> int:
    """A 64-bit key that depends on every one of the numbers and on their order."""
    key = np.zeros(1, np.uint64)
    for number in numbers:
        key[0] = mix(key[0] ^ np.uint64(number % 2**64))
    return int(key[0])


@njit(cache=True, nogil=True)
def gather(
    tokens: Any,
    starts: Any,
    order: Any,
    ends: Any,
    positions: Any,
    counted: Any,
    start: Any,
    end: Any,
    inputs: Any,
    targets: Any,
) -> None:
    """Fill rows of `inputs` and `targets` (B, T) from the circular stream `start d end` over the documents in `order`.

    tokens (n,) ids; starts (docs + 1,) into tokens; order (docs,) documents as the stream has them; ends (docs,) the stream
    position just behind each; positions (B,) where each row begins; counted (B,) how many of its targets count. The other
    targets, and those that are a document's `start`, are -100.
    """
    length = inputs.shape[1]
    size = ends[-1]
    for row in range(positions.size):
        position = positions[row] % size
        place = np.searchsorted(ends, position, side="right")
        document = order[place]
        first, count = starts[document], starts[document + 1] - starts[document]
        within = position - (ends[place] - count - 2)  # 0 is start, 1..count the document, count + 1 is end
        for column in range(length + 1):
            if within == 0:
                token = start
            elif within <= count:
                token = np.int64(tokens[first + within - 1])
            else:
                token = end
            if column < length:
                inputs[row, column] = token
            if column > 0:
                targets[row, column - 1] = token if within > 0 and column <= counted[row] else -100
            within += 1
            if within == count + 2:
                place = place + 1 if place + 1 < order.size else 0
                document = order[place]
                first, count = starts[document], starts[document + 1] - starts[document]
                within = 0
