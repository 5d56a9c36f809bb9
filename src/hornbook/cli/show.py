"""What a person sees of a long job: notes, alarms and progress on standard error, results stay on standard output."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hornbook.core import events
from hornbook.core.events import Event
from hornbook.core.runtime import rss_mb

_PLAIN_EVERY = 10.0  # seconds between two progress lines where there is no terminal


class Reporter:
    """Shows events: bars on a terminal, plain lines elsewhere; `quiet` leaves only alarms. Call it with each event."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.live = self.console.is_terminal and not quiet
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[text]}"), TimeRemainingColumn(),
            console=self.console, transient=True,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._last_line = 0.0
        self._loss = 0.0  # smoothed
        self.title = ""  # what is being trained, before each line
        self.total_seconds = 0.0  # of the training under way, for its bar

    @contextlib.contextmanager
    def shown(self) -> Iterator[Reporter]:
        """Keep the bars on the screen while the block runs."""
        if not self.live:
            yield self
            return
        with self._bars:
            yield self

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case events.Alarm(text, remedy):
                self._line(
                    f"[bold red]alarm[/] {escape(text)} [bold]→[/] {escape(remedy)}", f"alarm: {text} -> {remedy}", always=True
                )
            case events.Note(text):
                self._line(f"[dim]·[/] {escape(text)}", f"note: {text}")
            case events.Progress(stage, done, total, unit):
                self._progress(stage, done, total, _amount(done, total, unit))
            case events.Step():
                self._step(event)
            case events.Evaluation(step, seconds, _, metrics, best):
                figures = "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in metrics.items())
                mark = "  (best so far)" if best else ""
                self._line(
                    f"{escape(self.title)}step {step}  {seconds:.0f} s  {figures}{mark}",
                    f"{self.title}step {step} {seconds:.0f} s {figures}{mark}",
                )
            case events.Finished(step, tokens, seconds, reason):
                text = f"{self.title}{step} steps, {tokens:,} tokens in {seconds:.0f} s ({reason})"
                self._close("training")
                self._line(escape(text), text)
            case events.Saved():
                pass  # a checkpoint is no news

    def line(self, text: str) -> None:
        """A plain remark."""
        self._line(escape(text), text)

    def _step(self, event: events.Step) -> None:
        kept = 0.9 if event.step > 1 else 0.0
        self._loss = kept * self._loss + (1 - kept) * event.loss if not event.skipped else self._loss
        rate = f"loss {self._loss:.3f}  {event.tokens_per_second:,.0f} tokens/s  {rss_mb():,.0f} MB"
        if self.total_seconds:
            self._progress("training", event.seconds, self.total_seconds, rate)
        else:
            self._progress("training", float(event.step), None, f"step {event.step}  {rate}")

    def _progress(self, stage: str, done: float, total: float | None, text: str) -> None:
        if self.quiet:
            return
        name = f"{self.title}{stage}"
        if self.live:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=total, text=text)
            self._bars.update(self._tasks[name], completed=done, total=total, text=text)
            if total is not None and done >= total:
                self._close(stage)
        elif time.monotonic() - self._last_line > _PLAIN_EVERY:
            self._last_line = time.monotonic()
            print(f"{name} {text}", file=sys.stderr, flush=True)

    def _close(self, stage: str) -> None:
        task = self._tasks.pop(f"{self.title}{stage}", None)
        if task is not None:
            self._bars.remove_task(task)

    def _line(self, rich: str, plain: str, *, always: bool = False) -> None:
        if self.quiet and not always:
            return
        if self.console.is_terminal:
            self.console.print(rich)
        else:
            print(plain, file=sys.stderr, flush=True)


def _amount(done: float, total: float | None, unit: str) -> str:
    scale, prefix = (1e6, "M") if (total or done) >= 1e7 else (1.0, "")
    whole = f" of {total / scale:,.0f}" if total else ""
    return f"{done / scale:,.0f}{whole} {prefix}{unit}".strip()


def table(rows: list[tuple[str, Any]]) -> str:
    """Two aligned columns of names and values."""
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def pairs_table(result: dict[str, Any]) -> str:
    """Minimal pairs: a line a paradigm, the mean of each field, and the mean over paradigms last."""
    name = next(key for key in result if key.endswith("_accuracy")).removesuffix("_accuracy")
    low, high = result[f"{name}_accuracy_ci95"]
    rows = [*result["paradigms"].items(), *((f"mean of {field}", share) for field, share in result["fields"].items())]
    width = max(len(row) for row, _ in rows)
    lines = [f"{row:<{width}}  {share['accuracy']:6.1%}  {share['pairs']:>6,} pairs" for row, share in rows]
    total = f"{name} accuracy {result[f'{name}_accuracy']:.1%} [{low:.1%}, {high:.1%}]"
    how = f"mean over {len(result['paradigms'])} paradigms, by {result['scored_by']}, chance 50 %"
    return "\n".join(
        [*lines, f"{total}, {how}; {result['pairs']:,} of {result['offered_pairs']:,} pairs, {result['ties']} ties"]
    )


def pseudo(result: dict[str, Any]) -> str:
    """What a model that guesses hidden tokens knows of a text; the names say that it is no perplexity."""
    lines = []
    for name in ("pseudo_perplexity", "pseudo_bits_per_byte", "masked_accuracy"):
        if result[name] is not None:
            low, high = result[f"{name}_ci95"]
            lines.append(f"{name.replace('_', ' ')} {result[name]:.4f} [{low:.4f}, {high:.4f}]")
    lines.append(f"{result['tokens']:,} tokens in {result['windows']} windows, split {result['split']}")
    return "\n".join([*lines, *result["notes"]])
