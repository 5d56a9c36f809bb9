"""Compiled parts of GloVe: sorting the cells of the matrix into tiles, and the updates of tiles.

Words are dealt out to B blocks like cards: word w is row w // B of block w % B, so every block has its share of common words.
A tile (a, b) holds the cells whose word is in block a and whose context is in block b. It touches these two blocks alone, so
tiles that share no block may be trained at the same time with the result they have one after the other, and the two blocks of a
tile stay in the processor's second cache.

Arrays: `places` (cells,) uint32, word << 16 | context, both as rows of their blocks; `values` (cells,) float32;
`vectors` (B * rows, 2, D) float32, the blocks one after the other, each word's vector and context vector, D a multiple of 16;
`squares` (B * rows, 2, D or 1) float32, sums of squared gradients; `biases` (B * rows, 2, 2) float32, bias and sum of squares.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import LANES, REASSOCIATE, random_bits, seed_state

SEGMENT = 64  # cells trained in the order they lie in, which is that of their words: a few words, in the first cache
CLIP = 100.0  # largest gradient of an inner product, as in the authors' program; a normal one is below 20


@njit(cache=True, nogil=True)
def count_tiles(
    starts: NDArray[np.int64], columns: NDArray[np.uint32], blocks: int, first: int, last: int, sizes: NDArray[np.int64]
) -> None:
    """Add to `sizes` (B * B,) how many cells of rows first to last - 1 each tile has; `columns` begins with the first row's."""
    for row in range(first, last):
        base = (row % blocks) * blocks
        for cell in range(starts[row] - starts[first], starts[row + 1] - starts[first]):
            sizes[base + np.int64(columns[cell]) % blocks] += 1


@njit(cache=True, nogil=True)
def fill_tiles(
    starts: NDArray[np.int64],
    columns: NDArray[np.uint32],
    values: NDArray[np.float32],
    blocks: int,
    first: int,
    last: int,
    free: NDArray[np.int64],
    places: NDArray[np.uint32],
    tile_values: NDArray[np.float32],
) -> None:
    """Copy the cells of rows first to last - 1 to `free` (B * B,), the place of each tile's next cell."""
    for row in range(first, last):
        base, word = (row % blocks) * blocks, (row // blocks) << 16
        for cell in range(starts[row] - starts[first], starts[row + 1] - starts[first]):
            column = np.int64(columns[cell])
            place = free[base + column % blocks]
            places[place] = word | (column // blocks)
            tile_values[place] = values[cell]
            free[base + column % blocks] = place + 1


@njit(cache=True, nogil=True)
def shuffled_segments(cells: int, seed: int, epoch: int, tile: int) -> NDArray[np.int64]:
    """First cell of each segment of a tile, in an order drawn for this epoch (Fisher and Yates)."""
    order = np.arange(0, cells, SEGMENT)
    state = np.zeros(1, dtype=np.uint64)
    seed_state(state, seed, epoch, tile)
    for i in range(order.size - 1, 0, -1):
        j = np.int64(random_bits(state) % np.uint64(i + 1))
        order[i], order[j] = order[j], order[i]
    return order


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def train_rowwise(
    tiles: NDArray[np.int64],
    tile_starts: NDArray[np.int64],
    places: NDArray[np.uint32],
    values: NDArray[np.float32],
    vectors: NDArray[np.float32],
    squares: NDArray[np.float32],
    biases: NDArray[np.float32],
    blocks: int,
    dimensions: int,
    both: bool,
    seed: int,
    epoch: int,
    rate: np.float32,
    x_max: np.float32,
    alpha: np.float32,
    losses: NDArray[np.float64],
) -> None:
    """Train tiles `tiles` (t,) once, one sum of squares for a whole vector: the mean of what its numbers would have.

    Adds up f(x) (w . c + b + b' - log x)^2 in `losses` (B * B,) of each tile. `both`: a cell is trained as (i, j) and as
    (j, i), which need the same two rows of memory. Every name is an index into the arrays: slices would be counted references.
    """
    width, rows = vectors.shape[2] // LANES * LANES, vectors.shape[0] // blocks
    one, clip, log_x_max = np.float32(1.0), np.float32(CLIP), np.float32(math.log(x_max))
    share = one / np.float32(dimensions)
    for tile in tiles:
        first, last = tile_starts[tile], tile_starts[tile + 1]
        loss = 0.0
        for segment in shuffled_segments(last - first, seed, epoch, tile):
            for cell in range(first + segment, min(first + segment + SEGMENT, last)):
                row = np.uint64((tile // blocks) * rows + (places[cell] >> np.uint32(16)))
                column = np.uint64((tile % blocks) * rows + (places[cell] & np.uint32(0xFFFF)))
                log_x = np.float32(math.log(values[cell]))
                weight = one if log_x >= log_x_max else np.float32(math.exp(alpha * (log_x - log_x_max)))
                for direction in range(2 if both and row != column else 1):
                    w, c = (row, column) if direction == 0 else (column, row)
                    dot, w_norm, c_norm = np.float32(0), np.float32(0), np.float32(0)
                    for k in range(width):
                        dot += vectors[w, 0, k] * vectors[c, 1, k]
                        w_norm += vectors[w, 0, k] * vectors[w, 0, k]
                        c_norm += vectors[c, 1, k] * vectors[c, 1, k]
                    error = dot + biases[w, 0, 0] + biases[c, 1, 0] - log_x
                    gradient = max(-clip, min(clip, weight * error))
                    square, step = gradient * gradient, -rate * gradient
                    squares[w, 0, 0] += square * c_norm * share
                    squares[c, 1, 0] += square * w_norm * share
                    biases[w, 0, 1] += square
                    biases[c, 1, 1] += square
                    w_step = step / np.float32(math.sqrt(squares[w, 0, 0]))
                    c_step = step / np.float32(math.sqrt(squares[c, 1, 0]))
                    biases[w, 0, 0] += step / np.float32(math.sqrt(biases[w, 0, 1]))
                    biases[c, 1, 0] += step / np.float32(math.sqrt(biases[c, 1, 1]))
                    for k in range(width):
                        old = vectors[w, 0, k]
                        vectors[w, 0, k] = old + w_step * vectors[c, 1, k]
                        vectors[c, 1, k] += c_step * old
                    loss += weight * error * error
        losses[tile] = loss


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def train_elementwise(
    tiles: NDArray[np.int64],
    tile_starts: NDArray[np.int64],
    places: NDArray[np.uint32],
    values: NDArray[np.float32],
    vectors: NDArray[np.float32],
    squares: NDArray[np.float32],
    biases: NDArray[np.float32],
    blocks: int,
    dimensions: int,
    both: bool,
    seed: int,
    epoch: int,
    rate: np.float32,
    x_max: np.float32,
    alpha: np.float32,
    losses: NDArray[np.float64],
) -> None:
    """The same with a sum of squares for each number of a vector (Duchi et al. 2011), as in the paper."""
    width, rows = vectors.shape[2] // LANES * LANES, vectors.shape[0] // blocks
    one, clip, log_x_max = np.float32(1.0), np.float32(CLIP), np.float32(math.log(x_max))
    for tile in tiles:
        first, last = tile_starts[tile], tile_starts[tile + 1]
        loss = 0.0
        for segment in shuffled_segments(last - first, seed, epoch, tile):
            for cell in range(first + segment, min(first + segment + SEGMENT, last)):
                row = np.uint64((tile // blocks) * rows + (places[cell] >> np.uint32(16)))
                column = np.uint64((tile % blocks) * rows + (places[cell] & np.uint32(0xFFFF)))
                log_x = np.float32(math.log(values[cell]))
                weight = one if log_x >= log_x_max else np.float32(math.exp(alpha * (log_x - log_x_max)))
                for direction in range(2 if both and row != column else 1):
                    w, c = (row, column) if direction == 0 else (column, row)
                    dot = np.float32(0)
                    for k in range(width):
                        dot += vectors[w, 0, k] * vectors[c, 1, k]
                    error = dot + biases[w, 0, 0] + biases[c, 1, 0] - log_x
                    gradient = max(-clip, min(clip, weight * error))
                    square, step = gradient * gradient, -rate * gradient
                    biases[w, 0, 1] += square
                    biases[c, 1, 1] += square
                    biases[w, 0, 0] += step / np.float32(math.sqrt(biases[w, 0, 1]))
                    biases[c, 1, 0] += step / np.float32(math.sqrt(biases[c, 1, 1]))
                    for k in range(width):
                        old, context = vectors[w, 0, k], vectors[c, 1, k]
                        w_square = squares[w, 0, k] + square * context * context
                        c_square = squares[c, 1, k] + square * old * old
                        squares[w, 0, k], squares[c, 1, k] = w_square, c_square
                        vectors[w, 0, k] = old + step * context / np.float32(math.sqrt(w_square))
                        vectors[c, 1, k] = context + step * old / np.float32(math.sqrt(c_square))
                    loss += weight * error * error
        losses[tile] = loss
