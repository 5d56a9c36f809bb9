"""What the held-out text, the cloze questions and the clock say of a trained contestant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.compare.results import RaceRow
from hornbook.core.events import Event
from hornbook.corpus.shards import ShardSplit
from hornbook.decoding import GenerationConfig, generate
from hornbook.recipes import Recipe
from hornbook.scoring.cloze import ClozeScore, cloze_accuracy, cloze_with, load_cloze
from hornbook.scoring.cost import measure_latency
from hornbook.scoring.lm import LanguageScore
from hornbook.scoring.long_range import CONTEXTS, ContextCurve, context_curve
from hornbook.tasks import lessons
from hornbook.tasks.pretrain import Trained

SAMPLE_TOKENS = 60
_STRETCHES = 400  # of held-out text for the curve over context, where time allows
_SCORED = 4  # tokens of each


@dataclass(frozen=True)
class Examination:
    """What a contestant is asked: the split that ranks, what is asked within a time limit, the beginnings it continues."""

    test: ShardSplit
    cloze: Path
    cloze_seconds: float
    context_seconds: float
    prompts: Sequence[str]
    seed: int


def judge(
    recipe: Recipe, config: Any, trained: Trained, questions: Examination, *, log: Callable[[Event], None]
) -> tuple[RaceRow, lessons.Score, ClozeScore | None]:
    """The measured part of a contestant's row, its score on the held-out text and its answers to the cloze questions."""
    score = lessons.score(recipe, config, trained.model, questions.test)
    row = RaceRow(
        name="",
        generation=recipe.generation,
        family="",
        train_seconds=trained.seconds,
        tokens_seen=trained.tokens_seen,
        parameters=trained.model.parameters,
    )
    items = load_cloze(questions.cloze)
    if isinstance(score, LanguageScore):
        cloze = cloze_accuracy(trained.model, items, seconds=questions.cloze_seconds, log=log) if items else None
        settings = GenerationConfig(max_tokens=SAMPLE_TOKENS, temperature=0.8, top_p=0.95, seed=questions.seed)
        samples = generate(trained.model, list(questions.prompts), settings)
        row = replace(
            row,
            bits_per_byte=score.bits_per_byte,
            bits_per_byte_ci95=score.bits_per_byte_ci95,
            latency_ms=measure_latency(trained.model).step_ms,
            context=reach(trained.model, questions.test, seconds=questions.context_seconds, seed=questions.seed),
            samples=tuple(prompt + sample.text for prompt, sample in zip(questions.prompts, samples)),
        )
    else:
        from hornbook.scoring.cloze_masked import masked_scorer

        scorer = masked_scorer(trained.model)
        cloze = cloze_with(scorer, items, seconds=questions.cloze_seconds, log=log) if items else None
        facts = score.facts()
        row = replace(row, masked_accuracy=facts["masked_accuracy"], masked_accuracy_ci95=facts["masked_accuracy_ci95"])
    return _with_cloze(row, cloze), score, cloze


def reach(model: Any, split: ShardSplit, *, seconds: float, seed: int) -> ContextCurve | None:
    """How far back the model makes use of what it read, as far as the documents are long; None where they are too short."""
    lengths = np.diff(split.starts)
    contexts = [context for context in CONTEXTS if np.maximum(0, lengths - context - _SCORED + 1).sum() >= _STRETCHES]
    if len(contexts) < 3:
        return None
    return context_curve(model, split, contexts=contexts, scored=_SCORED, stretches=_STRETCHES, seconds=seconds, seed=seed)


def _with_cloze(row: RaceRow, cloze: ClozeScore | None) -> RaceRow:
    if cloze is None:
        return row
    return replace(row, cloze_accuracy=cloze.accuracy, cloze_accuracy_ci95=cloze.ci95)
