"""One process with all threads against several one-thread processes that exchange gradients (finding F5), same batches.

usage: python benchmarks/two_workers.py [--steps 8] [--rounds 2] [--rows 16] [--vocabulary 16000] [--precision bfloat16]
Prints tokens/s (median step) of both, their ratio, and the cost of a checkpoint and of the loop itself. Wants a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from hornbook.core.runtime import available_cores
from hornbook.training.launch import launch

LENGTH = 256


def work(options: dict[str, int | str], target: str) -> None:
    """Train GPT 4 x 256 for a few steps; rank 0 writes seconds per step, its overhead and the seconds of a save."""
    from hornbook.core.events import Saved, Step
    from hornbook.corpus.batches import BlockBatches
    from hornbook.corpus.shards import ShardSplit
    from hornbook.models.gpt import GptConfig, GptModule
    from hornbook.objectives.causal import causal_loss
    from hornbook.training import TrainingConfig, train

    size, rows = int(options["vocabulary"]), int(options["rows"])
    random_numbers = np.random.default_rng(1)
    split = ShardSplit.from_documents([random_numbers.integers(6, size, size=2000) for _ in range(200)])
    batches = BlockBatches(split, rows=rows, length=LENGTH, specials={"start": 2, "end": 3}, seed=1)
    steps = int(options["steps"]) + 3
    config = TrainingConfig(steps=steps, rows=rows, length=LENGTH, precision=str(options["precision"]), save_every=steps - 1)  # type: ignore[arg-type]
    module = GptModule(GptConfig(layers=4, width=256, context=LENGTH), size)
    times, save, before = [], 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for event in train(module, causal_loss, batches, config, folder=Path(folder) / "checkpoints"):
            now = time.perf_counter()
            if isinstance(event, Step):
                times.append(now - before)
            elif isinstance(event, Saved):
                save = save or now - before
            before = now
    if os.environ.get("RANK", "0") == "0":
        Path(target).write_text(json.dumps({"times": times[3:], "save": save}))


def main() -> None:
    """Alternate the two arrangements, so that a disturbance meets both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("steps", 8), ("rounds", 2), ("rows", 16), ("vocabulary", 16000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--precision", default="bfloat16")
    options = vars(parser.parse_args())
    cores = available_cores()
    found: dict[str, list[float]] = {}
    saves: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options["rounds"]):
            for name, nproc, threads in (("one process", 1, cores), ("workers", cores, 1)):
                target = Path(folder) / "result.json"
                launch(nproc, work, options, str(target), threads=threads)
                result = json.loads(target.read_text())
                found.setdefault(name, []).extend(result["times"])
                saves.append(result["save"])
    tokens = options["rows"] * LENGTH
    one, workers = (tokens / statistics.median(found[name]) for name in ("one process", "workers"))
    print(f"one process, {cores} threads: {one:,.0f} tokens/s (median step {tokens / one * 1e3:.0f} ms)")
    print(f"{cores} processes, one thread: {workers:,.0f} tokens/s (median step {tokens / workers * 1e3:.0f} ms)")
    print(f"ratio {workers / one:.2f}; a checkpoint takes {min(saves) * 1e3:.0f} to {max(saves) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
