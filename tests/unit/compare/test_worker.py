from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from hornbook.compare.worker import JobError, Worker
from hornbook.core.events import Event, Note, Progress

JOBS = "worker_jobs"


@pytest.fixture(scope="module", autouse=True)
def importable_jobs() -> Any:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *([before] if before else [])])
    yield
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


@pytest.fixture(scope="module")
def worker(importable_jobs: None) -> Any:
    with Worker() as running:
        yield running


def test_events_and_the_result_come_back(worker: Worker) -> None:
    heard: list[Event] = []
    first = worker.run(f"{JOBS}:echo", {"value": 1}, log=heard.append)
    second = worker.run(f"{JOBS}:echo", {"value": 2}, log=heard.append)
    assert heard[:2] == [Note("got 1"), Progress("work", 1, 2, "things")]
    assert (first["value"], second["value"]) == (1, 2)
    assert first["pid"] != second["pid"]


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("usage", 2, "x.txt does not exist"),
        ("content", 1, "y does not exist"),
        ("bug", 1, "ZeroDivisionError: a fault of ours"),
        ("crash", 1, "signal 11"),
        ("kill", 1, "out of memory"),
        ("memory", 1, "out of memory"),
    ],
)
def test_a_failing_job_is_one_line_and_the_next_job_runs(worker: Worker, how: str, code: int, words: str) -> None:
    with pytest.raises(JobError) as caught:
        worker.run(f"{JOBS}:fail", {"how": how}, log=lambda event: None)
    assert caught.value.exit_code == code
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert worker.run(f"{JOBS}:echo", {"value": 3}, log=lambda event: None)["value"] == 3


def test_peak_memory_is_the_jobs_own(worker: Worker) -> None:
    large = worker.run(f"{JOBS}:hungry", {"megabytes": 400}, log=lambda event: None)["peak"]
    small = worker.run(f"{JOBS}:hungry", {"megabytes": 1}, log=lambda event: None)["peak"]
    assert 350 < large - small < 450


def test_leaving_early_leaves_no_process_behind() -> None:
    with Worker() as running:
        running.run(f"{JOBS}:echo", {"value": 1}, log=lambda event: None)
        pid = running._process.pid
    deadline = time.monotonic() + 10
    while there(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not there(pid)


def there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
