"""P1: kill -9 at random moments (some in a save, some twice in one epoch), resume, equal weights; P5: signals save and end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, env=environment)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["gpt", "lstm", "bert", "roberta", "continued"])
def test_killed_trainings_end_with_the_weights_of_the_unbroken_run(kind: str) -> None:
    """Expectation: every resume works, every finished run has the sha256 of the unbroken one."""
    result = python(str(ROOT / "benchmarks" / "kill_resume.py"), "--kills", "3", "--steps", "40", "--kinds", kind)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 kills" in result.stdout and "bit-identical: yes" in result.stdout


@pytest.mark.faults
def test_signals_save_and_end() -> None:
    """Expectation: SIGTERM exit 0, SIGINT exit 130 and one line on resuming, a second signal at once; the state resumes."""
    result = python(str(Path(__file__).parent / "signal_script.py"))
    assert result.returncode == 0, result.stderr
    cases = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(cases) == 8
    for case in cases:
        assert case["seconds"] < 10, case
        if case["signal"] == "double":
            assert case["code"] == -2, case
            continue
        assert case["code"] == (0 if case["signal"] == "SIGTERM" else 130), case
        assert case["saved_step"] > 0 and case["checkpoints"] >= 1 and case["litter"] == 0, case
        if case["signal"] == "SIGINT":
            assert case["stderr"].count("\n") == 1 and "--resume" in case["stderr"], case
