"""Damaged ARPA and model files, read by this project and (--peer) by kenlm, each in a child process that may crash or hang.

    python benchmarks/arpa_mutants.py [--number 2000] [--peer]

One JSON line per reader: refused, read, crashed, hung.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hornbook.core.errors import ContentError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.arpa import write_arpa
from hornbook.statistical.arpa_read import read_arpa
from hornbook.statistical.trie import load_trie
from hornbook.tokenizers.closed import closed_tokenizer
from mutants import mutants

_SECONDS = 20


def small_model() -> tuple[NgramLM, list[str]]:
    random = np.random.default_rng(4)
    texts = [" ".join(f"w{i % 30}" for i in random.zipf(1.4, size=8)) for _ in range(60)]
    tokenizer = closed_tokenizer(sorted({word for text in texts for word in text.split()}))
    return NgramLM(tokenizer, NgramConfig(order=3)).fit(tokenizer.encode_batch(texts)), texts


def in_child(read: Callable[[Path], None], path: Path) -> str:
    """What became of one reading: refused (exit 3), read (0), crashed (a signal or another error), hung."""
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            read(path)
        except (ContentError, OSError, ValueError, RuntimeError):  # kenlm raises OSError
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGALRM else "crashed"
    return {0: "read", 3: "refused"}.get(os.WEXITSTATUS(status), "crashed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--peer", action="store_true")
    options = parser.parse_args()
    model, texts = small_model()
    folder = Path(tempfile.mkdtemp())
    write_arpa(model, folder / "m.arpa")
    model.save_files(folder)

    def ours(path: Path) -> None:
        found = read_arpa(path)
        assert np.isfinite([found.score(text) for text in texts[:5]]).all()

    def saved(path: Path) -> None:
        found = NgramLM(model.tokenizer, model.config).use(load_trie(path, model.trie_.rows))
        assert np.isfinite([found.score(text) for text in texts[:5]]).all()

    def peer(path: Path) -> None:
        import kenlm

        found = kenlm.Model(str(path))
        [found.score(text) for text in texts[:5]]

    ours(folder / "m.arpa")
    saved(folder / "model.safetensors")  # compile before forking
    readers = [("ARPA, hornbook", ours, "m.arpa"), ("model file, hornbook", saved, "model.safetensors")]
    readers += [("ARPA, kenlm", peer, "m.arpa")] if options.peer else []
    for name, read, file in readers:
        began = time.perf_counter()
        counts = dict.fromkeys(("refused", "read", "crashed", "hung"), 0)
        target = folder / f"mutant-{file}"
        for data in mutants((folder / file).read_bytes(), options.number, seed=3):
            target.write_bytes(data)
            counts[in_child(read, target)] += 1
        print(json.dumps({"reader": name, **counts, "seconds": round(time.perf_counter() - began, 1)}), flush=True)


if __name__ == "__main__":
    main()
