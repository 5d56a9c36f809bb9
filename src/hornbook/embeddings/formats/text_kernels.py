"""Kernels that read rows of vectors out of a mapped file: decimal text and the binary rows of word2vec.c.

Every index is checked against the size of the data before it is used: the files come from strangers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

WHOLE: Final = 0
ENDED: Final = 1  # the data end before the rows do
WRONG_WIDTH: Final = 2  # a line has more or fewer numbers
NOT_A_NUMBER: Final = 3
NO_WORD: Final = 4

_SPACE, _TAB, _NEWLINE, _RETURN = 32, 9, 10, 13
_POWERS: Final = np.array([10.0**i for i in range(23)])  # those a float64 holds exactly


@njit(cache=True, nogil=True)
def parse_decimal(data: NDArray[np.uint8], begin: int, end: int) -> tuple[bool, float]:
    """Whether data[begin:end] is a decimal number, and its value: exact for up to 19 digits and exponents up to 22."""
    at = begin
    negative = False
    if at < end and (data[at] == 45 or data[at] == 43):
        negative = data[at] == 45
        at += 1
    digits = np.uint64(0)
    kept = 0
    exponent = 0
    seen = False
    point = False
    while at < end:
        character = data[at]
        if 48 <= character <= 57:
            seen = True
            if kept < 19:
                digits = digits * np.uint64(10) + np.uint64(character - 48)
                kept += digits != 0
                exponent -= point
            else:
                exponent += not point
        elif character == 46 and not point:
            point = True
        else:
            break
        at += 1
    if not seen:
        return False, 0.0
    if at < end and (data[at] == 101 or data[at] == 69):
        at += 1
        down = False
        if at < end and (data[at] == 45 or data[at] == 43):
            down = data[at] == 45
            at += 1
        power = 0
        written = False
        while at < end and 48 <= data[at] <= 57:
            written = True
            power = min(power * 10 + (data[at] - 48), 100_000)
            at += 1
        if not written:
            return False, 0.0
        exponent += -power if down else power
    if at != end:
        return False, 0.0
    value = np.float64(digits)
    if digits == 0:
        value = np.float64(0.0)
    elif -22 <= exponent < 0:
        value /= _POWERS[-exponent]
    elif 0 < exponent <= 22:
        value *= _POWERS[exponent]
    elif exponent < -22:
        value = value / 1e22 * 10.0 ** max(exponent + 22, -400)
    elif exponent > 22:
        value *= 10.0 ** min(exponent, 400)
    return True, -value if negative else value


@njit(cache=True, nogil=True)
def parse_rows(
    data: NDArray[np.uint8],
    position: int,
    blanks_in_words: bool,
    numbers: NDArray[np.float32],
    words: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Fill `numbers` (V, d) and `words` (V, 2: first byte, byte after the last) from lines 'word number ... number'.

    The last d fields of a line are its numbers; what is left is the word, with blanks inside only where `blanks_in_words`.
    Returns (what happened, rows filled, position after them or of the trouble, numbers found in a line of the wrong width).
    """
    rows, size = numbers.shape
    for row in range(rows):
        if position >= data.size:
            return ENDED, row, position, 0
        stop = position
        while stop < data.size and data[stop] != _NEWLINE:
            stop += 1
        end = stop
        while end > position and (data[end - 1] == _SPACE or data[end - 1] == _TAB or data[end - 1] == _RETURN):
            end -= 1
        cursor = end
        for column in range(size - 1, -1, -1):
            begin = cursor
            while begin > position and data[begin - 1] != _SPACE and data[begin - 1] != _TAB:
                begin -= 1
            if begin == position:
                return WRONG_WIDTH, row, position, size - 1 - column
            known, value = parse_decimal(data, begin, cursor)
            if not known:
                return NOT_A_NUMBER, row, begin, cursor - begin
            numbers[row, column] = np.float32(value)
            cursor = begin - 1
            while cursor > position and (data[cursor - 1] == _SPACE or data[cursor - 1] == _TAB):
                cursor -= 1
        if cursor <= position:
            return NO_WORD, row, position, 0
        if not blanks_in_words:
            for i in range(position, cursor):
                if data[i] == _SPACE or data[i] == _TAB:
                    return WRONG_WIDTH, row, position, size + 1
        words[row, 0] = position
        words[row, 1] = cursor
        position = stop + 1
    return WHOLE, rows, position, 0


@njit(cache=True, nogil=True)
def copy_rows(
    data: NDArray[np.uint8], position: int, numbers: NDArray[np.uint8], words: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Fill `numbers` (V, 4 d) bytes and `words` (V, 2) from rows of a word, a blank, d float32 and perhaps a newline.

    Returns (what happened, rows filled, position after them or of the row in trouble).
    """
    rows, width = numbers.shape
    for row in range(rows):
        while position < data.size and data[position] == _NEWLINE:
            position += 1
        stop = position
        while stop < data.size and data[stop] != _SPACE:
            stop += 1
        if stop + 1 + width > data.size:
            return ENDED, row, position
        if stop == position:
            return NO_WORD, row, position
        words[row, 0] = position
        words[row, 1] = stop
        for i in range(width):
            numbers[row, i] = data[stop + 1 + i]
        position = stop + 1 + width
    return WHOLE, rows, position
