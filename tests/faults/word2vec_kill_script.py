"""Train word vectors in children that are killed at random moments, resume, and print how many kills and whether all agree.

usage: python word2vec_kill_script.py FOLDER KILLS SEED KIND

The parent compiles the kernels and forks, so that a kill falls into training and saving and not into imports.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from hornbook.embeddings import FastText, FastTextConfig, Word2Vec, Word2VecConfig


def sentences() -> list[list[str]]:
    generator = np.random.default_rng(7)
    return [[f"w{n}" for n in generator.zipf(1.4, size=20) if n < 300] for _ in range(3000)]


def fit(kind: str, folder: Path | None) -> str:
    """Train to the end, from the last checkpoint when there is one; the hash of all vectors."""
    if kind == "fasttext":
        model: Word2Vec = FastText(FastTextConfig(dimensions=24, epochs=20, threads=2, min_n=2, max_n=4, buckets=2000))
    else:
        model = Word2Vec(Word2VecConfig(dimensions=40, epochs=40, threads=2, model="cbow" if kind == "cbow" else "skipgram"))
    model.fit(sentences(), folder=folder, resume=folder is not None, save_seconds=0.01)
    vectors = model.vectors_
    assert vectors.context is not None
    return hashlib.sha256(vectors.vectors.tobytes() + vectors.context.tobytes()).hexdigest()


def child(kind: str, folder: Path) -> int:
    process = os.fork()
    if process == 0:
        (folder / "hash").write_text(fit(kind, folder / "run"))
        os._exit(0)
    return process


def main() -> None:
    folder, kills, seed, kind = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    began = time.perf_counter()
    fit(kind, None)
    began = time.perf_counter()
    expected = fit(kind, None)
    usual = time.perf_counter() - began
    numbers, killed, finished = random.Random(seed), 0, 0
    while killed < kills:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for attempt in range(100):
            process = child(kind, folder)
            time.sleep(numbers.uniform(0.05, 0.8) * usual)
            if attempt < 5:  # then it may finish
                os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            killed += os.WIFSIGNALED(status)
            if status == 0:
                break
        assert (folder / "hash").read_text() == expected, "another result after a kill"
        assert not list((folder / "run").glob(".tmp-*")), "a killed writer left its folder behind"
        finished += 1
    print(f"{killed} kills, {finished} runs, bit-identical: yes")


if __name__ == "__main__":
    main()
