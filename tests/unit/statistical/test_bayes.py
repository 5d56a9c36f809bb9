from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.types import Ids, Tokenizer
from hornbook.statistical.bayes import BayesConfig, LanguageModelClassifier, MajorityClassifier
from hornbook.statistical.linear_solve import calibration_by_length
from hornbook.statistical.ngram import NgramConfig, NgramLM
from hornbook.tokenizers import TokenizerConfig

TEXTS = ["the match was won", "a goal in the match", "the court has ruled", "a judge of the court"]
TEXTS += ["the team won", "the judge ruled"]
LABELS = ["sport", "sport", "law", "law", "sport", "law"]
PLAIN = BayesConfig(folds=0)


def test_the_label_whose_language_it_is_wins() -> None:
    model = LanguageModelClassifier().fit(TEXTS, LABELS)
    assert model(["the goal was won", "the judge of the court", ""])[:2] == ["sport", "law"]
    assert model.labels_ == ("law", "sport") and model([]) == []
    found = model.predict_proba(["the goal", "", "中文"])
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("kind", ["chars", "words", "bytes"])
def test_bayes_rule_as_it_stands(kind: str) -> None:
    labels = ["sport", "sport", "law", "law", "sport", "sport"]
    model = LanguageModelClassifier(BayesConfig(TokenizerConfig(kind=kind), NgramConfig(order=2), folds=0)).fit(TEXTS, labels)
    text = "the goal of the judge"
    ids = model.models_[0].tokenizer.encode_batch([text])
    sums = [float(one.log_probs(ids)[0].sum(dtype=np.float64)) for one in model.models_]
    logs = [sums[0] + math.log(1 / 3), sums[1] + math.log(2 / 3)]
    np.testing.assert_allclose(model.joint_scores([text])[0], logs)
    np.testing.assert_allclose(model.log_odds([text])[0], [logs[0] - logs[1], logs[1] - logs[0]])
    np.testing.assert_allclose(model.predict_proba([text])[0, 0], 1 / (1 + math.exp(logs[1] - logs[0])))


def test_any_language_model_will_do() -> None:
    orders: list[int] = []

    def unigram(tokenizer: Tokenizer, ids: Sequence[Ids]) -> NgramLM:
        orders.append(len(ids))
        return NgramLM(tokenizer, NgramConfig(order=1)).fit(ids)

    model = LanguageModelClassifier(PLAIN, factory=unigram).fit(TEXTS, LABELS)
    assert orders == [3, 3] and model(["goal goal"]) == ["sport"]


def test_weighing_undoes_a_gain_by_every_token() -> None:
    random = np.random.default_rng(1)
    lengths = random.integers(5, 50, size=3000).astype(np.float64)
    targets = random.integers(3, size=3000)
    scores = random.normal(size=(3000, 3)) * 5
    scores[np.arange(3000), targets] += 10
    scores += np.outer(lengths, [0.0, 0.0, 1.5])  # the third label gains by every token
    slope, offsets, rates = calibration_by_length(scores, lengths, targets)
    weighed = slope * scores + offsets + rates * lengths[:, None]
    assert np.mean(scores.argmax(axis=1) == targets) < 0.6
    assert np.mean(weighed.argmax(axis=1) == targets) > 0.85


def test_wrong_input_is_named() -> None:
    with pytest.raises(UsageError, match="not trained"):
        LanguageModelClassifier()(["x"])
    with pytest.raises(ContentError, match="at least two labels"):
        LanguageModelClassifier().fit(["x"], ["a"])
    with pytest.raises(TypeError, match="text 0 is NoneType"):
        LanguageModelClassifier(PLAIN).fit(TEXTS, LABELS)([None])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="folds = 1"):
        BayesConfig(folds=1)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[LanguageModelClassifier, Path]:
    model = LanguageModelClassifier().fit(TEXTS, LABELS)
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    return model, tmp_path / "model"


def test_loaded_model_is_the_saved_one(saved: tuple[LanguageModelClassifier, Path]) -> None:
    model, folder = saved
    artifact.verify(folder)
    loaded = LanguageModelClassifier.load(folder)
    np.testing.assert_array_equal(loaded.joint_scores(TEXTS), model.joint_scores(TEXTS))
    assert loaded.labels_ == model.labels_ and loaded.config == model.config and loaded.parameters == model.parameters


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["sport", "law"]},
        {"labels": ["a", "b", "c"]},
        {"offsets": [0.0]},
        {"rates": ["x", "y"]},
        {"slope": "steep"},
        {"model_type": "hornbook-linear"},
        {"extra": 1},
        {"config": {"folds": 1}},
    ],
    ids=str,
)
def test_damage_is_one_line_that_names_the_file(
    saved: tuple[LanguageModelClassifier, Path], changes: dict[str, object]
) -> None:
    _, folder = saved
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, **changes}))
    with pytest.raises(HornbookError) as caught:
        LanguageModelClassifier.load(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_language_model_is_named(saved: tuple[LanguageModelClassifier, Path]) -> None:
    _, folder = saved
    (folder / "label-1" / "config.json").unlink()
    with pytest.raises(ContentError, match="label-1"):
        LanguageModelClassifier.load(folder)


def test_the_commonest_label() -> None:
    model = MajorityClassifier().fit(["x", "y", "z"], ["b", "a", "b"])
    assert model(["anything", ""]) == ["b", "b"]
    np.testing.assert_allclose(model.predict_proba(["x"]), [[1 / 3, 2 / 3]])
    assert MajorityClassifier().fit(["x", "y"], ["b", "a"])(["x"]) == ["a"]
    with pytest.raises(ContentError):
        MajorityClassifier().fit([], [])
    with pytest.raises(UsageError):
        MajorityClassifier()(["x"])
