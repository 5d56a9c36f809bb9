"""How far a run is: everything beside tensors that decides what happens next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from hornbook.core.errors import ContentError


@dataclass
class Position:
    """Counters of a run; plain numbers, saved as JSON."""

    step: int = 0  # optimiser steps tried, skipped ones included
    index: int = 0  # next batch
    applied: int = 0  # updates made
    tokens: int = 0  # counted tokens seen
    seconds: float = 0.0  # inside the loop, resumes included
    skipped: int = 0  # steps not applied because something was not finite
    skipped_in_row: int = 0
    evaluated: int = 0  # step of the last evaluation
    evaluations: int = 0
    best: float | None = None  # lowest held-out measure so far
    best_step: int = 0
    without_best: int = 0  # evaluations since
    first_loss: float | None = None  # nats per token, before the first update
    last_loss: float | None = None  # nats per token, running average
    held_out: float | None = None  # nats per token in the last evaluation
    finished: str | None = None  # why a run that is complete ended
    carry: list[Any] = field(default_factory=list)  # shape of the recurrent state of every piece, its tensors are in extra
    choices: dict[str, str] = field(default_factory=dict)  # what measuring decided at the start: a resume must not decide anew

    def record(self) -> dict[str, Any]:
        """The counters as a JSON object."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Position:
        """Back from JSON; ContentError when a counter is missing or unknown."""
        names = {item.name for item in fields(cls)}
        if set(record) != names:
            odd = ", ".join(sorted(names ^ set(record)))
            raise ContentError("the checkpoint was written by another version: {fields} differ", fields=odd)
        return cls(**record)
