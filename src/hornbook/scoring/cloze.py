"""Cloze accuracy: how often a model finds the held-out word among frequency-matched distractors. Chance is 10 %."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, translate
from hornbook.core.events import Event, Note
from hornbook.core.types import Ids, LanguageModel
from hornbook.scoring.cloze_items import CANDIDATES, ClozeItem, build_cloze, load_cloze, save_cloze
from hornbook.scoring.continuations import by_steps, shared_length
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio
from hornbook.scoring.words import Segmenter, TokenWords

__all__ = [
    "ClozeItem",
    "ClozeScore",
    "Scorer",
    "Segmenter",
    "TokenWords",
    "build_cloze",
    "cloze_accuracy",
    "cloze_with",
    "load_cloze",
    "save_cloze",
    "score_shared",
    "score_whole",
]

Scorer: TypeAlias = Callable[[Sequence[ClozeItem]], NDArray[np.float64]]
"""Items to (items, candidates) scores, the highest wins: how a model that is no language model takes the test."""

_BATCH = 8  # items scored together: 80 short texts


@dataclass(frozen=True, eq=False)
class ClozeScore:
    """Share of questions answered. `correct` follows the order of the items, so two models are compared item by item."""

    accuracy: float  # 0 to 1
    ci95: Interval
    items: int  # answered; the first of those offered
    offered: int
    chance: float
    correct: NDArray[np.float64]  # (items,) 1 or 0
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> Units:
        """What a paired test takes; `first(n)` of it where the other model answered only n."""
        return Units(self.correct, np.ones(len(self.correct)))


def cloze_accuracy(
    model: LanguageModel[Any],
    items: Sequence[ClozeItem],
    *,
    seconds: float | None = None,
    seed: int = 1,
    log: Callable[[Event], None] | None = None,
) -> ClozeScore:
    """Answer with the candidate whose text is most likely: log P(left + candidate + right), re-tokenised.

    The candidates of an item share the tokens before the word; the model either reads those once (start, select, step) or
    reads every text whole (log_probs). The numbers are the same; the first batches find which way is faster for this model.
    `seconds` limits the time: items left over are not asked, and `notes` says so.
    """
    faster = _Faster((lambda part: score_whole(model, part), lambda part: score_shared(model, part)))
    return cloze_with(faster, items, seconds=seconds, seed=seed, log=log)


class _Faster:
    """Takes ways to the same numbers in turn, twice (first calls may compile something), then keeps to the fastest."""

    def __init__(self, ways: Sequence[Scorer]) -> None:
        self._ways = ways
        self._best = [float("inf")] * len(ways)  # seconds per item
        self._calls = 0

    def __call__(self, items: Sequence[ClozeItem]) -> NDArray[np.float64]:
        trying = self._calls < 2 * len(self._ways)
        way = self._calls % len(self._ways) if trying else int(np.argmin(self._best))
        began = time.perf_counter()
        scores = self._ways[way](items)
        self._best[way] = min(self._best[way], (time.perf_counter() - began) / len(items))
        self._calls += 1
        return scores


def cloze_with(
    scorer: Scorer,
    items: Sequence[ClozeItem],
    *,
    seconds: float | None = None,
    seed: int = 1,
    log: Callable[[Event], None] | None = None,
) -> ClozeScore:
    """Take the test with any scorer. At least one batch is answered, whatever the time limit. ContentError without items."""
    if not items:
        raise ContentError("there are no cloze questions: the held-out text has too few known words")
    began = time.perf_counter()
    correct: list[float] = []
    for first in range(0, len(items), _BATCH):
        spent = time.perf_counter() - began
        if seconds is not None and first and spent * (1 + _BATCH / first) > seconds:
            break
        part = items[first : first + _BATCH]
        scores = scorer(part)
        correct += [float(_best(row) == item.answer) for row, item in zip(scores, part, strict=True)]
    hits = np.array(correct)
    notes = []
    if len(correct) < len(items):
        template = "{count} of {offered} cloze questions answered: the time limit of {seconds:.1f} s"
        notes.append(translate(template).format(count=len(correct), offered=len(items), seconds=seconds))
        if log:
            log(Note(notes[-1]))
    ci95 = bootstrap_ratio(Units(hits, np.ones(len(hits))), seed=seed)
    chance = float(np.mean([1 / len(item.candidates) for item in items[: len(hits)]]))
    spent = time.perf_counter() - began
    return ClozeScore(float(hits.mean()), ci95, len(hits), len(items), chance, hits, spent, tuple(notes))


def score_whole(model: LanguageModel[Any], items: Sequence[ClozeItem]) -> NDArray[np.float64]:
    """(items, candidates) natural logs of every text, from where the candidates differ; each text is read whole."""
    encoded = _encode(model, items)
    scores = model.log_probs([ids for texts in encoded for ids in texts])
    result, at = [], 0
    for texts in encoded:
        shared = shared_length(texts)
        result.append([float(row[shared:-1].sum(dtype=np.float64)) for row in scores[at : at + len(texts)]])
        at += len(texts)
    return np.array(result)


def score_shared(model: LanguageModel[Any], items: Sequence[ClozeItem]) -> NDArray[np.float64]:
    """The same numbers, the tokens that the candidates of an item share being read once."""
    encoded = _encode(model, items)
    begins = [shared_length(texts) for texts in encoded]
    rests = [ids[begin:] for texts, begin in zip(encoded, begins) for ids in texts]
    owners = [item for item, texts in enumerate(encoded) for _ in texts]
    totals = by_steps(model, [texts[0][:begin] for texts, begin in zip(encoded, begins)], owners, rests)
    return totals.reshape(len(items), -1)


def _encode(model: LanguageModel[Any], items: Sequence[ClozeItem]) -> list[list[Ids]]:
    if len({len(item.candidates) for item in items}) > 1:
        raise ValueError(f"the items of a test have equally many candidates, such as {CANDIDATES}")
    flat = iter(model.tokenizer.encode_batch([text for item in items for text in item.texts()]))
    return [[next(flat) for _ in item.candidates] for item in items]


def _best(row: NDArray[np.float64]) -> int:
    """The arg max; a tie or a number that is none is no answer."""
    if not np.isfinite(row).any():
        return -1
    best = np.nanmax(row)
    winners = np.flatnonzero(row == best)
    return int(winners[0]) if len(winners) == 1 else -1
