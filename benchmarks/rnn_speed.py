"""Training speed of a recurrent language model beside plain PyTorch: same shape, same tokens a step, same machine, in turn.

usage: python benchmarks/rnn_speed.py [--cell lstm] [--layers 2] [--width 200] [--vocabulary 10000] [--rows 20] [--length 35]
                                      [--steps 40] [--rounds 2] [--threads 0]
Sides: the training loop of pytorch/examples word_language_model (nn.LSTM, full softmax, SGD; tied, as its best figures), and
hornbook in float32 and in bfloat16, with its optimiser, and with a softmax over the batch's types and 1,024 samples. Prints a
JSON line a run, tokens by second and by CPU second, and the ratios of the best rounds. CPU seconds compare on a machine that
others use too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import numpy as np

WARM = 5
SIDES = ("torch", "hornbook-float32", "hornbook-bfloat16", "hornbook-bfloat16-sampled")
SAMPLES = 1024
SHAPE = {"layers": 2, "width": 200, "vocabulary": 10_000, "rows": 20, "length": 35, "steps": 40, "rounds": 2, "threads": 0}


def ids(options: argparse.Namespace) -> np.ndarray:
    """Made-up tokens, the n-th type as often as 1/n. (rows, tokens)"""
    tokens = options.length * (options.steps + WARM + 1) + 1
    ranks = (options.vocabulary - 2) ** np.random.default_rng(1).random((options.rows, tokens))
    return ranks.astype(np.int64) + 1


def plain_torch(options: argparse.Namespace) -> dict[str, float]:
    """As main.py and model.py of word_language_model have it, time first."""
    import torch
    from torch import nn

    embedding = nn.Embedding(options.vocabulary, options.width)
    layers = getattr(nn, options.cell.upper())(options.width, options.width, options.layers, dropout=0.2)
    decoder = nn.Linear(options.width, options.vocabulary)
    decoder.weight = embedding.weight
    drop, criterion = nn.Dropout(0.2), nn.NLLLoss()
    nn.init.uniform_(embedding.weight, -0.1, 0.1)
    nn.init.zeros_(decoder.bias)
    parts = nn.ModuleList([embedding, layers, decoder, drop])
    data = torch.from_numpy(ids(options).T.copy())  # (tokens, rows)
    hidden = None

    def step(index: int) -> None:
        nonlocal hidden
        place = index * options.length
        inputs, targets = data[place : place + options.length], data[place + 1 : place + options.length + 1].reshape(-1)
        if hidden is not None:
            hidden = tuple(part.detach() for part in hidden) if options.cell == "lstm" else hidden.detach()
        parts.zero_grad()
        states, hidden = layers(drop(embedding(inputs)), hidden)
        loss = criterion(torch.log_softmax(decoder(drop(states)).view(-1, options.vocabulary), dim=1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts.parameters(), 0.25)
        for parameter in parts.parameters():
            parameter.data.add_(parameter.grad, alpha=-1.0)
        loss.item()

    for index in range(WARM):
        step(index)
    wall, cpu = time.perf_counter(), time.process_time()
    for index in range(WARM, WARM + options.steps):
        step(index)
    return speed(options, time.perf_counter() - wall, time.process_time() - cpu)


def hornbook(options: argparse.Namespace, precision: str, samples: int) -> dict[str, float]:
    """A network of this project under its own loop; `samples` 0 takes the whole vocabulary."""
    from hornbook.core.events import Step
    from hornbook.corpus.batches import LaneBatches
    from hornbook.corpus.shards import ShardSplit
    from hornbook.models.rnn import RnnConfig, RnnModule
    from hornbook.objectives.causal import causal_loss
    from hornbook.objectives.sampled import sampled_loss
    from hornbook.training import TrainingConfig, train

    specials = {"start": 0, "end": 1}
    split = ShardSplit.from_documents([ids(options).reshape(-1)])
    batches = LaneBatches(split, rows=options.rows, length=options.length, specials=specials, seed=1)
    config = TrainingConfig(
        steps=options.steps + WARM, rows=options.rows, length=options.length, precision=precision, evaluations=0
    )
    module = RnnModule(
        RnnConfig(cell=options.cell, layers=options.layers, width=options.width, dropout=0.2), options.vocabulary
    )
    wall = cpu = 0.0
    counts = np.bincount(ids(options).reshape(-1), minlength=options.vocabulary)
    objective = sampled_loss(counts, samples) if samples else causal_loss
    for event in train(module, objective, batches, config):
        if isinstance(event, Step) and event.step == WARM:
            wall, cpu = time.perf_counter(), time.process_time()
        if isinstance(event, Step) and event.step == WARM + options.steps:
            return speed(options, time.perf_counter() - wall, time.process_time() - cpu)
    raise RuntimeError("the training ended before its last step")


def speed(options: argparse.Namespace, wall: float, cpu: float) -> dict[str, float]:
    """Tokens by second and by CPU second."""
    tokens = options.rows * options.length * options.steps
    return {"tokens_per_second": round(tokens / wall), "tokens_per_cpu_second": round(tokens / cpu)}


def main() -> None:
    """All sides in turn, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", choices=("rnn", "lstm", "gru"), default="lstm")
    for name, value in SHAPE.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--side", choices=SIDES)
    options = parser.parse_args()
    if options.side:
        from hornbook.core.runtime import prepare

        prepare(options.threads)
        samples = SAMPLES if options.side.endswith("sampled") else 0
        measured = plain_torch(options) if options.side == "torch" else hornbook(options, options.side.split("-")[1], samples)
        print(json.dumps({"side": options.side, **measured}))
        return
    best: dict[str, dict[str, float]] = {side: {} for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
            line = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
            print(line, flush=True)
            for key, value in json.loads(line).items():
                if key != "side":
                    best[side][key] = max(best[side].get(key, 0), value)
    for side in SIDES[1:]:
        ratios = ", ".join(f"{best[side][key] / best['torch'][key]:.2f} x {key}" for key in best["torch"])
        print(f"{side}: {ratios} of torch")


if __name__ == "__main__":
    main()
