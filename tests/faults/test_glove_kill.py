"""P1: GloVe killed with -9 at random moments, also in a save and in the counting, ends with the bytes of the unbroken run."""

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
from hornbook.embeddings.glove import Glove, GloveConfig

def say(event):
    if isinstance(event, Saved):
        print("saved", flush=True)

generator = np.random.default_rng(5)
words = np.minimum(generator.zipf(1.2, (3000, 20)) - 1, 999)
corpus = [[f"w{word}" for word in sentence] for sentence in words]
config = GloveConfig(dimensions=20, window=5, epochs=120, threads=2, seed=3)
model = Glove(config).fit(corpus, folder=Path(sys.argv[1]), resume=True, log=say)
print("digest", hashlib.sha256(model.vectors_.vectors.tobytes()).hexdigest(), model.losses_[0], flush=True)
"""


def run(folder: Path, kill_after: float | None = None) -> str:
    """Last line of the child, or '' when it was killed so many seconds after its first save."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    first = child.stdout.readline()  # of a finished training that is resumed it is the last line too
    if kill_after is not None:
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
    output = first + child.communicate(timeout=120)[0]
    assert child.returncode in ((0,) if kill_after is None else (0, -9)), output
    return output.splitlines()[-1] if child.returncode == 0 else ""


@pytest.mark.faults
def test_a_killed_training_ends_with_the_bytes_of_the_unbroken_one(tmp_path: Path) -> None:
    """Expectation: every resume works, the digest is that of the unbroken run, no temporary folder is left."""
    expected = run(tmp_path / "whole")
    assert expected.startswith("digest")
    generator, folder = random.Random(11), tmp_path / "killed"
    outputs = [run(folder, kill_after=generator.uniform(0.0, 0.3)) for _ in range(3)]
    assert "" in outputs  # at least one was killed before it ended
    assert run(folder) == expected
    assert [path.name for path in folder.iterdir() if not path.name.startswith("round-")] == []
