"""A model that learned nothing says so at the end of its training, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np

from hornbook.core.errors import translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.training.position import Position
from hornbook.training.step import Batches

_FEW_STEPS = 20
_SAMPLE = 32  # batches


def learning_alarms(position: Position, batches: Batches) -> Iterator[Event]:
    """Compare the last loss, held out if it was measured, with the first one and with what counting tokens alone reaches."""
    if position.skipped:
        text = translate("{count} of {steps} steps were skipped because loss or gradient was not finite")
        yield Alarm(text.format(count=position.skipped, steps=position.step), translate("lower the learning rate"))
    if position.first_loss is None or position.last_loss is None:
        return
    if position.applied < _FEW_STEPS:
        yield Note(translate("{steps} steps are too few to judge the model: give it more time").format(steps=position.applied))
        return
    unigram = unigram_entropy(batches, min(_SAMPLE, position.index))
    last = position.last_loss if position.held_out is None else position.held_out
    if position.last_loss > 0.99 * position.first_loss:
        text = translate("the loss did not fall: {first:.3f} nats per token at the start, {last:.3f} at the end")
        remedy = translate("raise the learning rate or the budget, and look at the corpus report")
        yield Alarm(text.format(first=position.first_loss, last=position.last_loss), remedy)
    elif last > unigram:
        text = translate(
            "the model learned nothing from context: loss {last:.3f} nats per token, counting tokens alone gives {unigram:.3f}"
        )
        remedy = translate("give it a longer budget or a smaller model, or raise the learning rate")
        yield Alarm(text.format(last=last, unigram=unigram), remedy)


def unigram_entropy(batches: Batches, count: int) -> float:
    """Entropy in nats of the counted targets of the first `count` batches: the loss of a model that knows only frequencies."""
    totals = np.zeros(0, dtype=np.int64)
    for targets in islice((batches.part(index, 0, 1).targets for index in range(count)), count):
        counts = np.bincount(targets[targets >= 0])
        if len(counts) > len(totals):
            counts, totals = totals, counts
        totals[: len(counts)] += counts
    shares = totals[totals > 0] / max(1, totals.sum())
    return float(-(shares * np.log(shares)).sum()) if len(shares) else math.inf
