"""Packing six documents into rows of 10, by hand.

Tokens 1 3 5 6 8 and 11 need 3 5 7 8 10 and, cut into 8 + 3 or 3 + 8 or what lies between, 15 places. Longest first, each
where the least room is left: the sum is 3 + 5 + 7 + 8 + 10 + 15 = 48 places, so five rows of 10 at least.
"""

import numpy as np

from hornbook.corpus.packing import pack_documents
from hornbook.corpus.packing_kernels import group_rows, pack


def packed(sizes: list[int], *, capacity: int, least: int) -> tuple[list[list[tuple[int, int]]], int]:
    """The (begin, tokens) of each row, and how many rows; piece i begins at 100 i."""
    room = 2 * len(sizes)
    begins, tokens, row_of = np.arange(room) * 100, np.zeros(room, np.int32), np.empty(room, np.int64)
    tokens[: len(sizes)] = sizes
    rows, pieces = pack(begins, tokens, len(sizes), capacity, least, row_of)
    firsts, order = np.empty(rows + 1, np.int64), np.empty(pieces, np.int64)
    group_rows(row_of[:pieces], firsts, order)
    by_row = [order[firsts[row] : firsts[row + 1]] for row in range(rows)]
    return [[(int(begins[piece]), int(tokens[piece])) for piece in row] for row in by_row], rows


def test_best_fit_longest_first() -> None:
    # places 3 5 7 8 10 5: 10 | 8 (2 left) | 7 (3 left) | 5 | the other 5 joins it | 3 fits exactly beside the 7
    rows, count = packed([1, 3, 5, 6, 8, 3], capacity=10, least=8)
    assert count == 4
    assert rows == [[(400, 8)], [(300, 6)], [(0, 1), (200, 5)], [(100, 3), (500, 3)]]


def test_what_fits_nowhere_fills_the_emptiest_row() -> None:
    # three times 12 + 2 places in rows of 20 need 42 places, three rows: nothing is cut
    assert packed([12, 12, 12], capacity=20, least=2)[1] == 3
    # four times 14 are 56, three rows: the last is cut, 4 tokens fill one row, 4 the next, 4 the third
    rows, count = packed([12, 12, 12, 12], capacity=20, least=2)
    assert count == 3 and sorted(piece for row in rows for piece in row if piece[0] >= 300) == [(300, 4), (304, 4), (308, 4)]
    # parts of fewer than 7 tokens are not wanted: four rows
    assert packed([12, 12, 12, 12], capacity=20, least=7)[1] == 4


def test_a_long_document_is_cut_into_as_few_pieces_as_possible_at_a_place_the_key_decides() -> None:
    starts = np.cumsum([0, 1, 3, 5, 6, 8, 11])
    seen = set()
    for key in range(30):
        packing = pack_documents(starts, length=10, key=key)
        pieces = sorted(zip(packing.begins.tolist(), packing.sizes.tolist()))
        assert pieces[:5] == [(0, 1), (1, 3), (4, 5), (9, 6), (15, 8)]
        (begin, first), (second, rest) = pieces[5:]
        assert (begin, second, first + rest) == (23, 23 + first, 11) and 3 <= first <= 8
        assert packing.rows in (5, 6) and abs(packing.fill - 48 / (10 * packing.rows)) < 1e-12
        seen.add(first)
    assert seen == {3, 4, 5, 6, 7, 8}
