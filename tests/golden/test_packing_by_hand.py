"""Packing six documents into rows of 10, by hand.

Tokens 1 3 5 6 8 and 11 need 3 5 7 8 10 and, cut into 8 + 3 or 3 + 8 or what lies between, 15 places. Longest first, each
where the least room is left: the sum is 3 + 5 + 7 + 8 + 10 + 15 = 48 places, so five rows of 10 at least.
"""

import numpy as np

from hornbook.corpus.packing import pack_documents
from hornbook.corpus.packing_kernels import group_rows, pack


def test_best_fit_longest_first() -> None:
    sizes = np.array([3, 5, 7, 8, 10, 5, 2], np.int32)
    rows = np.empty(7, np.int64)
    # 10 | 8 (2 left) | 7 (3 left) | 5 | 5 joins the 5 | 3 fits exactly beside the 7 | 2 exactly beside the 8
    assert pack(sizes, 10, rows) == 4
    assert rows.tolist() == [2, 3, 2, 1, 0, 3, 1]
    firsts, order = np.empty(5, np.int64), np.empty(7, np.int64)
    group_rows(rows, firsts, order)
    assert firsts.tolist() == [0, 1, 3, 5, 7] and order.tolist() == [4, 3, 6, 0, 2, 1, 5]


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
