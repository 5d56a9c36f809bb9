"""Damaged copies of a file, the same for the same seed: bytes changed, cut, doubled, joined, numbers replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

NUMBERS = (b"-1", b"0", b"2147483647", b"9223372036854775807", b"-4", b"4000000000", b"nan", b"1e999", b"")


def mutants(whole: bytes, number: int, *, seed: int, header: int = 400) -> Iterator[bytes]:
    """`number` damaged copies; half of the damage falls into the first `header` bytes."""
    random = np.random.default_rng(seed)
    for i in range(number):
        data = bytearray(whole)
        limit = min(header, len(data)) if i % 2 else len(data)
        at = int(random.integers(limit))
        kind = i // 2 % 6
        if kind == 0:
            for place in random.integers(0, limit, int(random.integers(1, 4))):
                data[int(place)] = int(random.integers(256))
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = data[at : at + int(random.integers(1, 200))]
        elif kind == 3:
            del data[at : at + int(random.integers(1, 60))]
        elif kind == 4:
            other = int(random.integers(len(data)))
            length = int(random.integers(1, 80))
            data[at : at + length] = data[other : other + length]
        else:
            found = list(re.finditer(rb"-?\d+(?:\.\d+)?", bytes(data[:limit])))
            if found:
                place = found[int(random.integers(len(found)))]
                data[place.start() : place.end()] = NUMBERS[int(random.integers(len(NUMBERS)))]
        yield bytes(data)
