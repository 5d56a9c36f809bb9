"""What each switch of a recipe is worth: the same network trained for the same time with one switch at a time, then with all.

Switches are judged on the same held-out text: by the loss of hidden tokens, paired row by row, where the tokenizer is the same,
and by cloze questions, which any tokenizer can answer.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.core import artifact
from hornbook.core.codec import from_json, plain
from hornbook.core.config import merge
from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.corpus.store import TextStore
from hornbook.recipes import Recipe
from hornbook.scoring.cloze import ClozeItem, TokenWords, build_cloze, cloze_with
from hornbook.scoring.cloze_masked import masked_scorer
from hornbook.scoring.significance import Units, paired_bootstrap
from hornbook.tasks import lessons
from hornbook.tasks.pretrain import Data, fit, held_out, prepare_data
from hornbook.tasks.saving import save_model

Log = Callable[[Event], None]
Interval = tuple[float, float]
_QUESTIONS = 400
RESULTS = "ablation.json"


@dataclass(frozen=True)
class Variant:
    """One trained variant. Gains are against the first one, above zero better; None where they cannot be compared."""

    name: str
    masked_accuracy: float
    masked_nats_per_token: float
    nats_gain: float | None
    nats_gain_ci95: Interval | None
    cloze_accuracy: float
    cloze_gain: float | None
    cloze_gain_ci95: Interval | None
    tokens_seen: int
    steps: int
    seconds: float


@dataclass(frozen=True, eq=False)
class _Judged:
    """What later variants are compared with."""

    tokenizer: str
    nats: Units
    cloze: Units


def ablate(
    recipe: Recipe,
    config: Any,
    store: TextStore,
    output: Path,
    *,
    work: Path,
    size: Callable[[Any, Data], Any],
    resume: bool,
    log: Log,
) -> list[Variant]:
    """Train every variant of the recipe's ablation and write its model folder below `output` and ablation.json.

    `size(config, data)` sets sizes and budget, once for all of them. What an interrupted run finished is not trained again.
    """
    if not recipe.ablation:
        raise UsageError("{recipe} has no switches to compare: --ablate is for roberta", recipe=recipe.name)
    sized: Any = None
    items: list[ClozeItem] = []
    first: _Judged | None = None
    variants: list[Variant] = []
    for number, (name, changes) in enumerate(recipe.ablation.items()):
        kind = str(changes.get("tokenizer", recipe.tokenizer))
        data = prepare_data(store, work / kind, tokenizer=kind, log=log)
        if sized is None:
            sized = size(config, data)
            held = store.split("valid") if len(store.split("valid")) else store.split("test")
            items = build_cloze(store.split("train"), held, count=_QUESTIONS, seed=1, segment=TokenWords(data.tokenizer))
        chosen = merge(sized, {key: value for key, value in changes.items() if key != "tokenizer"})
        log(
            Note(
                translate("variant {number} of {count}: {name}").format(
                    number=number + 1, count=len(recipe.ablation), name=name
                )
            )
        )
        trained = fit(recipe, chosen, data, work=work / f"variant-{number}", resume=resume, log=log)
        judged, variant = _judge(recipe, chosen, data, kind, name, trained, items, first)
        first = first or judged
        variants.append(variant)
        save_model(trained.model, output / f"variant-{number}", recipe=recipe, config=chosen, run=plain(variant))
        artifact.write_text_atomic(output / RESULTS, json.dumps(plain(variants), ensure_ascii=False, indent=1))
    return variants


def read_variants(output: Path) -> list[Variant]:
    """What `ablate` wrote."""
    path = output / RESULTS
    return [from_json(json.dumps(row), Variant, where=str(path)) for row in json.loads(path.read_text("utf-8"))]


def _judge(
    recipe: Recipe,
    config: Any,
    data: Data,
    tokenizer: str,
    name: str,
    trained: Any,
    items: list[ClozeItem],
    first: _Judged | None,
) -> tuple[_Judged, Variant]:
    """The row of a variant, compared with the first one."""
    score = lessons.score(recipe, config, trained.model, held_out(data.shards))
    facts: Mapping[str, Any] = score.facts()
    cloze = cloze_with(masked_scorer(trained.model), items)
    judged = _Judged(tokenizer, score.units, cloze.units)
    row = Variant(
        name=name,
        masked_accuracy=facts["masked_accuracy"],
        masked_nats_per_token=facts["masked_nats_per_token"],
        nats_gain=None,
        nats_gain_ci95=None,
        cloze_accuracy=cloze.accuracy,
        cloze_gain=None,
        cloze_gain_ci95=None,
        tokens_seen=trained.tokens_seen,
        steps=trained.steps,
        seconds=round(trained.seconds, 1),
    )
    if first is None:
        return judged, row
    gap = paired_bootstrap(judged.cloze, first.cloze)
    row = dataclasses.replace(row, cloze_gain=gap.difference, cloze_gain_ci95=gap.ci95)
    if tokenizer == first.tokenizer:
        gap = paired_bootstrap(first.nats, judged.nats)
        row = dataclasses.replace(row, nats_gain=gap.difference, nats_gain_ci95=gap.ci95)
    return judged, row
