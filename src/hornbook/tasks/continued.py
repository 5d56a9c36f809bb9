"""Training that goes on from a checkpoint on new text: what it gains there, and what it forgets of the old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.corpus.shards import ShardSplit
from hornbook.recipes import Recipe
from hornbook.scoring.significance import paired_bootstrap
from hornbook.tasks import lessons
from hornbook.tasks.pretrain import Data, fit, held_out, open_checkpoint

Log = Callable[[Event], None]
_OBJECTIVES = {"masked": "mlm", "blocks": "causal", "lanes": "causal"}


def require_objective(recipe: Recipe, objective: str) -> None:
    """UsageError when a network cannot be trained by what the user asked for."""
    fitting = _OBJECTIVES[recipe.batches or ""]
    if objective and objective != fitting:
        raise UsageError(
            "--objective {objective} does not fit this network: it is trained by {fitting}",
            objective=objective,
            fitting=fitting,
        )


def go_on(
    recipe: Recipe, config: Any, data: Data, start: Path, *, work: Path, resume: bool, log: Log, nproc: int = 1
) -> tuple[Any, dict[str, Any]]:
    """Train the network in `start` on and score it before and after; the model, and what `--json` says of it."""
    splits = {"new": held_out(data.shards)}
    if data.replay is not None:
        splits["old"] = held_out(data.replay)
    before = _scores(recipe, config, _opened(recipe, config, start, log), splits)
    trained = fit(recipe, config, data, work=work, resume=resume, log=log, initial=start, nproc=nproc)
    after = _scores(recipe, config, trained.model, splits)
    facts: dict[str, Any] = dict(after["new"].facts())
    for name in splits:
        gap = paired_bootstrap(before[name].units, after[name].units)
        facts |= {f"{name}_before": before[name].units.ratio, f"{name}_after": after[name].units.ratio}
        facts |= {f"{name}_gain": gap.difference, f"{name}_gain_ci95": gap.ci95}
    return trained.model, {
        "kind": recipe.name,
        "start": str(start),
        "seconds": round(trained.seconds, 3),
        "tokens_seen": trained.tokens_seen,
        "tokens_per_second": round(trained.tokens_seen / max(trained.seconds, 1e-9), 1),
        "parameters": trained.model.parameters,
        "reason": trained.reason,
        **facts,
    }


def _opened(recipe: Recipe, config: Any, start: Path, log: Log) -> Any:
    """The network as training will begin with it, a new head included, where it will be trained; says what was found."""
    import torch

    from hornbook.training.device import pick_device

    torch.manual_seed(config.training.seed)
    model = open_checkpoint(recipe, start)
    if model.loaded is not None:
        log(Note(translate("{start}: {loaded}").format(start=start, loaded=model.loaded)))
        for note in model.loaded.notes:
            log(note)
    model.module.to(pick_device(config.training.device))
    return model


def _scores(recipe: Recipe, config: Any, model: Any, splits: Mapping[str, ShardSplit]) -> dict[str, lessons.Score]:
    """What each held-out text says of a model."""
    return {name: lessons.score(recipe, config, model, split) for name, split in splits.items()}
