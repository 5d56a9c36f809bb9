"""Word2Vec and fastText beside gensim and, where their programs are given, word2vec.c and fastText: speed and quality.

    python benchmarks/word2vec_speed.py TEXT --tests FOLDER [--methods sgns,cbow,fasttext] [--epochs 5] [--repeat 3]
        [--threads 2] [--runs runs.jsonl] [--bin word2vec=PATH] [--bin fasttext=PATH] [--dimensions 100]

TEXT has one tokenised sentence a line. Each run is a process of its own; systems take turns within a repetition. Every run is
one line of the --runs file, and runs already there are not repeated, so the benchmark can be stopped and continued. The table
gives medians: wall and CPU seconds of the whole run (reading the text included, as a user waits for it) and of training
alone where the system can tell, words per CPU second, and the ratio of the whole run's CPU seconds to hornbook's. The CPU
seconds of all threads are the steadier figure when other programs use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

METHODS = ("sgns", "cbow", "fasttext")
OURS = {"hornbook": {}, "hornbook-16": {"shared_negatives": 16}, "hornbook-racy": {"racy": True}}


def clock() -> tuple[float, float]:
    return time.perf_counter(), sum(os.times()[:4])


def since(start: tuple[float, float]) -> tuple[float, float]:
    now = clock()
    return round(now[0] - start[0], 3), round(now[1] - start[1], 3)


def hornbook(options: argparse.Namespace, changes: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Vectors and times; the kernels are compiled (or loaded) on a tiny text before the clock starts."""
    from hornbook.embeddings import FastText, VocabularyConfig, Word2Vec, read_sentences

    kind: Any = FastText if options.method == "fasttext" else Word2Vec
    settings = {"dimensions": options.dimensions, "epochs": options.epochs, "threads": options.threads, **changes}
    settings |= {"model": "cbow" if options.method == "cbow" else "skipgram", "seed": options.seed}
    if options.method == "fasttext":
        settings |= {"min_n": 3, "max_n": 6, "buckets": 2_000_000}
    tiny = [["warm", "up"]] * 2000
    kind(**{**settings, "epochs": 1, **({"buckets": 100} if options.method == "fasttext" else {})}).fit(tiny)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.txt"
        path.write_text("warm up\n" * 9)
        read_sentences(path, VocabularyConfig(1), log=lambda event: None)
    whole = clock()
    corpus = read_sentences(options.text, VocabularyConfig(5), log=lambda event: None)
    training = clock()
    model = kind(**settings).fit(corpus)
    times = {"train": since(training), "whole": since(whole), "seconds_in_rounds": model.seconds_}
    return model.vectors_, times


def gensim(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    from gensim.models import FastText, Word2Vec

    from hornbook.embeddings import WordVectors

    kind: Any = FastText if options.method == "fasttext" else Word2Vec
    whole = clock()
    with open(options.text, encoding="utf-8") as file:
        sentences = [line.split() for line in file]
    model = kind(
        vector_size=options.dimensions,
        sg=int(options.method != "cbow"),
        workers=options.threads,
        epochs=options.epochs,
        seed=options.seed,
    )
    model.build_vocab(sentences)
    training = clock()
    model.train(sentences, total_examples=len(sentences), epochs=options.epochs)
    times = {"train": since(training), "whole": since(whole)}
    return WordVectors(model.wv.index_to_key, model.wv.vectors), times


def program(options: argparse.Namespace, path: str) -> tuple[Any, dict[str, Any]]:
    """word2vec.c or fastText's command line, the whole run."""
    from hornbook.embeddings import WordVectors

    cbow = options.method == "cbow"
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "vectors")
        if options.system == "word2vec.c":
            given = f"-train {options.text} -output {out} -size {options.dimensions} -window 5 -negative 5 -hs 0 -binary 0"
            given += f" -iter {options.epochs} -min-count 5 -sample 1e-3 -threads {options.threads} -cbow {int(cbow)}"
            given += f" -alpha {0.05 if cbow else 0.025}"
        else:
            given = f"skipgram -input {options.text} -output {out} -dim {options.dimensions} -ws 5 -neg 5"
            given += f" -epoch {options.epochs} -minCount 5 -t 1e-3 -thread {options.threads}"
        start = clock()
        subprocess.run([path, *given.split()], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        whole = since(start)
        found = Path(out + (".vec" if options.system == "fasttext" else ""))
        return WordVectors.load_word2vec_format(found), {"whole": whole}


def run_one(options: argparse.Namespace) -> None:
    """One run in this process; its record is printed."""
    if options.system in OURS:
        vectors, times = hornbook(options, OURS[options.system])
    elif options.system == "gensim":
        vectors, times = gensim(options)
    else:
        vectors, times = program(options, dict(item.split("=", 1) for item in options.bin)[options.system.split(".")[0]])
    from hornbook.core.runtime import cpu_name, peak_rss_mb
    from hornbook.embeddings import evaluate_vectors

    names = ("EN-WS-353-ALL.txt", "EN-MEN-TR-3k.txt", "EN-SIMLEX-999.txt", "questions-words.txt")
    tests = [options.tests / name for name in names] if options.tests else []
    scores = evaluate_vectors(vectors, tests, restrict_vocab=30_000) if tests else {}
    record = {"system": options.system, **identity(options), "words": len(vectors), "peak_rss_mb": round(peak_rss_mb())}
    record |= times | {"scores": {name: round(score.score, 4) for name, score in scores.items()}, "cpu_name": cpu_name()}
    print(json.dumps(record))


def identity(options: argparse.Namespace) -> dict[str, Any]:
    names = ("method", "epochs", "threads", "dimensions", "seed")
    return {"text": options.text.name, **{name: getattr(options, name) for name in names}}


def systems_for(method: str, programs: list[str]) -> list[str]:
    given = {item.split("=", 1)[0] for item in programs}
    c_program = {"word2vec.c"} if "word2vec" in given and method != "fasttext" else set()
    c_program |= {"fasttext"} if "fasttext" in given and method == "fasttext" else set()
    return [*OURS, "gensim", *c_program]


def table(records: list[dict[str, Any]], total_words: int) -> None:
    groups = defaultdict(list)
    for record in records:
        groups[record["method"], record["epochs"], record["threads"], record["dimensions"], record["system"]].append(record)

    def median(rows: list[dict[str, Any]], part: str, place: int) -> float:
        return statistics.median(row[part][place] for row in rows) if part in rows[0] else float("nan")

    print(f"{'method':9}{'epochs':>7} {'system':14}{'n':>2}{'wall':>9}{'CPU':>9}{'train wall':>11}{'train CPU':>10}", end="")
    print(f"{'Mw/CPU s':>9}{'x':>7}  MB     quality")
    for key in sorted(groups):
        rows, ours = groups[key], groups.get((*key[:-1], "hornbook"))
        cpu = median(rows, "whole", 1)
        ratio = cpu / median(ours, "whole", 1) if ours else float("nan")
        names = sorted({name for row in rows for name in row["scores"]})
        quality = " ".join(f"{name} {statistics.median(row['scores'][name] for row in rows):.3f}" for name in names)
        print(f"{key[0]:9}{key[1]:>7} {key[-1]:14}{len(rows):>2}{median(rows, 'whole', 0):9.2f}{cpu:9.2f}", end="")
        print(
            f"{median(rows, 'train', 0):11.2f}{median(rows, 'train', 1):10.2f}{total_words * key[1] / cpu / 1e6:9.3f}", end=""
        )
        print(f"{ratio:7.2f}  {max(row['peak_rss_mb'] for row in rows):<6} {quality}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=Path)
    parser.add_argument("--tests", type=Path, help="folder with EN-WS-353-ALL.txt, EN-MEN-TR-3k.txt, questions-words.txt ...")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--systems", default="", help="only these, e.g. hornbook,gensim")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--runs", type=Path, default=Path("word2vec_speed.jsonl"))
    parser.add_argument("--bin", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--system", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.system:
        run_one(options)
        return
    records = [json.loads(line) for line in options.runs.read_text().splitlines()] if options.runs.exists() else []
    for seed in range(1, options.repeat + 1):
        for method in options.methods.split(","):
            for system in systems_for(method, options.bin):
                wanted = argparse.Namespace(**{**vars(options), "seed": seed, "method": method})
                done = any(record["system"] == system and identity(wanted).items() <= record.items() for record in records)
                if done or (options.systems and system not in options.systems.split(",")):
                    continue
                own = [f"--seed={seed}", f"--method={method}", f"--system={system}"]
                command = [sys.executable, __file__, *sys.argv[1:], *own]
                found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
                records.append(json.loads(found))
                with open(options.runs, "a", encoding="utf-8") as file:
                    file.write(found + "\n")
    total_words = sum(len(line.split()) for line in open(options.text, encoding="utf-8"))  # noqa: SIM115
    shown = [record for record in records if record["text"] == options.text.name and record["epochs"] == options.epochs]
    table(shown, total_words)


if __name__ == "__main__":
    main()
