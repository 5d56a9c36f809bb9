"""TextClassifier: labels of any kind, scikit-learn's tools where it is installed, saved and opened again."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hornbook
from hornbook.core.errors import ContentError, UsageError

WORDS = ["fine", "lovely", "great", "awful", "dull", "poor"]
X = [f"a {WORDS[n % 6]} film {n}" for n in range(60)]
Y = [n % 6 < 3 for n in range(60)]


@pytest.mark.parametrize("method", ["linear", "bayes"])
def test_labels_come_back_as_they_were(method: str) -> None:
    made = hornbook.TextClassifier(method).fit(X, Y)
    assert made.classes_.tolist() == [False, True] and made.predict(["dull", "great"]).tolist() == [False, True]
    assert made.predict_proba(X).shape == (60, 2) and made.score(X, Y) == 1.0
    mixed = hornbook.TextClassifier(method).fit(X, [1 if good else "1" for good in Y])
    assert mixed.predict(["great", "dull"]).tolist() == [1, "1"]
    assert made.predict([]).tolist() == [] and made.predict_proba([]).shape == (0, 2)


def test_a_network_learns_from_texts_and_from_pairs() -> None:
    made = hornbook.TextClassifier("gru", epochs=12).fit(X * 2, Y * 2)
    assert made.score(X, Y) > 0.9
    pairs = [(text, "yes") for text in X]
    assert hornbook.TextClassifier("bert", epochs=1).fit(pairs, Y).predict(pairs[:3]).shape == (3,)


def test_parameters_and_their_errors() -> None:
    made = hornbook.TextClassifier("linear", cost=0.5)
    assert repr(made) == "TextClassifier(method='linear', cost=0.5)" or "cost=0.5" in repr(made)
    assert made.set_params(cost=2.0).get_params()["cost"] == 2.0
    assert pickle.loads(pickle.dumps(made)).get_params() == made.get_params()
    for call, words in (
        (lambda: made.set_params(cots=1), "Did you mean cost"),
        (lambda: hornbook.TextClassifier("gru", cost=1.0).fit(X, Y), "takes no cost"),
        (lambda: hornbook.TextClassifier(epochs=3).fit(X, Y), "takes no epochs"),
        (lambda: hornbook.TextClassifier().fit(X, Y[:-1]), "59 labels"),
    ):
        with pytest.raises(UsageError) as error:
            call()
        assert words in str(error.value)
    with pytest.raises(ContentError):
        hornbook.TextClassifier().fit(X, [1] * 60)
    wrong: list[tuple[Any, Any, str]] = [("one text", Y, "list of texts"), ([*X[:-1], 3], Y, "text 59 is int")]
    for texts, labels, said in wrong:
        with pytest.raises(TypeError, match=said):
            hornbook.TextClassifier().fit(texts, labels)


def test_saved_and_opened_again(tmp_path: Path) -> None:
    made = hornbook.TextClassifier().fit(X, Y)
    made.save(tmp_path / "model")
    again = hornbook.TextClassifier.load(tmp_path / "model")
    assert again.predict(X).tolist() == made.predict(X).tolist() and again.get_params() == made.get_params()
    assert np.array_equal(again.predict_proba(X), made.predict_proba(X))
    assert hornbook.load(tmp_path / "model")(["dull"]) == ["False"]
    record = json.loads((tmp_path / "model" / "estimator.json").read_text("utf-8"))
    assert record["classes"] == [False, True]
    with pytest.raises(UsageError, match="cannot be saved"):
        hornbook.TextClassifier().fit(X, [(int(good),) for good in Y]).save(tmp_path / "other")


def test_in_scikit_learn(tmp_path: Path) -> None:
    sklearn = pytest.importorskip("sklearn")
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    assert sklearn.base.is_classifier(hornbook.TextClassifier())
    clone = sklearn.base.clone(hornbook.TextClassifier(cost=0.3))
    assert clone.get_params()["cost"] == 0.3
    assert cross_val_score(hornbook.TextClassifier(), X, Y, cv=3).mean() == 1.0
    search = GridSearchCV(hornbook.TextClassifier(), {"cost": [0.1, 1.0]}, cv=2).fit(X, Y)
    assert search.best_score_ == 1.0 and search.predict(["a lovely day"]).tolist() == [True]
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    assert make_pipeline(lower, hornbook.TextClassifier()).fit(X, Y).score(X, Y) == 1.0
    with pytest.raises(sklearn.exceptions.NotFittedError):
        hornbook.TextClassifier().predict(X)
