"""The training loop of Word2Vec and fastText: rounds of shares, told as events, saved and resumed exactly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.events import Alarm, Event, Finished, Progress, Saved, Step
from hornbook.embeddings import checkpoint
from hornbook.embeddings.formats.folder import all_finite
from hornbook.embeddings.kernels import LANES, InputRows, Plan, Text, rate_at
from hornbook.embeddings.overlay import Overlay

_SAY_SECONDS = 0.5
_SHORT_EPOCH = 5.0  # seconds; the end of a shorter epoch is not saved


@dataclass(frozen=True, eq=False)
class Job:
    """Everything a training is given. `kernel` has the signature of kernels.py, `targets` is its argument of that name."""

    kernel: Callable[..., None]
    text: Text
    words: InputRows
    targets: Any
    plan: Plan
    inputs: NDArray[np.float32]  # (R, width), changed in place
    outputs: NDArray[np.float32]  # (O, width), changed in place
    input_shares: NDArray[np.float64]  # (R,) on how many of the words kept a row makes a step
    output_shares: NDArray[np.float64]  # (O,)
    input_capacity: int  # rows that one chunk touches at most
    output_capacity: int
    threads: int
    racy: bool
    total_words: int  # of one epoch, rare words included
    dimensions: int
    identity: Mapping[str, Any]
    folder: Path | None = None
    save_seconds: float = 60.0


@dataclass
class Position:
    """How far a training is; `fit` reads its results here."""

    epoch: int = 0
    round: int = 0  # of the epoch
    step: int = 0  # rounds in all
    seconds: float = 0.0
    loss_sum: float = 0.0  # since the last record, of the pairs looked at
    loss_pairs: float = 0.0
    loss: float | None = None  # nats per pair, last record
    pairs: float = 0.0  # trained in all
    kept: float = 0.0  # words kept by subsampling in all


def padded(rows: int, dimensions: int) -> NDArray[np.float32]:
    """A zero matrix as the kernels want it: its width a multiple of a register, its start at a cache line."""
    width = -(-dimensions // LANES) * LANES
    flat = np.zeros(rows * width + LANES, dtype=np.float32)
    skip = -(flat.ctypes.data // flat.itemsize) % LANES
    return flat[skip : skip + rows * width].reshape(rows, width)


def resume(job: Job, position: Position) -> Iterator[Alarm]:
    """Put the newest good checkpoint of the job's folder into its matrices and the position; nothing happens without one."""
    assert job.folder is not None
    found, alarms = checkpoint.newest(job.folder)
    yield from alarms
    if found is None:
        return
    found.require(job.identity)
    for name, matrix in (("inputs", job.inputs), ("outputs", job.outputs)):
        if found.arrays[name].shape != (matrix.shape[0], job.dimensions):
            raise ContentError(
                "{path} is damaged: {what}. Restore the folder or train again.", path=found.folder, what=f"shape of {name}"
            )
        matrix[:, : job.dimensions] = found.arrays[name]
    for name, value in found.position.items():
        setattr(position, name, value)


def train_rounds(job: Job, position: Position) -> Iterator[Event]:
    """Train from `position` to the end; yields Progress and Step about twice a second, Saved for each checkpoint, Finished.

    Closing the generator between two events saves the state when the job has a folder. ContentError when the vectors stop
    being finite: nothing is saved then. Same job, same bytes, unless it is racy and has several threads.
    """
    direct = job.racy or job.threads == 1
    overlays = [
        Overlay(job.inputs, job.input_shares, threads=job.threads, capacity=job.input_capacity, direct=direct),
        Overlay(job.outputs, job.output_shares, threads=job.threads, capacity=job.output_capacity, direct=direct),
    ]
    tables = list(zip(*(overlay.tables(job.threads) for overlay in overlays), strict=True))
    rounds = -(-(job.text.chunks.size - 1) // job.threads)
    began = said = time.perf_counter()
    saved, before = began, position.seconds
    try:
        with ThreadPoolExecutor(job.threads) as pool:
            while position.epoch < job.plan.epochs:
                _round(job, position, overlays, tables, pool)
                epoch_ended = position.round == rounds
                if epoch_ended:
                    position.epoch, position.round = position.epoch + 1, 0
                now = time.perf_counter()
                position.seconds = before + now - began
                ended = position.epoch == job.plan.epochs
                if now - said > _SAY_SECONDS or ended:
                    said = now
                    yield from _records(job, position, rounds)
                if job.folder is not None and (
                    ended or now - saved > (min(_SHORT_EPOCH, job.save_seconds) if epoch_ended else job.save_seconds)
                ):
                    path = _save(job, position)
                    saved = time.perf_counter()
                    yield Saved(position.step, path)
    except GeneratorExit:
        if job.folder is not None:
            _save(job, position)
        raise
    _require_finite(job, position)
    yield Finished(position.step, job.total_words * job.plan.epochs, position.seconds, "epochs")


def _round(
    job: Job, position: Position, overlays: list[Overlay], tables: list[tuple[Any, ...]], pool: ThreadPoolExecutor
) -> None:
    """Each thread trains the chunk that is its turn; then their changes are added."""
    first = position.round * job.threads
    chunks = range(first, min(first + job.threads, job.text.chunks.size - 1))
    totals = np.zeros((len(chunks), 4))

    def share(thread: int, chunk: int) -> None:
        inputs, outputs = tables[thread]
        job.kernel(job.text, job.words, job.targets, job.plan, inputs, outputs, position.epoch, chunk, totals[thread])

    list(pool.map(share, range(len(chunks)), chunks))
    steps = float(totals[:, 3].mean() * rate_at(job.text, job.plan, position.epoch, first, 0.0))

    def merge(part: int) -> None:
        for overlay in overlays:
            overlay.merge(part, job.threads, steps)

    if overlays[0].threads:
        list(pool.map(merge, range(job.threads)))
        for overlay in overlays:
            overlay.clear()
    for loss, looked, pairs, kept in totals.tolist():
        position.loss_sum += loss
        position.loss_pairs += looked
        position.pairs += pairs
        position.kept += kept
    position.round += 1
    position.step += 1


def _records(job: Job, position: Position, rounds: int) -> Iterator[Event]:
    if position.loss_pairs:
        position.loss = position.loss_sum / position.loss_pairs
        position.loss_sum = position.loss_pairs = 0.0
    if position.loss is not None and not np.isfinite(position.loss):
        _require_finite(job, position)
    words = int((position.epoch + position.round / rounds) * job.total_words)
    yield Progress("training vectors", words, job.total_words * job.plan.epochs, "words")
    if position.loss is not None:
        epoch, chunk = (position.epoch, position.round * job.threads) if position.round else (position.epoch - 1, -1)
        chunk = chunk % (job.text.chunks.size - 1)
        yield Step(
            step=position.step,
            loss=position.loss,
            tokens=words,
            seconds=position.seconds,
            tokens_per_second=words / max(position.seconds, 1e-9),
            learning_rate=float(rate_at(job.text, job.plan, epoch, chunk, 1.0)),
            gradient_norm=None,  # the kernels do not measure one
        )


def _save(job: Job, position: Position) -> Path:
    assert job.folder is not None
    _require_finite(job, position)
    arrays = {
        "inputs": job.inputs[:, : job.dimensions],
        "outputs": job.outputs[:, : job.dimensions],
    }
    return checkpoint.save(job.folder, position.step, arrays, position=asdict(position), identity=job.identity)


def _require_finite(job: Job, position: Position) -> None:
    if all_finite(job.inputs) and all_finite(job.outputs):
        return
    raise ContentError(
        "the vectors stopped being finite in epoch {epoch}, round {step} (learning rate {rate}): lower the learning rate. "
        "Nothing was saved since; last good checkpoint: {last}",
        epoch=position.epoch + 1,
        step=position.step,
        rate=job.plan.rate,
        last=job.folder or "-",
    )
