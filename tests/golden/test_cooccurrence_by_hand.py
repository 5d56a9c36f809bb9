"""Co-occurrences of two sentences, small enough to check with a pencil (Pennington et al. 2014, section 4.2).

    a b a c        (sentence 1)
    b a            (sentence 2)

Window 2. Distances in sentence 1: a-b 1, a-a 2, b-a 1, b-c 2, a-c 1; in sentence 2: b-a 1. The sentences do not touch.
"""

from __future__ import annotations

import numpy as np
import pytest

from hornbook.embeddings.cooccurrence import Cooccurrences, count_cooccurrences

A, B, C = 0, 1, 2
IDS = np.array([A, B, A, C, B, A], dtype=np.uint32)
STARTS = np.array([0, 4, 6], dtype=np.int64)


def cells(matrix: Cooccurrences) -> dict[tuple[int, int], float]:
    rows = np.repeat(np.arange(len(matrix)), np.diff(matrix.starts))
    return {(int(row), int(column)): float(x) for row, column, x in zip(rows, matrix.columns, matrix.values, strict=True)}


def test_both_sides() -> None:
    """a-b: 1 + 1 + 1; a-a: one half, seen from either end; b-c: one half; a-c: 1. Only the half with row <= column is kept."""
    matrix = count_cooccurrences(IDS, STARTS, 3, window=2, symmetric=True)
    assert matrix.half and matrix.pairs == 7  # ab ba aa bc cb ac ca
    assert cells(matrix) == {(A, B): 3.0, (A, A): 1.0, (B, C): 0.5, (A, C): 1.0}


def test_left_side_only() -> None:
    """Row: the word; column: a word on its left."""
    matrix = count_cooccurrences(IDS, STARTS, 3, window=2, symmetric=False)
    assert not matrix.half and matrix.pairs == 5
    assert cells(matrix) == {(B, A): 1.0, (A, B): 2.0, (A, A): 0.5, (C, B): 0.5, (C, A): 1.0}


@pytest.mark.parametrize("window, expected", [(1, {(A, B): 3.0, (A, C): 1.0}), (3, {(A, B): 3.0, (A, A): 1.0, (B, C): 0.5})])
def test_window(window: int, expected: dict[tuple[int, int], float]) -> None:
    """Window 1 keeps neighbours; window 3 adds a-c at distance 3, one third."""
    if window == 3:
        expected = {**expected, (A, C): pytest.approx(4 / 3)}
    assert cells(count_cooccurrences(IDS, STARTS, 3, window=window, symmetric=True)) == expected
