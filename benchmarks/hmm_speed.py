"""Baum-Welch beside hmmlearn: seconds per iteration and log-likelihood from the same start; then Penn Treebank in full.

    python benchmarks/hmm_speed.py [FOLDER with ptb.train.txt.gz, ptb.valid.txt.gz, ptb.test.txt.gz]

45 states, 10,000 words, 200,000 tokens, float32 here and float64 there, CPU seconds of the process, turn about. Then 50
iterations on all of the training text: the smallest gain of an iteration, and perplexities. One JSON line each.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hmmlearn.hmm import CategoricalHMM

from hornbook.sequences.chain import starts_of
from hornbook.statistical.baum_welch import Iteration, Observations, iterate
from hornbook.statistical.hmm import HmmConfig, HmmLM
from hornbook.statistical.hmm_tables import HmmTables, Prior, padded_size

STATES, WORDS, TOKENS, ROUNDS = 45, 10_000, 200_000, 2
PLAIN = Prior(np.full(WORDS, 1 / WORDS), 0.0, 0.0)


class Words:
    """A closed vocabulary: every type of the training text."""

    def __init__(self, lines: list[list[str]]) -> None:
        self.specials = {"end": 0}
        self.ids = {word: i for i, (word, _) in enumerate(Counter(w for line in lines for w in line).most_common(), start=1)}
        self.size = len(self.ids) + 1


def read(path: Path) -> list[list[str]]:
    return [line.split() for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def first_tokens(lines: list[list[str]]) -> tuple[np.ndarray, list[int]]:
    """The first 200,000 tokens in whole sentences, the commonest 9,999 words numbered, and the sentence lengths."""
    taken: list[list[str]] = []
    size = 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size >= TOKENS:
            break
    common = [word for word, _ in Counter(word for line in taken for word in line).most_common(WORDS - 1)]
    number = {word: i for i, word in enumerate(common, start=1)}
    return np.array([number.get(word, 0) for line in taken for word in line]), [len(line) for line in taken]


def beside_hmmlearn(lines: list[list[str]]) -> None:
    tokens, lengths = first_tokens(lines)
    random = np.random.default_rng(0)
    start, transition = random.dirichlet(np.ones(STATES)), random.dirichlet(np.ones(STATES), STATES)
    emission = random.dirichlet(np.ones(WORDS), STATES)
    size = padded_size(STATES)
    padded = [np.zeros(shape, np.float32) for shape in (size, (size, size), (WORDS, size))]
    padded[0][:STATES], padded[1][:STATES, :STATES], padded[2][:, :STATES] = start, transition, emission.T
    observed = Observations(tokens.astype(np.int32), starts_of(lengths))
    next(iterate(Iteration(HmmTables(STATES, *padded), 0), observed, PLAIN, threads=1))  # compile outside the clock
    seconds: dict[str, list[float]] = {"hornbook": [], "scaling": [], "log": []}
    likelihood: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        began = time.process_time()
        steps = iterate(Iteration(HmmTables(STATES, *padded), 0), observed, PLAIN, threads=1)
        state = [next(steps) for _ in range(3)][-1]
        seconds["hornbook"].append((time.process_time() - began) / 3)
        likelihood["hornbook"] = [value / tokens.size for value in state.log_likelihoods]
        for implementation, iterations in (("scaling", 3), ("log", 1)):
            peer: Any = CategoricalHMM(
                STATES, n_iter=iterations, tol=-1e9, init_params="", n_features=WORDS, implementation=implementation
            )
            peer.startprob_, peer.transmat_, peer.emissionprob_ = start, transition, emission
            began = time.process_time()
            peer.fit(tokens[:, None], lengths)
            seconds[implementation].append((time.process_time() - began) / iterations)
            likelihood[implementation] = [value / tokens.size for value in peer.monitor_.history]
    ours = min(seconds["hornbook"])
    for name, values in seconds.items():
        record = {"name": name, "cpu_seconds_per_iteration": round(min(values), 4), "ratio": round(min(values) / ours, 1)}
        print(json.dumps({**record, "log_likelihood_per_token": [round(value, 6) for value in likelihood[name]]}), flush=True)


def whole_treebank(folder: Path) -> None:
    lines = {split: read(folder / f"ptb.{split}.txt.gz") for split in ("train", "valid", "test")}
    tokenizer = Words(lines["train"])
    ids = {split: [np.array([tokenizer.ids[word] for word in line]) for line in rows] for split, rows in lines.items()}
    for states, prior in ((45, 0.0), (45, 100.0), (128, 100.0)):
        config = HmmConfig(states=states, iterations=50, tolerance=0.0, emission_prior=prior, transition_prior=min(prior, 1.0))
        began = time.process_time()
        model = HmmLM(tokenizer, config).fit(ids["train"])  # type: ignore[arg-type]
        cpu = time.process_time() - began
        gains = np.diff(model.objectives_)
        record = {
            "states": states,
            "emission_prior": prior,
            "tokens": model.tokens_,
            "cpu_seconds_per_iteration": round(cpu / len(model.objectives_), 3),
            "iterations": len(model.objectives_),
            "smallest_gain_nats": round(float(gains.min()), 3),
            "decreases": int((gains < 0).sum()),
        }
        for split in ("train", "valid", "test"):
            scores = np.concatenate(model.log_probs(ids[split]))
            record[f"{split}_perplexity"] = round(math.exp(-scores.mean(dtype=np.float64)), 1)
        print(json.dumps(record), flush=True)


def main() -> None:
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data")) / "ptb"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    beside_hmmlearn(read(folder / "ptb.train.txt.gz"))
    whole_treebank(folder)


if __name__ == "__main__":
    main()
