"""Classifiers of texts at the command line: train, evaluate with the unseen part beside, and answers before a bad line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.cli import main
from hornbook.cli.evaluate import confusions
from hornbook.tasks.texts import SEEN, _macro_f1

WORDS = {"good": "lovely fine charming warm bright", "bad": "dull awful tired cold bleak"}


def rows(count: int, *, seed: int) -> list[tuple[str, str]]:
    random = np.random.default_rng(seed)
    found = []
    for k in range(count):
        label = ("good", "bad")[k % 2]
        words = random.choice(WORDS[label].split(), 3).tolist()
        found.append((f"a {words[0]} and {words[1]} film number {seed}{k} , {words[2]}", label))
    return found


def write(path: Path, data: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{text}\t{label}\n" for text, label in data))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    result: dict[str, Any] = json.loads(captured.out.splitlines()[-1])
    return result, captured.err


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    write(folder / "data.tsv", rows(120, seed=1))
    assert main(["train", "linear", str(folder / "data.tsv"), "-o", str(folder / "linear"), "--quiet", "--threads", "1"]) == 0
    return folder


@pytest.mark.parametrize("method", ["linear", "bayes"])
def test_a_classifier_is_measured_then_learns_from_all(
    method: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, err = told(capsys, "train", method, str(place / "data.tsv"), "-o", str(tmp_path / "m"))
    assert result["n"] == 12 and result["texts_seen"] == 120 and result["accuracy"] > 0.9 and "leaked" not in result
    assert "text: column 1, label: column 2, no header, tab separated; 120 texts, 2 labels" in err
    score, _ = told(capsys, "evaluate", str(tmp_path / "m"), str(write(tmp_path / "test.tsv", rows(40, seed=2))))
    assert score["accuracy"] > 0.9 and score["n"] == 40 and score["leaked"] == 0
    assert score["accuracy_ci95"][0] <= score["accuracy"] <= score["accuracy_ci95"][1] <= 1
    assert score["macro_f1_ci95"][0] <= score["macro_f1"]
    assert np.sum(score["confusion"]["counts"]) == 40


def test_leaks_are_counted_and_the_unseen_part_stands_beside(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaks = [
        (text.upper() if k > 4 else text.replace(" ", "\u3000"), label) for k, (text, label) in enumerate(rows(10, seed=1))
    ]
    test = write(tmp_path / "test.tsv", leaks + rows(20, seed=3))
    score, err = told(capsys, "evaluate", str(place / "linear"), str(test))
    assert score["leaked"] == 5 and score["unseen_n"] == 25  # white space is folded, case is not
    assert "alarm: 5 of the 30 texts are among the training texts" in err
    assert main(["evaluate", str(place / "linear"), str(test)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].endswith("on 25 texts unseen in training") and shown[1].endswith("on 30 texts; 5 were trained on")
    assert main(["evaluate", str(place / "linear"), str(write(tmp_path / "all.tsv", rows(10, seed=1)))]) == 0  # nothing unseen


def test_a_label_never_seen_stops_with_its_line(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = write(tmp_path / "test.tsv", [*rows(4, seed=2), ("a strange film", "odd")])
    assert main(["evaluate", str(place / "linear"), str(test)]) == 1
    assert (
        capsys.readouterr().err.splitlines()[-1].endswith("line 5: label 'odd' does not occur in the training texts: bad, good")
    )


def test_one_label_or_several_a_text_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "one.jsonl"
    data.write_text('{"text": "a b c", "label": "x"}\n' * 20)
    assert main(["train", "linear", str(data), "-o", str(tmp_path / "m")]) == 1
    assert "a classifier needs texts of at least two labels, found x" in capsys.readouterr().err
    data.write_text('{"text": "a b c", "label": ["x", "y"]}\n')
    assert main(["train", "bayes", str(data), "-o", str(tmp_path / "m")]) == 1
    assert "line 1: the text has 2 labels (x, y), this classifier gives one" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_dev_file_measures_and_a_folder_knows_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("train", 60), ("dev", 20), ("test", 30)):
        write(tmp_path / f"{name}.tsv", rows(count, seed=count))
    result, _ = told(capsys, "train", "linear", str(tmp_path), "-o", str(tmp_path / "m"))
    assert (result["texts_seen"], result["n"], result["measured_on"]) == (60, 20, "dev")
    score, _ = told(capsys, "evaluate", str(tmp_path / "m"), str(tmp_path))
    assert score["n"] == 30
    result, _ = told(capsys, "train", "linear", str(tmp_path / "train.tsv"), "-o", str(tmp_path / "n"), "--split", "0")
    assert result["accuracy"] is None and result["n"] == 0


def test_options_reach_the_model(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--cost", "2", "--features.words", "3", "--method", "logistic"]
    told(capsys, "train", "linear", str(place / "data.tsv"), "-o", str(tmp_path / "m"), *flags)
    record = json.loads((tmp_path / "m" / "config.json").read_text())
    assert record["cost"] == 2.0 and record["config"]["features"]["words"] == 3 and record["config"]["method"] == "logistic"
    assert (tmp_path / "m" / SEEN).is_file()


def test_answers_before_a_bad_line_are_given(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('"a lovely film"\n' * 700 + "{broken\n" + '"more"\n')
    assert main(["predict", str(place / "linear"), str(path)]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 700
    assert "in.jsonl, line 701 is not JSON" in captured.err and "Traceback" not in captured.err


def test_macro_f1_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(1)
    gold, found = random.integers(0, 4, 200), random.integers(1, 6, 200)
    counts = np.bincount(gold * 7 + found, minlength=49)
    cells = np.flatnonzero(counts)
    assert _macro_f1(counts[None, cells], cells, 7)[0] == pytest.approx(metrics.f1_score(gold, found, average="macro"))


def test_many_labels_show_the_commonest_mistakes() -> None:
    counts = np.diag(np.full(13, 9))
    counts[2, 5] = 4
    assert confusions([f"l{k}" for k in range(13)], counts.tolist()) == ["     4  l2 taken for l5"]
    assert confusions(["好评", "b"], [[3, 1], [0, 0]])[1].split() == ["好评", "3", "1", "75.0%"]
