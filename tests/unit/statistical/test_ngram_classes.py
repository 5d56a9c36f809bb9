"""Word classes by exchange, and the model over them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import hornbook.tokenizers
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.classes import ClassConfig, ClassLM, exchange
from hornbook.statistical.counts import count_levels
from hornbook.statistical.mixture import MixtureLM
from hornbook.statistical.stream import flatten, lay_out
from ids_only import IdsOnly

SIZE, END = 60, 3


def two_kinds(seed: int, number: int) -> list[np.ndarray]:
    """Words 6 to 29 and 30 to 53 take turns: two classes explain everything but the choice of the word."""
    random = np.random.default_rng(seed)
    return [np.array([random.integers(6, 30) + 24 * (i % 2) for i in range(12)]) for _ in range(number)]


def objective(documents: list[np.ndarray], groups: np.ndarray) -> float:
    """F, from the definition, with dictionaries' patience."""
    classes = int(groups.max()) + 1
    pairs = np.zeros((classes, classes))
    for document in documents:
        path = groups[[SIZE, *document, END]]
        np.add.at(pairs, (path[:-1], path[1:]), 1)
    x = lambda n: float((n[n > 0] * np.log(n[n > 0])).sum())
    return x(pairs) - x(pairs.sum(0)) - x(pairs.sum(1))


def test_every_round_raises_the_likelihood(skewed_documents: list[np.ndarray]) -> None:
    tokens, starts = flatten(skewed_documents)
    words, bigrams = count_levels(lay_out(tokens, starts, vocabulary_size=SIZE, end=END), SIZE, 2)
    found = [exchange(words.counts, bigrams, END, ClassConfig(classes=5, rounds=rounds)) for rounds in (1, 2, 3, 6)]
    values = [objective(skewed_documents, groups) for groups in found]
    assert values == sorted(values) and values[0] < values[-1]
    best = found[-1]
    for word in range(6, 26):  # no single move would have been better at the end
        for group in range(5):
            other = best.copy()
            other[word] = group
            assert objective(skewed_documents, other) <= values[-1] + 1e-6


def test_classes_that_are_there_are_found() -> None:
    train, test = two_kinds(1, 60), two_kinds(2, 40)
    model = ClassLM(IdsOnly(SIZE), ClassConfig(classes=2, order=3)).fit(train)
    assert len(set(model.classes_[6:30])) == len(set(model.classes_[30:54])) == 1 != len(set(model.classes_[6:54]))
    word_model = NgramLM(IdsOnly(SIZE), NgramConfig(order=3)).fit(train)
    mean = lambda lm: float(np.concatenate(lm.log_probs(test)).mean())
    assert mean(model) > mean(word_model) + 0.3
    assert mean(MixtureLM([word_model, model]).fit(two_kinds(3, 20))) > mean(word_model)


@pytest.mark.parametrize("seen", [[6, 7, 8], [1, 6, 7, 8, 54, 55]], ids=["unknown unseen", "unknown seen"])
def test_it_follows_the_protocol(seen: list[int]) -> None:
    random = np.random.default_rng(4)
    documents = [random.choice(seen, 9) for _ in range(30)]
    model = ClassLM(IdsOnly(SIZE), ClassConfig(classes=3, order=3)).fit(documents)
    document = np.array([seen[0], 59, seen[-1], 20])
    expected = model.log_probs([document])[0]
    scores, state = model.start([document[:0], document[:2]])
    for i, word in enumerate(document):
        np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-6)
        assert scores[0, word] == pytest.approx(expected[i], abs=1e-5)
        scores, state = model.step(model.select(state, [0, 1]), np.array([word, 6]))
    assert scores[0, END] == pytest.approx(expected[-1], abs=1e-5)


@pytest.mark.parametrize("documents", [[], [[]], [[6]], [[6] * 30], [[6, 7]]], ids=str)
def test_degenerate_text(documents: list[list[int]]) -> None:
    model = ClassLM(IdsOnly(SIZE)).fit([np.array(document, dtype=np.int64) for document in documents])
    scores, _ = model.start([[], [6], [7, 8]])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-6)


def test_it_is_saved_and_damage_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    documents = two_kinds(1, 20)
    model = ClassLM(IdsOnly(SIZE), ClassConfig(classes=4, order=3)).fit(documents)
    model.save_files(tmp_path)
    loaded = ClassLM.load(tmp_path)
    for one, other in zip(model.log_probs(documents), loaded.log_probs(documents)):
        np.testing.assert_array_equal(one, other)
    record = json.loads((tmp_path / "config.json").read_text())
    for change in ({"rows": [9]}, {"rows": ["a"] * 3}, {"model_type": "x"}, {"config": {"clases": 1}}):
        (tmp_path / "config.json").write_text(json.dumps({**record, **change}))
        with pytest.raises(HornbookError, match=str(tmp_path)):
            ClassLM.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(record))
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-4] + b"\xff\xff\xff\x7f")
    with pytest.raises(ContentError, match="damaged"):
        ClassLM.load(tmp_path)


def test_user_errors() -> None:
    with pytest.raises(UsageError, match="classes = 0"):
        ClassConfig(classes=0)
    with pytest.raises(UsageError, match="not trained"):
        ClassLM(IdsOnly(9)).log_probs([[6]])
    with pytest.raises(ContentError, match="outside the vocabulary"):
        ClassLM(IdsOnly(9)).fit([[6]]).log_probs([np.array([9])])
