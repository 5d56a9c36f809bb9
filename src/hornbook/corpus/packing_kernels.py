"""Compiled loops behind packing.py: cut documents, pack the pieces into rows, fill rows with their tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hornbook.corpus.masking_kernels import draw


@njit(cache=True, nogil=True)
def count_pieces(starts: Any, inner: Any) -> Any:
    """How many pieces of at most `inner` tokens the documents of starts (docs + 1,) are cut into."""
    total = 0
    for document in range(starts.size - 1):
        total += (starts[document + 1] - starts[document] + inner - 1) // inner
    return total


@njit(cache=True, nogil=True)
def cut_documents(starts: Any, order: Any, inner: Any, key: Any, begins: Any, sizes: Any) -> None:
    """Fill begins and sizes (pieces,) in the order of the documents: as few pieces as possible, cut at places `key` decides.

    n tokens make ceil(n / inner) pieces; the first takes n mod inner to inner of them, the last what is then left.
    """
    piece = 0
    for document in order:
        begin, end = starts[document], starts[document + 1]
        rest = (end - begin) % inner
        size = inner
        if end - begin < inner:
            size = end - begin
        elif rest:
            size = rest + np.int64(draw(key, document) % np.uint64(inner - rest + 1))
        while begin < end:
            begins[piece], sizes[piece] = begin, size
            piece += 1
            begin += size
            size = min(inner, end - begin)


@njit(cache=True, nogil=True)
def _longest_first(sizes: Any, pieces: Any, longest: Any) -> Any:
    """(pieces,) the pieces by falling size, pieces of equal size in their order: a counting sort."""
    behind = np.zeros(longest + 2, np.int64)
    for piece in range(pieces):
        behind[longest - sizes[piece] + 1] += 1
    behind = np.cumsum(behind)
    order = np.empty(pieces, np.int64)
    for piece in range(pieces):
        slot = longest - sizes[piece]
        order[behind[slot]] = piece
        behind[slot] += 1
    return order


@njit(cache=True, nogil=True)
def pack(begins: Any, sizes: Any, pieces: Any, capacity: Any, least: Any, row_of: Any) -> Any:
    """Best fit, longest first: give the first `pieces` of begins, sizes (tokens) a row in row_of; returns (rows, pieces).

    A piece takes two places more than its tokens. Open rows stand in one stack for each number of free places, so the best
    fit is the next stack that is not empty. Once as many rows are open as all places together need, a piece that fits
    nowhere is cut to fill the emptiest row, unless a part would have fewer than `least` tokens: at most one cut a row, whose
    rest is written behind the pieces (the arrays have room for one a row).
    """
    order = _longest_first(sizes, pieces, capacity - 2)
    enough = (sizes[:pieces].sum() + 2 * pieces + capacity - 1) // capacity
    top = np.full(capacity + 1, -1, np.int64)  # by free places: the newest row
    below = np.empty(pieces, np.int64)  # the row under it in the stack
    rows = 0
    for piece in order:
        while True:
            need = sizes[piece] + 2
            free = need
            while free <= capacity and top[free] < 0:
                free += 1
            if free <= capacity or rows < enough or sizes[piece] < 2 * least:
                break
            free = need - 1
            while free >= least + 2 and top[free] < 0:
                free -= 1
            if free < least + 2:
                free = capacity + 1
                break
            row = top[free]
            top[free] = below[row]
            size = min(free - 2, sizes[piece] - least)
            begins[pieces], sizes[pieces] = begins[piece], size
            row_of[pieces] = row  # closed: what may be left there is less than `least`
            begins[piece] += size
            sizes[piece] -= size
            pieces += 1
        if free > capacity:
            row, free = rows, capacity
            rows += 1
        else:
            row = top[free]
            top[free] = below[row]
        row_of[piece] = row
        free -= sizes[piece] + 2
        below[row] = top[free]
        top[free] = row
    return rows, pieces


@njit(cache=True, nogil=True)
def group_rows(row_of: Any, firsts: Any, order: Any) -> None:
    """Sort pieces by row, stable: firsts (rows + 1,) offsets into order (n,)."""
    firsts[:] = 0
    for row in row_of:
        firsts[row + 1] += 1
    for row in range(firsts.size - 1):
        firsts[row + 1] += firsts[row]
    filled = firsts.copy()
    for piece in range(row_of.size):
        row = row_of[piece]
        order[filled[row]] = piece
        filled[row] += 1


@njit(cache=True, nogil=True)
def copy_tokens(
    tokens: Any, words: Any, begin: Any, size: Any, inputs: Any, starts: Any, documents: Any, column: Any, document: Any
) -> Any:
    """Copy a piece of text into one row from `column` on; its first token begins a word; returns the column behind it."""
    for place in range(begin, begin + size):
        inputs[column] = tokens[place]
        starts[column] = words.size == 0 or place == begin or (words[place >> 3] >> (place & 7)) & 1
        documents[column] = document
        column += 1
    return column


@njit(cache=True, nogil=True)
def fill_rows(
    tokens: Any,
    words: Any,
    begins: Any,
    sizes: Any,
    firsts: Any,
    rows: Any,
    start: Any,
    end: Any,
    inputs: Any,
    documents: Any,
    starts: Any,
) -> None:
    """Write the pieces of rows (B,) as `start tokens end start ...` into arrays (B, T) that hold padding.

    tokens (n,) and words (n / 8,) bits; begins, sizes (pieces,) by row, firsts (all rows + 1,) where each row's pieces begin.
    """
    for number in range(rows.size):
        row, column = rows[number], 0
        for document, piece in enumerate(range(firsts[row], firsts[row + 1])):
            inputs[number, column], documents[number, column] = start, document
            column = copy_tokens(
                tokens, words, begins[piece], sizes[piece],
                inputs[number], starts[number], documents[number], column + 1, document,
            )  # fmt: skip
            inputs[number, column], documents[number, column] = end, document
            column += 1
