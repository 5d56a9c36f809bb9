"""The matrix in the order in which GloVe trains it, and which of its tiles may be trained side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hornbook.embeddings.cooccurrence import Cooccurrences, leave_memory, room
from hornbook.embeddings.glove_kernels import count_tiles, fill_tiles

_BLOCK_BYTES = 1 << 20  # of vectors in a block: two fit into the second cache of common processors
_LEAST_BLOCKS = 8
_ROWS_OF_BLOCK = 1 << 16  # a row within a block is 16 bits
_CELLS_AT_ONCE = 1 << 22  # copied together: 32 MB


@dataclass(frozen=True, eq=False)
class Tiles:
    """Cells sorted by tile (a, b), number a * B + b; see glove_kernels.py for the arrays."""

    blocks: int
    rows: int  # of a block
    starts: NDArray[np.int64]  # (B * B + 1,)
    places: NDArray[np.uint32]  # (cells,)
    values: NDArray[np.float32]  # (cells,)
    half: bool
    pairs: int
    total: float

    def place_of_words(self, words: int) -> NDArray[np.int64]:
        """(V,) where the vectors of each word are."""
        word = np.arange(words)
        return (word % self.blocks) * self.rows + word // self.blocks

    def leave_memory(self) -> None:
        """Let go of the pages of mapped cells."""
        leave_memory(self.places)
        leave_memory(self.values)


def lay_out(matrix: Cooccurrences, *, word_bytes: int, folder: Path | None) -> Tiles:
    """Sort the cells into tiles, as many as the bytes of a word's vectors and the vocabulary ask for: never by the machine."""
    words = len(matrix)
    blocks = max(_LEAST_BLOCKS, -(-words * word_bytes // _BLOCK_BYTES), -(-words // _ROWS_OF_BLOCK))
    blocks += blocks % 2
    sizes = np.zeros(blocks * blocks, dtype=np.int64)
    for first, last, columns, _ in _stretches(matrix):
        count_tiles(matrix.starts, columns, blocks, first, last, sizes)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    places = room(matrix.columns.size, np.uint32, on_disk=matrix.on_disk, folder=folder)
    values = room(matrix.columns.size, np.float32, on_disk=matrix.on_disk, folder=folder)
    free = starts[:-1].copy()
    for first, last, columns, cells in _stretches(matrix):
        fill_tiles(matrix.starts, columns, cells, blocks, first, last, free, places, values)
        leave_memory(places)
        leave_memory(values)
    return Tiles(blocks, -(-words // blocks), starts, places, values, matrix.half, matrix.pairs, matrix.total)


def side_by_side(blocks: int) -> list[list[tuple[int, ...]]]:
    """Rounds of groups of tiles; the groups of a round share no block, and every tile is in one group of one round.

    A group is the tiles of two blocks in both directions; the rounds are those of a tournament (the circle method), after one
    round of the tiles of a block with itself.
    """
    rounds: list[list[tuple[int, ...]]] = [[(block * blocks + block,) for block in range(blocks)]]
    others = blocks - 1
    for turn in range(others):
        pairs = [(others, turn)] + [((turn + k) % others, (turn - k) % others) for k in range(1, blocks // 2)]
        rounds.append([(a * blocks + b, b * blocks + a) for a, b in pairs])
    return rounds


def _stretches(matrix: Cooccurrences) -> Iterator[tuple[int, int, NDArray[np.uint32], NDArray[np.float32]]]:
    """Ranges of rows with their cells, of mapped files no more in memory than one of them."""
    first = 0
    while first < len(matrix):
        begin = int(matrix.starts[first])
        last = max(first + 1, int(np.searchsorted(matrix.starts, begin + _CELLS_AT_ONCE, side="right")) - 1)
        last = min(last, len(matrix))
        cells = slice(begin, int(matrix.starts[last]))
        yield first, last, np.asarray(matrix.columns[cells]), np.asarray(matrix.values[cells])
        leave_memory(matrix.columns)
        leave_memory(matrix.values)
        first = last
