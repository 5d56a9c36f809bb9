"""Fine-tuning: how long and how fast each kind of encoder learns a task, by how many examples there are. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from hornbook.recipes import Recipe
from hornbook.training import TrainingConfig

_ADAM = TrainingConfig(optimizer="adamw", betas=(0.9, 0.999), weight_decay=0.01, warmup=0.1, decay=0.9, rows=32, patience=0)


@dataclass(frozen=True)
class Course:
    """How one kind of encoder is trained on a task.

    `epochs` for about 1,000 examples, more for fewer (see `epochs_for`); rates of AdamW hold at `tuned_width`.
    """

    training: TrainingConfig
    epochs: int


COURSES = MappingProxyType(
    {
        # a Transformer that was pre-trained
        "pretrained": Course(replace(_ADAM, learning_rate=1e-4, tuned_width=384), 8),
        # one from left to right, gates and all
        "recurrent": Course(replace(_ADAM, learning_rate=1e-3, tuned_width=256), 10),
        # a table of words: each is seen rarely, and alone
        "bag": Course(replace(_ADAM, learning_rate=6e-3, weight_decay=0.0, tuned_width=100), 15),
        # nothing was learned before
        "scratch": Course(replace(_ADAM, learning_rate=1e-3, tuned_width=128, ema=0.0), 20),
    }
)
"""By what the encoder was before."""


def epochs_for(course: Course, examples: int) -> int:
    """How often all examples are seen: as many steps for 100 of them as a third of those for 1,000, at least 3 passes."""
    share = float((1_000 / max(examples, 1)) ** 0.5)
    return max(3, min(5 * course.epochs, round(course.epochs * share)))


@dataclass(frozen=True)
class FinetuneRecipe:
    """Configuration of a fine-tuned model: its head, and how it learned."""

    model: Any
    training: TrainingConfig = field(default_factory=TrainingConfig)


def finetuned(task: str, title: str, config: FinetuneRecipe, *, reads: Any) -> Recipe:
    """The recipe that the card of a fine-tuned model names."""
    return Recipe(name=task, title=title, generation=4, model="", styles=MappingProxyType({"classic": config}), reads=reads)
