"""Chinese word vectors beside gensim's on the same words: speed and quality.

    python benchmarks/chinese_vectors.py DATA [--seeds 3] [--epochs 5]

DATA holds tech-zh/train.txt.gz, laws-zh/train.txt.gz and word-eval/zh-*.txt. Both sides read the words that rjieba cut. Most
questions of CA8 are about words that these texts do not have: the coverage stands beside the score.
"""

from __future__ import annotations

import argparse
import gzip
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from hornbook.embeddings import (
    FastText,
    Glove,
    VocabularyConfig,
    Word2Vec,
    WordVectors,
    evaluate_vectors,
    read_sentences,
    sentences_of,
)

TESTS = ("zh-wordsim-240.txt", "zh-wordsim-297.txt", "zh-CA8-morphological.txt", "zh-CA8-semantic.txt")


def by_gensim(sentences: list[list[str]], *, skipgram: bool, epochs: int, seed: int) -> WordVectors:
    """The same settings as hornbook's defaults."""
    from gensim.models import Word2Vec as Peer

    made = Peer(
        sentences, vector_size=100, window=5, negative=5, min_count=5, sg=int(skipgram), workers=2, epochs=epochs, seed=seed
    )
    return WordVectors(made.wv.index_to_key, made.wv.vectors)


def main() -> None:
    """Every system with every seed, then a line of means for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    files = [options.data / name / "train.txt.gz" for name in ("tech-zh", "laws-zh")]
    texts = [gzip.decompress(file.read_bytes()).decode("utf-8") for file in files]
    sentences = list(sentences_of(texts))
    corpus = read_sentences(sentences, VocabularyConfig(5), log=print)
    tests = [options.data / "word-eval" / name for name in TESTS]
    same = {"epochs": options.epochs, "threads": 2}
    systems: dict[str, Callable[[int], WordVectors]] = {
        "hornbook skip-gram": lambda seed: Word2Vec(**same, seed=seed).fit(corpus).vectors_,
        "gensim skip-gram": lambda seed: by_gensim(sentences, skipgram=True, epochs=options.epochs, seed=seed),
        "hornbook CBOW": lambda seed: Word2Vec(**same, seed=seed, model="cbow").fit(corpus).vectors_,
        "gensim CBOW": lambda seed: by_gensim(sentences, skipgram=False, epochs=options.epochs, seed=seed),
        "hornbook fastText": lambda seed: FastText(**same, seed=seed).fit(corpus).vectors_,
        "hornbook GloVe": lambda seed: Glove(threads=2, seed=seed).fit(corpus).vectors_,
    }
    for make in systems.values():
        make(0)  # compiles, and warms the caches of the processor
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for seed in range(1, options.seeds + 1):
        for name, make in systems.items():
            begin = sum(os.times()[:2])
            vectors = make(seed)
            row: dict[str, Any] = {"CPU s": sum(os.times()[:2]) - begin}
            for test, score in evaluate_vectors(vectors, tests).items():
                row[test], row[f"{test} coverage"] = score.score, score.coverage
            found[name].append(row)
    for name, rows in found.items():
        print(f"{name:20}", "  ".join(f"{key} {mean(row[key] for row in rows):.3f}" for key in rows[0]))


if __name__ == "__main__":
    main()
