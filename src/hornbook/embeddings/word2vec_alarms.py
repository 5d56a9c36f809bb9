"""What a finished training says about itself: how much there was to learn from, and whether anything was learned (R13)."""

from __future__ import annotations

from collections.abc import Iterator

from hornbook.core.errors import translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.embeddings.rounds import Job, Position

_MOVED = 0.1  # change of the vectors relative to their start, below which they did not move
_MOVED_FROM_GIVEN = 1e-3  # the same for vectors that began trained
_FEW_PAIRS = 100  # a word, over all epochs


def learning_alarms(position: Position, job: Job, words: int, moved: float, *, given: bool) -> Iterator[Event]:
    """The pairs that were trained; an alarm when they are few for `words` words, and when the vectors did not move."""
    note = translate("{pairs:,.0f} pairs trained in {epochs} epochs, {each:,.0f} for each of {words:,} words")
    each = position.pairs / words
    yield Note(note.format(pairs=position.pairs, epochs=job.plan.epochs, each=each, words=words))
    if moved < (_MOVED_FROM_GIVEN if given else _MOVED):
        text = translate("the vectors did not move: they are {moved:.1%} away from where they began, so they mean nothing yet")
        remedy = translate("give more text or more epochs, or raise the learning rate")
        yield Alarm(text.format(moved=moved), remedy)
    elif each < _FEW_PAIRS:
        text = translate("{each:,.0f} pairs for each word are too few to tell words apart by their company")
        remedy = translate("give more text or more epochs, or raise min_count so that fewer words share it")
        yield Alarm(text.format(each=each), remedy)
