from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hornbook.core import artifact
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.events import Alarm, Event
from hornbook.statistical.features import FeatureConfig, HashedFeatures
from hornbook.statistical.linear import NAIVE_BAYES, LinearClassifier, LinearConfig
from hornbook.statistical.linear_solve import calibration, climb, folds_of, probabilities, sample_rows

SUBJECTS = {"food": ["bread", "soup", "cheese", "apple"], "sport": ["goal", "match", "team"], "law": ["court", "judge"]}


def texts_of(kinds: int, number: int, seed: int = 1) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    names = list(SUBJECTS)[:kinds]
    labels = [names[i] for i in random.integers(kinds, size=number)]
    noise = ["the", "a", "was", "很好", "and", "then"]
    texts = []
    for label in labels:
        texts.append(" ".join([*random.choice(noise, 5), str(random.choice(SUBJECTS[label])), *random.choice(noise, 2)]))
    return texts, labels


@pytest.mark.parametrize("method", ["svm", "hinge", "logistic", "multinomial", "naive-bayes"])
@pytest.mark.parametrize("kinds", [2, 3])
def test_every_method_learns_what_words_tell(method: str, kinds: int) -> None:
    texts, labels = texts_of(kinds, 150)
    test, expected = texts_of(kinds, 60, seed=2)
    model = LinearClassifier(LinearConfig(method=method, scaling="none")).fit(texts, labels)  # type: ignore[arg-type]
    assert np.mean([a == b for a, b in zip(model(test), expected)]) > 0.95
    found = model.predict_proba(test)
    assert found.shape == (60, kinds)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert [model.labels_[i] for i in found.argmax(axis=1)] == model(test)
    assert model.labels_ == tuple(sorted(set(labels)))


def test_the_same_texts_give_the_same_model() -> None:
    texts, labels = texts_of(3, 90)
    one, other = (LinearClassifier().fit(texts, labels) for _ in range(2))
    np.testing.assert_array_equal(one.weights_, other.weights_)
    np.testing.assert_array_equal(one.bias_, other.bias_)


def test_dev_texts_choose_the_cost_and_calibrate() -> None:
    texts, labels = texts_of(2, 120)
    random = np.random.default_rng(0)
    noisy = [label if random.random() < 0.8 else "sport" for label in labels]
    dev, dev_labels = texts_of(2, 200, seed=3)
    flipped = [label if random.random() < 0.7 else ("food" if label == "sport" else "sport") for label in dev_labels]
    model = LinearClassifier().fit(texts, noisy, dev=(dev, flipped))
    assert 0.6 < model.held_out_accuracy_ < 0.8
    assert 0.6 < model.predict_proba(dev).max(axis=1).mean() < 0.8  # as sure as it is right


def test_balanced_classes_find_the_rare_one() -> None:
    random = np.random.default_rng(3)
    rare = [" ".join(random.choice(["x", "y", "z"], 4)) + (" w" if i % 2 else "") for i in range(40)]
    common = [" ".join(random.choice(["x", "y", "z"], 4)) + (" w" if i % 12 == 0 else "") for i in range(400)]
    texts = rare + common
    found = {}
    for weights in ("equal", "balanced"):
        config = LinearConfig(class_weights=weights, cost=1.0, scaling="none", method="logistic")  # type: ignore[arg-type]
        scores = LinearClassifier(config)
        scores.labels_ = ("common", "rare")
        rows = scores.features_.fit_transform(texts)
        raw, bias = scores._solve(rows, np.array([1] * 40 + [0] * 400), 1.0)
        weights_of_text = np.zeros(rows.width)
        first = slice(rows.starts[1], rows.starts[2])
        weights_of_text[rows.columns[first]] = rows.values[first]
        found[weights] = float(weights_of_text @ raw[:, 0] + bias[0])
    assert found["balanced"] > 0 > found["equal"]


def test_texts_without_anything_known_get_the_same_answer() -> None:
    model = LinearClassifier().fit(*texts_of(3, 90))
    assert len(set(model(["", "   ", "\n", "\ud800", "ʬʭ"]))) == 1
    assert model([]) == [] and model.predict_proba([]).shape == (0, 3)
    np.testing.assert_allclose(model.predict_proba([""]).sum(), 1)


def test_wrong_input_is_named() -> None:
    texts, labels = texts_of(2, 40)
    with pytest.raises(UsageError, match="not trained"):
        LinearClassifier()(texts)
    with pytest.raises(UsageError, match="40 texts and 39 labels"):
        LinearClassifier().fit(texts, labels[1:])
    with pytest.raises(ContentError, match="at least two labels, found a"):
        LinearClassifier().fit(["x", "y"], ["a", "a"])
    with pytest.raises(ContentError, match="'new' of text 2"):
        LinearClassifier().fit(texts, labels, dev=(["x", "y"], [labels[0], "new"]))
    with pytest.raises(TypeError, match="text 1 is int"):
        LinearClassifier().fit(["x", 1], ["a", "b"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="label 1 is int"):
        LinearClassifier().fit(["x", "y"], ["a", 1])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="one str"):
        LinearClassifier().fit(texts, labels)("a text")
    for wrong in ({"cost": -1.0}, {"folds": 1}, {"tolerance": 0.0}):
        with pytest.raises(UsageError):
            LinearConfig(**wrong)  # type: ignore[arg-type]
    for wrong in ({"bits": 40}, {"words": -1}, {"words": 0, "characters": 0}):
        with pytest.raises(UsageError):
            FeatureConfig(**wrong)


def test_a_label_with_one_text_is_told() -> None:
    events: list[Event] = []
    texts, labels = texts_of(2, 30)
    LinearClassifier().fit([*texts, "alone"], [*labels, "once"], log=events.append)
    assert ["once" in event.text for event in events if isinstance(event, Alarm)] == [True]


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_handful_of_texts_trains(number: int) -> None:
    texts, labels = ["good", "bad", "very good", "so bad"][:number], ["+", "-", "+", "-"][:number]
    model = LinearClassifier().fit(texts, labels)
    assert np.isfinite(model.predict_proba(texts)).all()


def test_equal_texts_share_a_fold_and_classes_are_spread() -> None:
    texts = [f"t{i % 20}" for i in range(60)]
    targets = np.array([i % 2 for i in range(60)])
    folds = folds_of(texts, targets, 3)
    assert all(len({folds[i] for i in range(60) if texts[i] == text}) == 1 for text in texts)
    assert set(folds[targets == 0]) == set(folds[targets == 1]) == {0, 1, 2}


def test_samples_keep_every_class() -> None:
    rows = HashedFeatures().fit_transform(["some words here"] * 1000)
    targets = np.array([1] * 5 + [0] * 995)
    sample = sample_rows(rows, targets, rows.values.size // 10, seed=1)
    assert (np.diff(sample) > 0).all() and np.bincount(targets[sample]).tolist() == [100, 5]


def test_climbing_stops_where_it_falls() -> None:
    asked: list[float] = []

    def score(value: float) -> float:
        asked.append(value)
        return -abs(value - 3)

    assert climb((0.1, 0.3, 1, 3, 10), score) == 3 and asked == [1, 3, 10]
    assert climb((5.0,), score) == 5.0


def test_calibration_is_platts_for_two_classes() -> None:
    random = np.random.default_rng(5)
    scores = random.normal(size=(4000, 1)) * 3
    targets = (random.random(4000) < 1 / (1 + np.exp(-(0.4 * scores[:, 0] + 0.7)))).astype(np.int64)
    slope, offsets = calibration(scores, targets, 2)
    assert slope == pytest.approx(0.4, abs=0.05) and offsets[0] == pytest.approx(0.7, abs=0.1)
    np.testing.assert_allclose(probabilities(np.array([[0.3]])), [[1 / (1 + np.exp(0.3)), 1 / (1 + np.exp(-0.3))]])


@pytest.fixture(params=[2, 3])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[LinearClassifier, Path]:
    texts, labels = texts_of(request.param, 60)
    model = LinearClassifier(LinearConfig(features=FeatureConfig(bits=12), cost=1.0)).fit(texts, labels)
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    return model, tmp_path / "model"


def test_loaded_model_is_the_saved_one(saved: tuple[LinearClassifier, Path]) -> None:
    model, folder = saved
    artifact.verify(folder)
    loaded = LinearClassifier.load(folder)
    test, _ = texts_of(3, 40, seed=9)
    np.testing.assert_array_equal(loaded.decision_scores(test), model.decision_scores(test))
    assert loaded.labels_ == model.labels_ and loaded.config == model.config and loaded.cost_ == model.cost_
    assert loaded.parameters == model.parameters and loaded.size_mb == model.size_mb


def change_record(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**record, **changes}))

    return change


def change_tensor(name: str, index: int, value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors[name].reshape(-1)[index] = value
        save_file(tensors, folder / "model.safetensors")

    return change


DAMAGE: dict[str, Callable[[Path], None]] = {
    "weights missing": lambda folder: (folder / "model.safetensors").unlink(),
    "configuration missing": lambda folder: (folder / "config.json").unlink(),
    "other type": change_record(model_type="hornbook-ngram"),
    "labels out of order": change_record(labels=["sport", "law", "food"]),
    "labels of another number": change_record(labels=["a", "b", "c", "d"]),
    "label that is a number": change_record(labels=[1, 2]),
    "negative width": change_record(features=-1),
    "huge width": change_record(features=2**61),
    "unknown key": change_record(extra=1),
    "wrong configuration": change_record(config={"method": "magic"}),
    "bucket below zero": change_tensor("buckets", 0, -1),
    "bucket too large": change_tensor("buckets", -1, 2**30),
    "buckets out of order": change_tensor("buckets", 5, 0),
    "weight that is no number": change_tensor("weights", 3, float("nan")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_one_line_that_names_the_file(saved: tuple[LinearClassifier, Path], damage: Callable[[Path], None]) -> None:
    _, folder = saved
    damage(folder)
    with pytest.raises(HornbookError) as caught:
        LinearClassifier.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutants_are_refused_or_answer(saved: tuple[LinearClassifier, Path], number: int) -> None:
    _, folder = saved
    refused = 0
    for kind, name in enumerate(("model.safetensors", "config.json")):
        whole = (folder / name).read_bytes()
        random = np.random.default_rng(kind)
        for i in range(number // 2):
            data = bytearray(whole)
            for _ in range(int(random.integers(1, 4))):
                data[int(random.integers(400 if i % 2 else len(data)) % len(data))] = int(random.integers(256))
            (folder / name).write_bytes(data[: int(random.integers(len(data)))] if i % 7 == 0 else data)
            try:
                model = LinearClassifier.load(folder)
            except HornbookError:
                refused += 1
                continue
            assert len(model(["a text", ""])) == 2
        (folder / name).write_bytes(whole)
    assert refused > number / 4


def test_naive_bayes_preset_reads_chinese() -> None:
    model = LinearClassifier(NAIVE_BAYES).fit(["很好吃", "不好吃", "真好", "不行"], ["+", "-", "+", "-"])
    assert model(["真好吃", "不"]) == ["+", "-"]


def test_both_scalings_are_added_each_to_the_same_spread() -> None:
    from hornbook.statistical.linear_solve import added, dense_product

    rows = HashedFeatures(FeatureConfig(bits=10)).fit_transform(["a b", "b c", "c d a", "d"])
    generator = np.random.default_rng(1)
    models = [(scale * generator.normal(size=(rows.width, 3)), generator.normal(size=3)) for scale in (1.0, 50.0)]
    expected = sum(dense_product(rows, *model) / dense_product(rows, *model).std() for model in models)
    np.testing.assert_allclose(dense_product(rows, *added(rows, models)), expected, atol=1e-5)
    flat = [(np.zeros((rows.width, 3)), np.zeros(3))]
    assert not added(rows, flat)[0].any()  # nothing to divide by
