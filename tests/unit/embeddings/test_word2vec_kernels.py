"""The block kernels against the same block in plain float64, tiles against numpy, overlays, sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hornbook.embeddings import sampling
from hornbook.embeddings.kernels import InputRows, Plan, Text, rate_at, read_chunk, seed_state, sigmoid
from hornbook.embeddings.negative_kernels import _draw, cbow_negative, skipgram_negative
from hornbook.embeddings.overlay import Overlay
from hornbook.embeddings.rounds import padded
from hornbook.embeddings.tile_kernels import add_combinations, products
from hornbook.embeddings.words import Sentences

WORDS, SIZE = 30, 20
PLAN = Plan(seed=3, epochs=2, window=3, block=8, negative=5, shared=8, rate=0.3, last_rate=0.01)


def small_text(generator: np.random.Generator, keep: float = 0.8) -> Text:
    lengths = generator.integers(1, 15, size=20)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ids = generator.integers(0, WORDS, size=starts[-1]).astype(np.uint32)
    return sampling.cut_text(
        Sentences(ids, starts, int(starts[-1])), np.full(WORDS, keep), np.append(np.arange(0, starts[-1], 60), starts[-1])
    )


def several_rows(generator: np.random.Generator) -> InputRows:
    """A row of its own and up to three shared ones for each word; 40 rows in all."""
    rows = [[word, *generator.integers(WORDS, 40, size=generator.integers(0, 4))] for word in range(WORDS)]
    return InputRows(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def one_block(model: str, x: Any, rows: InputRows, outputs: Any, block: tuple[Any, ...], rate: float) -> None:
    """The definition, in float64: every gradient at the values the block began with; changes `x` and `outputs`."""
    begin, end, kept, low, high, drawn = block
    vectors = {w: x[rows.rows[rows.starts[w] : rows.starts[w + 1]]].mean(0) for w in range(WORDS)}
    changed_inputs, changed_outputs = np.zeros_like(x), np.zeros_like(outputs)
    for i in range(begin, end):
        context = [j for j in range(low[i], high[i]) if j != i]
        if not context:
            continue
        members = [w for j in context for w in rows.rows[rows.starts[kept[j]] : rows.starts[kept[j] + 1]]]
        vector = vectors[kept[i]] if model == "skipgram" else x[members].mean(0)
        change = np.zeros(SIZE)
        for target in [kept[j] for j in context] if model == "skipgram" else [kept[i]]:
            pairs = [(target, 1.0, 1.0)] + [(n, 0.0, PLAN.negative / PLAN.shared) for n in drawn if n != target]
            for word, label, weight in pairs:
                step = rate * weight * (label - 1 / (1 + np.exp(-vector @ outputs[word])))
                change += step * outputs[word]
                changed_outputs[word] += step * vector
        for word in [kept[i]] if model == "skipgram" else [kept[j] for j in context]:
            np.add.at(changed_inputs, rows.rows[rows.starts[word] : rows.starts[word + 1]], change)
    x += changed_inputs
    outputs += changed_outputs


@pytest.mark.parametrize(("model", "kernel"), [("skipgram", skipgram_negative), ("cbow", cbow_negative)])
@pytest.mark.parametrize("direct", [True, False])
def test_kernels_are_the_definition(model: str, kernel: Any, direct: bool) -> None:
    generator = np.random.default_rng(1)
    text, rows = small_text(generator), several_rows(generator)
    noise = sampling.alias_table(generator.integers(1, 50, size=WORDS), 0.75)
    inputs, outputs = padded(40, SIZE), padded(WORDS, SIZE)
    inputs[:, :SIZE], outputs[:, :SIZE] = generator.normal(size=(40, SIZE)), generator.normal(size=(WORDS, SIZE))
    x, y = inputs[:, :SIZE].astype(float), outputs[:, :SIZE].astype(float)
    overlays = [Overlay(matrix, np.zeros(len(matrix)), threads=1, capacity=99, direct=direct) for matrix in (inputs, outputs)]
    tables = [overlay.tables(1)[0] for overlay in overlays]
    totals, pairs = np.zeros(4), 0
    for chunk in range(text.chunks.size - 1):
        kernel(text, rows, noise, PLAN, *tables, 1, chunk, totals)
        state = np.empty(1, np.uint64)
        seed_state(state, PLAN.seed, 1, chunk)
        kept, low, high = read_chunk(text, PLAN, chunk, state)
        for begin in range(0, kept.size, PLAN.block):
            end, drawn = min(begin + PLAN.block, kept.size), np.empty(PLAN.shared, np.int64)
            _draw(noise, state, drawn)
            rate = float(rate_at(text, PLAN, 1, chunk, begin / kept.size))
            one_block(model, x, rows, y, (begin, end, kept, low, high, drawn), rate)
        pairs += int((high - low - 1).sum() if model == "skipgram" else (high - low > 1).sum())
    for overlay in overlays:
        if not direct:
            overlay.merge(0, 1, 0.0)
            overlay.clear()
    assert np.abs(inputs[:, :SIZE] - x).max() < 2e-3
    assert np.abs(outputs[:, :SIZE] - y).max() < 2e-3
    assert totals[2] == pairs and text.chunks.size > 3
    assert not inputs[:, SIZE:].any() and not outputs[:, SIZE:].any()


@pytest.mark.parametrize("width", [16, 32, 48, 112, 304])
def test_tiles(width: int) -> None:
    generator = np.random.default_rng(width)
    x, y = (generator.normal(size=(rows, width)).astype(np.float32) for rows in (8, 12))
    out = np.full((4, 12), 7, np.float32)
    products(x, 4, y, 4, 12, out)
    assert out[:, 4:] == pytest.approx(x[4:] @ y[4:].T, abs=1e-4)
    assert (out[:, :4] == 7).all()
    weights = generator.normal(size=(8, 12)).astype(np.float32)
    sums = np.ones((12, width), np.float32)
    add_combinations(weights, 4 * 12, 12, 1, y, 3, 9, sums, 8)
    assert sums[8:] == pytest.approx(1 + weights[4:, 3:9] @ y[3:9], abs=1e-4)
    assert (sums[:8] == 1).all()
    add_combinations(weights, 8, 1, 12, x, 2, 7, sums, 0)  # the other way round: columns 8 to 11 of the weights
    assert sums[:4] == pytest.approx(1 + weights[2:7, 8:].T @ x[2:7], abs=1e-4)


def test_sigmoid() -> None:
    x = np.linspace(-30, 30, 6001).astype(np.float32)
    found = np.array([sigmoid(number) for number in x])
    assert np.abs(found - 1 / (1 + np.exp(-x.astype(float)))).max() < 6e-5
    assert found[0] == pytest.approx(0, abs=6e-5) and found[-1] == pytest.approx(1, abs=6e-5)


@pytest.mark.parametrize("parts", [1, 3])
def test_changes_of_threads_are_added(parts: int) -> None:
    generator = np.random.default_rng(5)
    matrix = padded(500, 16)
    matrix[:] = generator.normal(size=matrix.shape)
    shares = generator.random(500) * (np.arange(500) % 2)  # every second row is summed whatever the steps
    overlay = Overlay(matrix, shares, threads=3, capacity=200, direct=False)
    from hornbook.embeddings.kernels import own_row

    for round_number in range(2):
        before, changes, touches = matrix.astype(float), np.zeros(matrix.shape), np.zeros(500)
        for table in overlay.tables(3):
            for row in generator.choice(500, size=150, replace=False):
                change = generator.normal(size=16).astype(np.float32)
                slot = own_row(table, row)
                assert slot == own_row(table, row)
                table.copies[slot] += change
                changes[row] += change
                touches[row] += 1
        for part in range(parts):
            overlay.merge(part, parts, 20.0)
        overlay.clear()
        far = shares * 20 / 5
        weights = np.where(touches > 1, (1 + far) / (1 + touches * far), 1)[:, None]
        assert (touches > 1).any() and matrix == pytest.approx(before + weights * changes, abs=1e-5), round_number


def test_alias_table_draws_in_proportion() -> None:
    counts = np.array([1000, 300, 100, 30, 10, 1])
    noise, drawn = sampling.alias_table(counts, 0.75), np.empty(200_000, np.int64)
    state = np.array([9], np.uint64)
    _draw(noise, state, drawn)
    shares = counts**0.75 / (counts**0.75).sum()
    assert np.bincount(drawn, minlength=6) / drawn.size == pytest.approx(shares, abs=4e-3)


def test_subsampling_keeps_the_share_it_says() -> None:
    generator = np.random.default_rng(2)
    ids = generator.integers(0, 2, size=40_000).astype(np.uint32)
    text = sampling.cut_text(Sentences(ids, np.arange(0, 40_001, 8), ids.size), np.array([0.25, 1.0]), np.array([0, ids.size]))
    state = np.array([4], np.uint64)
    kept, low, high = read_chunk(text, PLAN, 0, state)
    assert (kept == 1).sum() == (ids == 1).sum()
    assert (kept == 0).mean() == pytest.approx(0.2, abs=0.01)
    inner = (high - low - 1)[(low > 0) & (high < kept.size)]
    assert inner.max() == 2 * PLAN.window and inner.min() >= 0
    assert (low <= np.arange(kept.size)).all() and (high > np.arange(kept.size)).all()


def test_windows_stay_in_their_sentence() -> None:
    ids = np.arange(12, dtype=np.uint32)
    text = sampling.cut_text(Sentences(ids, np.array([0, 5, 12]), 12), np.ones(12), np.array([0, 12]))
    _, low, high = read_chunk(text, PLAN, 0, np.array([1], np.uint64))
    assert low[:5].min() == 0 and high[:5].max() == 5
    assert low[5:].min() == 5 and high[5:].max() == 12


def test_text_is_cut() -> None:
    starts, bounds = np.array([0, 3, 25_003, 25_010]), np.append(np.arange(0, 25_010, 4000), 25_010)
    text = sampling.cut_text(Sentences(np.zeros(25_010, np.uint32), starts, 25_010), np.ones(1), bounds)
    assert np.diff(text.sentences).tolist() == [3, 10_000, 10_000, 5000, 7]  # no sentence above word2vec.c's limit
    assert text.chunks[0] == 0 and text.chunks[-1] == 5 and (np.diff(text.chunks) > 0).all()


def test_rounds_grow_with_the_text_read() -> None:
    assert sampling.chunk_bounds(600, 2).tolist() == [0, 256, 512, 600]
    rounds = np.diff(sampling.chunk_bounds(20_000_000, 2)[::2])
    assert rounds[0] == 1 << 11 and (np.diff(rounds[:-1]) >= 0).all() and rounds.max() == 1 << 17
    assert (rounds[:-1] <= np.maximum(1 << 11, np.cumsum(rounds)[:-1] // 64)).all()
    assert (np.diff(sampling.chunk_bounds(20_000_000, 16)) <= 1 << 13).all()


def test_most_rows_of_a_chunk() -> None:
    rows = InputRows(np.zeros(6, np.int32), np.array([0, 1, 3, 6]))
    sentences = Sentences(np.array([0, 0, 1, 2, 2, 1], np.uint32), np.array([0, 3, 6]), 6)
    text = sampling.cut_text(sentences, np.ones(3), np.array([0, 3, 6]))
    assert sampling.most_rows(text, rows) == 5  # words 1 and 2


def test_usual_keep_probabilities() -> None:
    keep = sampling.keep_probabilities(np.array([1000, 10]), 10_000, 1e-3)
    assert keep == pytest.approx([(100**0.5 + 1) / 100, 1.0])
    assert (sampling.keep_probabilities(np.array([5, 5]), 10, 0) == 1).all()
