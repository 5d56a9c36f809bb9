"""Training speed of a GPT beside the Hugging Face Trainer: same shape, same tokens a step, same machine, in turn.

usage: python benchmarks/gpt_speed.py [--layers 4] [--width 256] [--vocabulary 16000] [--steps 10] [--rounds 2]
Sides: the Trainer in float32 and in bfloat16, hornbook in float32 and in bfloat16 (classic layout), and hornbook with one
process a core. Prints a JSON line a run and the ratios of the best rounds. Needs `make peers`; wants a quiet machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS, LENGTH, WARM = 16, 256, 3
SIDES = ("trainer-float32", "trainer-bfloat16", "hornbook-float32", "hornbook-bfloat16", "hornbook-bfloat16-processes")


def ids(vocabulary: int, blocks: int) -> np.ndarray:
    """Made-up tokens: speed does not depend on what they say."""
    return np.random.default_rng(1).integers(6, vocabulary, size=(blocks, LENGTH))


def trainer(options: argparse.Namespace, precision: str) -> dict[str, float]:
    """GPT2LMHeadModel under the Trainer, as run_clm.py does with grouped blocks."""
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        default_data_collator,
    )

    stamps: list[float] = []

    class Stamp(TrainerCallback):
        def on_step_end(self, *arguments: object, **keywords: object) -> None:
            stamps.append(time.perf_counter())

    rows = ids(options.vocabulary, ROWS * (options.steps + WARM)).tolist()
    data = [{"input_ids": row, "attention_mask": [1] * LENGTH, "labels": row} for row in rows]
    shape = GPT2Config(
        vocab_size=options.vocabulary,
        n_positions=LENGTH,
        n_embd=options.width,
        n_layer=options.layers,
        n_head=options.width // 64,
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=ROWS,
            max_steps=options.steps + WARM,
            use_cpu=True,
            bf16=precision == "bfloat16",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        run = Trainer(
            model=GPT2LMHeadModel(shape),
            args=arguments,
            train_dataset=data,
            data_collator=default_data_collator,
            callbacks=[Stamp()],
        )
        run.train()
    return speed([b - a for a, b in itertools.pairwise(stamps)][WARM - 1 :])


def hornbook(options: argparse.Namespace, precision: str, record: Path | None = None) -> dict[str, float]:
    """The classic GPT of this project under its own loop."""
    from hornbook.core.events import Step
    from hornbook.corpus.batches import BlockBatches
    from hornbook.corpus.shards import ShardSplit
    from hornbook.models.gpt import GptConfig, GptModule
    from hornbook.objectives.causal import causal_loss
    from hornbook.training import TrainingConfig, train

    split = ShardSplit.from_documents(list(ids(options.vocabulary, ROWS * 20)))
    batches = BlockBatches(split, rows=ROWS, length=LENGTH, specials={"start": 2, "end": 3}, seed=1)
    config = TrainingConfig(
        steps=options.steps + WARM, rows=ROWS, length=LENGTH, optimizer="adamw", precision=precision, evaluations=0
    )
    module = GptModule(GptConfig(layers=options.layers, width=options.width, context=LENGTH), options.vocabulary)
    seconds = [
        ROWS * LENGTH / event.tokens_per_second
        for event in train(module, causal_loss, batches, config)
        if isinstance(event, Step)
    ]
    result = speed(seconds[WARM:])
    if record is not None:
        record.write_text(json.dumps(result))
    return result


def rank(options: dict[str, int], precision: str, record: str) -> None:
    """One of several processes; the first one writes the result."""
    import os

    first = os.environ.get("RANK", "0") == "0"
    hornbook(argparse.Namespace(**options), precision, Path(record) if first else None)


def speed(seconds: list[float]) -> dict[str, float]:
    """Tokens a second of the steps after warming up: over all of them, and of the median step."""
    tokens = ROWS * LENGTH
    return {
        "tokens_per_second": round(tokens * len(seconds) / sum(seconds), 1),
        "median": round(tokens / statistics.median(seconds), 1),
    }


def measure(side: str, options: argparse.Namespace) -> dict[str, float]:
    """One side, in this process or, for the last, in one process a core."""
    system, precision, *many = side.split("-")
    if system == "trainer":
        return trainer(options, precision)
    if not many:
        return hornbook(options, precision)
    from hornbook.core.runtime import available_cores
    from hornbook.training.launch import launch

    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "result.json"
        shape = {name: getattr(options, name) for name in ("layers", "width", "vocabulary", "steps")}
        launch(available_cores(), rank, shape, precision, str(record))
        result: dict[str, float] = json.loads(record.read_text())
    return result


def main() -> None:
    """All sides in turn, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("layers", 4), ("width", 256), ("vocabulary", 16000), ("steps", 10), ("rounds", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--side", choices=SIDES)
    options = parser.parse_args()
    if options.side:
        from hornbook.core.runtime import prepare

        prepare()
        print(json.dumps({"side": options.side, **measure(options.side, options)}))
        return
    best: dict[str, float] = {}
    for _ in range(options.rounds):
        for side in SIDES:
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--side", side], capture_output=True, text=True, check=True
            )
            line = done.stdout.strip().splitlines()[-1]
            print(line, flush=True)
            best[side] = max(best.get(side, 0.0), json.loads(line)["median"])
    for side in SIDES[2:]:
        print(
            f"{side}: {best[side] / best[SIDES[0]]:.2f} x trainer-float32, {best[side] / best[SIDES[1]]:.2f} x trainer-bfloat16"
        )


if __name__ == "__main__":
    main()
