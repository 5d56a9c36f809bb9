"""`--nproc`: a training by two processes gives the model that one process gives, and its events reach the caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hornbook import api
from hornbook.core.errors import UsageError
from hornbook.core.events import Event, Finished, Step

OVERRIDES = {
    "model.layers": 1,
    "model.width": 32,
    "training.steps": 12,
    "training.rows": 4,
    "training.length": 32,
    "training.precision": "float32",
}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    lines = [
        f"the {name} sat on the {place} number {i}" for i in range(300) for name, place in [("cat", "mat"), ("dog", "log")]
    ]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(" ".join(lines[at : at + 6]) for at in range(0, len(lines), 6)))
    return path


def run(text: Path, output: Path, nproc: int, events: list[Event]) -> dict[str, Any]:
    overrides = {**OVERRIDES, "training.threads": 1}
    return api.train("lstm", [text], output, tokenizer="chars", overrides=overrides, nproc=nproc, log=events.append)


@pytest.mark.slow
def test_two_processes_equal_one(text: Path, tmp_path: Path) -> None:
    one_events: list[Event] = []
    two_events: list[Event] = []
    one, two = run(text, tmp_path / "one", 1, one_events), run(text, tmp_path / "two", 2, two_events)
    assert two["tokens_seen"] == one["tokens_seen"]
    assert two["bits_per_byte"] == pytest.approx(one["bits_per_byte"], abs=2e-4)
    losses = [[event.loss for event in events if isinstance(event, Step)] for events in (one_events, two_events)]
    assert losses[1] and losses[1] == pytest.approx(losses[0], abs=1e-3)
    assert sum(isinstance(event, Finished) for event in two_events) == 1
    scores = [api.evaluate(tmp_path / name, [text])["bits_per_byte"] for name in ("one", "two")]
    assert scores[1] == pytest.approx(scores[0], abs=2e-4)


def test_nproc_is_for_networks(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--nproc is for networks; ngram"):
        api.train("ngram", [text], tmp_path / "out", nproc=2)
    with pytest.raises(UsageError, match="must be at least 1"):
        api.train("gpt", [text], tmp_path / "out", nproc=0)
