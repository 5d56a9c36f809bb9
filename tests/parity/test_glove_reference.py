"""GloVe's updates against float64 numpy written from the paper (Pennington et al. 2014, equation 8; Duchi et al. 2011).

Gradients lack the factor 2 of the square, sums of squares begin at 1 and hold the present gradient: so does the paper's program
but for the last point. The order of the updates is part of the result, so the reference draws it with its own splitmix64.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hornbook.embeddings import glove_training
from hornbook.embeddings.cooccurrence import count_cooccurrences
from hornbook.embeddings.glove import GloveConfig
from hornbook.embeddings.glove_kernels import SEGMENT
from hornbook.embeddings.glove_tiles import Tiles, lay_out
from hornbook.embeddings.glove_training import Model
from hornbook.embeddings.words import Vocabulary

WORDS, DIMENSIONS = 40, 5
MASK = (1 << 64) - 1


class SplitMix64:
    """Steele, Lea and Flood 2014, figure 16."""

    def __init__(self, *seeds: int) -> None:
        self.state = seeds[0]
        for seed in seeds[1:]:
            self.state = self.next() ^ seed
        self.next()

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)


def updates(tiles: Tiles, seed: int, epoch: int) -> Iterator[tuple[int, int, float, int]]:
    """(row of the word, row of the context, x, tile) in the order of training."""
    for tile in range(tiles.blocks**2):
        first, last = int(tiles.starts[tile]), int(tiles.starts[tile + 1])
        order, random = list(range(first, last, SEGMENT)), SplitMix64(seed, epoch, tile)
        for i in range(len(order) - 1, 0, -1):
            j = random.next() % (i + 1)
            order[i], order[j] = order[j], order[i]
        for begin in order:
            for cell in range(begin, min(begin + SEGMENT, last)):
                word = tile // tiles.blocks * tiles.rows + (int(tiles.places[cell]) >> 16)
                context = tile % tiles.blocks * tiles.rows + (int(tiles.places[cell]) & 0xFFFF)
                yield word, context, float(tiles.values[cell]), tile
                if tiles.half and word != context:
                    yield context, word, float(tiles.values[cell]), tile


def reference(
    config: GloveConfig, tiles: Tiles, vectors: NDArray[np.float64], x_max: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Vectors, biases and the loss after the epochs."""
    w, c = vectors[:, 0].copy(), vectors[:, 1].copy()
    b = np.zeros((2, len(w)))
    w_sums, c_sums, b_sums = np.ones_like(w), np.ones_like(c), np.ones_like(b)
    loss = 0.0
    for epoch in range(config.epochs):
        loss = 0.0
        for i, j, x, _ in updates(tiles, config.seed, epoch):
            weight = min(1.0, (x / x_max) ** config.alpha)
            error = w[i] @ c[j] + b[0, i] + b[1, j] - np.log(x)
            loss += weight * error**2
            gradient = weight * error
            w_gradient, c_gradient = gradient * c[j], gradient * w[i]
            if config.adagrad == "row":
                w_sums[i] += (w_gradient**2).mean()
                c_sums[j] += (c_gradient**2).mean()
            else:
                w_sums[i] += w_gradient**2
                c_sums[j] += c_gradient**2
            b_sums[0, i] += gradient**2
            b_sums[1, j] += gradient**2
            w[i] -= config.rate * w_gradient / np.sqrt(w_sums[i])
            c[j] -= config.rate * c_gradient / np.sqrt(c_sums[j])
            b[0, i] -= config.rate * gradient / np.sqrt(b_sums[0, i])
            b[1, j] -= config.rate * gradient / np.sqrt(b_sums[1, j])
    return np.stack([w, c], axis=1), b.T, loss / tiles.pairs


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("adagrad", ["row", "element"])
def test_updates_are_those_of_the_paper(adagrad: str, symmetric: bool) -> None:
    """Two epochs over about 1,300 pairs, cells above and below x_max, vectors of five numbers in registers of sixteen."""
    generator = np.random.default_rng(3)
    ids = np.minimum(generator.zipf(1.4, 3000) - 1, WORDS - 1).astype(np.uint32)
    matrix = count_cooccurrences(ids, np.arange(0, 3001, 20), WORDS, window=4, symmetric=symmetric)
    config = GloveConfig(dimensions=DIMENSIONS, epochs=2, adagrad=adagrad, symmetric=symmetric, learning_rate=0.3)  # type: ignore[arg-type]
    tiles = lay_out(matrix, word_bytes=glove_training.word_bytes(config), folder=None)
    words = Vocabulary(tuple(map(str, range(WORDS))), np.bincount(ids, minlength=WORDS).astype(np.int64), ids.size)
    model = glove_training.start(config, words, tiles, None)
    begun = model.vectors.astype(np.float64)[:, :, :DIMENSIONS]
    losses = np.zeros(tiles.blocks**2)
    for epoch in range(config.epochs):
        run_all_tiles(config, tiles, model, epoch, losses)
    vectors, biases, loss = reference(config, tiles, begun, x_max=3.0)
    assert (matrix.values > 3.0).any() and (matrix.values < 3.0).any() and tiles.pairs > 400
    used = model.place
    np.testing.assert_allclose(model.vectors[used, :, :DIMENSIONS], vectors[used], atol=2e-4)
    np.testing.assert_allclose(model.biases[used, :, 0], biases[used], atol=2e-4)
    assert losses.sum() / tiles.pairs == pytest.approx(loss, rel=1e-4)
    assert not model.vectors[:, :, DIMENSIONS:].any()
    assert np.abs(vectors[used] - begun[used]).max() > 0.1


def run_all_tiles(config: GloveConfig, tiles: Tiles, model: Model, epoch: int, losses: NDArray[np.float64]) -> None:
    glove_training.KERNELS[config.adagrad](
        np.arange(tiles.blocks**2),
        tiles.starts,
        tiles.places,
        tiles.values,
        model.vectors,
        model.squares,
        model.biases,
        tiles.blocks,
        config.dimensions,
        tiles.half,
        config.seed,
        epoch,
        np.float32(config.rate),
        np.float32(3.0),
        np.float32(config.alpha),
        losses,
    )
