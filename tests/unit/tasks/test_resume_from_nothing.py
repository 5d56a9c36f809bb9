"""A training that was killed before its first checkpoint, resumed, is the training that was never killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hornbook import api
from hornbook.core.events import Event, Step

OVERRIDES = {
    "model.layers": 1,
    "model.width": 32,
    "training.steps": 3,
    "training.rows": 4,
    "training.length": 32,
    "training.precision": "float32",
    "training.threads": 1,
}


@pytest.mark.parametrize("recipe", ["lstm", "roberta"])
def test_it_begins_with_the_frequencies_of_its_text_too(recipe: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"the cat sat on mat number {number} again and again" for number in range(200)))
    losses = []
    for resume in (False, True):
        events: list[Event] = []
        api.train(
            recipe, [text], tmp_path / str(resume), tokenizer="chars", overrides=OVERRIDES, resume=resume, log=events.append
        )
        losses.append([event.loss for event in events if isinstance(event, Step)])
    assert len(losses[0]) == 3 and losses[1] == losses[0]
