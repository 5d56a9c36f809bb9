"""Compiled parts of co-occurrence counting: masses of rows, one scan for a band of rows, sums of a band's rows.

Words are ids, commonest first, sentences are `ids[starts[s]:starts[s + 1]]`. A pair of words at distance k counts 1 / k
(Pennington et al. 2014, section 4.2). When the matrix is symmetric only the half whose row is the commoner word is counted.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def row_masses(ids: Any, starts: Any, first: int, last: int, window: int, half: bool, masses: Any) -> None:
    """Add to `masses` (V,) how many pairs of positions of sentences first to last - 1 fall into each row."""
    for sentence in range(first, last):
        begin, end = starts[sentence], starts[sentence + 1]
        for right in range(begin + 1, end):
            lowest = max(begin, right - window)
            if not half:
                masses[ids[right]] += right - lowest
                continue
            for left in range(lowest, right):
                masses[min(ids[left], ids[right])] += 1


@numba.njit(cache=True, nogil=True)
def scan_band(
    ids: Any,
    starts: Any,
    weights: Any,
    half: bool,
    first: int,
    last: int,
    free: Any,
    columns: Any,
    distances: Any,
    dense_row: Any,
    dense: Any,
) -> None:
    """Sort the pairs of rows first to last - 1 by row, in the order of the text within a row.

    `weights` (window + 1,) is the weight of each distance; `free` (rows,) is where the next pair of each row goes in `columns`
    and `distances`. A row with `dense_row` >= 0 has so many pairs that its sums, a row of `dense` (D, V), are smaller than the
    list of its pairs.
    """
    window = weights.size - 1
    for sentence in range(starts.size - 1):
        begin, end = starts[sentence], starts[sentence + 1]
        for right in range(begin + 1, end):
            word = np.int64(ids[right])
            if word < first or (word >= last and not half):
                continue  # a half matrix: the commoner of the two is at most `word`
            for left in range(max(begin, right - window), right):
                row, column = word, np.int64(ids[left])
                if half and column < row:
                    row, column = column, row
                if row < first or row >= last:
                    continue
                if dense_row[row - first] >= 0:
                    dense[dense_row[row - first], column] += weights[right - left]
                    continue
                place = free[row - first]
                columns[place] = column
                distances[place] = right - left
                free[row - first] = place + 1


@numba.njit(cache=True, nogil=True)
def sum_band(
    first: int,
    half: bool,
    weights: Any,
    free: Any,
    columns: Any,
    distances: Any,
    dense_row: Any,
    dense: Any,
    sums: Any,
    out_columns: Any,
    out_values: Any,
    lengths: Any,
) -> tuple[int, int]:
    """Write the different columns of every row and their sums; returns how many cells there are, and how many on the diagonal.

    `free` now is the end of each row's pairs; `sums` (V,) float64 is zero on entry and on return, small enough to stay in the
    processor's second cache; sparse and dense rows add the same numbers in the same order, so both give the same bits.
    """
    written, diagonal, begin = 0, 0, 0
    for row in range(free.size):
        row_begin = written
        if dense_row[row] >= 0:
            for column in range(dense.shape[1]):
                if dense[dense_row[row], column] > 0.0:
                    out_columns[written] = column
                    out_values[written] = dense[dense_row[row], column]
                    written += 1
        else:
            for place in range(begin, free[row]):
                column = columns[place]
                if sums[column] == 0.0:
                    out_columns[written] = column
                    written += 1
                sums[column] += weights[distances[place]]
            for place in range(row_begin, written):
                out_values[place] = sums[out_columns[place]]
                sums[out_columns[place]] = 0.0
            begin = free[row]
        for place in range(row_begin, written):
            if out_columns[place] == first + row:
                diagonal += 1
                out_values[place] *= 2 if half else 1  # each of the two is a neighbour of the other
        lengths[row] = written - row_begin
    return written, diagonal
