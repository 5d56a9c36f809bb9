"""The tagger against CRFsuite on the same features: equal log-likelihood at the optimum, equal answers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hornbook.statistical.crf import CrfConfig, CrfTagger
from hornbook.statistical.crf_features import find_windows, templates_of

pycrfsuite = pytest.importorskip("pycrfsuite", reason="python-crfsuite is in the group `peers`: make peers")

WORDS = ["Anna", "went", "to", "Rome", "and", "Paris", "with", "Bob", "in", "1999", "IBM", "x-ray"]


def toy(seed: int, number: int) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences whose labels depend on the word and the word before, with noise."""
    random = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(number):
        words = [WORDS[i] for i in random.integers(len(WORDS), size=random.integers(1, 9))]
        line = []
        for before, word in zip(["", *words], words):
            label = "PLACE" if word in ("Rome", "Paris") and before in ("to", "in") else "NAME" if word[0].isupper() else "REST"
            line.append(str(random.choice(["PLACE", "NAME", "REST"])) if random.random() < 0.1 else label)
        sentences.append(words)
        labels.append(line)
    return sentences, labels


def feature_names(sentences: list[list[str]]) -> list[list[list[str]]]:
    """Each position's features as texts: the very keys this project computes."""
    windows = find_windows(sentences, templates_of("words"))
    names = [[str(key) for window in row for key in windows.keys[window] if key] for row in windows.seen]
    return [names[first:last] for first, last in zip(windows.starts[:-1], windows.starts[1:])]


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.5), (0.3, 0.2)])
def test_same_likelihood_and_same_answers(l1: float, l2: float, tmp_path: Path) -> None:
    sentences, labels = toy(1, 150)
    peer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for features, line in zip(feature_names(sentences), labels):
        peer.append(features, line)
    options = {"c1": l1, "c2": l2, "feature.possible_transitions": True, "max_iterations": 1000, "epsilon": 1e-7, "delta": 1e-9}
    peer.set_params(options)
    peer.train(str(tmp_path / "model"))
    ours = CrfTagger(CrfConfig(tokens="words", l1=l1, l2=l2, iterations=1000, decrease=1e-9, threads=1)).fit(sentences, labels)
    assert ours.loss_ == pytest.approx(peer.logparser.last_iteration["loss"], rel=1e-4)

    tagger = pycrfsuite.Tagger()
    tagger.open(str(tmp_path / "model"))
    test, _ = toy(2, 60)
    answers = [tagger.tag(features) for features in feature_names(test)]
    assert ours(test) == answers
    for marginals, features in zip(ours.predict_marginals(test), feature_names(test)):
        tagger.set(features)
        expected = [[tagger.marginal(label, t) for label in ours.labels_] for t in range(len(features))]
        np.testing.assert_allclose(marginals, expected, atol=5e-3)


def test_names_of_features_are_numbers() -> None:
    assert all(re.fullmatch(r"\d+", name) for line in feature_names([["Rome"]]) for names in line for name in names)
