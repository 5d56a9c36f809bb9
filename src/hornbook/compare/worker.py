"""Jobs in processes of their own, so that each has its own peak memory and a crash costs one row, not the race.

One server process imports the heavy libraries once and forks a child a job (it has started no thread, so the fork is
safe). Jobs, events and results are lines of JSON. A job is a function `module:name` of keyword arguments and `log`;
what it logs reaches the caller's `log`, what it returns is a JSON object. Children die with the server, the server with
its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from hornbook.core import errors
from hornbook.core.errors import ContentError, HornbookError
from hornbook.core.events import Event, as_record, from_record

_PRELOAD = (
    "torch",
    "numba",
    "hornbook.training.loop",
    "hornbook.models.gpt",
    "hornbook.models.rnn",
    "hornbook.compare.contestant",
)


class JobError(HornbookError):
    """An error that a job raised in its process, its message and exit code kept."""

    def __init__(self, message: str, kind: str, exit_code: int, details: str = "") -> None:
        super().__init__("{message}", message=message)
        self.kind = kind
        self.exit_code = exit_code
        self.details = details  # the traceback of an unforeseen error, for --debug


class Worker:
    """The caller's end: `with Worker() as worker: worker.run("module:function", {...}, log=print)`."""

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from hornbook.compare.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches the parent alone, which passes it on once
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(BrokenPipeError, ProcessLookupError):
            if self._process.stdin:
                self._process.stdin.close()
            if kind is not None:
                os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def run(self, function: str, arguments: Mapping[str, Any], *, log: Callable[[Event], None]) -> dict[str, Any]:
        """Run one job to its end and return its result; a KeyboardInterrupt is passed on to the job, which saves and stops."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        while True:
            try:
                line = self._process.stdout.readline()
            except KeyboardInterrupt:
                os.killpg(self._process.pid, signal.SIGINT)
                continue
            except SystemExit:  # how the command line turns SIGTERM into an exception
                os.killpg(self._process.pid, signal.SIGTERM)
                continue
            if not line:
                raise ContentError("the worker process ended unexpectedly (exit code {code})", code=self._process.wait())
            message = json.loads(line)
            if "event" in message:
                log(from_record(message))
            elif "result" in message:
                return dict(message["result"])
            else:
                raise JobError(**message["error"])


def serve() -> None:
    """The server's loop: import, then fork a child for each line of standard input."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the job handles both: it saves, then stops
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from hornbook.core.runtime import prepare

    prepare()
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to standard error, the channel stays clean
    for module in _PRELOAD:
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _die_with_parent()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _run_job(json.loads(line), channel)
            channel.flush()
            os._exit(0)  # no clean-up of what belongs to the server
        _, status = os.waitpid(child, 0)
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            reason = (
                f"signal {-code}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
                if code < 0
                else f"exit code {code}"
            )
            _send(
                channel, {"error": {"message": f"the process of this job ended with {reason}", "kind": "Crash", "exit_code": 1}}
            )


def _run_job(job: dict[str, Any], channel: Any) -> None:
    module, name = job["function"].split(":")
    try:
        result = getattr(importlib.import_module(module), name)(
            **job["arguments"], log=lambda event: _send(channel, as_record(event))
        )
    except HornbookError as error:
        _send(channel, {"error": {"message": str(error), "kind": type(error).__name__, "exit_code": error.exit_code}})
    except KeyboardInterrupt:
        _send(channel, {"error": {"message": "interrupted", "kind": "Interrupted", "exit_code": errors.Interrupted.exit_code}})
    except MemoryError:
        _send(
            channel,
            {
                "error": {
                    "message": "out of memory: choose a smaller --model.width or fewer rows",
                    "kind": "MemoryError",
                    "exit_code": 1,
                }
            },
        )
    except Exception as error:  # the traceback travels to the parent, which shows it with --debug
        message = f"{type(error).__name__}: {error}".replace("\n", " ")
        _send(
            channel,
            {"error": {"message": message, "kind": type(error).__name__, "exit_code": 1, "details": traceback.format_exc()}},
        )
    else:
        _send(channel, {"result": result})


def _send(channel: Any, message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def _die_with_parent() -> None:
    """Linux: be killed when the parent dies, however it dies."""
    if sys.platform.startswith("linux"):
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
