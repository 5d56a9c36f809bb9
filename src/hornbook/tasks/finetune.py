"""Fine-tuning, whatever the task: the encoder of a folder or a fresh one, trained under a head until it is good."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Event, Finished, Note
from hornbook.recipes.finetune import COURSES, Course, epochs_for
from hornbook.tasks.pretrain import resolve

Log = Callable[[Event], None]
_SMALL = {"layers": 2, "width": 128}  # of a network that learns from the task's examples alone
_TYPES = 8_000


@dataclass(frozen=True)
class Start:
    """What fine-tuning begins with: a model of any generation, its name, and how such a one is trained."""

    model: Any
    name: str
    course: Course


def begin(start: str, texts: Sequence[str], *, opened: Callable[[Path], Any], seed: int, log: Log) -> Start:
    """The model in a folder, or a fresh one of a recipe with a tokenizer learned from `texts`.

    UsageError for a path that does not exist and is no recipe, or a recipe whose models are no encoders.
    """
    path = Path(start)
    if path.exists() or start not in catalog.RECIPES:
        if not path.exists():
            raise UsageError("{start} is neither a folder nor a recipe: {names}", start=start, names=", ".join(catalog.RECIPES))
        model = opened(path)
        return Start(model, start, COURSES[_kind(model)])
    return Start(_fresh(start, texts, seed=seed, log=log), start, COURSES["scratch"])


def _kind(model: Any) -> str:
    from hornbook.embeddings.vectors import WordVectors
    from hornbook.models.rnn import RnnLM

    if isinstance(model, WordVectors):
        return "bag"
    return "recurrent" if isinstance(model, RnnLM) or type(model).__name__ == "BiRnn" else "pretrained"


def _fresh(name: str, texts: Sequence[str], *, seed: int, log: Log) -> Any:
    """A small network of a recipe, untrained."""
    import torch

    from hornbook.tokenizers import TokenizerConfig, train_tokenizer

    recipe = catalog.recipe(name)
    if recipe.batches is None:
        raise UsageError(
            "{recipe} has no network to start from: choose {names}", recipe=name, names="rnn, lstm, gru, gpt, bert, roberta"
        )
    config = next(iter(recipe.styles.values())).model
    least = TokenizerConfig(kind=recipe.tokenizer).smallest_size
    size = max(least, min(_TYPES, sum(map(len, texts)) // 40))
    tokenizer = train_tokenizer(texts, TokenizerConfig(kind=recipe.tokenizer, size=size))
    torch.manual_seed(seed)
    log(Note(translate("{name} from scratch: {types:,} types, nothing learned before").format(name=name, types=tokenizer.size)))
    return resolve(recipe.model)(tokenizer, dataclasses.replace(config, **_SMALL, dropout=0.1))


def planned(course: Course, overrides: Mapping[str, Any], *, examples: int, seed: int, device: str) -> tuple[Any, int]:
    """The training configuration without its budget, and the passes over the examples."""
    settings = {key.removeprefix("training."): value for key, value in overrides.items() if key.startswith("training.")}
    training = dataclasses.replace(course.training, seed=seed, device=device)
    return dataclasses.replace(training, **settings), epochs_for(course, examples)


def until_good(
    module: Any,
    objective: Callable[..., Any],
    batches: Any,
    training: Any,
    *,
    epochs: int,
    measure: Callable[[], Mapping[str, float]],
    folder: Path,
    identity: Mapping[str, Any],
    resume: bool,
    log: Log,
) -> Finished:
    """Train until the budget is spent, the target is reached or nothing is gained; `module` ends with its best weights.

    The budget is what `training` says, else `epochs`; `measure` is asked once an epoch. Checkpoints go to `folder`, from which
    `resume` goes on.
    """
    from hornbook.training import remove_checkpoints, train
    from hornbook.training import resume as newest

    state = newest(folder) if resume else None
    if state is None:
        remove_checkpoints(folder)
    per_epoch = batches.batches_an_epoch
    if not training.steps and not training.seconds:
        training = dataclasses.replace(training, steps=epochs * per_epoch)
    if not training.evaluate_every:
        training = dataclasses.replace(training, evaluate_every=per_epoch)
    finished = None
    for event in train(module, objective, batches, training, state=state, evaluate=measure, folder=folder, identity=identity):
        log(event)
        if isinstance(event, Finished):
            finished = event
    assert finished is not None
    return finished
