"""Jobs that a worker runs in its tests."""

from __future__ import annotations

import os
import signal
from typing import Any

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Note, Progress


def echo(*, value: int, log: Any) -> dict[str, Any]:
    """A job: log two events, print noise, return its argument and its process id."""
    log(Note(f"got {value}"))
    print("noise on standard output")
    log(Progress("work", 1, 2, "things"))
    return {"value": value, "pid": os.getpid()}


def fail(*, how: str, log: Any) -> dict[str, Any]:
    """A job that fails in one of several ways."""
    match how:
        case "usage":
            raise UsageError("{path} does not exist", path="x.txt")
        case "bug":
            raise ZeroDivisionError("a fault\nof ours")
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            raise MemoryError
    raise ContentError("{path} does not exist", path="y")


def hungry(*, megabytes: int, log: Any) -> dict[str, Any]:
    """A job that touches memory and says its own peak."""
    from hornbook.core.runtime import peak_rss_mb

    block = bytearray(megabytes * 1_000_000)
    block[::4096] = b"x" * len(block[::4096])
    return {"peak": peak_rss_mb()}
