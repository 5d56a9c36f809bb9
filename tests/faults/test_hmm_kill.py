"""P1: Baum-Welch killed with -9 at random moments, also in a save, ends with the bytes of the unbroken run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import hashlib, sys
from pathlib import Path
import numpy as np
from hornbook.core.events import Saved
from hornbook.statistical import hmm
from hornbook.tokenizers.closed import closed_tokenizer

hmm._CHECKPOINT_SECONDS = 0.0  # after every iteration

def say(event):
    if isinstance(event, Saved):
        print("saved", flush=True)

tokenizer = closed_tokenizer([f"w{i}" for i in range(300)])
generator = np.random.default_rng(5)
size = tokenizer.size
documents = [size - 1 - np.minimum(generator.zipf(1.3, generator.integers(1, 40)), 299) for _ in range(400)]
config = hmm.HmmConfig(states=20, iterations=60, tolerance=0.0, threads=2, seed=3)
model = hmm.HmmLM(tokenizer, config).fit(documents, folder=Path(sys.argv[1]), resume=True, log=say)
tables = model.tables_
digest = hashlib.sha256(tables.start.tobytes() + tables.transition.tobytes() + tables.emission.tobytes())
print("digest", digest.hexdigest(), len(model.objectives_), model.objectives_[-1], flush=True)
"""


def run(folder: Path, kill_after: float | None = None) -> str:
    """Last line of the child, or '' when it was killed so many seconds after its first save."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    first = child.stdout.readline()
    if kill_after is not None:
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    output = first + child.communicate(timeout=120)[0]
    assert child.returncode in ((0,) if kill_after is None else (0, -9)), output
    return output.splitlines()[-1] if child.returncode == 0 else ""


@pytest.mark.faults
def test_a_killed_training_ends_with_the_bytes_of_the_unbroken_one(tmp_path: Path) -> None:
    """Expectation: every resume works, tables and objectives are those of the unbroken run, no temporary folder is left."""
    expected = run(tmp_path / "whole")
    assert expected.startswith("digest") and " 60 " in expected
    generator, folder = random.Random(11), tmp_path / "killed"
    outputs = [run(folder, kill_after=generator.uniform(0.0, 0.15)) for _ in range(3)]
    assert "" in outputs  # at least one was killed before it ended
    assert run(folder) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "whole"]
