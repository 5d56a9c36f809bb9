"""What a training leaves to read: a JSONL log, and curves for TensorBoard. Each is a callable that takes an event."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hornbook.core.artifact import write_text_atomic
from hornbook.core.errors import disk_errors, needs_extra
from hornbook.core.events import Evaluation, Event, Finished, Step, as_record


class JsonLog:
    """Appends one JSON object per event to a file; a resumed run first drops the records after the step it goes on from."""

    def __init__(self, path: Path, *, from_step: int = 0) -> None:
        self.path = path
        with disk_errors(path.name, path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            write_text_atomic(path, "".join(_records_until(path, from_step)))
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115

    def __call__(self, event: Event) -> None:
        """Append one event; DiskFullError when there is no room."""
        with disk_errors(self.path.name, self.path.parent):
            self._file.write(json.dumps({"time": round(time.time(), 3), **as_record(event)}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _records_until(path: Path, step: int) -> list[str]:
    kept: list[str] = []
    for line in path.read_text("utf-8", errors="replace").splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:  # the last line of a killed run may be cut
            continue
        if record.get("step", 0) <= step and step > 0:
            kept.append(line)
    return kept


class TensorBoardLog:
    """Writes curves for TensorBoard (extra `track`). UsageError names the pip command when it is not installed."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise needs_extra("tensorboard", "track") from None
        self._writer: Any = SummaryWriter(str(folder))

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if isinstance(event, Step):
            for name in ("loss", "learning_rate", "gradient_norm", "tokens_per_second"):
                if (value := getattr(event, name)) is not None:
                    self._writer.add_scalar(f"train/{name}", value, event.step)
        elif isinstance(event, Evaluation):
            for name, value in event.metrics.items():
                self._writer.add_scalar(f"valid/{name}", value, event.step)
        elif isinstance(event, Finished):
            self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
