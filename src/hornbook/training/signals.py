"""SIGTERM and SIGINT while training: note the first, obey the second (P5)."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class StopNow(BaseException):
    """Raised inside an evaluation when a signal arrives: what it was measuring is given up, the run is saved."""


class Signals:
    """A context that records the first SIGTERM or SIGINT; a second ends the process at once. Inert outside the main thread."""

    def __init__(self) -> None:
        self.received: int = 0
        self._interruptible = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()

    @property
    def terminated(self) -> bool:
        """SIGTERM came."""
        return self.received == signal.SIGTERM

    @property
    def interrupted(self) -> bool:
        """SIGINT came."""
        return self.received == signal.SIGINT

    def interruptible(self, on: bool) -> None:
        """While on, a signal raises StopNow instead of waiting for the end of the step."""
        self._interruptible = on

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.received = number
        if self._interruptible:
            self._interruptible = False
            raise StopNow
