"""Penn Treebank (Mikolov split, 10,000 word types, `<unk>` an ordinary word, one sentence a document, its end counted).

    python benchmarks/ngram_ptb.py [FOLDER with ptb.train.txt.gz and ptb.test.txt.gz]

One JSON line per order: test perplexity, training seconds, queries per second.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

from hornbook.core.runtime import cpu_name
from hornbook.statistical import NgramConfig, NgramLM

SPECIALS = {"start": 0, "end": 1}


class Words:
    """A closed vocabulary: every type of the training text."""

    def __init__(self, lines: list[list[str]]) -> None:
        self.specials = SPECIALS
        self.ids = {word: i for i, word in enumerate(sorted({word for line in lines for word in line}), start=len(SPECIALS))}
        self.size = len(SPECIALS) + len(self.ids)


def read(path: Path) -> list[list[str]]:
    return [line.split() for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def main() -> None:
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data")) / "ptb"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    train, test = read(folder / "ptb.train.txt.gz"), read(folder / "ptb.test.txt.gz")
    tokenizer = Words(train)
    encode = lambda lines: [np.array([tokenizer.ids[word] for word in line]) for line in lines]
    train_ids, test_ids = encode(train), encode(test)
    NgramLM(tokenizer, NgramConfig(order=2)).fit(train_ids[:9]).log_probs(test_ids[:9])  # compile outside the clock
    for order in (1, 2, 3, 5):
        began, began_cpu = time.perf_counter(), time.process_time()
        model = NgramLM(tokenizer, NgramConfig(order=order)).fit(train_ids)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
        began = time.perf_counter()
        scores = np.concatenate(model.log_probs(test_ids))
        query = time.perf_counter() - began
        record = {
            "order": order,
            "test_perplexity": round(math.exp(-scores.mean(dtype=np.float64)), 2),
            "test_tokens": scores.size,
            "train_tokens": model.tokens_,
            "train_seconds": round(seconds, 2),
            "train_cpu_seconds": round(cpu, 2),
            "query_tokens_per_second": round(scores.size / query),
            "ngrams": model.trie_.rows,
            "size_mb": round(model.size_mb, 1),
            "discounts": np.round(model.discounts_, 3).tolist(),
            "cpu": cpu_name(),
        }
        print(json.dumps(record))


if __name__ == "__main__":
    main()
