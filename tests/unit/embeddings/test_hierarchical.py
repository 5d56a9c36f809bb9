from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hornbook.embeddings.hierarchical import Tree, cbow_hierarchical, huffman_tree, skipgram_hierarchical
from hornbook.embeddings.hierarchical_kernels import train_path
from hornbook.embeddings.kernels import InputRows, Plan, Table, Text, rate_at, read_chunk, seed_state
from hornbook.embeddings.word2vec import Word2Vec, Word2VecConfig

WIDTH = 16


def path(tree: Tree, word: int) -> tuple[list[int], list[int]]:
    """Inner nodes from the root, and which child follows."""
    span = slice(tree.starts[word], tree.starts[word + 1])
    return tree.points[span].tolist(), tree.codes[span].tolist()


def direct(matrix: NDArray[np.float32]) -> Table:
    """A table whose changes are seen at once."""
    none = np.zeros(0, np.int32)
    return Table(matrix, matrix, none, none, np.zeros(1, np.int64))


def test_a_tree_by_hand() -> None:
    """Counts 7 5 2 1 1: the two of count 1 become node 0 (2); it and the 2 node 1 (4); it and the 5 node 2 (9); root 3.

    Of two equal ones the node is taken first, as in word2vec.c; the first taken gets code 0.
    """
    tree = huffman_tree(np.array([7, 5, 2, 1, 1]))
    assert [path(tree, word) for word in range(5)] == [
        ([3], [0]),
        ([3, 2], [1, 1]),
        ([3, 2, 1], [1, 0, 1]),
        ([3, 2, 1, 0], [1, 0, 0, 1]),
        ([3, 2, 1, 0], [1, 0, 0, 0]),
    ]
    assert tree.depth == 4


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_the_tree_is_optimal_and_complete(numbers: list[int]) -> None:
    counts = np.array(sorted(numbers, reverse=True), np.int64)
    tree = huffman_tree(counts)
    lengths = np.diff(tree.starts)
    heap, cost = list(map(int, counts)), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    assert int((counts * lengths).sum()) == cost
    assert len(counts) == 1 or sum(2.0 ** -int(length) for length in lengths) == 1.0
    assert tree.depth == lengths.max()
    codes = {tuple(path(tree, word)[1]) for word in range(len(counts))}
    assert len(codes) == len(counts)


def log_probability(x: NDArray[np.float64], nodes: NDArray[np.float64], tree: Tree, word: int) -> float:
    """Sum over the path of ln sigmoid((1 - 2 code) v . x), in float64."""
    points, codes = path(tree, word)
    logits = nodes[points] @ x * (1 - 2 * np.array(codes))
    return float(-np.log1p(np.exp(-logits)).sum())


def test_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(1)
    tree = huffman_tree(np.array([9, 4, 4, 3, 1, 1, 1]))
    x, nodes = rng.normal(size=WIDTH), rng.normal(size=(6, WIDTH))
    assert sum(np.exp(log_probability(x, nodes, tree, word)) for word in range(7)) == pytest.approx(1, abs=1e-12)


def test_one_pair_follows_the_gradient() -> None:
    """The kernel's step is rate times the gradient of the log-probability, taken here by differences in float64."""
    rng = np.random.default_rng(2)
    tree = huffman_tree(np.array([9, 4, 4, 3, 1, 1, 1]))
    x, nodes = rng.normal(size=WIDTH).astype(np.float32), rng.normal(size=(6, WIDTH)).astype(np.float32)
    word, rate, small = 5, 0.1, 1e-6
    wide_x, wide_nodes = x.astype(np.float64), nodes.astype(np.float64)
    before = log_probability(wide_x, wide_nodes, tree, word)
    x_gradient, node_gradient = np.zeros(WIDTH), np.zeros((6, WIDTH))
    for k in range(WIDTH):
        moved = wide_x.copy()
        moved[k] += small
        x_gradient[k] = (log_probability(moved, wide_nodes, tree, word) - before) / small
        for node in range(6):
            other = wide_nodes.copy()
            other[node, k] += small
            node_gradient[node, k] = (log_probability(wide_x, other, tree, word) - before) / small
    change, totals = np.zeros(WIDTH, np.float32), np.zeros(4)
    slots, steps = np.empty(tree.depth, np.int64), np.empty(tree.depth, np.float32)
    train_path(x, word, tree, direct(nodes), np.float32(rate), change, slots, steps, True, totals)
    assert change == pytest.approx(rate * x_gradient, abs=2e-5)
    assert nodes == pytest.approx(wide_nodes + rate * node_gradient, abs=2e-5)
    assert totals.tolist() == pytest.approx([-before, 1, 1, 0], rel=1e-5)


def a_small_text() -> tuple[Text, Plan, Tree, InputRows]:
    """Ten words in two sentences, three of them with two input rows; one chunk, nothing left out."""
    rng = np.random.default_rng(3)
    ids = np.minimum(rng.zipf(1.5, 60) - 1, 9).astype(np.uint32)
    counts = np.sort(np.bincount(ids, minlength=10))[::-1].astype(np.int64)
    text = Text(ids, np.array([0, 25, 60]), np.array([0, 2]), np.full(10, 2**32 - 1, np.uint32))
    rows = InputRows(np.array([0, 10, 1, 11, 2, 3, 4, 5, 6, 7, 8, 9, 10], np.int32), np.array([0, 2, 4, *range(5, 12), 13]))
    return text, Plan(7, 1, 3, 8, 5, 8, 0.3, 0.1), huffman_tree(counts), rows


def reference(
    text: Text, plan: Plan, tree: Tree, rows: InputRows, inputs: NDArray[np.float64], *, cbow: bool
) -> NDArray[np.float64]:
    """The same chunk pair by pair in float64: word2vec.c's formulas. Changes `inputs`, returns the nodes."""
    nodes = np.zeros((9, WIDTH))
    state = np.empty(1, np.uint64)
    seed_state(state, plan.seed, 0, 0)
    kept, low, high = read_chunk(text, plan, 0, state)

    def rows_of(word: int) -> NDArray[np.int32]:
        return rows.rows[rows.starts[word] : rows.starts[word + 1]]

    def learn(x: NDArray[np.float64], word: int, rate: float) -> NDArray[np.float64]:
        change = np.zeros(WIDTH)
        for node, code in zip(*path(tree, word)):
            step = rate * (1 - code - 1 / (1 + np.exp(-nodes[node] @ x)))
            change += step * nodes[node]
            nodes[node] += step * x
        return change

    for begin in range(0, kept.size, plan.block if cbow else 1):
        changes = np.zeros_like(inputs)
        for i in range(begin, min(begin + (plan.block if cbow else 1), kept.size)):
            context = [j for j in range(low[i], high[i]) if j != i]
            if not context:
                continue
            if cbow:
                rate = float(rate_at(text, plan, 0, 0, begin / kept.size))
                used = np.concatenate([rows_of(kept[j]) for j in context])
                np.add.at(changes, used, learn(inputs[used].mean(0), kept[i], rate))
                continue
            rate = float(rate_at(text, plan, 0, 0, i / kept.size))
            x, own = inputs[rows_of(kept[i])].mean(0), np.zeros(WIDTH)
            for j in context:
                change = learn(x, kept[j], rate)
                x, own = x + change, own + change
            np.add.at(changes, rows_of(kept[i]), own)
        inputs += changes
    return nodes


@pytest.mark.parametrize("cbow", [False, True])
def test_a_chunk_is_word2vec_pair_by_pair(cbow: bool) -> None:
    text, plan, tree, rows = a_small_text()
    inputs = np.random.default_rng(4).normal(size=(12, WIDTH)).astype(np.float32)
    expected = inputs.astype(np.float64)
    expected_nodes = reference(text, plan, tree, rows, expected, cbow=cbow)
    nodes, totals = np.zeros((9, WIDTH), np.float32), np.zeros(4)
    kernel = cbow_hierarchical if cbow else skipgram_hierarchical
    kernel(text, rows, tree, plan, direct(inputs), direct(nodes), 0, 0, totals)
    assert inputs == pytest.approx(expected, abs=2e-4)
    assert nodes == pytest.approx(expected_nodes, abs=2e-4)
    assert totals[3] == 60 and totals[2] > 40 and 0 < totals[1] <= totals[2]
    assert np.abs(nodes).max() > 0.05


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_words_of_one_topic_end_together(model: str) -> None:
    rng = np.random.default_rng(5)
    topics = [["cat", "dog", "cow", "hen"], ["sun", "sea", "sky", "fog"]]
    sentences = [list(rng.choice(topics[number % 2], 8)) for number in range(600)]
    config = Word2VecConfig(model=model, loss="hierarchical", dimensions=12, epochs=5, sample=0, threads=2, learning_rate=0.05)  # type: ignore[arg-type]
    trained = Word2Vec(config).fit(sentences)
    again = Word2Vec(config).fit(sentences)
    vectors = trained.vectors_
    assert (vectors.vectors == again.vectors_.vectors).all()
    assert vectors.similarity("cat", "dog") > 0.5 > vectors.similarity("cat", "sun") + 0.2
    assert trained.loss_ is not None and trained.loss_ < 1.7  # ln 8 = 2.08 at the start, ln 4 = 1.39 at best
