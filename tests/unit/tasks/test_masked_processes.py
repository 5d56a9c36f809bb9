"""`--nproc`: masked training by two processes gives the losses and the model of one, pairs and replay included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hornbook import api
from hornbook.core.events import Event, Step

TRAINING = {
    "training.steps": 8,
    "training.rows": 6,
    "training.length": 32,
    "training.precision": "float32",
    "training.threads": 1,
}
SIZES = {"model.layers": 1, "model.width": 32, "model.heads": 2, "model.dropout": 0.0}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    lines = [
        f"the {name} sat on the {place} number {i}." for i in range(200) for name, place in [("cat", "mat"), ("dog", "log")]
    ]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(" ".join(lines[at : at + 5]) for at in range(0, len(lines), 5)))
    return path


def losses(events: list[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, Step)]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["roberta", "bert"])
def test_two_processes_equal_one(recipe: str, text: Path, tmp_path: Path) -> None:
    events: dict[int, list[Event]] = {1: [], 2: []}
    results: dict[int, dict[str, Any]] = {}
    for nproc, heard in events.items():
        output = tmp_path / str(nproc)
        settings = {**TRAINING, **SIZES}
        results[nproc] = api.train(recipe, [text], output, tokenizer="chars", overrides=settings, nproc=nproc, log=heard.append)
    assert len(losses(events[1])) == 8
    assert losses(events[2]) == pytest.approx(losses(events[1]), abs=1e-3)
    assert results[2]["tokens_seen"] == results[1]["tokens_seen"]
    for name in ("masked_nats_per_token", "next_sentence_nats") if recipe == "bert" else ("masked_nats_per_token",):
        assert results[2][name] == pytest.approx(results[1][name], abs=1e-3)


@pytest.mark.slow
def test_two_processes_train_a_network_on_as_one_does(text: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_text(text.read_text().replace("cat", "hen").replace("sat on", "ran to"))
    api.train("roberta", [old], tmp_path / "start", tokenizer="chars", overrides={**TRAINING, **SIZES})
    events: dict[int, list[Event]] = {1: [], 2: []}
    results = {
        nproc: api.train_on(
            tmp_path / "start", [text], tmp_path / f"on-{nproc}", replay=[old], replay_share=0.4,
            overrides=TRAINING, nproc=nproc, log=heard.append,
        )
        for nproc, heard in events.items()
    }  # fmt: skip
    assert losses(events[1]) and losses(events[2]) == pytest.approx(losses(events[1]), abs=1e-3)
    for name in ("new_before", "new_after", "old_before", "old_after"):
        assert results[2][name] == pytest.approx(results[1][name], abs=1e-3)
