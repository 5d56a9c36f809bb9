"""Training speed of a BERT beside the Hugging Face Trainer: same shape, same text, same machine, in turn.

usage: python benchmarks/mlm_speed.py [--text lines.txt] [--layers 4] [--width 256] [--steps 12] [--rounds 2] [--loss 150]
                                      [--only trainer-lines-float32 hornbook-packed-bfloat16 ...]
Sides: BertForMaskedLM under the Trainer with DataCollatorForLanguageModeling, in blocks of 128 tokens, line by line with
dynamic padding, and line by line with rows grouped by length, in float32 and bfloat16; hornbook in blocks and with whole
lines packed, with dropout (the Trainer has 0.1) and without, and with one process a core. Prints a JSON line a run (tokens
without padding, per second of the clock and per CPU second) and ratios of medians. With --loss it compares, in place of
speed, the training loss after that many steps of the same blocks. Without --text the tokens are noise in lines of realistic
lengths. Needs `make peers`; on a busy machine read the CPU seconds.
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
from typing import Any

import numpy as np

ROWS, LENGTH, WARM = 32, 128, 3
SPECIALS = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4}
SIDES = (
    "trainer-blocks-float32", "trainer-blocks-bfloat16", "trainer-lines-float32", "trainer-lines-bfloat16",
    "trainer-grouped-float32", "trainer-grouped-bfloat16", "hornbook-blocks-float32", "hornbook-blocks-bfloat16",
    "hornbook-packed-float32", "hornbook-packed-bfloat16", "hornbook-blocks-bfloat16-plain",
    "hornbook-packed-bfloat16-plain", "hornbook-packed-bfloat16-processes",
)  # fmt: skip


class Vocabulary:
    """What masking asks of a tokenizer."""

    specials = SPECIALS

    def __init__(self, size: int) -> None:
        self.size = size


def lines(options: argparse.Namespace) -> list[list[int]]:
    """Ids of lines without special tokens, at most 126 each, shuffled; enough for the longest run."""
    rng = np.random.default_rng(1)
    count = max((options.loss or options.steps + WARM) * ROWS * 8, 20_000)
    if not options.text:
        sizes = np.clip(rng.lognormal(np.log(22), 0.8, count), 2, LENGTH - 2).astype(int)
        return [rng.integers(len(SPECIALS), options.vocabulary, size).tolist() for size in sizes]
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train([options.text], vocab_size=options.vocabulary, show_progress=False, special_tokens=names)
    text = [line for line in Path(options.text).read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = [text[place] for place in rng.permutation(len(text))[:count]]
    encoded = tokenizer.encode_batch(chosen, add_special_tokens=False)
    return [one.ids[: LENGTH - 2] for one in encoded]


def pieces(side: str, found: list[list[int]]) -> list[list[int]]:
    """The lines, or the text of all of them cut into full rows."""
    if "blocks" not in side:
        return found
    flat = list(itertools.chain.from_iterable(found))
    return [flat[first : first + LENGTH - 2] for first in range(0, len(flat) - LENGTH, LENGTH - 2)]


def trainer(side: str, options: argparse.Namespace) -> dict[str, Any]:
    """BertForMaskedLM under the Trainer, as run_mlm.py does."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        DataCollatorForLanguageModeling,
        PreTrainedTokenizerFast,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    stamps: list[tuple[float, float]] = []
    tokens: list[int] = []

    class Stamp(TrainerCallback):
        def on_step_end(self, *arguments: object, **keywords: object) -> None:
            stamps.append((time.perf_counter(), time.process_time()))

    words = {f"w{number}": number for number in range(len(SPECIALS), options.vocabulary)}
    names = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(names | words, unk_token="[UNK]")),
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)

    def counted(rows: Any) -> Any:
        batch = collate(rows)
        tokens.append(int(batch["attention_mask"].sum()))
        return batch

    rows = [[SPECIALS["start"], *piece, SPECIALS["end"]] for piece in pieces(side, options.lines)]
    data = [{"input_ids": row, "attention_mask": [1] * len(row), "token_type_ids": [0] * len(row)} for row in rows]
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=options.vocabulary, hidden_size=options.width, num_hidden_layers=options.layers,
        num_attention_heads=options.width // 64, intermediate_size=4 * options.width,
    )  # fmt: skip
    steps = options.loss or options.steps + WARM
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=ROWS, max_steps=steps, use_cpu=True,
            bf16="bfloat16" in side, save_strategy="no", report_to="none", disable_tqdm=True, learning_rate=1e-3,
            logging_strategy="steps" if options.loss else "no", logging_steps=10, max_grad_norm=1.0, warmup_steps=steps // 10,
            **({"train_sampling_strategy": "group_by_length"} if "grouped" in side else {}),
        )  # fmt: skip
        model = BertForMaskedLM(shape)
        run = Trainer(model=model, args=arguments, train_dataset=data, data_collator=counted, callbacks=[Stamp()])
        run.train()
    losses = [entry["loss"] for entry in run.state.log_history if "loss" in entry]
    # the first tokens are those of the first step: batches are collated in order, one ahead
    return summary([(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(stamps)], tokens[1:], losses)


def hornbook(side: str, options: argparse.Namespace, record: Path | None = None) -> dict[str, Any]:
    """The classic BERT of this project under its own loop, rows from its own batches."""
    from hornbook.core.events import Step
    from hornbook.corpus.masked_batches import MaskedBatches
    from hornbook.corpus.masking import Masking
    from hornbook.corpus.shards import ShardSplit
    from hornbook.models.bert import BertConfig, BertModule
    from hornbook.objectives.masked import masked_loss
    from hornbook.training import TrainingConfig, train

    split = ShardSplit.from_documents(pieces(side, options.lines))
    batches = MaskedBatches(split, Vocabulary(options.vocabulary), rows=ROWS, length=LENGTH, masking=Masking(), seed=1)
    config = TrainingConfig(
        steps=options.loss or options.steps + WARM, rows=ROWS, length=LENGTH, optimizer="adamw", evaluations=0,
        precision="bfloat16" if "bfloat16" in side else "float32", learning_rate=1e-3, tuned_width=0, warmup=0.1, decay=0.9,
        ema=0.0, clip=1.0, betas=(0.9, 0.999), weight_decay=0.0, seed=1,
    )  # fmt: skip
    shape = BertConfig(
        layers=options.layers, width=options.width, context=LENGTH, dropout=0.0 if side.endswith("plain") else 0.1
    )
    stamps, tokens, losses = [(time.perf_counter(), time.process_time())], [], []
    before = 0
    for event in train(BertModule(shape, options.vocabulary), masked_loss, batches, config):
        if isinstance(event, Step):
            stamps.append((time.perf_counter(), time.process_time()))
            tokens.append(event.tokens - before)
            losses.append(event.loss)
            before = event.tokens
    means = [statistics.mean(losses[first : first + 10]) for first in range(0, len(losses), 10)]
    result = summary([(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(stamps)], tokens, means if options.loss else [])
    if record is not None:
        record.write_text(json.dumps(result))
    return result


def summary(seconds: list[tuple[float, float]], tokens: list[int], losses: list[float]) -> dict[str, Any]:
    """Tokens a second of the median step, of the clock and of the CPU; mean losses of every ten steps."""
    steps = list(zip(seconds, tokens))[WARM - 1 :]
    if losses:
        return {"losses": [round(loss, 3) for loss in losses]}
    return {
        "median": round(statistics.median(count / wall for (wall, _), count in steps), 1),
        "median_cpu": round(statistics.median(count / max(cpu, 1e-9) for (_, cpu), count in steps), 1),
        "tokens_per_second": round(sum(count for _, count in steps) / sum(wall for (wall, _), _ in steps), 1),
    }


def rank(side: str, options: dict[str, Any], record: str) -> None:
    """One of several processes; the first one writes the result."""
    import os

    first = os.environ.get("RANK", "0") == "0"
    hornbook(side, argparse.Namespace(**options), Path(record) if first else None)


def measure(side: str, options: argparse.Namespace) -> dict[str, Any]:
    """One side, in this process or in one process a core."""
    if side.startswith("trainer"):
        return trainer(side, options)
    if not side.endswith("processes"):
        return hornbook(side, options)
    from hornbook.core.runtime import available_cores
    from hornbook.training.launch import launch

    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "result.json"
        launch(available_cores(), rank, side, vars(options), str(record))
        result: dict[str, Any] = json.loads(record.read_text())
    return result


def settings() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = (("layers", 4), ("width", 256), ("vocabulary", 30000), ("steps", 12), ("rounds", 2), ("threads", 0), ("loss", 0))
    for name, value in sizes:
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--text", default="")
    parser.add_argument("--only", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--ids", default="")
    return parser.parse_args()


def main() -> None:
    """All sides in turn, each in a process of its own."""
    options = settings()
    if options.side:
        from hornbook.core.runtime import prepare

        prepare(options.threads)
        options.lines = json.loads(Path(options.ids).read_text())
        print(json.dumps({"side": options.side, **measure(options.side, options)}))
        return
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in options.only}
    with tempfile.TemporaryDirectory() as folder:
        ids = Path(folder) / "ids.json"
        ids.write_text(json.dumps(lines(options)))
        for _, side in itertools.product(range(1 if options.loss else options.rounds), options.only):
            own = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--ids", str(ids)]
            done = subprocess.run(own, stdout=subprocess.PIPE, text=True, check=True)
            line = done.stdout.strip().splitlines()[-1]
            print(line, flush=True)
            results[side].append(json.loads(line))
    if not options.loss:
        ratios(results)


def ratios(results: dict[str, list[dict[str, Any]]]) -> None:
    """Every side of hornbook over every Trainer that reads the same kind of rows, by CPU second and by the clock."""
    ours = [side for side in results if side.startswith("hornbook")]
    for mine, theirs in itertools.product(ours, [side for side in results if side.startswith("trainer")]):
        if ("blocks" in mine) != ("blocks" in theirs):
            continue
        # two processes: CPU seconds of one of them would count half the work
        kinds = [("clock", "median")] + ([] if mine.endswith("processes") else [("CPU", "median_cpu")])
        shown = []
        for name, key in kinds:
            values = [statistics.median(one[key] for one in results[side]) for side in (mine, theirs)]
            shown.append(f"{values[0] / values[1]:.2f} by {name}")
        print(f"{mine} / {theirs}: {', '.join(shown)}")


if __name__ == "__main__":
    main()
