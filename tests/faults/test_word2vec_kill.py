"""P1: kill -9 while word vectors train, also in a save and several times in one run; resume; equal vectors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["skipgram", "cbow", "fasttext"])
def test_killed_trainings_end_with_the_vectors_of_the_unbroken_run(kind: str, tmp_path: Path) -> None:
    """Expectation: every resume works, every run that ends has the sha256 of the unbroken one, no litter."""
    script = Path(__file__).with_name("word2vec_kill_script.py")
    command = [sys.executable, str(script), str(tmp_path / "runs"), "5", "3", kind]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "bit-identical: yes" in result.stdout
