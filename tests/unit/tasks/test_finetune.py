"""Fine-tuning for a task from any start: what is learned, saved, measured and refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hornbook
from hornbook import api
from hornbook.cli import main
from hornbook.core import events
from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings.vectors import WordVectors
from hornbook.tasks import classify

GOOD, BAD = ["fine", "lovely", "great", "superb"], ["awful", "dull", "poor", "dreadful"]
FEW = {"training.steps": 30, "training.rows": 8}


def texts(count: int, seed: int = 1) -> list[tuple[str, str]]:
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        words = GOOD if number % 2 else BAD
        rest = random.choice(["the", "film", "was", "and", "so", "it", str(number)], 4).tolist()
        rows.append((" ".join([*rest, str(random.choice(words)), str(number)]), "pos" if number % 2 else "neg"))
    return rows


def write(path: Path, rows: list[tuple[Any, Any]], **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text, "label": label, **more}) + "\n" for text, label in rows), "utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "data" / "train.jsonl", texts(120))
    write(tmp_path / "data" / "dev.jsonl", texts(40, seed=2))
    write(tmp_path / "data" / "test.jsonl", [*texts(30, seed=3), *texts(120)[:2]])
    return tmp_path / "data"


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    words = [*GOOD, *BAD, "the", "film", "was", "and", "so", "it"]
    table = np.random.default_rng(1).normal(size=(len(words), 8)).astype(np.float32)
    from hornbook.core import artifact

    with artifact.writing(tmp_path / "vectors") as folder:
        WordVectors(words, table, counts=np.arange(len(words), 0, -1) * 10).save_files(folder)
    return tmp_path / "vectors"


def test_word_vectors_learn_labels_and_the_folder_answers(data: Path, vectors: Path, tmp_path: Path) -> None:
    result = api.finetune(vectors, data, tmp_path / "out")
    assert result["accuracy"] == 1.0 and result["test_accuracy"] > 0.9 and result["majority_accuracy"] == 0.5
    assert result["test_leaked"] >= 2 and result["test_unseen_n"] == result["test_n"] - result["test_leaked"]
    model = hornbook.load(tmp_path / "out")
    assert model(["a lovely day", "dreadful"]) == ["pos", "neg"]
    assert api.evaluate(tmp_path / "out", [data])["accuracy"] == result["test_accuracy"]
    (record,) = api.predict(tmp_path / "out", ["superb"])
    assert record["label"] == "pos" and 0.5 < record["probability"] <= 1


@pytest.mark.parametrize("start", ["gru", "gpt", "bert"])
def test_a_recipe_learns_from_the_examples_alone(start: str, data: Path, tmp_path: Path) -> None:
    result = api.finetune(start, data, tmp_path / "out", target=0.95)
    assert result["accuracy"] >= 0.95 and result["reason"] == "target"


def test_an_interrupted_run_ends_with_the_weights_of_the_unbroken_one(data: Path, vectors: Path, tmp_path: Path) -> None:
    settings = {**FEW, "training.save_every": 4}

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 14:
            raise ZeroDivisionError

    api.finetune(vectors, data, tmp_path / "whole", overrides=settings)
    with pytest.raises(ZeroDivisionError):
        api.finetune(vectors, data, tmp_path / "broken", overrides=settings, log=stop)
    assert not (tmp_path / "broken").exists()
    api.finetune(vectors, data, tmp_path / "broken", overrides=settings, resume=True)
    whole, broken = (hornbook.load(tmp_path / name).module.state_dict() for name in ("whole", "broken"))
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_seeds_give_a_mean_and_the_best(data: Path, vectors: Path, tmp_path: Path) -> None:
    result = api.finetune(vectors, data, tmp_path / "out", seeds=3, overrides={"training.steps": 3})
    scores = result["accuracy_of_seeds"]
    assert len(scores) == 3 and result["accuracy"] == max(scores)
    assert result["accuracy_mean"] == pytest.approx(sum(scores) / 3)
    assert result["accuracy_mean_ci95"][0] <= result["accuracy_mean"] <= result["accuracy_mean_ci95"][1]


def test_adapters_are_merged_and_leave_an_ordinary_network(data: Path, tmp_path: Path) -> None:
    api.finetune("bert", data, tmp_path / "base", overrides=FEW)
    result = api.finetune(tmp_path / "base", data, tmp_path / "out", lora_rank=4, overrides=FEW)
    before, after = (hornbook.load(tmp_path / name).module.state_dict() for name in ("base", "out"))
    assert before.keys() == after.keys()
    changed = {
        name for name in before if before[name].shape == after[name].shape and not torch.equal(before[name], after[name])
    }
    assert any("blocks" in name for name in changed) and not any("norm" in name.lower() and "body" in name for name in changed)
    assert result["n"] == 40


def test_several_labels_a_text(tmp_path: Path, vectors: Path) -> None:
    rows = [(f"{a} {b} {n}", [a, b]) for n in range(15) for a in GOOD for b in BAD]
    write(tmp_path / "data" / "train.jsonl", rows)
    result = api.finetune(vectors, tmp_path / "data", tmp_path / "out", kind="multi")
    assert result["micro_f1"] > 0.95 and result["majority_micro_f1"] < 0.7 and result["linear_micro_f1"] > 0.9
    model = hornbook.load(tmp_path / "out")
    assert model.config.kind == "multi" and len(model.config.thresholds) == 8
    (record,) = api.predict(tmp_path / "out", ["fine dull"])
    assert record["labels"] == ["dull", "fine"] and set(record["probabilities"]) == {"dull", "fine"}
    assert api.evaluate(tmp_path / "out", [tmp_path / "data"])["micro_f1"] > 0.95


def test_grades_are_sorted_as_numbers_and_say_how_far_off(tmp_path: Path, vectors: Path) -> None:
    rows = [(f"{word} {n}", str(grade)) for n in range(50) for grade, word in ((10, "great"), (9, "fine"), (1, "poor"))]
    write(tmp_path / "data" / "train.jsonl", rows)
    result = api.finetune(vectors, tmp_path / "data", tmp_path / "out", kind="graded")
    assert hornbook.load(tmp_path / "out").labels_ == ("1", "9", "10") and result["mean_absolute_error"] < 0.2
    write(tmp_path / "data" / "train.jsonl", [*rows, ("odd", "many"), ("odd too", "many")])
    with pytest.raises(UsageError, match="grades must be numbers"):
        api.finetune(vectors, tmp_path / "data", tmp_path / "other", kind="graded")


def test_the_threshold_keeps_a_share_of_a_label() -> None:
    """Of five hams with these probabilities of spam, 0.8 of them are four: the threshold is just above the fourth."""
    spam_of_hams = np.array([0.1, 0.6, 0.2, 0.3, 0.9])
    threshold = classify.keeping(spam_of_hams, 0.8, upper=False)
    assert (spam_of_hams < threshold).mean() == 0.8 and threshold == pytest.approx(0.6)
    threshold = classify.keeping(spam_of_hams, 0.8, upper=True)
    assert (spam_of_hams >= threshold).mean() == 0.8 and threshold == 0.2
    assert (spam_of_hams < classify.keeping(spam_of_hams, 1.0, upper=False)).all()


def test_keep_and_costs_are_stored_and_decide(data: Path, vectors: Path, tmp_path: Path) -> None:
    api.finetune(vectors, data, tmp_path / "kept", keep="neg=1", overrides={"training.steps": 2})
    kept = hornbook.load(tmp_path / "kept")
    held = [(text, label) for text, label in texts(40, seed=2) if label == "neg"]
    assert kept([text for text, _ in held]) == ["neg"] * len(held)
    assert classify.cost_matrix(["a:b=10"], ["a", "b", "c"]) == ((0, 10, 1), (1, 0, 1), (1, 1, 0))
    api.finetune(vectors, data, tmp_path / "dear", costs=("neg:pos=1e6",), overrides={"training.steps": 2})
    dear = hornbook.load(tmp_path / "dear")
    assert dear(["fine", "dull"]) == ["neg", "neg"]  # a wrong pos costs more than any doubt is worth


def test_pairs_are_learned_and_asked_as_pairs(tmp_path: Path) -> None:
    rows = [
        {"text": a, "pair": b, "label": "same" if a == b else "other"}
        for n in range(12)
        for a in GOOD
        for b in GOOD[: 2 + n % 3]
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    from hornbook.corpus.label_columns import TextColumns

    columns = TextColumns(text="text", pair="pair", label="label")
    api.finetune("bert", tmp_path / "train.jsonl", tmp_path / "out", columns=columns, overrides=FEW)
    (tmp_path / "ask.jsonl").write_text('{"text": "fine", "text_pair": "fine"}\n', "utf-8")
    assert main(["predict", str(tmp_path / "out"), str(tmp_path / "ask.jsonl")]) == 0
    assert hornbook.load(tmp_path / "out")([("fine", "great")])[0] in ("same", "other")


def test_texts_in_memory(data: Path, vectors: Path) -> None:
    rows = texts(120)
    from hornbook.api.opening import open_any

    model = classify.fit_texts(
        str(vectors), [text for text, _ in rows], [(label,) for _, label in rows], opened=open_any, log=lambda event: None
    )
    assert model(["lovely", "awful"]) == ["pos", "neg"]


CONLL = "".join(
    f"{who} B-PER\n{verb} O\nin O\n{where} B-LOC\n{more}. O\n\n"
    for who in ("Anna", "Boris", "Carla", "Dora", "Emil")
    for verb in ("lives", "sings", "works")
    for where, more in (("Rome", ""), ("Paris", ""), ("New", "York I-LOC\n"))
)


def test_a_tagger_from_nothing_learns_spans_and_says_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(CONLL * 3, "utf-8")
    result = api.finetune("lstm", tmp_path / "train.conll", tmp_path / "out", task="tag", overrides={"training.steps": 60})
    assert result["entity_f1"] == 1.0 and 0 < result["floor_accuracy"] <= 1
    (record,) = api.predict(tmp_path / "out", ["Emil works in  New York."])
    spans = [(span["text"], span["label"], span["start"], span["end"]) for span in record["spans"]]
    assert spans == [("Emil", "PER", 0, 4), ("New York", "LOC", 15, 23)]
    assert api.evaluate(tmp_path / "out", [tmp_path / "train.conll"])["entity_f1"] == 1.0
    (tmp_path / "other.conll").write_text("Anna B-ORG\n\n", "utf-8")
    with pytest.raises(ContentError, match=r"line 1: the label B-ORG does not occur"):
        api.evaluate(tmp_path / "out", [tmp_path / "other.conll"])


@pytest.mark.parametrize("start", ["vectors", "gru", "roberta"])
def test_a_tagger_over_other_starts(start: str, vectors: Path, tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(CONLL * 2, "utf-8")
    model = vectors if start == "vectors" else start
    result = api.finetune(model, tmp_path / "train.conll", tmp_path / "out", task="tag", target=0.9)
    assert result["entity_f1"] >= 0.9
    assert hornbook.load(tmp_path / "out")([["Anna", "sings", "in", "Rome"]])[0][0] == "B-PER"


def test_what_cannot_work_is_said_before_anything_is_learned(data: Path, vectors: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"task": "clasify"}, "unknown task 'clasify'. Did you mean classify?"),
        ({"target": 90}, "target = 90: give a share"),
        ({"seeds": 0}, "seeds = 0"),
        ({"split": 1.0}, "split = 1.0"),
        ({"lora_rank": -1}, "lora-rank = -1"),
        ({"colum": "1"}, "task classify takes no colum. Did you mean columns?"),
        ({"keep": "ham=0.9"}, "the label is not there"),
        ({"keep": "neg=2"}, "write LABEL=SHARE"),
        ({"costs": ("neg:pos=x",)}, "write RIGHT:GIVEN=COST"),
        ({"costs": ("neg:poss=2",)}, "'poss' is not there. Did you mean pos?"),
        ({"kind": "multi", "keep": "neg=0.9"}, "not --kind multi"),
    ]
    for settings, words in cases:
        with pytest.raises(UsageError) as error:
            api.finetune(vectors, data, out, **settings)
        assert words in str(error.value), settings
    with pytest.raises(UsageError, match="neither a folder nor a recipe"):
        api.finetune("gruu", data, out)
    with pytest.raises(UsageError, match="no network to start from"):
        api.finetune("ngram", data, out)
    write(data / "dev.jsonl", [("fine", "maybe")])
    with pytest.raises(ContentError, match="label 'maybe' does not occur"):
        api.finetune(vectors, data, out)
    one = write(tmp_path / "one.jsonl", texts(4))
    with pytest.raises(UsageError, match="texts held out"):
        api.finetune(vectors, one, out)
    assert not out.exists()


def test_alarms_for_what_learned_nothing(data: Path, vectors: Path, tmp_path: Path) -> None:
    said: list[events.Event] = []
    still = {"training.steps": 1, "training.learning_rate": 1e-12}
    api.finetune(vectors, data, tmp_path / "out", overrides=still, log=said.append)
    alarms = " ".join(event.text for event in said if isinstance(event, events.Alarm))
    assert "a linear classifier is right more often" in alarms


def test_the_command(data: Path, vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["finetune", str(vectors), str(data), "-o", str(tmp_path / "out"), "--training.steps", "20", "--threads", "1"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "dev: accuracy" in shown and "accuracy of a linear classifier" in shown and "hornbook predict" in shown
    assert main([*command[:4], str(tmp_path / "two"), "--tag.decoder", "crf"]) == 2
    assert main([*command[:4], str(tmp_path / "two"), "--training.steps", "2", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["kind"] == "classify"
    (tmp_path / "train.conll").write_text(CONLL * 2, "utf-8")
    assert main(["finetune", "lstm", str(tmp_path / "train.conll"), "--task", "tag", "-o", str(tmp_path / "tagger")]) == 0
    assert "F1 of spans" in capsys.readouterr().out


def test_courses_give_small_sets_more_passes() -> None:
    from hornbook.recipes.finetune import COURSES, epochs_for

    course = COURSES["pretrained"]
    passes = [epochs_for(course, count) for count in (10, 100, 1_000, 10_000, 1_000_000)]
    assert passes == sorted(passes, reverse=True) and passes[2] == course.epochs and passes[-1] == 3
    assert dataclasses.is_dataclass(course)
