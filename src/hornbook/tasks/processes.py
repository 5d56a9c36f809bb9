"""One training by several processes on this machine: started, followed while they work, and its model taken back.

The processes find tokenizer and shards in the work folder of the corpus and their orders beside the checkpoints; the first
of them writes the record of the training, which is read here as it grows, and at the end the model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from hornbook import catalog
from hornbook.core import artifact
from hornbook.core.config import from_toml, to_toml
from hornbook.core.events import Event, Finished, from_record
from hornbook.recipes import Recipe
from hornbook.tasks.initial import TokenVectors
from hornbook.tasks.pretrain import Data, Trained, open_data, read_curve, resolve, train_network

Log = Callable[[Event], None]
RESTARTS = 2  # after a process was lost all begin again at the last checkpoint
_LOOK = 0.5  # seconds between two looks at the record
_ORDERS, _INITIAL, _START, _MODEL, _RECORD = "orders", "initial.npz", "start.txt", "trained", "metrics.jsonl"


def train_in_processes(
    recipe: Recipe,
    config: Any,
    data: Data,
    *,
    work: Path,
    nproc: int,
    resume: bool,
    log: Log,
    curve_tokens: int,
    initial: TokenVectors | Path | None,
) -> Trained:
    """Train a network by `nproc` processes, each on its rows of every batch; their gradients are summed.

    One process and many see the same mathematics. A lost process is restarted from the last checkpoint. Raises what a process
    raised; UsageError for `nproc` below 1.
    """
    from hornbook.training import remove_checkpoints
    from hornbook.training.launch import launch

    record = work / _RECORD
    if not resume:
        remove_checkpoints(work / "checkpoints")
        record.unlink(missing_ok=True)
    with artifact.writing(work / _ORDERS) as temporary:
        (temporary / "recipe.toml").write_text(to_toml(config), "utf-8")
        if isinstance(initial, Path):
            (temporary / _START).write_text(str(initial.resolve()), "utf-8")
        elif initial is not None:
            np.savez(temporary / _INITIAL, **{field.name: getattr(initial, field.name) for field in fields(initial)})
    with _followed(record, log):
        kind = f"{type(config).__module__}:{type(config).__qualname__}"
        launch(
            nproc, train_as_rank, recipe.name, kind, str(data.shards.folder.parent), str(work), curve_tokens, restarts=RESTARTS
        )
    artifact.verify(work / _MODEL)
    model = resolve(recipe.model).load(work / _MODEL)
    last = next(event for event in reversed(list(_events(record.read_text("utf-8")))) if isinstance(event, Finished))
    return Trained(model, last.seconds, last.tokens, last.reason, last.step, read_curve(record))


def train_as_rank(name: str, kind: str, corpus: str, work: str, curve_tokens: int) -> None:
    """What every process runs; the first one leaves the model in the work folder."""
    from hornbook.training.distributed import Ranks

    recipe, folder = catalog.recipe(name), Path(work)
    config = from_toml(resolve(kind), folder / _ORDERS / "recipe.toml")
    initial: TokenVectors | Path | None = None
    if (folder / _ORDERS / _START).is_file():
        initial = Path((folder / _ORDERS / _START).read_text("utf-8"))
    elif (folder / _ORDERS / _INITIAL).is_file():
        with np.load(folder / _ORDERS / _INITIAL) as arrays:
            whole = {name: int(arrays[name]) for name in ("words", "pieces", "spelled")}
            initial = TokenVectors(arrays["vectors"], arrays["known"], **whole)
    trained = train_network(
        recipe,
        config,
        open_data(Path(corpus)),
        work=folder,
        resume=True,  # a process that starts again goes on from the last checkpoint
        log=_unheard,
        curve_tokens=curve_tokens,
        initial=initial,
    )
    if Ranks().rank == 0:
        with artifact.writing(folder / _MODEL) as temporary:
            trained.model.save_files(temporary)


@contextmanager
def _followed(record: Path, log: Log) -> Iterator[None]:
    """Hand the events that are written to the record to `log` while the block runs, and the last of them after it."""
    at = record.stat().st_size if record.is_file() else 0
    ended = threading.Event()

    def follow() -> None:
        nonlocal at
        while True:
            last = ended.wait(_LOOK)
            if record.is_file():
                at = _hand_on(record, at, log)
            if last:
                return

    reader = threading.Thread(target=follow, name="record of the training")
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def _hand_on(record: Path, at: int, log: Log) -> int:
    """Log the whole lines after byte `at`; returns where they end. A resumed process may have shortened the record."""
    with open(record, "rb") as lines:
        lines.seek(min(at, record.stat().st_size))
        new = lines.read()
    whole = new[: new.rfind(b"\n") + 1]
    for event in _events(whole.decode("utf-8")):
        log(event)
    return min(at, record.stat().st_size) + len(whole)


def _events(text: str) -> Iterator[Event]:
    for line in text.splitlines():
        record = json.loads(line)
        record.pop("time", None)
        yield from_record(record)


def _unheard(event: Event) -> None:
    """The record is read by the process that started this one."""
