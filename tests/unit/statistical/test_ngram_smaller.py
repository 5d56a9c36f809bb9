"""Smaller models: entropy pruning, a target size, one byte a probability. All stay normalised."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import hornbook.tokenizers
from hornbook.core.errors import UsageError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.listing import count
from hornbook.statistical.prune import prune_by_entropy, prune_to_size
from hornbook.statistical.quantise import quantise
from hornbook.statistical.trie import Trie
from ids_only import IdsOnly

SIZE = 30


def fitted(documents: list[np.ndarray], **config: object) -> NgramLM:
    return NgramLM(IdsOnly(SIZE), NgramConfig(**config)).fit(documents)  # type: ignore[arg-type]


def worst_sum(model: NgramLM, documents: list[np.ndarray]) -> float:
    contexts = [d[:i] for d in documents for i in range(len(d) + 1)]
    return max(
        float(np.abs(np.exp(scores.astype(np.float64)).sum(axis=1) - 1).max())
        for scores, _ in (model.start(contexts), model.after(contexts))
    )


def bits(model: NgramLM, documents: list[np.ndarray]) -> float:
    return -float(np.concatenate(model.log_probs(documents)).mean()) / math.log(2)


SMALLER = [
    {"prune_entropy": 1e-4},
    {"prune_entropy": 1e-2},
    {"size_mb": 0.02},
    {"size_mb": 0.004},
    {"bits": 8},
    {"bits": 8, "size_mb": 0.01},
    {"minimum_counts": (1, 1, 2), "prune_entropy": 1e-4, "bits": 8},
]


@pytest.mark.parametrize("config", SMALLER, ids=str)
@pytest.mark.parametrize("smoothing", ["modified-kneser-ney", "katz", "witten-bell"])
def test_smaller_models_are_normalised(skewed_documents: list[np.ndarray], config: dict[str, object], smoothing: str) -> None:
    train, test = skewed_documents[:150], skewed_documents[150:]
    whole, small = fitted(train, smoothing=smoothing), fitted(train, smoothing=smoothing, **config)
    assert small.size_mb < whole.size_mb
    assert worst_sum(small, skewed_documents[::10]) < 1e-6
    assert bits(small, test) < math.log2(SIZE)
    scores, state = small.start([[]])
    for word in test[1][:9]:
        scores, state = small.step(state, np.array([word]))
    np.testing.assert_allclose(scores, small.start([test[1][:9]])[0], atol=1e-6)
    if "size_mb" in config:
        assert small.size_mb <= config["size_mb"] + 0.001  # type: ignore[operator]


def test_one_byte_costs_little(skewed_documents: list[np.ndarray]) -> None:
    train, test = skewed_documents[:150], skewed_documents[150:]
    assert abs(bits(fitted(train, bits=8), test) - bits(fitted(train), test)) < 0.02


def test_tiny_text_survives_every_reduction() -> None:
    random = np.random.default_rng(2)
    for i in range(60):
        documents = [6 + random.integers(0, 4, int(random.integers(0, 12))) for _ in range(3)]
        config = SMALLER[i % len(SMALLER)]
        assert worst_sum(fitted(documents, order=i % 4 + 1, **config), documents) < 1e-6


def grams_of(trie: Trie) -> list[list[tuple[int, ...]]]:
    starts = trie.starts
    result = [[(int(word),) for word in trie.words[: starts[1]]]]
    for k in range(1, trie.order):
        rows = range(int(starts[k - 1]), int(starts[k]))
        result.append(
            [
                (*gram, int(trie.words[child]))
                for gram, row in zip(result[-1], rows)
                for child in range(trie.children[row], trie.children[row + 1])
            ]
        )
    return result


def test_what_is_kept_keeps_its_ends_counts_and_probabilities(skewed_documents: list[np.ndarray]) -> None:
    whole = fitted(skewed_documents, order=4)
    pruned = prune_by_entropy(whole.trie_, 2e-4)
    model = NgramLM(IdsOnly(SIZE), whole.config).use(pruned)
    grams = grams_of(pruned)
    known = {gram for level in grams for gram in level}
    assert 0 < len(grams[3]) < whole.trie_.rows[3]
    for level in grams[1:]:
        for gram in level:
            assert gram[1:] in known and gram[:-1] in known
    for gram in grams[3][::20]:
        assert count(model, np.array(gram)) == count(whole, np.array(gram))


def test_the_worth_of_an_ngram_is_what_its_loss_costs() -> None:
    """Drop each bigram alone and compute the relative entropy in full (Stolcke 1998, equation 3)."""
    random = np.random.default_rng(8)
    documents = [6 + random.zipf(1.5, 12) % 5 for _ in range(20)]
    model = fitted(documents, order=2)
    trie, starts = model.trie_, model.trie_.starts
    total = sum(len(document) + 1 for document in documents)
    whole, _ = model.after([np.array([word]) for word in [*range(SIZE), SIZE]])
    p = np.exp(whole.astype(np.float64))  # (contexts, V)
    first, _ = model.after([np.zeros(0, np.int64)])
    lower = np.exp(first.astype(np.float64))[0]
    costs = {}
    for context in range(SIZE + 1):
        children = [int(trie.words[row]) for row in range(trie.children[context], trie.children[context + 1])]
        for dropped in children:
            kept = [word for word in children if word != dropped]
            q = lower * (1 - p[context, kept].sum()) / (1 - lower[kept].sum())
            q[kept] = p[context, kept]
            possible = p[context] > 1e-30
            entropy = (p[context, possible] * np.log(p[context, possible] / q[possible])).sum()
            costs[context, dropped] = entropy * (trie.count(context) or 0) / total
    middle = sorted(costs.values())[len(costs) // 2 :][:2]
    threshold = sum(middle) / 2
    pruned = prune_by_entropy(trie, math.expm1(threshold))
    kept_grams = set(grams_of(pruned)[1])
    assert kept_grams == {gram for gram, cost in costs.items() if cost > threshold}
    assert starts[-1] > pruned.starts[-1]


def test_a_model_small_enough_is_left_alone(skewed_documents: list[np.ndarray]) -> None:
    trie = fitted(skewed_documents).trie_
    assert prune_to_size(trie, 100.0) is trie
    assert quantise(quantise(trie)).log_prob_table.shape == (5, 256)


def test_pruning_needs_counts(skewed_documents: list[np.ndarray]) -> None:
    from dataclasses import replace

    trie = replace(fitted(skewed_documents).trie_, counts=np.zeros(0, np.uint8))
    with pytest.raises(UsageError, match="counts"):
        prune_by_entropy(trie, 1e-6)


def test_a_quantised_model_comes_back(
    skewed_documents: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    model = fitted(skewed_documents, bits=8)
    model.save_files(tmp_path)
    loaded = NgramLM.load(tmp_path)
    assert loaded.trie_.log_probs.dtype == np.uint8
    for one, other in zip(model.log_probs(skewed_documents), loaded.log_probs(skewed_documents)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.start([[6, 7]])[0], model.start([[6, 7]])[0])
