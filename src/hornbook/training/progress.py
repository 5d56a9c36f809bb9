"""What a reader sees of a training: a live line on a terminal, plain lines elsewhere; a JSONL log; TensorBoard.

Each is a callable that takes one event at a time; `follow` hands the events of a run to several of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from hornbook.core.artifact import write_text_atomic
from hornbook.core.errors import disk_errors, needs_extra, translate
from hornbook.core.events import Alarm, Evaluation, Event, Finished, Note, Saved, Step, as_record
from hornbook.core.runtime import rss_mb
from hornbook.training.config import TrainingConfig

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


def follow(events: Iterable[Event], *sinks: Callable[[Event], None]) -> Finished | None:
    """Run a training to its end, handing every event to every sink; returns how it ended."""
    finished = None
    for event in events:
        for sink in sinks:
            sink(event)
        if isinstance(event, Finished):
            finished = event
    return finished


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
                self._writer.add_scalar(f"train/{name}", getattr(event, name), event.step)
        elif isinstance(event, Evaluation):
            for name, value in event.metrics.items():
                self._writer.add_scalar(f"valid/{name}", value, event.step)
        elif isinstance(event, Finished):
            self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        self._writer.close()


class Display:
    """Shows a run on stderr: one live line on a terminal, otherwise a plain line every `every` seconds."""

    def __init__(self, config: TrainingConfig, *, title: str = "", stream: TextIO | None = None, every: float = 10.0) -> None:
        self.config, self.title, self.every = config, title, every
        self.stream = sys.stderr if stream is None else stream
        self._shown_at = -every
        self._loss: float | None = None
        self._rate = 0.0
        self._held_out = ""
        self._bar: Bar | None = None
        self._task: Any = None
        if self.stream.isatty():
            self._open_bar()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Step):
            self._step(event)
        elif isinstance(event, Evaluation):
            self._held_out = " ".join(f"{name} {value:.4f}" for name, value in event.metrics.items())
            self._line(translate("step {step}: held out {metrics}").format(step=event.step, metrics=self._held_out))
        elif isinstance(event, Note):
            self._line(event.text)
        elif isinstance(event, Alarm):
            self._line(translate("ALARM: {text}. {remedy}.").format(text=event.text, remedy=event.remedy))
        elif isinstance(event, Saved):
            if self._bar is None:
                self._line(translate("step {step}: saved {folder}").format(step=event.step, folder=event.folder))
        elif isinstance(event, Finished):
            self.close()
            text = translate("{title}finished ({reason}) after {steps} steps, {tokens} tokens, {seconds:.1f} s")
            title, reason = self.title and self.title + " ", translate(event.reason)
            self._line(
                text.format(title=title, reason=reason, steps=event.step, tokens=f"{event.tokens:,}", seconds=event.seconds)
            )

    def close(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _step(self, event: Step) -> None:
        kept = 0.9
        if not event.skipped:
            self._loss = event.loss if self._loss is None else kept * self._loss + (1 - kept) * event.loss
        self._rate = event.tokens_per_second if not self._rate else kept * self._rate + (1 - kept) * event.tokens_per_second
        text = translate("loss {loss:.4f}, {rate:,.0f} tokens/s, {memory:.0f} MB").format(
            loss=event.loss if self._loss is None else self._loss, rate=self._rate, memory=rss_mb()
        )
        fraction, left = self._left(event)
        if self._bar is not None:
            self._bar.update(self._task, completed=fraction, status=f"{text} {self._held_out}")
        elif event.seconds - self._shown_at >= self.every:
            self._shown_at = event.seconds
            line = translate("{title}step {step}: {text}, {left} left")
            self._line(line.format(title=self.title and self.title + " ", step=event.step, text=text, left=_clock(left)))

    def _left(self, event: Step) -> tuple[float, float]:
        """Fraction of the budget done and seconds left."""
        if self.config.seconds:
            return event.seconds / self.config.seconds, max(0.0, self.config.seconds - event.seconds)
        fraction = event.step / self.config.steps
        return fraction, event.seconds / fraction * (1 - fraction)

    def _open_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[status]}"),
        )
        self._bar = Progress(*columns, console=Console(file=self.stream), refresh_per_second=4)
        self._task = self._bar.add_task(self.title or translate("training"), total=1.0, status="")
        self._bar.start()

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=self.stream, flush=True)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
