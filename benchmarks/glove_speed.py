"""GloVe, all stages, beside the authors' C programs, with the quality of the vectors.

    python benchmarks/glove_speed.py TEXT [--bin FOLDER] [--tests FOLDER] [--repeat 3] [--epochs 15] [--results FILE]
        [--rates 0.5] [--x-max 10] [--c-rates 0.05] [--c-x-max 100]

TEXT has one sentence a line, words between blanks. FOLDER of --bin holds vocab_count, cooccur, shuffle and glove; the runs of
both sides alternate. Every run is a process of its own and is timed whole: start, compilation if any, reading, counting,
training, writing. Lists of rates and x_max make a grid: each side's setting is chosen by the mean score on every second item of
the tests and reported on the others. One JSON line a run is appended to --results.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TESTS = {"wordsim353": "EN-WS-353-ALL.txt", "men": "EN-MEN-TR-3k.txt", "simlex999": "EN-SIMLEX-999.txt"}
ANALOGIES = "questions-words.txt"
ANALOGY_WORDS = 30_000  # commonest words that may be an answer


def timed(command: list[str], *, source: Path | None = None, target: Path | None = None) -> dict[str, float]:
    """Run a program; wall and CPU seconds, and peak memory in MB (10^6 bytes)."""
    began = time.perf_counter()
    with (
        open(source or os.devnull, "rb") as stdin,
        open(target or os.devnull, "wb") as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        child = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            stderr.seek(0)
            raise SystemExit(f"{command[0]} ended with {child.returncode}: {stderr.read()[-2000:].decode(errors='replace')}")
    wall = time.perf_counter() - began
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_rss_mb": usage.ru_maxrss * 1024 / 1e6}


def ours(options: argparse.Namespace, rate: float, x_max: float, folder: Path) -> dict[str, Any]:
    """One run of hornbook in a child process."""
    settings = {
        "dimensions": options.dimensions,
        "window": options.window,
        "epochs": options.epochs,
        "min_count": options.min_count,
        "threads": options.threads,
        "memory_mb": options.memory_mb,
        "adagrad": options.adagrad,
        "learning_rate": rate,
        "x_max": x_max,
        "seed": options.seed,
    }
    cost = timed([sys.executable, __file__, str(options.text), "--child", json.dumps(settings), str(folder)])
    return {"stages": {"all": cost}, **json.loads((folder / "run.json").read_text()), "memory_mb": options.memory_mb}


def child(text: Path, settings: dict[str, Any], folder: Path) -> None:
    """What the child process does: train, save, and say what it measured inside."""
    from hornbook.core.runtime import peak_rss_mb, prepare

    prepare(settings["threads"])
    from hornbook.embeddings.glove import Glove, GloveConfig

    model = Glove(GloveConfig(**settings)).fit(text)
    model.vectors_.save_files(folder)
    facts = {
        "pairs": model.pairs_,
        "training_seconds": model.seconds_,
        "losses": model.losses_,
        "own_peak_rss_mb": peak_rss_mb(),  # VmHWM: the parent's memory at the fork is not in it
    }
    (folder / "run.json").write_text(json.dumps(facts))


def theirs(options: argparse.Namespace, rate: float, x_max: float, folder: Path) -> dict[str, Any]:
    """One run of the four C programs, each timed."""
    where = options.bin.resolve()
    vocabulary, raw, shuffled = folder / "vocab.txt", folder / "cooccurrence.bin", folder / "shuffled.bin"
    count = [f"{where}/vocab_count", "-min-count", str(options.min_count), "-verbose", "0"]
    pairs = [f"{where}/cooccur", "-memory", "4", "-vocab-file", str(vocabulary), "-verbose", "0"]
    pairs += ["-window-size", str(options.window)]
    mix = [f"{where}/shuffle", "-memory", "4", "-verbose", "0", "-temp-file", str(folder / "temp"), "-seed", str(options.seed)]
    train = [f"{where}/glove", "-save-file", str(folder / "vectors"), "-threads", str(options.threads), "-binary", "0"]
    train += ["-input-file", str(shuffled), "-vocab-file", str(vocabulary), "-verbose", "0", "-eta", str(rate)]
    train += ["-x-max", str(x_max), "-iter", str(options.epochs), "-vector-size", str(options.dimensions)]
    pairs += ["-overflow-file", str(folder / "overflow")]
    stages = {
        "vocabulary": timed(count, source=options.text, target=vocabulary),
        "co-occurrences": timed(pairs, source=options.text, target=raw),
        "shuffle": timed(mix, source=raw, target=shuffled),
        "training": timed([*train, "-seed", str(options.seed)]),
    }
    return {"stages": stages, "pairs": raw.stat().st_size // 16, "training_seconds": stages["training"]["wall"]}


def quality(vectors: Any, tests: Path) -> dict[str, dict[str, float]]:
    """Scores on every second item (to choose by) and on the others (to report)."""
    from hornbook.embeddings.intrinsic import evaluate_analogies, evaluate_pairs, read_analogies, read_pairs

    scores: dict[str, dict[str, float]] = {"chosen_on": {}, "reported": {}}
    for half, name in enumerate(scores):
        for test, file in TESTS.items():
            scores[name][test] = evaluate_pairs(vectors, read_pairs(tests / file)[half::2]).score
        sections = {title: asked[half::2] for title, asked in read_analogies(tests / ANALOGIES).items()}
        results = evaluate_analogies(vectors, sections, restrict_vocab=ANALOGY_WORDS).values()
        right, covered = sum(r.score * r.covered for r in results if r.covered), sum(r.covered for r in results)
        scores[name]["analogy"] = right / max(covered, 1)
        scores[name] = {test: round(score, 4) for test, score in scores[name].items()}
    return scores


def run(side: str, options: argparse.Namespace, rate: float, x_max: float) -> dict[str, Any]:
    """One run of one side, its vectors read and tested."""
    from hornbook.core.runtime import cpu_name

    folder = Path(tempfile.mkdtemp(dir=options.scratch))
    try:
        record = (ours if side == "hornbook" else theirs)(options, rate, x_max, folder)
        record = {"side": side, "rate": rate, "x_max": x_max, "epochs": options.epochs, "seed": options.seed, **record}
        for total, combine in (("wall", sum), ("cpu", sum), ("peak_rss_mb", max)):
            record[total] = round(combine(stage[total] for stage in record["stages"].values()), 2)
        record["pairs_per_cpu_second"] = round(record["pairs"] * options.epochs / record["cpu"])
        record["threads"], record["cpu_name"], record["load"] = options.threads, cpu_name(), round(os.getloadavg()[0], 2)
        if options.tests is not None:  # in a process of its own: a parent's memory counts as the peak of the programs it starts
            timed([sys.executable, __file__, str(options.text), "--score", str(folder), "--tests", str(options.tests)])
            record["quality"] = json.loads((folder / "quality.json").read_text())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with open(options.results, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    print(line(record), flush=True)
    return record


def score(folder: Path, tests: Path) -> None:
    """What the child process that tests the vectors of a run does; the C program's last line, <unk>, is left out."""
    from hornbook.embeddings.vectors import WordVectors

    if not (folder / "vectors.txt").exists():
        vectors = WordVectors.load(folder)
    else:
        read = WordVectors.load_word2vec_format(folder / "vectors.txt", no_header=True)
        known = [i for i, word in enumerate(read.index_to_key) if word != "<unk>"]
        vectors = WordVectors([read.index_to_key[i] for i in known], read.vectors[known])
    (folder / "quality.json").write_text(json.dumps(quality(vectors, tests)))


def line(record: dict[str, Any]) -> str:
    """A row of the table."""
    scores = record.get("quality", {}).get("reported", {})
    told = "  ".join(f"{name} {score:.3f}" for name, score in scores.items())
    return (
        f"{record['side']:9} rate {record['rate']:<5g} x_max {record['x_max']:<5g} wall {record['wall']:7.1f} s  "
        f"cpu {record['cpu']:7.1f} s  {record['pairs_per_cpu_second'] / 1e6:6.2f} M pairs/cpu s  "
        f"{record['peak_rss_mb']:6.0f} MB  {told}"
    )


def best(records: list[dict[str, Any]], side: str) -> list[dict[str, Any]]:
    """The runs of a side's setting with the highest mean score on the items to choose by."""
    settings: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for record in records:
        if record["side"] == side:
            settings.setdefault((record["rate"], record["x_max"]), []).append(record)

    def mean(runs: list[dict[str, Any]]) -> float:
        return statistics.mean(statistics.mean(r["quality"]["chosen_on"].values()) if "quality" in r else 0.0 for r in runs)

    return max(settings.values(), key=mean)


def summary(records: list[dict[str, Any]]) -> None:
    """Medians of each side's chosen setting, and the ratio."""
    sides = [side for side in ("hornbook", "c") if any(record["side"] == side for record in records)]
    middle: dict[str, dict[str, float]] = {}
    print()
    for side in sides:
        runs = best(records, side)
        middle[side] = {name: statistics.median(r[name] for r in runs) for name in ("wall", "cpu", "peak_rss_mb")}
        same = {**runs[0], **middle[side], "pairs_per_cpu_second": statistics.median(r["pairs_per_cpu_second"] for r in runs)}
        if "quality" in runs[0]:
            reported = [r["quality"]["reported"] for r in runs]
            same["quality"] = {"reported": {test: statistics.median(r[test] for r in reported) for test in reported[0]}}
        print(line(same), f" (median of {len(runs)})")
    if len(sides) == 2:
        ratio = {name: middle["c"][name] / middle["hornbook"][name] for name in ("wall", "cpu")}
        print(f"all stages: {ratio['cpu']:.1f}x less CPU time, {ratio['wall']:.1f}x less wall time")


def numbers(text: str) -> list[float]:
    """'0.1,0.3' as numbers."""
    return [float(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--bin", type=Path)
    parser.add_argument("--tests", type=Path, help="folder of word-pair and analogy files")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rates", type=numbers, default=[0.5])
    parser.add_argument("--x-max", type=numbers, default=[10.0])
    parser.add_argument("--c-rates", type=numbers, default=[0.05])
    parser.add_argument("--c-x-max", type=numbers, default=[100.0])
    parser.add_argument("--adagrad", choices=("row", "element"), default="row")
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--memory-mb", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--results", type=Path, default=Path("glove_speed.jsonl"))
    parser.add_argument("--child", nargs=2, metavar=("SETTINGS", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--score", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        score(options.score, options.tests)
        return
    if options.child:
        child(options.text, json.loads(options.child[0]), Path(options.child[1]))
        return
    grid = [("hornbook", rate, x_max) for rate, x_max in itertools.product(options.rates, options.x_max)]
    peer = [("c", rate, x_max) for rate, x_max in itertools.product(options.c_rates, options.c_x_max)] if options.bin else []
    turns = [turn for pair in itertools.zip_longest(grid, peer) for turn in pair if turn is not None]
    records = []
    first_seed = options.seed
    for repeat in range(options.repeat):
        options.seed = first_seed + repeat
        records += [run(side, options, rate, x_max) for side, rate, x_max in turns]
    summary(records)


if __name__ == "__main__":
    main()
