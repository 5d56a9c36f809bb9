"""Judging networks that classify: one label, several, grades, thresholds of their own, pairs of texts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hornbook.compare.report.judge_page import render_judgement
from hornbook.embeddings.vectors import WordVectors
from hornbook.models.classifier import NeuralClassifier, over
from hornbook.tasks.judge import ask, judge
from hornbook.tasks.texts import Sample, score_classifier

WORDS = ["lovely", "fine", "dull", "awful", "film", "a"]
TEXTS = ["a lovely film", "a dull film", "awful", "", "fine fine film", "a film", "未知", "dull awful a"]


def quiet(event: Any) -> None:
    """Nobody listens."""


def network(labels: tuple[str, ...] = ("bad", "good", "so-so"), **settings: Any) -> NeuralClassifier:
    torch.manual_seed(1)
    table = np.random.default_rng(1).normal(size=(len(WORDS), 8)).astype(np.float32)
    model = over(WordVectors(WORDS, table, counts=np.arange(len(WORDS), 0, -1)), labels)
    model.config = replace(model.config, **settings)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight))
    return model


def labelled(labels: list[Any], texts: list[Any] | None = None) -> Sample:
    return Sample(texts or TEXTS, labels, [(Path("test.tsv"), k + 1) for k in range(len(labels))])


@pytest.mark.parametrize("kind", ["single", "graded", "multi"])
def test_every_kind_is_judged_as_it_answers(kind: Any) -> None:
    model = network(kind=kind)
    single = ["bad", "good", "so-so", "bad", "good", "so-so", "bad", "good"]
    sample = labelled([(), ("bad", "good"), ("so-so",), ("bad",)] * 2 if kind == "multi" else single)
    asked = ask(model, sample.texts)
    assert asked(sample.texts) == model(sample.texts)
    found = judge(asked, sample, train=sample, log=quiet)
    wrong = [k for k, (right, given) in enumerate(zip(sample.labels, asked.answers)) if right != given]
    assert found.kind == kind and found.errors == len(wrong) and {case.row for case in found.worst} == set(wrong)
    scores = score_classifier(asked, sample, seen=None, log=quiet)
    assert scores["accuracy"] == pytest.approx(1 - len(wrong) / len(TEXTS))
    json.dumps(found.to_dict(), allow_nan=False)
    for language in ("en", "zh"):
        page = render_judgement(found, scores, model="m", data="d", language=language)
        assert ("mean_absolute_error" in scores) == (kind == "graded") and 'id="worst"' in page


def test_a_threshold_of_its_own_decides() -> None:
    never = network(("ham", "spam"), thresholds=(0.0, 1.0))
    sample = labelled(["ham", "spam"] * 4)
    found = judge(never, sample, log=quiet)
    assert found.errors == 4 and {case.other for case in found.worst} == {"ham"} and len(found.kept) == 2


def test_pairs_of_texts() -> None:
    model = network()
    sample = labelled(["bad", "good"], [("a film", "dull"), ("fine", "lovely film")])
    assert all("\n" in case.text for case in judge(model, sample, train=sample, log=quiet).worst)
