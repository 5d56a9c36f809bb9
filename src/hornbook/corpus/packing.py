"""Rows without waste: documents cut into pieces, pieces packed into rows, none of them seeing another.

The 'full sentences' of RoBERTa (Liu et al. 2019, section 4.2) without attention across documents: a row holds as many pieces
`start tokens separator` as fit. Packing is best fit with the longest first, over the whole split: a few steps a piece; 12
bytes a piece are kept, about 50 are needed while it is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    `key` decides the order of the documents, where long ones are cut and which pieces share a row. Every token is in one piece.
    """
    from hornbook.corpus.batch_kernels import derive_key, shuffled
    from hornbook.corpus.packing_kernels import count_pieces, cut_documents, group_rows, pack

    inner = length - 2
    pieces = count_pieces(starts, inner)
    begins, sizes = np.empty(pieces, np.int64), np.empty(pieces, np.int32)
    order = shuffled(starts.size - 1, derive_key(key, 1))
    cut_documents(starts, order, inner, np.uint64(derive_key(key, 2)), begins, sizes)
    row_of, by_row = np.empty(pieces, np.int64), np.empty(pieces, np.int64)
    rows = pack(sizes + np.int32(2), length, row_of)
    firsts = np.empty(rows + 1, np.int64)
    group_rows(row_of, firsts, by_row)
    return Packing(begins[by_row], sizes[by_row], firsts, length)
