"""Two processes and one do the same training; a dead process is noticed, restarted from, and its error reaches the caller."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny import TinyBatches, fingerprint, objective, tiny

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Step
from hornbook.training import TrainingConfig, resume, train
from hornbook.training.launch import launch

CONFIG = TrainingConfig(steps=6, precision="float32", optimizer="adamw", accumulate=1, save_every=2, evaluations=2, seed=4)


def run(folder: str, name: str, recurrent: bool) -> None:
    """One rank of a training in float64; writes the losses it saw, the rows it read, its final weights."""
    module, batches = tiny(recurrent=recurrent).double(), TinyBatches()
    steps = [
        event
        for event in train(
            module, objective, batches, CONFIG, folder=Path(folder) / name / "saved", evaluate=lambda: {"loss": 1.0}
        )
        if isinstance(event, Step)
    ]
    rank = os.environ.get("RANK", "0")
    result = {
        "losses": [step.loss for step in steps],
        "tokens": steps[-1].tokens,
        "seen": batches.seen,
        "weights": fingerprint(module),
    }
    (Path(folder) / f"{name}-{rank}.json").write_text(json.dumps(result))


def meets_once(folder: str, fault: str) -> None:
    """Trains to the end, but rank 1 of the first attempt meets a fault after step 3."""
    state = resume(Path(folder))
    first = state.checkpoint is None
    for event in train(tiny(recurrent=True), objective, TinyBatches(), CONFIG, folder=Path(folder), state=state):
        if first and os.environ["RANK"] == "1" and isinstance(event, Step) and event.step == 3:
            if fault == "exception":
                raise RuntimeError("a bug in one process")
            os.kill(os.getpid(), signal.SIGKILL if fault == "kill" else signal.SIGSTOP)


def refuses() -> None:
    raise UsageError("unknown recipe '{name}'", name="gtp")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    if here not in sys.path:
        sys.path.insert(0, here)


@pytest.mark.slow
def test_two_ranks_equal_one(tmp_path: Path) -> None:
    for recurrent in (False, True):
        name = f"recurrent-{recurrent}"
        run(str(tmp_path), "one" + name, recurrent)
        launch(2, run, str(tmp_path), "two" + name, recurrent)
        one = json.loads((tmp_path / f"one{name}-0.json").read_text())
        ranks = [json.loads((tmp_path / f"two{name}-{rank}.json").read_text()) for rank in range(2)]
        assert ranks[0]["losses"] == pytest.approx(one["losses"], abs=1e-12)
        assert ranks[0]["tokens"] == one["tokens"]
        assert ranks[0]["weights"] == ranks[1]["weights"]
        orders = [[index for index, _, _ in rank["seen"]][: CONFIG.steps] for rank in (one, *ranks)]
        assert orders[0] == orders[1] == orders[2]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "seconds"), [("kill", 60), ("exception", 60), ("freeze", 120)])
def test_after_a_fault_of_one_process_all_start_anew(tmp_path: Path, fault: str, seconds: float) -> None:
    """A frozen process is noticed after the time-out of the exchange, one minute."""
    whole = tmp_path / "whole"
    list(train(tiny(recurrent=True), objective, TinyBatches(), CONFIG, folder=whole))
    begin = time.monotonic()
    launch(2, meets_once, str(tmp_path / "broken"), fault, restarts=1)
    assert time.monotonic() - begin < seconds
    one, two = resume(whole), resume(tmp_path / "broken")
    assert two.position.step == CONFIG.steps
    for name, tensor in one.tensors("model").items():
        torch.testing.assert_close(tensor, two.tensors("model")[name], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_without_restarts_a_dead_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="process [01] of 2 ended with code"):
        launch(2, meets_once, str(tmp_path), "kill")


def test_the_error_of_a_process_reaches_the_caller() -> None:
    with pytest.raises(UsageError, match="unknown recipe 'gtp'"):
        launch(1, refuses)
    with pytest.raises(UsageError, match="at least 1"):
        launch(0, refuses)
