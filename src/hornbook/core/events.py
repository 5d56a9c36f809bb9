"""Progress records: what a long job yields; whoever consumes them prints, logs, evaluates, stops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Note:
    """A sentence for the reader: a decision taken, a guess made."""

    text: str


@dataclass(frozen=True)
class Alarm:
    """Something that looks wrong, and what to do about it."""

    text: str
    remedy: str


@dataclass(frozen=True)
class Progress:
    """A stage of a job moved on: `done` of `total` (None when unknown), in `unit`."""

    stage: str
    done: float
    total: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Step:
    """One optimiser step."""

    step: int
    loss: float  # nats per counted token of this step
    tokens: int  # seen since the start of training
    seconds: float  # training time so far, resumes included
    tokens_per_second: float
    learning_rate: float
    gradient_norm: float | None  # None where none is measured: counted models, word vectors
    skipped: bool = False  # non-finite: counted, not applied


@dataclass(frozen=True)
class Evaluation:
    """A measurement on held-out text."""

    step: int
    seconds: float
    tokens: int
    metrics: dict[str, float]
    best: bool


@dataclass(frozen=True)
class Saved:
    """A checkpoint is whole on the disk."""

    step: int
    folder: Path


@dataclass(frozen=True)
class Finished:
    """Training ended: why, and what it took."""

    step: int
    tokens: int
    seconds: float
    reason: str


Event: TypeAlias = Note | Alarm | Progress | Step | Evaluation | Saved | Finished


_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Note, Alarm, Progress, Step, Evaluation, Saved, Finished)
}


def from_record(record: dict[str, Any]) -> Event:
    """The event that `as_record` flattened, for reading a log or another process's output."""
    kind = _KINDS[record["event"]]
    fields = {key: value for key, value in record.items() if key != "event"}
    return kind(**fields | ({"folder": Path(fields["folder"])} if kind is Saved else {}))  # type: ignore[no-any-return]


def as_record(event: Event) -> dict[str, Any]:
    """A flat dict for a JSONL log: the event's fields and its kind."""
    fields = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(event).items()}
    return {"event": type(event).__name__.lower(), **fields}
