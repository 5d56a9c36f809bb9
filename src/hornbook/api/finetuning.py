"""Fine-tune a model of any generation for a task."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.api.opening import open_any
from hornbook.api.texts import Log, require, seconds_of, silent
from hornbook.core.errors import UsageError, nearest


def finetune(
    model: str | Path,
    data: str | Path,
    output: str | Path,
    *,
    task: str = "classify",
    dev: str | Path | None = None,
    split: float = 0.1,
    target: float = 0.0,
    budget: str | float = "",
    seeds: int = 1,
    seed: int = 1,
    device: str = "auto",
    lora_rank: int = 0,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    log: Log = silent,
    **options: Any,
) -> dict[str, Any]:
    """Train a model of any generation under the head of a task, write its folder; returns what `finetune --json` prints.

    `model`: the folder of word vectors or of a network, of hornbook's or in Hugging Face layout, or the name of a recipe
    ("lstm", "bert", ...), whose network then learns from the examples alone. `task`: "classify" (labelled texts) or "tag"
    (labelled tokens and spans). The best epoch is kept, by `dev`, a folder's own dev file, or a share of `split` of the
    examples. Training ends at `target` of the main metric on dev, with `budget` ("10m", of all seeds together), or after the
    epochs that the number of examples asks for. `options` are those of the task: for "classify" columns, kind, keep, costs,
    read, see `hornbook.tasks.classify.train`; for "tag" column. `overrides`: "training.learning_rate", "model.dropout", ...

    Raises UsageError for a model without an encoder and for options that the task has not, ContentError for damaged data.
    """
    module = catalog.task(task)
    require([data] if dev is None else [data, dev])
    known = [name for name in inspect.signature(module.train).parameters if name != "job"]
    for name in options:
        if name not in known:
            raise UsageError("task {task} takes no {name}.{hint}", task=task, name=name, hint=nearest(name, known))
    from hornbook.tasks.finetune import Job

    job = Job(
        start=str(model),
        data=Path(data),
        output=Path(output),
        opened=lambda path: open_any(path, log=log),
        log=log,
        dev=None if dev is None else Path(dev),
        split=split,
        target=target,
        seconds=seconds_of(budget) if budget else 0.0,
        seeds=seeds,
        seed=seed,
        device=device,
        lora_rank=lora_rank,
        overrides=dict(overrides or {}),
        resume=resume,
    )
    result: dict[str, Any] = module.train(job, **options)
    return result
