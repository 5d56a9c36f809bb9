"""Damaged files of word vectors, by the thousand: each must load or be refused in one line, within memory and time (P8).

    python benchmarks/vector_mutants.py --count 2000

Good small files of every format are damaged by hand and at random (a byte flipped, cut off, extended, a piece spliced in from
elsewhere, a whole number replaced by -1, 0, 2^31 - 1 or 2^63 - 1). Every mutant is opened in a child forked from one warm
process, under RLIMIT_AS 4 GB and 10 s. A child passes when it ends normally, either with vectors that answer a question or
with an error of one line that names the file, and its peak memory is below that of the good file plus 200 MB.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hornbook.core.errors import HornbookError
from hornbook.core.runtime import peak_rss_mb
from hornbook.embeddings.formats import load_vectors, save_vectors
from hornbook.embeddings.formats.fasttext import MAGIC, SUPERVISED
from hornbook.embeddings.subwords import SubwordConfig, Subwords
from hornbook.embeddings.supervised import FastTextClassifier
from hornbook.embeddings.vectors import WordVectors

FORMATS = {
    "word2vec text": "word2vec-text",
    "word2vec .bin": "word2vec-binary",
    "GloVe text": "glove",
    "fastText .bin": "fasttext",
    "fastText .ftz": "fasttext",
}
NUMBERS = (-1, 0, 2**31 - 1, 2**63 - 1)
ADDRESS_SPACE = 4 << 30
SECONDS = 10
EXTRA_MB = 200


@dataclass
class Tally:
    """What became of the mutants of one format."""

    mutants: int = 0
    loaded: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)  # crash, hang, memory, or an error that is not one line
    most_mb: float = 0.0  # above the good file
    slowest: float = 0.0


def good_file(name: str, folder: Path, seed: int = 1) -> bytes:
    """A small whole file of a format."""
    random = np.random.default_rng(seed)
    words = [f"word{i}" for i in range(38)] + ["字词", "naïve"]
    matrix = random.normal(size=(len(words), 8)).astype(np.float32)
    if name == "fastText .ftz":
        return small_classifier(random)
    subwords = Subwords(SubwordConfig(2, 4, 50), random.normal(size=(50, 8)).astype(np.float32))
    vectors = WordVectors(words, matrix, subwords=subwords if name == "fastText .bin" else None)
    path = folder / "good"
    save_vectors(vectors, path, FORMATS[name])
    return path.read_bytes()


def small_classifier(random: np.random.Generator) -> bytes:
    """A quantised, pruned classifier of three labels, written byte by byte as fastText's saveModel does."""
    words, labels, size, bucket, kept, parts = ["</s>", "one", "two", "été"], 3, 8, 40, 6, 4

    def quantiser(dimensions: int, count: int, width: int) -> bytes:
        centroids = random.normal(size=256 * dimensions).astype("<f4").tobytes()
        return struct.pack("<4i", dimensions, count, width, dimensions - (count - 1) * width) + centroids

    args = struct.pack("<12id", size, 5, 5, 1, 5, 2, 1, SUPERVISED, bucket, 2, 4, 100, 1e-4)
    entries = [*((word, 0) for word in words), *((f"__label__{i}", 1) for i in range(labels))]
    dictionary = struct.pack("<3i2q", len(entries), len(words), labels, 1000, kept)
    dictionary += b"".join(text.encode() + b"\0" + struct.pack("<qb", 90 - i, kind) for i, (text, kind) in enumerate(entries))
    dictionary += b"".join(struct.pack("<2i", 5 * i + 1, i) for i in range(kept))
    rows = len(words) + kept
    inputs = b"\1\1" + struct.pack("<2qi", rows, size, rows * parts) + random.bytes(rows * parts) + quantiser(size, parts, 2)
    inputs += random.bytes(rows) + quantiser(1, 1, 1)
    outputs = b"\0" + struct.pack("<2q", labels, size) + random.normal(size=labels * size).astype("<f4").tobytes()
    return MAGIC + struct.pack("<i", 12) + args + dictionary + inputs + outputs


def hand_made(name: str, good: bytes) -> Iterator[tuple[str, bytes, bool | None]]:
    """(what was done, the bytes, whether they must load: None where either will do)."""
    yield "whole", good, True
    yield "empty", b"", False
    yield "one byte", good[:1], False
    yield "zeros", bytes(len(good)), False
    yield "half", good[: len(good) // 2], None if name == "GloVe text" else False
    yield "twice", good + good, False
    yield "three bytes", good[:3], False
    yield "the last three bytes missing", good[:-3], None if name in ("word2vec text", "GloVe text") else False
    if name in ("word2vec text", "word2vec .bin"):
        first, rest = good.split(b"\n", 1)
        for header in (
            b"-1 8",
            b"0 8",
            b"40 0",
            b"40 -8",
            b"41 8",
            b"39 8",
            b"40 7",
            b"40 9",
            b"2000000000 300",
            b"40 2000000000",
        ):
            yield f"first line {header!r}", header + b"\n" + rest, False
        for header in (
            b"9223372036854775807 8",
            b"40 9223372036854775807",
            b"99999999999999999999999 8",
            b"40",
            b"40 8 8",
            b"",
            b"40 8.0",
        ):
            yield f"first line {header!r}", header + b"\n" + rest, False
        yield "header only", first + b"\n", False
        yield "line break after the header missing", first + rest, None
    if name in ("word2vec text", "GloVe text"):
        lines = good.split(b"\n")
        at = 5
        for what, line in {
            "nan": lines[at].rsplit(b" ", 1)[0] + b" nan",
            "inf": lines[at].rsplit(b" ", 1)[0] + b" inf",
            "too large": lines[at].rsplit(b" ", 1)[0] + b" 1e39",
            "a word for a number": lines[at].rsplit(b" ", 1)[0] + b" word",
            "one number less": lines[at].rsplit(b" ", 1)[0],
            "nothing": b"",
            "a word alone": b"alone",
            "no word": lines[at].split(b" ", 1)[1],
            "there twice": lines[at - 1],
            "not UTF-8": b"\xff\xfe" + lines[at],
        }.items():
            yield what, b"\n".join([*lines[:at], line, *lines[at + 1 :]]), False
        yield "Windows line ends", good.replace(b"\n", b"\r\n"), True
        yield "blanks at line ends", good.replace(b"\n", b" \n"), True
        yield "no newline at the end", good.rstrip(b"\n"), True
        yield "empty lines at the end", good + b"\n\n", True
        yield "one line of 3 MB", b"a" * 3_000_000, False
        yield "a number of a million digits", good.replace(b"0.", b"0." + b"1" * 1_000_000, 1), True
    if name == "word2vec .bin":
        yield "nan", good[:-5] + struct.pack("<f", np.nan) + b"\n", False
        yield "a word there twice", good.replace(b"word3 ", b"word4 "), False
        yield "not UTF-8", good.replace(b"word3 ", b"wor\xff3 "), False
        yield "no line breaks between rows", re.sub(rb"(?s)\n(?=word|\xe5|na)", b"", good.replace(b"\n", b"\n", 1)), None
    if name.startswith("fastText"):
        header = 8 + 12 * 4 + 8
        for offset in [*range(4, header - 8, 4), header, header + 4, header + 8, header + 12, header + 20]:
            for number in NUMBERS:
                for code in "iq":
                    value = struct.pack(f"<{code}", max(min(number, 2**31 - 1), -1) if code == "i" else number)
                    yield f"{number} at {offset}", good[:offset] + value + good[offset + len(value) :], None


def mutants(good: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Random damage, the same for the same seed."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        kind = str(random.choice(["flip", "truncate", "extend", "splice", "number", "digits"]))
        data, at = bytearray(good), int(random.integers(len(good)))
        if random.random() < 0.4:
            at = int(random.integers(min(len(good), 200)))  # where the counts are
        if kind == "flip":
            for place in [at, *random.integers(len(good), size=int(random.integers(0, 4)))]:
                data[place] ^= 1 << int(random.integers(8))
        elif kind == "truncate":
            del data[at:]
        elif kind == "extend":
            data[at:at] = random.bytes(int(random.integers(1, 64)))
        elif kind == "splice":
            source, length = int(random.integers(len(good))), int(random.integers(1, 64))
            data[at : at + length] = good[source : source + length]
        elif kind == "number":
            value = struct.pack("<q", int(random.choice(NUMBERS)))[: int(random.choice([4, 8]))]
            data[at : at + len(value)] = value
        else:
            found = list(re.finditer(rb"\d+", good))
            run = found[int(random.integers(min(len(found), 30)))] if found else None
            if run:
                data[run.start() : run.end()] = str(int(random.choice(NUMBERS))).encode()
        yield f"{kind} at {at}", bytes(data)


def open_in_child(path: Path, name: str) -> tuple[str, str, float, float]:
    """(loaded, refused or what failed; the message; peak MB; seconds) of opening a file in a forked child."""
    reader, writer = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        try:
            use(path, name)
            answer = "loaded\n"
        except HornbookError as error:
            answer = f"refused\n{error}"
        except BaseException as error:
            answer = f"{type(error).__name__}\n{error}"
        os.write(writer, f"{peak_rss_mb()}\n{answer}".encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        report = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - began
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return ("hang" if number == signal.SIGALRM else f"signal {number}"), "", 0.0, seconds
    peak, outcome, message = report.split("\n", 2)
    if outcome == "refused" and ("\n" in message or path.name not in message):
        outcome = "not one line that names the file"
    return outcome, message, float(peak), seconds


def use(path: Path, name: str) -> None:
    """Open a file and ask it something."""
    if name == "fastText .ftz":
        FastTextClassifier.load(path).predict(["one two three", "été"], 3)
    vectors = load_vectors(path, "auto" if name != "fastText .ftz" else "fasttext")
    vectors.most_similar(positive=[0], topn=3)


def attack(name: str, folder: Path, *, count: int, seed: int, good: bytes | None = None) -> Tally:
    """Open the hand-made and `count` random mutants of a format."""
    whole = good_file(name, folder) if good is None else good
    tally, path = Tally(), folder / "mutant"
    path.write_bytes(whole)
    use(path, name)  # warm: everything is imported and compiled before the first fork
    _, _, usual, _ = open_in_child(path, name)
    random = ((what, data, None) for what, data in mutants(whole, count, seed))
    for what, data, must_load in [*hand_made(name, whole), *random]:
        path.write_bytes(data)
        outcome, message, peak, seconds = open_in_child(path, name)
        tally.mutants += 1
        tally.loaded += outcome == "loaded"
        tally.refused += outcome == "refused"
        tally.most_mb, tally.slowest = max(tally.most_mb, peak - usual), max(tally.slowest, seconds)
        if outcome not in ("loaded", "refused") or must_load not in (None, outcome == "loaded"):
            tally.failures.append(f"{name}, {what}: {outcome} {message}")
        elif peak > usual + EXTRA_MB:
            tally.failures.append(f"{name}, {what}: {peak - usual:.0f} MB more than the good file")
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="random mutants a format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ftz", type=Path, help="a real .ftz to damage instead of a small one made here")
    arguments = parser.parse_args()
    print(f"{'format':16}{'mutants':>9}{'refused':>9}{'loaded':>8}{'failed':>8}{'worst MB':>10}{'slowest s':>11}{'total s':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            began = time.perf_counter()
            real = arguments.ftz.read_bytes() if arguments.ftz and name == "fastText .ftz" else None
            tally = attack(name, Path(folder), count=arguments.count, seed=arguments.seed, good=real)
            total = time.perf_counter() - began
            print(
                f"{name:16}{tally.mutants:9}{tally.refused:9}{tally.loaded:8}{len(tally.failures):8}{tally.most_mb:10.0f}"
                f"{tally.slowest:11.2f}{total:9.0f}",
                flush=True,
            )
            for failure, times in Counter(tally.failures).most_common(20):
                print(f"    {times} x {failure}")


if __name__ == "__main__":
    main()
