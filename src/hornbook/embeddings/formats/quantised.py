"""Matrices that fastText has quantised: a row is one byte a part, each naming one of 256 centroids (Jegou et al. 2011)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hornbook.embeddings.formats.reading import Cursor

_CENTROIDS = 256


@dataclass(frozen=True, eq=False)
class ProductQuantiser:
    """Centroids of the parts that a vector is cut into; all parts are `width` long but the last."""

    dimensions: int
    width: int
    centroids: NDArray[np.float32]  # (256 * dimensions,): 256 centroids of the first part, then of the next, ...

    @property
    def parts(self) -> int:
        """How many bytes name a vector."""
        return -(-self.dimensions // self.width)

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) from (n, parts) codes."""
        vectors = np.empty((len(codes), self.dimensions), np.float32)
        for part in range(self.parts):
            begin, end = part * self.width, min((part + 1) * self.width, self.dimensions)
            table = self.centroids[_CENTROIDS * begin : _CENTROIDS * end].reshape(_CENTROIDS, end - begin)
            vectors[:, begin:end] = table[codes[:, part]]
        return vectors


@dataclass(frozen=True, eq=False)
class Quantised:
    """A matrix as codes; where `norms` are there, rows are unit vectors times a quantised length."""

    codes: NDArray[np.uint8]  # (rows, parts)
    quantiser: ProductQuantiser
    norms: NDArray[np.float32] | None  # (rows,)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, d)."""
        return len(self.codes), self.quantiser.dimensions

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, d) decoded."""
        vectors = self.quantiser.decode(self.codes[rows])
        return vectors if self.norms is None else vectors * self.norms[rows, None]


def read_quantised(cursor: Cursor, shape: tuple[int, int], what: str) -> Quantised:
    """Read a QuantMatrix of the given shape; every size in it is checked against the others and the bytes left."""
    rows, size = shape
    with_norms = cursor.flag(f"the mark of norms of {what}")
    cursor.count("q", f"rows of {what}", rows, rows)
    cursor.count("q", f"columns of {what}", size, size)
    codes_size = cursor.count("i", f"the size of the codes of {what}", rows and 1, min(rows * size, cursor.left))
    codes = cursor.array("u1", (codes_size,), f"the codes of {what}")
    quantiser = _read_quantiser(cursor, size, what)
    if codes_size != rows * quantiser.parts:
        raise cursor.wrong(f"the size of the codes of {what}", codes_size, rows * quantiser.parts)
    norms = None
    if with_norms:
        norm_codes = cursor.array("u1", (rows,), f"the norms of {what}")
        norms = _read_quantiser(cursor, 1, f"the norms of {what}").decode(norm_codes[:, None])[:, 0]
    return Quantised(codes.reshape(rows, quantiser.parts), quantiser, norms)


def _read_quantiser(cursor: Cursor, size: int, what: str) -> ProductQuantiser:
    cursor.count("i", f"dimensions of the quantiser of {what}", size, size)
    parts = cursor.count("i", f"parts of the quantiser of {what}", 1, size)
    width = cursor.count("i", f"the width of a part of {what}", 1, size)
    quantiser_parts = -(-size // width)
    if parts != quantiser_parts:
        raise cursor.wrong(f"parts of the quantiser of {what}", parts, quantiser_parts, back=8)
    last = size - (parts - 1) * width
    cursor.count("i", f"the width of the last part of {what}", last, last)
    centroids = np.require(cursor.array("<f4", (_CENTROIDS * size,), f"the centroids of {what}"), requirements="A")
    if not np.isfinite(centroids).all():
        raise cursor.wrong(f"a centroid of {what}", "not finite", "a finite one")
    return ProductQuantiser(size, width, centroids)
