"""Tags of UD English EWT beside NLTK's three taggers, and entities of CoNLL-2003 and MSRA.

    python benchmarks/tagging.py [DATA, which holds ud-en-ewt/, ner-conll2003-en/, ner-msra-zh/]

Training split -> test split. Accuracy on all, known and new words; CPU seconds of training and tags per CPU second (best of the
rounds, the taggers turn about); entity F1. One JSON line each.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.corpus.labelled import read_labelled
from hornbook.sequences import span_scores, spans_of
from hornbook.sequences.labels import Scheme
from hornbook.statistical.hmm_tagger import HmmTagger, TaggerConfig

Sentences = list[tuple[list[str], list[str]]]
Tag = Callable[[list[list[str]]], list[list[str]]]
ROUNDS = 3


def read(path: Path, column: str = "auto") -> Sentences:
    return [(list(sentence.tokens), list(sentence.labels)) for sentence in read_labelled(path, column=column)]


def hornbook(train: Sentences) -> Tag:
    return HmmTagger().fit(train).tag


def nltk_tnt(train: Sentences, noun: str) -> Tag:
    from nltk.tag import DefaultTagger
    from nltk.tag.tnt import TnT

    tagger = TnT(unk=DefaultTagger(noun), Trained=True)
    tagger.train([list(zip(words, tags)) for words, tags in train])
    return partial(_one_by_one, tagger)


def nltk_hmm(train: Sentences) -> Tag:
    from nltk.probability import LidstoneProbDist
    from nltk.tag.hmm import HiddenMarkovModelTagger

    pairs = [list(zip(words, tags)) for words, tags in train]
    tagger = HiddenMarkovModelTagger.train(pairs, estimator=lambda counts, bins: LidstoneProbDist(counts, 0.1, bins))
    return partial(_one_by_one, tagger)


def nltk_perceptron(train: Sentences) -> Tag:
    from nltk.tag.perceptron import PerceptronTagger

    tagger = PerceptronTagger(load=False)
    tagger.train([list(zip(words, tags)) for words, tags in train], nr_iter=5)
    return partial(_one_by_one, tagger)


def _one_by_one(tagger: Any, sentences: list[list[str]]) -> list[list[str]]:
    return [[tag for _, tag in tagger.tag(words)] for words in sentences]


def tag_treebank(folder: Path, column: str) -> None:
    train, test = (read(folder / f"en_ewt-ud-{split}.conllu.gz", column) for split in ("train", "test"))
    known = {word for words, _ in train for word in words}
    words = [tokens for tokens, _ in test]
    makers: dict[str, Callable[[Sentences], Tag]] = {
        "hornbook": hornbook,
        "nltk TnT": partial(nltk_tnt, noun="NOUN" if column == "upos" else "NN"),
        "nltk HMM": nltk_hmm,
        "nltk perceptron": nltk_perceptron,
    }
    hornbook(train[:50])(words[:5])  # compile outside the clock
    taggers, fitting = {}, {}
    for name, make in makers.items():
        began = time.process_time()
        taggers[name] = make(train)
        fitting[name] = time.process_time() - began
    seconds: dict[str, list[float]] = {name: [] for name in taggers}
    found = {}
    for _ in range(ROUNDS):
        for name, tag in taggers.items():
            began = time.process_time()
            found[name] = tag(words)
            seconds[name].append(time.process_time() - began)
    size = sum(map(len, words))
    for name, answer in found.items():
        rows = [(w in known, a == b) for (ws, tags), out in zip(test, answer) for w, a, b in zip(ws, tags, out, strict=True)]
        new = [right for seen, right in rows if not seen]
        record = {
            "tags": column,
            "name": name,
            "accuracy": round(sum(right for _, right in rows) / size, 4),
            "known": round(sum(right for seen, right in rows if seen) / (size - len(new)), 4),
            "new": round(sum(new) / len(new), 4),
            "new_words": len(new),
            "tokens": size,
            "fit_cpu_seconds": round(fitting[name], 2),
            "tags_per_cpu_second": round(size / min(seconds[name])),
        }
        print(json.dumps(record), flush=True)


def find_entities(name: str, train: Sentences, test: Sentences, scheme: Scheme) -> None:
    began = time.process_time()
    tagger = HmmTagger(TaggerConfig(scheme="iob1" if scheme == "iob1" else "bio", lexical_words=400)).fit(train)
    fitting = time.process_time() - began
    tagger.tag([words for words, _ in test[:5]])
    began = time.process_time()
    found = tagger.tag([words for words, _ in test])
    seconds = time.process_time() - began
    scores = span_scores([spans_of(tags, scheme) for _, tags in test], [spans_of(tags, "bio") for tags in found])
    record = {"data": name, **{key: round(value, 4) for key, value in scores._asdict().items()}}
    size = sum(len(words) for words, _ in test)
    print(
        json.dumps({**record, "fit_cpu_seconds": round(fitting, 2), "tags_per_cpu_second": round(size / seconds)}), flush=True
    )


def main() -> None:
    default = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data"))
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    english, chinese = data / "ner-conll2003-en", data / "ner-msra-zh"
    train = read(english / "eng.train.gz")
    for split in ("testa", "testb"):
        find_entities(f"CoNLL-2003 {split}", train, read(english / f"eng.{split}.gz"), "iob1")
    find_entities("MSRA", read(chinese / "msra_train_bio.txt.gz"), read(chinese / "msra_test_bio.txt.gz"), "bio")
    for column in ("upos", "xpos"):
        tag_treebank(data / "ud-en-ewt", column)


if __name__ == "__main__":
    main()
