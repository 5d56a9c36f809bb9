"""Kernels for ARPA text: rows to bytes, and bytes to rows. Nothing is read or written outside the arrays given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.statistical.query import stored_log

OK, NOT_A_NUMBER, FEW_WORDS, MORE_TEXT, UNKNOWN_WORD, TWICE, ENDED, POSITIVE, HUGE = range(9)
"""What `read_rows` can say about a line."""
_LN10 = 2.302585092994046
_SPACE, _TAB, _LINE, _RETURN = 32, 9, 10, 13


@njit(cache=True, nogil=True)
def _put_number(value: float, buffer: NDArray[np.uint8], at: int) -> int:
    """Seven decimals; the position after them."""
    if value < 0:
        buffer[at] = 45
        at += 1
    scaled = np.int64(abs(value) * 1e7 + 0.5)
    whole, rest = scaled // 10_000_000, scaled % 10_000_000
    width = 1
    while whole // 10**width:
        width += 1
    for i in range(width - 1, -1, -1):
        buffer[at + i] = 48 + whole % 10
        whole //= 10
    at += width
    if rest:
        buffer[at] = 46
        for i in range(7, 0, -1):
            buffer[at + i] = 48 + rest % 10
            rest //= 10
        at += 8
    return at


@njit(cache=True, nogil=True)
def write_rows(
    order: int,
    first: int,
    last: int,
    cursors: NDArray[np.int64],
    shown: NDArray[np.bool_],
    words: NDArray[Any],
    log_probs: NDArray[Any],
    table: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    children: NDArray[np.uint32],
    names: NDArray[np.uint8],
    name_starts: NDArray[np.int64],
    margin: int,
    buffer: NDArray[np.uint8],
) -> tuple[int, int]:
    """Lines of the rows first..last of an order until fewer than `margin` bytes are free; rows done up to, bytes written.

    `cursors`: (order,) rows of the prefixes of the row written last, kept between calls. `shown`: by id, for order 1.
    """
    at = 0
    row = first
    while row < last and at + margin <= buffer.size:
        cursors[order - 1] = row
        for k in range(order - 2, -1, -1):
            while np.int64(children[cursors[k] + 1]) <= cursors[k + 1]:
                cursors[k] += 1
        if order > 1 or shown[row]:
            at = _put_number(max(stored_log(log_probs, table, order, row) / _LN10, -99.0), buffer, at)
            for k in range(order):
                buffer[at] = _TAB if k == 0 else _SPACE
                at += 1
                word = words[cursors[k]]
                for i in range(name_starts[word], name_starts[word + 1]):
                    buffer[at] = names[i]
                    at += 1
            if row < backoffs.size:
                buffer[at] = _TAB
                at = _put_number(backoffs[row] / _LN10, buffer, at + 1)
            buffer[at] = _LINE
            at += 1
        row += 1
    return row, at


@njit(cache=True, nogil=True)
def _get_number(data: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """A decimal number and the position after it; the same position when there is none."""
    start = at
    negative = at < data.size and data[at] == 45
    if at < data.size and (data[at] == 45 or data[at] == 43):
        at += 1
    mantissa, exponent, digits = 0.0, 0, 0
    while at < data.size and 48 <= data[at] <= 57:
        mantissa = mantissa * 10 + (data[at] - 48)
        digits += 1
        at += 1
    if at < data.size and data[at] == 46:
        at += 1
        while at < data.size and 48 <= data[at] <= 57:
            mantissa = mantissa * 10 + (data[at] - 48)
            digits += 1
            exponent -= 1
            at += 1
    if digits == 0 or digits > 300:
        return 0.0, start
    if at + 1 < data.size and (data[at] == 101 or data[at] == 69):
        sign, ahead = 1, at + 1
        if data[ahead] == 45 or data[ahead] == 43:
            sign = -1 if data[ahead] == 45 else 1
            ahead += 1
        power, found = 0, 0
        while ahead < data.size and 48 <= data[ahead] <= 57 and found < 4:
            power = power * 10 + (data[ahead] - 48)
            found += 1
            ahead += 1
        if found:
            exponent += sign * power
            at = ahead
    value = mantissa * 10.0**exponent if exponent > -300 else 0.0
    return (-value if negative else value), at


@njit(cache=True, nogil=True)
def _blank(byte: int) -> bool:
    return byte in (_SPACE, _TAB)


@njit(cache=True, nogil=True)
def _after_blanks(data: NDArray[np.uint8], at: int) -> int:
    while at < data.size and _blank(data[at]):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _hash(data: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    value = np.uint64(14695981039346656037)
    for i in range(begin, end):
        value = (value ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return value ^ (value >> np.uint64(29))


@njit(cache=True, nogil=True)
def _slot(data: NDArray[np.uint8], begin: int, end: int, slots: NDArray[np.int64], word_bounds: NDArray[np.int64]) -> int:
    """Where a word is in the table, or the free place where it belongs."""
    mask = slots.size - 1
    at: int = np.int64(_hash(data, begin, end) & np.uint64(mask))  # type: ignore[assignment]
    while slots[at] >= 0:
        word = slots[at]
        low = word_bounds[2 * word]
        if word_bounds[2 * word + 1] - low == end - begin:
            same = True
            for i in range(end - begin):
                if data[low + i] != data[begin + i]:
                    same = False
                    break
            if same:
                return at
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True)
def read_rows(
    data: NDArray[np.uint8],
    at: int,
    order: int,
    slots: NDArray[np.int64],
    word_bounds: NDArray[np.int64],
    grams: NDArray[np.uint32],
    log_probs: NDArray[np.float32],
    backoffs: NDArray[np.float32],
) -> tuple[int, int, int]:
    """Read as many lines as `log_probs` has rows: natural logs, and in `grams` (rows, order) the words by their unigram row.

    Order 1 fills the table `slots` (a power of two, -1 where free) and `word_bounds` (where each word stands in `data`).
    Returns one of the codes above, rows read, and the position after them.
    """
    for row in range(log_probs.size):
        if at >= data.size:
            return ENDED, row, at
        value, after = _get_number(data, at)
        if after == at or after >= data.size or not _blank(data[after]):
            return NOT_A_NUMBER, row, at
        if value > 1e-6:
            return POSITIVE, row, at
        if value < -101.0:
            return HUGE, row, at
        log_probs[row] = max(min(value, 0.0), -100.0) * _LN10
        at = after
        for k in range(order):
            begin = at = _after_blanks(data, at)
            while at < data.size and not _blank(data[at]) and data[at] != _LINE and data[at] != _RETURN:
                at += 1
            if at == begin:
                return FEW_WORDS, row, at
            slot = _slot(data, begin, at, slots, word_bounds)
            if order == 1:
                if slots[slot] >= 0:
                    return TWICE, row, begin
                slots[slot] = row
                word_bounds[2 * row] = begin
                word_bounds[2 * row + 1] = at
            if slots[slot] < 0:
                return UNKNOWN_WORD, row, begin
            grams[row, k] = slots[slot]
        at = _after_blanks(data, at)
        backoffs[row] = 0.0
        if at < data.size and data[at] != _LINE and data[at] != _RETURN:
            value, after = _get_number(data, at)
            if after == at:
                return NOT_A_NUMBER, row, at
            if abs(value) > 99.0:
                if value > 0 or value < -101:
                    return HUGE, row, at
                value = -99.0
            backoffs[row] = value * _LN10
            at = after
        while at < data.size and (_blank(data[at]) or data[at] == _RETURN):
            at += 1
        if at < data.size and data[at] != _LINE:
            return MORE_TEXT, row, at
        at += 1
    return OK, log_probs.size, at
