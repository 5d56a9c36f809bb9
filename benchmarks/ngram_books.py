"""A text with train, valid and test files (.txt.xz), byte-level BPE of 8,192 types, a document per blank-line block.

    python benchmarks/ngram_books.py [FOLDER] [--orders 3,5] [--keep-tokens FILE.npz]

One JSON line per order: bits per byte of the test split, seconds, memory, size on disk, query and distribution speed.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from hornbook.core.runtime import cpu_name, peak_rss_mb, rss_mb
from hornbook.statistical import NgramConfig, NgramLM


class Flat:
    """What `fit` reads of a split on disk."""

    def __init__(self, tokens: np.ndarray, starts: np.ndarray) -> None:
        self.tokens, self.starts = tokens, starts

    def documents(self) -> list[np.ndarray]:
        return [self.tokens[begin:end] for begin, end in zip(self.starts, self.starts[1:])]


class Bpe:
    """Size and special ids of the trained tokenizer: all that the model asks for here."""

    size = 8192

    def __init__(self) -> None:
        self.specials = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}

    def save_pretrained(self, folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")


def paragraphs(path: Path) -> tuple[list[str], int]:
    text = lzma.decompress(path.read_bytes())
    return text.decode().split("\n\n"), len(text)


def tokenize(folder: Path) -> dict[str, np.ndarray]:
    train, _ = paragraphs(folder / "train.txt.xz")
    test, test_bytes = paragraphs(folder / "test.txt.xz")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "<sep>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=Bpe.size, special_tokens=names, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(train, trainer)
    result: dict[str, np.ndarray] = {"test_bytes": np.array(test_bytes)}
    for name, texts in (("train", train), ("test", test)):
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        result[f"{name}_starts"] = np.cumsum([0] + [len(document) for document in ids])
        result[f"{name}_tokens"] = np.concatenate([np.array(document, dtype=np.uint16) for document in ids])
    return result


def measure(order: int, train: Flat, test: Flat, test_bytes: int, minimum: tuple[int, ...]) -> dict[str, object]:
    began, began_cpu = time.perf_counter(), time.process_time()
    model = NgramLM(Bpe(), NgramConfig(order=order, minimum_counts=minimum)).fit(train)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    with tempfile.TemporaryDirectory() as folder:
        model.save_files(Path(folder))
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    documents = test.documents()
    began = time.perf_counter()
    scores = np.concatenate(model.log_probs(documents))
    query = time.perf_counter() - began
    prefixes = [document[:20] for document in documents if len(document) > 20][:64]
    model.start(prefixes)
    began = time.perf_counter()
    model.start(prefixes)
    row = (time.perf_counter() - began) / len(prefixes)
    return {
        "order": order,
        "minimum_counts": minimum,
        "bits_per_byte": round(-float(scores.sum(dtype=np.float64)) / math.log(2) / test_bytes, 4),
        "train_tokens": model.tokens_,
        "test_tokens": scores.size,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "rss_mb": round(rss_mb()),
        "peak_rss_mb": round(peak_rss_mb()),
        "size_mb": round(disk / 1e6, 1),
        "ngrams": model.trie_.rows,
        "query_tokens_per_second": round(scores.size / query),
        "distribution_ms": round(row * 1000, 3),
        "cpu": cpu_name(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data")) / "books-en"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--orders", default="3,5")
    parser.add_argument("--minimum-counts", default="1")
    parser.add_argument("--keep-tokens", type=Path)
    options = parser.parse_args()
    if options.keep_tokens and options.keep_tokens.exists():
        data = dict(np.load(options.keep_tokens))
    else:
        data = tokenize(options.folder)
        if options.keep_tokens:
            np.savez(options.keep_tokens, **data)
            raise SystemExit(f"tokens kept in {options.keep_tokens}: run again, so that memory is that of the model alone")
    minimum = tuple(int(count) for count in options.minimum_counts.split(","))
    train, test = Flat(data["train_tokens"], data["train_starts"]), Flat(data["test_tokens"], data["test_starts"])
    small = NgramLM(Bpe(), NgramConfig(order=2)).fit(train.documents()[:9])  # compile outside the clock
    small.log_probs(test.documents()[:9])
    small.start([np.zeros(0, dtype=np.int64)])
    for order in map(int, options.orders.split(",")):
        print(json.dumps(measure(order, train, test, int(data["test_bytes"]), minimum)), flush=True)


if __name__ == "__main__":
    main()
