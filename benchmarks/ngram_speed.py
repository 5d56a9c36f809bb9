"""N-gram models from a text file, this project against KenLM's programs and its Python module, side by side.

    python benchmarks/ngram_speed.py TRAIN TEST --bin FOLDER [--orders 3,5] [--rounds 3] [--memory-mb 4000] [--threads 1]

TRAIN and TEST: one sentence a line, words between blanks; FOLDER holds lmplz and build_binary. Estimation goes from the
text to files on the disk that can be queried (ours: model folder; theirs: ARPA, then binary), each in a fresh process,
taking turns.
One JSON line per order and round, then one with the query figures: wall and CPU seconds, peak memory, perplexities, the largest
difference of a token in log10, tokens per second from text and from ids.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hornbook.core.runtime import cpu_name
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.lines import WordTable, train_on_lines

_OURS = """
import sys, time
from pathlib import Path
from hornbook.statistical import NgramConfig
from hornbook.statistical.lines import train_on_lines
from hornbook.core.runtime import peak_rss_mb
warm = Path(sys.argv[2]) / "warm.txt"
warm.write_text("a b c\\n" * 3)
train_on_lines(warm, NgramConfig(order=int(sys.argv[3])))
began, cpu = time.perf_counter(), time.process_time()
config = NgramConfig(order=int(sys.argv[3]), memory_mb=int(sys.argv[4]), threads=int(sys.argv[5]))
train_on_lines(Path(sys.argv[1]), config).save_files(Path(sys.argv[2]))
print(time.perf_counter() - began, time.process_time() - cpu, peak_rss_mb())
"""


def child(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MB of a program."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def estimate(order: int, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    ours = folder / f"ours-{order}"
    ours.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-c",
        _OURS,
        str(options.train),
        str(ours),
        str(order),
        str(options.memory_mb),
        str(options.threads),
    ]
    wall, cpu, peak = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    arpa, binary = folder / f"{order}.arpa", folder / f"{order}.bin"
    lmplz = [str(options.bin / "lmplz"), "-o", str(order), "-S", f"{options.memory_mb}M", "-T", str(folder)]
    first = child([*lmplz, "--text", str(options.train), "--arpa", str(arpa), "--discount_fallback"])
    second = child([str(options.bin / "build_binary"), "probing", str(arpa), str(binary)])
    return {
        "order": order,
        "ours_wall": round(wall, 2),
        "ours_cpu": round(cpu, 2),
        "ours_peak_mb": round(peak),
        "ours_mb": round(sum(path.stat().st_size for path in ours.iterdir()) / 1e6),
        "lmplz_wall": round(first[0], 2),
        "lmplz_cpu": round(first[1], 2),
        "lmplz_peak_mb": round(first[2]),
        "build_binary_wall": round(second[0], 2),
        "build_binary_cpu": round(second[1], 2),
        "arpa_mb": round(arpa.stat().st_size / 1e6),
        "binary_mb": round(binary.stat().st_size / 1e6),
        "ratio_cpu": round((first[1] + second[1]) / cpu, 2),
        "ratio_wall": round((first[0] + second[0]) / wall, 2),
    }


def best(job: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Lowest wall and CPU seconds."""
    runs = []
    for _ in range(rounds):
        began, cpu = time.perf_counter(), time.process_time()
        job()
        runs.append((time.perf_counter() - began, time.process_time() - cpu))
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


def query(order: int, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    import kenlm

    from hornbook.statistical.probing import FastScorer

    peer = kenlm.Model(str(folder / f"{order}.bin"))
    model = NgramLM.load(folder / f"ours-{order}")
    text = options.test.read_bytes()
    lines = text.decode().splitlines()
    tokens = sum(line.count(" ") + 2 for line in lines)
    theirs = [[log for log, _, _ in peer.full_scores(line)] for line in lines]
    ids = WordTable.of(model).encode(text)
    scores = model.score_documents(ids)[0] / math.log(10)
    known = np.concatenate([np.append(ids.tokens[a:b] != 1, True) for a, b in zip(ids.starts, ids.starts[1:])])
    flat = np.array([log for line in theirs for log in line])
    result: dict[str, object] = {
        "order": order,
        "test_tokens": tokens,
        "perplexity_ours": 10 ** -float(scores.mean(dtype=np.float64)),
        "perplexity_kenlm": 10 ** -float(flat.mean()),
        "without_oov_ours": 10 ** -float(scores[known].mean(dtype=np.float64)),
        "without_oov_kenlm": 10 ** -float(flat[known].mean()),
        "largest_difference_log10": float(np.abs(flat - scores).max()),
    }
    began = time.process_time()
    one, two = FastScorer(model), FastScorer(model, threads=2)
    result["table_cpu"], result["table_mb"] = round((time.process_time() - began) / 2, 2), round(one.size_mb)
    many = text * 5
    ids = WordTable.of(model).encode(many)
    for scorer in (one, two):
        scorer.score_lines(text)
    wall, cpu = best(lambda: [peer.score(line) for line in lines], options.rounds)
    figures = {"kenlm": (wall, cpu)}
    figures["ours_from_text"] = tuple(seconds / 5 for seconds in best(lambda: one.score_lines(many), options.rounds))  # type: ignore[assignment]
    figures["ours_from_ids"] = tuple(seconds / 5 for seconds in best(lambda: one.score_documents(ids), options.rounds))  # type: ignore[assignment]
    figures["ours_two_threads"] = tuple(seconds / 5 for seconds in best(lambda: two.score_lines(many), options.rounds))  # type: ignore[assignment]
    figures["ours_trie_from_ids"] = tuple(seconds / 5 for seconds in best(lambda: model.score_documents(ids), 1))  # type: ignore[assignment]
    for name, (seconds, cpu_seconds) in figures.items():
        result[f"{name}_tokens_per_second"] = round(tokens / seconds)
        result[f"{name}_tokens_per_cpu_second"] = round(tokens / cpu_seconds)
    result["ratio_cpu"] = round(figures["kenlm"][1] / figures["ours_from_text"][1], 2)
    result["ratio_wall_two_threads"] = round(figures["kenlm"][0] / figures["ours_two_threads"][0], 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--orders", default="3,5")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-mb", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps({"cpu": cpu_name(), "peak_before_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)}))
    folder = Path(tempfile.mkdtemp())
    train_on_lines(options.test, NgramConfig(order=3))  # compile
    try:
        for order in map(int, options.orders.split(",")):
            for _ in range(options.rounds):
                print(json.dumps(estimate(order, options, folder)), flush=True)
            print(json.dumps(query(order, options, folder)), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
