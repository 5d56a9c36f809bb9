"""Forks trainings, sends them signals, prints one JSON line per case. One process loads the libraries for all."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "training"))

import torch
from tiny import TinyBatches, objective, tiny

from hornbook.core.errors import HornbookError
from hornbook.training import TrainingConfig, resume, train


def run(folder: Path, *, slow_evaluation: bool, slow_step: bool) -> None:
    """A training that would never end by itself."""
    torch.set_num_threads(1)
    config = TrainingConfig(steps=10**6, precision="float32", evaluate_every=40, save_every=10**6)

    def measure() -> dict[str, float]:
        (folder / "measuring").touch()
        time.sleep(60 if slow_evaluation else 0)
        return {"loss": 1.0}

    for event in train(tiny(recurrent=True), objective, TinyBatches(), config, folder=folder / "saved", evaluate=measure):
        (folder / "begun").touch()
        if slow_step:
            time.sleep(30)
        print(event, file=sys.stdout)


def child(folder: Path, **options: bool) -> int:
    """Fork; the child ends as the command line would."""
    pid = os.fork()
    if pid:
        return pid
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT), 2)
    code = 1
    try:
        run(folder, **options)
        code = 0
    except HornbookError as error:
        os.write(2, f"{error}\n".encode())
        code = error.exit_code
    finally:
        os._exit(code)


def case(kind: str, delay: float, *, slow_evaluation: bool = False) -> dict[str, object]:
    """One training and its signal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pid = child(folder, slow_evaluation=slow_evaluation, slow_step=kind == "double")
        while not (folder / ("measuring" if slow_evaluation else "begun")).exists():
            time.sleep(0.01)
        time.sleep(delay)
        begin = time.monotonic()
        os.kill(pid, signal.SIGTERM if kind == "SIGTERM" else signal.SIGINT)
        if kind == "double":
            time.sleep(0.3)
            os.kill(pid, signal.SIGINT)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        saved = folder / "saved"
        return {
            "signal": kind,
            "code": code,
            "seconds": time.monotonic() - begin,
            "checkpoints": len(list(saved.glob("step-*"))),
            "litter": len(list(saved.glob(".*"))),
            "saved_step": resume(saved).position.step,
            "stderr": (folder / "stderr").read_text(),
        }


def main() -> None:
    choose = random.Random(2)
    for kind in ("SIGTERM", "SIGINT"):
        for _ in range(2):
            print(json.dumps(case(kind, choose.uniform(0, 0.5))), flush=True)
        print(json.dumps(case(kind, 0.2, slow_evaluation=True)), flush=True)
    for _ in range(2):
        print(json.dumps(case("double", 0.1)), flush=True)


if __name__ == "__main__":
    main()
