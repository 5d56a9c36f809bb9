"""Recurrent networks on the Penn Treebank, as Mikolov et al. (2010) and Zaremba et al. (2014) score it.

One document a split, `end` after every line of it, state carried from the first word to the last; 10,000 types, `<unk>` an
ordinary one; 82,430 test tokens.

usage: python benchmarks/ptb_networks.py PLAN... [--minutes M] [--work FOLDER] [--results FILE] [--data FOLDER] [--mix]

PLAN: lstm gru (2 x 200) rnn (1 x 200), 10 minutes each; lstm-long (2 x 200), 60 minutes; lstm-wide (2 x 400), 120 minutes. A
plan that was killed goes on from its last checkpoint under FOLDER when it is started again with the same budget. Each appends
one JSON line to FILE; with --mix it also has the mixture with a Kneser-Ney 5-gram, weights tuned on the validation text.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core.runtime import cpu_name, prepare

SPECIALS = {"start": 0, "end": 1}
SPLITS = ("train", "valid", "test")


class Words:
    """A closed vocabulary: every type of the training text."""

    def __init__(self, lines: list[list[str]]) -> None:
        self.specials = SPECIALS
        self.ids = {word: i for i, word in enumerate(sorted({word for line in lines for word in line}), start=len(SPECIALS))}
        self.size = len(SPECIALS) + len(self.ids)

    def lines(self, lines: list[list[str]]) -> list[np.ndarray]:
        """One array a line."""
        return [np.array([self.ids[word] for word in line], dtype=np.int64) for line in lines]

    def stream(self, lines: list[list[str]]) -> np.ndarray:
        """All lines as one document; the end of the last one is the end of the document."""
        return np.concatenate([np.append(line, SPECIALS["end"]) for line in self.lines(lines)])[:-1]


def plans() -> dict[str, tuple[Any, float]]:
    """Name -> (recipe, minutes), with what docs/log.md found best on short runs."""
    from hornbook.models.rnn import RnnConfig
    from hornbook.recipes.rnn import RnnRecipe
    from hornbook.training import TrainingConfig

    training = TrainingConfig(
        optimizer="muon",
        rows=20,
        length=70,
        samples=1024,
        learning_rate=6e-3,
        tuned_width=256,
        betas=(0.9, 0.999),
        weight_decay=0.01,
        evaluations=0,
    )
    lstm = RnnRecipe(RnnConfig(cell="lstm", layers=2, width=200, dropout=0.3), training)
    with_model = lambda **changes: dataclasses.replace(lstm, model=dataclasses.replace(lstm.model, **changes))
    return {
        "lstm": (lstm, 10),
        "gru": (with_model(cell="gru"), 10),
        "rnn": (with_model(cell="rnn", layers=1), 10),
        "lstm-long": (with_model(dropout=0.4), 60),
        "lstm-wide": (with_model(width=400, dropout=0.5), 120),
    }


def train_plan(name: str, recipe: Any, words: Words, stream: np.ndarray, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Train, or go on training, and say what it took."""
    import torch

    from hornbook.core.events import Finished
    from hornbook.corpus.batches import LaneBatches
    from hornbook.corpus.shards import ShardSplit
    from hornbook.models.rnn import RnnLM
    from hornbook.objectives.sampled import sampled_loss
    from hornbook.training import resume, train

    config = recipe.training
    torch.manual_seed(config.seed)
    model = RnnLM(words, recipe.model)
    counts = np.bincount(stream, minlength=words.size)
    model.module.expect(counts)
    split = ShardSplit.from_documents([stream])
    batches = LaneBatches(split, rows=config.rows, length=config.length, specials=SPECIALS, seed=config.seed)
    state = resume(folder) if folder.is_dir() else None
    finished, before = None, time.process_time()
    objective = sampled_loss(counts, config.samples)
    for event in train(model.module, objective, batches, config, state=state, folder=folder, identity={"plan": name}):
        if isinstance(event, Finished):
            finished = event
    assert finished is not None
    facts = {
        "seconds": round(finished.seconds, 1),
        "cpu_seconds_since_resume": round(time.process_time() - before, 1),
        "steps": finished.step,
        "tokens": finished.tokens,
        "epochs": round(finished.tokens / stream.size, 2),
        "parameters": model.parameters,
    }
    model.to(dtype=torch.float32)
    return model, facts


def perplexity(scores: np.ndarray) -> float:
    """Of natural log-probabilities."""
    return round(math.exp(-scores.mean(dtype=np.float64)), 2)


def mixed(words: Words, texts: dict[str, list[list[str]]], scores: dict[str, np.ndarray]) -> dict[str, Any]:
    """The 5-gram, which reads line by line, and its mixture with the network, token by token."""
    from hornbook.statistical import NgramConfig, NgramLM
    from hornbook.statistical.mixture import em_weights

    ngram = NgramLM(words, NgramConfig(order=5)).fit(words.lines(texts["train"]))
    columns = {
        name: np.stack([scores[name], np.concatenate(ngram.log_probs(words.lines(texts[name])))], axis=1).astype(np.float64)
        for name in ("valid", "test")
    }
    weights = em_weights(np.exp(columns["valid"]))
    both = np.log(np.exp(columns["test"]) @ weights)
    alone = [perplexity(column) for column in columns["test"].T]
    return {
        "network": alone[0],
        "ngram": alone[1],
        "mixture": perplexity(both),
        "weights": np.round(weights, 3).tolist(),
        "better_than_both_by": round(1 - perplexity(both) / min(alone), 3),
    }


def main() -> None:
    """All plans in turn."""
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data")) / "ptb"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plans", nargs="+")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, help="a budget in steps in place of minutes")
    parser.add_argument("--work", type=Path, default=Path("runs/ptb"))
    parser.add_argument("--results", type=Path, default=Path("runs/ptb/results.jsonl"))
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--mix", action="store_true")
    options = parser.parse_args()
    prepare(options.threads)
    texts = {
        name: [
            line.split() for line in gzip.decompress((options.data / f"ptb.{name}.txt.gz").read_bytes()).decode().splitlines()
        ]
        for name in SPLITS
    }
    words = Words(texts["train"])
    for name in options.plans:
        recipe, minutes = plans()[name]
        budget = {"steps": options.steps} if options.steps else {"seconds": 60 * (options.minutes or minutes)}
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **budget))
        model, facts = train_plan(name, recipe, words, words.stream(texts["train"]), options.work / name)
        scores = {split: model.log_probs([words.stream(texts[split])])[0] for split in ("valid", "test")}
        record = {
            "plan": name,
            **{f"{split}_perplexity": perplexity(scores[split]) for split in scores},
            "test_tokens": scores["test"].size,
            **facts,
            "cpu": cpu_name(),
        }
        if options.mix:
            record["mix"] = mixed(words, texts, scores)
        print(json.dumps(record), flush=True)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
