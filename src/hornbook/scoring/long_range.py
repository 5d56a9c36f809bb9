"""How far back a language model makes use of what it read: two curves over distance, with intervals (R9).

`context_curve` takes held-out text and hides what stands further back than so many tokens. `recall_documents` makes texts in
which one symbol must be remembered over so many others, for a model to be trained on, and `recall_curve` asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Ids, LanguageModel
from hornbook.scoring.lm import HeldOut
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio, paired_bootstrap

CONTEXTS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
SYMBOLS = 8  # that may have to be remembered
_FIRST_GROUP = 16  # stretches scored before the clock is looked at; then as many again as were scored so far


@dataclass(frozen=True)
class ContextPoint:
    """The loss with `context` tokens before the scored ones, in nats a token."""

    context: int
    loss: float
    loss_ci95: Interval
    worse: float  # than with the longest context, on the same tokens
    worse_ci95: Interval


@dataclass(frozen=True)
class ContextCurve:
    """Loss by context. `reach` is the shortest context that costs at most `cost` nats a token against the longest, surely."""

    points: tuple[ContextPoint, ...]
    reach: int
    stretches: int


@dataclass(frozen=True)
class RecallPoint:
    """How often the right one of `SYMBOLS` symbols was the likeliest, `lag` tokens after it stood; chance is 1 / SYMBOLS."""

    lag: int
    accuracy: float
    accuracy_ci95: Interval


def context_curve(
    model: LanguageModel[Any],
    split: HeldOut,
    *,
    contexts: Sequence[int] = CONTEXTS,
    scored: int = 4,
    stretches: int = 400,
    cost: float = 0.02,
    seconds: float | None = None,
    seed: int = 1,
) -> ContextCurve:
    """Score the last `scored` tokens of stretches drawn from held-out text, with ever more of what stands before them.

    Every context scores the same tokens, from a fresh state (Khandelwal et al. 2018, section 3, for a trained model that is
    not trained again). Stretches lie within documents. `seconds` limits the time: stretches left over are not scored, so a slow
    model is asked the first of those that a quick one is asked. ContentError when no document is long enough for the longest
    context.
    """
    contexts = sorted(set(contexts))
    if len(contexts) < 2 or contexts[0] < 0 or scored < 1:
        raise UsageError("a curve over context needs two lengths from 0 on, and at least one scored token")
    pieces = _stretches(split, contexts[-1] + scored, stretches, seed)
    nats = _nats(model, pieces, contexts, scored, seconds)  # (contexts, stretches)
    weights = np.full(nats.shape[1], float(scored))
    units = [Units(row, weights) for row in nats]
    points = []
    for context, unit in zip(contexts, units):
        gap = paired_bootstrap(unit, units[-1], seed=seed)
        points.append(ContextPoint(context, unit.ratio, bootstrap_ratio(unit, seed=seed), gap.difference, gap.ci95))
    reach = next((point.context for point in points if point.worse_ci95[1] <= cost), contexts[-1])
    return ContextCurve(tuple(points), reach, nats.shape[1])


def _nats(
    model: LanguageModel[Any], pieces: Sequence[Ids], contexts: Sequence[int], scored: int, seconds: float | None
) -> NDArray[np.float64]:
    """(contexts, stretches) -log P of the last `scored` tokens; fewer stretches where the next group would end too late."""
    began = time.perf_counter()
    groups: list[NDArray[np.float64]] = []
    done, size = 0, _FIRST_GROUP
    while done < len(pieces):
        group = pieces[done : done + size]
        spent = time.perf_counter() - began
        if seconds is not None and done and spent * (1 + len(group) / done) > seconds:
            break
        rows = [model.log_probs([piece[-(context + scored) :] for piece in group]) for context in contexts]
        groups.append(np.array([[-float(scores[-scored - 1 : -1].sum(dtype=np.float64)) for scores in row] for row in rows]))
        done += len(group)
        size = done
    return np.concatenate(groups, axis=1)


def _stretches(split: HeldOut, length: int, count: int, seed: int) -> list[Ids]:
    """`count` stretches of a split, drawn evenly from all that lie within one document, in the order they were drawn."""
    room = np.array([max(0, len(split.document(index)) - length + 1) for index in range(len(split))], dtype=np.int64)
    ends = np.cumsum(room)
    if not len(room) or not ends[-1]:
        raise ContentError("no held-out document has {length} tokens: ask for shorter contexts", length=length)
    drawn = np.random.default_rng(seed).choice(int(ends[-1]), size=min(count, int(ends[-1])), replace=False)
    documents = np.searchsorted(ends, drawn, side="right")
    firsts = drawn - (ends - room)[documents]
    return [split.document(int(index))[first : first + length] for index, first in zip(documents, firsts)]


def recall_documents(count: int, *, lags: Sequence[int], first_id: int, seed: int = 1) -> tuple[list[Ids], NDArray[np.int64]]:
    """Texts `symbol, lag - 1 other tokens, question, symbol`, and the lag of each, drawn evenly from `lags` (>= 2).

    Ids from `first_id`: SYMBOLS symbols, as many fillers, one question; the symbol never stands among the fillers.
    """
    if min(lags) < 2:
        raise UsageError("a lag in a text with a question is at least 2")
    generator = np.random.default_rng(seed)
    drawn = np.asarray(lags, dtype=np.int64)[generator.integers(0, len(lags), count)]
    documents: list[Ids] = []
    for lag in drawn:
        symbol = first_id + int(generator.integers(0, SYMBOLS))
        fillers = first_id + SYMBOLS + generator.integers(0, SYMBOLS, int(lag) - 2)
        documents.append(np.concatenate([[symbol], fillers, [first_id + 2 * SYMBOLS, symbol]]).astype(np.int64))
    return documents, drawn


def recall_curve(
    model: LanguageModel[Any], documents: Sequence[Ids], lags: NDArray[np.int64], *, first_id: int, seed: int = 1
) -> tuple[RecallPoint, ...]:
    """Ask a model that was trained on `recall_documents` for the last symbol of others: accuracy by lag."""
    right = np.empty(len(documents))
    for begin in range(0, len(documents), 256):
        group = documents[begin : begin + 256]
        scores, _ = model.start([document[:-1] for document in group])  # (B, V)
        guesses = first_id + scores[:, first_id : first_id + SYMBOLS].argmax(axis=1)
        right[begin : begin + len(group)] = guesses == np.array([document[-1] for document in group])
    points = []
    for lag in np.unique(lags):
        units = Units(right[lags == lag], np.ones(int((lags == lag).sum())))
        points.append(RecallPoint(int(lag), units.ratio, bootstrap_ratio(units, seed=seed)))
    return tuple(points)
