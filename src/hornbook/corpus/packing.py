"""Rows without waste: documents cut into pieces, pieces packed into rows, none of them seeing another.

The 'full sentences' of RoBERTa (Liu et al. 2019, section 4.2) without attention across documents: a row holds as many pieces
`start tokens end` as fit. Packing is best fit with the longest first, over the whole split: a few steps a piece; 12
bytes a piece are kept, about 80 are needed while it is done. What then fits nowhere is cut once more, to fill rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 8
"""Tokens of the shortest part that a document is cut into to fill a row."""


@dataclass(frozen=True, eq=False)
class Packing:
    """Which pieces of the tokens stand in which row."""

    begins: NDArray[np.int64]  # (pieces,) place of each piece in the tokens, by row
    sizes: NDArray[np.int32]  # (pieces,) tokens of each piece
    firsts: NDArray[np.int64]  # (rows + 1,) where each row's pieces begin
    length: int

    @property
    def rows(self) -> int:
        """Rows of `length` tokens."""
        return self.firsts.size - 1

    @property
    def fill(self) -> float:
        """Share of the places that hold text or its start and end."""
        return float(self.sizes.sum(dtype=np.int64) + 2 * self.sizes.size) / max(1, self.rows * self.length)


def pack_documents(starts: NDArray[np.int64], *, length: int, key: int) -> Packing:
    """Cut and pack documents (starts: docs + 1 offsets) into rows of `length`, two places a piece for its start and end.

    `key` decides the order of the documents, where they are cut and which pieces share a row. Every token is in one piece.
    """
    from hornbook.corpus.batch_kernels import derive_key, shuffled
    from hornbook.corpus.packing_kernels import count_pieces, cut_documents, group_rows, pack

    inner = length - 2
    pieces = count_pieces(starts, inner)
    room = 2 * pieces  # every row may cut one piece, and there are no more rows than pieces
    begins, sizes, row_of = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int64)
    order = shuffled(starts.size - 1, derive_key(key, 1))
    cut_documents(starts, order, inner, np.uint64(derive_key(key, 2)), begins, sizes)
    rows, pieces = pack(begins, sizes, pieces, length, LEAST, row_of)
    firsts, by_row = np.empty(rows + 1, np.int64), np.empty(pieces, np.int64)
    group_rows(row_of[:pieces], firsts, by_row)
    return Packing(begins[by_row], sizes[by_row], firsts, length)
