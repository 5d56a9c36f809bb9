"""Named entities by the feature CRF with its defaults, beside CRFsuite given the very same features.

    python benchmarks/crf_ner.py [SET...] [--sentences N] [--iterations N]     data: HORNBOOK_DATA, or shared/data nearby

One JSON line a system: entity F1 (conlleval) on dev and test, CPU seconds to learn, iterations, tokens tagged per CPU second.
CRFsuite's feature strings are this project's 64-bit keys; its time excludes making them, ours includes everything.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hornbook.corpus.labelled import read_labelled
from hornbook.sequences.labels import span_scores, spans_of, to_bio
from hornbook.statistical.crf import CrfConfig, CrfTagger
from hornbook.statistical.crf_features import find_windows, templates_of

DATA = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = {
    "conll2003": ("ner-conll2003-en", "eng.train.gz", {"dev": "eng.testa.gz", "test": "eng.testb.gz"}, "iob1"),
    "conll2002-es": ("ner-conll2002-es", "esp.train.gz", {"dev": "esp.testa.gz", "test": "esp.testb.gz"}, "bio"),
    "weibo": (
        "ner-weibo-zh",
        "weiboNER_2nd_conll.train.gz",
        {"dev": "weiboNER_2nd_conll.dev.gz", "test": "weiboNER_2nd_conll.test.gz"},
        "iob1",
    ),
    "msra": ("ner-msra-zh", "msra_train_bio.txt.gz", {"test": "msra_test_bio.txt.gz"}, "bio"),
}
Labelled = tuple[list[list[str]], list[list[str]]]


def read(name: str, file: str, limit: int | None) -> Labelled:
    folder, _, _, scheme = SETS[name]
    sentences, labels = [], []
    for sentence in read_labelled(DATA / folder / file):
        tokens = [token[0] for token in sentence.tokens] if name == "weibo" else list(sentence.tokens)  # 中0 -> 中
        sentences.append(tokens)
        labels.append(to_bio(sentence.labels, scheme))  # type: ignore[arg-type]
        if limit and len(sentences) == limit:
            break
    return sentences, labels


def entity_f1(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> float:
    return round(100 * span_scores([spans_of(line, "bio") for line in gold], [spans_of(line, "bio") for line in found]).f1, 2)


def cpu() -> float:
    times = os.times()
    return times.user + times.system


def keys_of(sentences: list[list[str]], tokens: str) -> list[list[list[str]]]:
    windows = find_windows(sentences, templates_of(tokens))
    names = [[str(key) for window in row for key in windows.keys[window] if key] for row in windows.seen]
    return [names[first:last] for first, last in pairwise(windows.starts.tolist())]


def crfsuite(train: Labelled, tests: dict[str, Labelled], config: CrfConfig) -> dict[str, Any]:
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for features, labels in zip(keys_of(train[0], config.tokens), train[1]):
        trainer.append(features, labels)
    trainer.set_params(
        {
            "c1": config.l1,
            "c2": config.l2,
            "max_iterations": config.iterations,
            "feature.minfreq": config.minimum_count,
            "feature.possible_transitions": True,
            "period": 10,
            "delta": config.decrease,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        began = cpu()
        trainer.train(path)
        learned = cpu() - began
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        result: dict[str, Any] = {"size_mb": round(Path(path).stat().st_size / 1e6, 2)}
        for part, (sentences, labels) in tests.items():
            keys = keys_of(sentences, config.tokens)
            began = cpu()
            found = [tagger.tag(features) for features in keys]
            result["tokens_per_cpu_second"] = round(sum(map(len, sentences)) / max(cpu() - began, 1e-9))
            result[part] = entity_f1(labels, found)
    last = trainer.logparser.last_iteration
    return {**result, "learn_cpu_seconds": round(learned, 1), "iterations": last["num"], "loss": round(last["loss"], 1)}


def ours(train: Labelled, tests: dict[str, Labelled], config: CrfConfig) -> tuple[dict[str, Any], CrfConfig]:
    began = cpu()
    tagger = CrfTagger(config).fit(*train)
    learned = cpu() - began
    result: dict[str, Any] = {"size_mb": round(tagger.size_mb, 2)}
    for part, (sentences, labels) in tests.items():
        began = cpu()
        found = tagger(sentences)
        result["tokens_per_cpu_second"] = round(sum(map(len, sentences)) / max(cpu() - began, 1e-9))
        result[part] = entity_f1(labels, found)
    facts = {"learn_cpu_seconds": round(learned, 1), "iterations": tagger.iterations_, "loss": round(tagger.loss_, 1)}
    return {**result, **facts}, tagger.config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["conll2003", "weibo", "msra"])
    parser.add_argument("--sentences", type=int, help="use only the first N training sentences")
    parser.add_argument("--iterations", type=int, default=CrfConfig().iterations)
    parser.add_argument("--alone", action="store_true", help="without CRFsuite")
    arguments = parser.parse_args()
    config = replace(CrfConfig(), iterations=arguments.iterations)
    CrfTagger(replace(config, iterations=2)).fit([["a", "B"]], [["O", "B-X"]])([["a"]])  # compile outside the clock
    for name in arguments.sets:
        _, file, files, _ = SETS[name]
        train = read(name, file, arguments.sentences)
        tests = {part: read(name, test, None) for part, test in files.items()}
        facts = {"set": name, "sentences": len(train[0]), "tokens": sum(map(len, train[0]))}
        record, resolved = ours(train, tests, config)
        print(json.dumps({**facts, "system": "hornbook", **record}), flush=True)
        if not arguments.alone:
            print(json.dumps({**facts, "system": "crfsuite", **crfsuite(train, tests, resolved)}), flush=True)


if __name__ == "__main__":
    main()
