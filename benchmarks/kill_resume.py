"""kill -9 trainings at random moments, resume, and compare the final weights with an unbroken run (P1).

usage: python benchmarks/kill_resume.py [--kills 20] [--kinds gpt bert roberta rnn lstm gru continued] [--steps 60] [--seed 1]

"continued" is a RoBERTa that goes on from a saved model on two texts, one of them replayed.

One parent loads the libraries and forks a child per attempt, so that a kill falls into training and saving, not into
imports. Every third kill waits for a save to begin; a few follow the last one within the same epoch.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from hornbook.corpus.batches import BlockBatches, LaneBatches
from hornbook.corpus.masked_batches import MaskedBatches
from hornbook.corpus.masking import Masking
from hornbook.corpus.mixed_batches import MixedBatches, row_shares
from hornbook.corpus.pair_batches import PairBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.models.bert import BertConfig, BertModule
from hornbook.models.gpt import GptConfig, GptModule
from hornbook.models.masked import MaskedLM
from hornbook.models.rnn import RnnConfig, RnnModule
from hornbook.objectives.causal import causal_loss
from hornbook.objectives.masked import masked_loss
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, train_tokenizer
from hornbook.training import TrainingConfig, resume, train

ROWS, LENGTH = 8, 24
KINDS = ("gpt", "bert", "roberta", "rnn", "lstm", "gru", "continued")
EPOCH = 42  # batches, about
START = "start"  # the model that "continued" begins with


def sentences(seed: int) -> list[str]:
    """Forty short documents of a made-up language of letters."""
    drawn = np.random.default_rng(seed).integers(0, 20, size=(40, 200))
    return ["".join(". " if letter == 19 else chr(97 + letter) for letter in document) for document in drawn.tolist()]


def tokenizer() -> TextTokenizer:
    """The letters."""
    return train_tokenizer(sentences(7), TokenizerConfig(kind="chars"))


def corpus(letters: TextTokenizer, seed: int = 7) -> ShardSplit:
    """The documents as ids."""
    return ShardSplit.from_documents(letters.encode_batch(sentences(seed)))


def begin_continued(folder: Path) -> None:
    """Save the model that \"continued\" goes on from."""
    torch.manual_seed(4)
    (folder / START).mkdir()
    MaskedLM(tokenizer(), roberta()).save_files(folder / START)


def roberta() -> BertConfig:
    """A small RoBERTa."""
    return BertConfig(layers=2, width=32, heads=2, context=LENGTH, types=1, layout="roberta", dropout=0.1)


def lesson(kind: str, folder: Path) -> tuple[torch.nn.Module, Any, Any]:
    """A small network of a kind, its batches and its objective."""
    letters = tokenizer()
    shape: dict[str, Any] = {"rows": ROWS, "length": LENGTH, "seed": 3}
    masked: dict[str, Any] = {**shape, "masking": Masking(rate=0.3, last_rate=0.15)}
    split, size = corpus(letters), letters.size
    if kind == "gpt":
        module = GptModule(GptConfig(layers=2, width=32, heads=2, context=LENGTH, dropout=0.1), size)
        return module, BlockBatches(split, specials=letters.specials, **shape), causal_loss
    if kind == "bert":
        config = BertConfig(layers=2, width=32, heads=2, context=LENGTH, next_sentence=True, dropout=0.1)
        return BertModule(config, size), PairBatches(split, letters, **masked), masked_loss
    if kind == "roberta":
        return BertModule(roberta(), size), MaskedBatches(split, letters, **masked), masked_loss
    if kind == "continued":
        texts = [
            MaskedBatches(one, letters, **{**masked, "rows": rows})
            for one, rows in zip((split, corpus(letters, 8)), row_shares(ROWS, (0.75, 0.25)))
        ]
        return MaskedLM.load(folder.parent / START).module, MixedBatches(texts), masked_loss
    recurrent = RnnModule(RnnConfig(cell=kind, layers=1, width=48, dropout=0.1), size)  # type: ignore[arg-type]
    return recurrent, LaneBatches(split, specials=letters.specials, **shape), causal_loss


def run(kind: str, folder: Path, steps: int) -> None:
    """Train from the last checkpoint to the end, with dropout, pieces and a running average; write the hash of the weights."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    module, batches, objective = lesson(kind, folder)
    config = TrainingConfig(
        steps=steps,
        rows=ROWS,
        length=LENGTH,
        accumulate=2,
        optimizer="muon" if kind in ("gpt", "roberta") else "adamw",
        ema=0.95,
        precision="float32",
        save_every=2,
        evaluate_every=10,
        restore_best=False,
        threads=1,
    )
    probe = next(iter(module.parameters()))
    for _ in train(
        module,
        objective,
        batches,
        config,
        state=resume(folder / "checkpoints"),
        evaluate=lambda: {"loss": float(probe.float().square().mean())},
        folder=folder / "checkpoints",
        identity={"kind": kind},
    ):
        pass
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    (folder / "final").write_text(digest.hexdigest())


@dataclass
class Tally:
    """What happened to one kind of model."""

    kills: int = 0
    in_save: int = 0
    same_epoch: int = 0
    failed: int = 0
    finished: int = 0
    equal: int = 0


def attempt(kind: str, folder: Path, steps: int) -> int:
    """Fork a child that trains; returns its process number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        run(kind, folder, steps)
        code = 0
    finally:
        if code:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(code)


def wait(pid: int) -> int:
    """Exit code of a child; negative is a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at(pid: int, folder: Path, moment: float, *, in_save: bool) -> bool:
    """Kill after `moment` seconds (and then at the next save, if asked); False when the child was done before."""
    until = time.monotonic() + moment
    while time.monotonic() < until or (in_save and not list(folder.glob("checkpoints/.tmp-*"))):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
            return False
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    return True


def steps_done(folder: Path) -> int:
    """Step of the newest checkpoint."""
    return max([int(path.name[5:]) for path in folder.glob("checkpoints/step-*")], default=0)


def torture(kind: str, kills: int, steps: int, seed: int, work: Path) -> Tally:
    """Kill and resume until `kills` kills have happened and every begun run has finished."""
    choose, tally = random.Random(seed), Tally()
    begin_continued(work)
    whole = work / f"{kind}-whole"
    whole.mkdir()
    begin = time.monotonic()
    if wait(attempt(kind, whole, steps)):
        raise SystemExit(f"{kind}: the unbroken run failed")
    duration, expected = time.monotonic() - begin, (whole / "final").read_text()
    while tally.kills < kills:
        folder = work / f"{kind}-{tally.finished}-{tally.failed}"
        folder.mkdir()
        last_killed_at = -1
        while True:
            pid = attempt(kind, folder, steps)
            wanted = tally.kills < kills
            if wanted and kill_at(pid, folder, choose.uniform(0, 0.6 * duration), in_save=tally.kills % 3 == 0):
                if wait(pid) != -signal.SIGKILL:
                    tally.failed += 1
                    break
                tally.kills += 1
                tally.in_save += bool(list(folder.glob("checkpoints/.tmp-*")))
                epoch = steps_done(folder) // EPOCH
                tally.same_epoch += epoch == last_killed_at
                last_killed_at = epoch
                continue
            if wait(pid):
                tally.failed += 1
                break
            tally.finished += 1
            tally.equal += (folder / "final").read_text() == expected
            break
        shutil.rmtree(folder)
    return tally


def main() -> None:
    """Print one line per kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    good = True
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as work:
            tally = torture(kind, options.kills, options.steps, options.seed, Path(work))
        identical = tally.failed == 0 and tally.equal == tally.finished
        good = good and identical
        print(
            f"{kind}: {tally.kills} kills ({tally.in_save} in a save, {tally.same_epoch} again in one epoch), "
            f"{tally.kills - tally.failed} resumed, {tally.equal} of {tally.finished} finished runs equal the unbroken one, "
            f"bit-identical: {'yes' if identical else 'NO'}",
            flush=True,
        )
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
