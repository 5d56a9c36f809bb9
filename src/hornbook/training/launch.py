"""Several training processes on this machine: started, watched, restarted from the last checkpoint, ended together (P15)."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any

from hornbook.core import errors
from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.runtime import available_cores, prepare

GRACE = 5.0  # seconds between asking a process to stop and ending it
_LOOK = 0.05  # seconds between two looks at the processes


def launch(nproc: int, function: Callable[..., object], *arguments: object, restarts: int = 0, threads: int = 0) -> None:
    """Run `function(*arguments)` in `nproc` processes that have joined one process group; returns when all have ended well.

    The function must be importable by name. `threads` per process; 0 shares the cores. A process that dies takes the others
    with it and all start anew, `restarts` times at most: the function continues from its last checkpoint. A HornbookError
    of a process is raised here; a first SIGTERM or SIGINT goes to every process, a second one ends them at once.
    """
    if nproc < 1:
        raise UsageError("--nproc is {nproc}: it must be at least 1", nproc=nproc)
    share = threads or max(1, available_cores() // nproc)
    for attempt in range(restarts + 1):
        with tempfile.TemporaryDirectory(prefix="hornbook-") as folder:
            failed = _run(nproc, function, arguments, Path(folder), share)
            if failed is None:
                return
            error = _reported(Path(folder))
        if error is not None:
            raise error
        if attempt == restarts:
            rank, code = failed
            raise ContentError(
                "process {rank} of {nproc} ended with code {code}: see its messages above", rank=rank, nproc=nproc, code=code
            )


def _run(
    nproc: int, function: Callable[..., object], arguments: tuple[object, ...], folder: Path, threads: int
) -> tuple[int, int] | None:
    """One attempt; the rank and exit code of the first process that failed, None when all ended well."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_child, args=(rank, nproc, str(folder), threads, function, arguments)) for rank in range(nproc)
    ]
    with _environment(threads, nproc), _forwarding(processes):
        for process in processes:
            process.start()
        try:
            while any(process.is_alive() for process in processes):
                failed = _failed(processes)
                if failed is not None:
                    time.sleep(_LOOK)  # the process that caused it may be about to report
                    return _failed(processes)
                time.sleep(_LOOK)
            return _failed(processes)
        finally:
            _end(processes)


def _failed(processes: list[SpawnProcess]) -> tuple[int, int] | None:
    for rank, process in enumerate(processes):
        if process.exitcode:
            return rank, process.exitcode
    return None


def _end(processes: list[SpawnProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    until = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


@contextmanager
def _environment(threads: int, nproc: int) -> Iterator[None]:
    """What the children must find before they import torch."""
    names = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")}
    names["LOCAL_WORLD_SIZE"] = str(nproc)
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _forwarding(processes: list[SpawnProcess]) -> Iterator[None]:
    """Hand the first signal to the children, who save and end; kill them at the second."""
    received: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        for process in processes:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGKILL if received else number)
        received.append(number)

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT) if main}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _child(
    rank: int, nproc: int, folder: str, threads: int, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    os.setpgrp()  # Ctrl-C reaches the parent alone, which hands it on once
    _die_with_parent()
    prepare(threads)
    from torch import distributed

    from hornbook.training.distributed import TIMEOUT, LostProcess, leave

    os.environ.update(RANK=str(rank), WORLD_SIZE=str(nproc), LOCAL_RANK=str(rank))
    try:
        if nproc > 1:
            method = f"file://{folder}/store"
            distributed.init_process_group("gloo", init_method=method, rank=rank, world_size=nproc, timeout=TIMEOUT)
        function(*arguments)
        leave()
    except LostProcess as error:  # not the cause: the one that was lost is, or nothing but a restart helps
        sys.exit(str(error))
    except HornbookError as error:
        report = {"kind": type(error).__name__, "template": error.template, "fields": _plain(error.fields)}
        (Path(folder) / f"error-{rank}.json").write_text(json.dumps(report), "utf-8")
        sys.exit(error.exit_code)


def _plain(fields: dict[str, object]) -> dict[str, Any]:
    return {key: value if isinstance(value, (int, float)) else str(value) for key, value in fields.items()}


def _reported(folder: Path) -> HornbookError | None:
    for path in sorted(folder.glob("error-*.json")):
        report = json.loads(path.read_text("utf-8"))
        kind: type[HornbookError] = getattr(errors, report["kind"])
        return kind(report["template"], **report["fields"])
    return None


def _die_with_parent() -> None:
    """Linux: end this process when its parent is gone, however it went."""
    if sys.platform.startswith("linux"):
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
