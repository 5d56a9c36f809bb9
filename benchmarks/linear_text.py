"""Linear text classification by the defaults, beside scikit-learn with the same kinds of features and a fixed C of 1.

    python benchmarks/linear_text.py [SET...]      data: HORNBOOK_DATA, or shared/data beside the checkout

One JSON line a set and system: accuracy and macro-F1, accuracy on the test texts that do not occur in training ('unseen',
equal up to white space and Unicode form), CPU seconds to learn (ours includes choosing C and calibrating) and to answer. Sets
without a test part: ten folds of shuffled texts for mr, every fifth shuffled text held out for the others.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.statistical.bayes import LanguageModelClassifier, MajorityClassifier
from hornbook.statistical.linear import NAIVE_BAYES, LinearClassifier

DATA = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = {
    "trec": ("cls-trec-en", "train", "test"),
    "sst2": ("cls-sst2-en", "train", "test"),
    "mr": ("cls-mr-en", "all", "folds"),
    "chnsenticorp": ("cls-chnsenticorp-zh", "train", "test"),
    "thucnews": ("cls-thucnews-titles-zh", "train10k", "test"),
    "r8": ("cls-reuters-r8-en", "train", "test"),
    "bbc": ("cls-bbc-news-en", "all", "fifth"),
    "sms": ("cls-sms-spam-en", "all", "fifth"),
}
Texts = tuple[list[str], list[str]]


def read(folder: str, part: str) -> Texts:
    with gzip.open(DATA / folder / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [str(row["label"]) for row in rows]


def parts(name: str) -> Iterator[tuple[Texts, Texts]]:
    """Training and test texts; ten pairs for the set scored by cross-validation."""
    folder, train, test = SETS[name]
    whole = read(folder, train)
    if test not in ("folds", "fifth"):
        yield whole, read(folder, test)
        return
    order = np.random.default_rng(1).permutation(len(whole[0]))
    step = 10 if test == "folds" else 5
    for fold in range(step if test == "folds" else 1):
        held = order % step == fold
        pick = lambda mask: tuple([column[i] for i in np.flatnonzero(mask)] for column in whole)
        yield pick(~held), pick(held)


class Peer:
    """scikit-learn: tf-idf of words 1-2 and characters 1-5 in words, or of characters 1-3 in Chinese, and a linear model."""

    def __init__(self, estimator: Any, *, chinese: bool) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline, make_union

        if chinese:
            features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
        else:
            features = make_union(
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True),
            )
        self.fit = make_pipeline(features, estimator).fit
        self.model: Any = None

    def __call__(self, texts: Sequence[str]) -> list[str]:
        return list(self.model.predict(texts))


def make_peer(estimator: Callable[[], Any], *, chinese: bool) -> Peer:
    return Peer(estimator(), chinese=chinese)


def macro_f1(gold: Sequence[str], found: Sequence[str]) -> float:
    scores = []
    for label in sorted(set(gold)):
        right = sum(a == b == label for a, b in zip(gold, found))
        total = sum(a == label for a in gold) + sum(b == label for b in found)
        scores.append(2 * right / total)
    return float(np.mean(scores))


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def cpu() -> float:
    times = os.times()
    return times.user + times.system


def measure(name: str, system: str, make: Callable[[], Any]) -> dict[str, Any]:
    gold: list[str] = []
    found: list[str] = []
    unseen: list[bool] = []
    learning = answering = 0.0
    model: Any = None
    for (texts, labels), (test, answers) in parts(name):
        began = cpu()
        model = make()
        fitted = model.fit(texts, labels)
        if isinstance(model, Peer):
            model.model = fitted
        learning += cpu() - began
        began = cpu()
        found += model(test)
        answering += cpu() - began
        gold += answers
        known = {folded(text) for text in texts}
        unseen += [folded(text) not in known for text in test]
    right = np.array([a == b for a, b in zip(gold, found)])
    new = np.array(unseen)
    return {
        "set": name,
        "system": system,
        "accuracy": round(100 * float(right.mean()), 2),
        "macro_f1": round(100 * macro_f1(gold, found), 2),
        "unseen": round(100 * float(right[new].mean()), 2),
        "seen_texts": int((~new).sum()),
        "n": len(gold),
        "learn_cpu_seconds": round(learning, 2),
        "texts_per_cpu_second": round(len(gold) / max(answering, 1e-9)),
        "size_mb": round(getattr(model, "size_mb", 0.0), 2),
    }


def main() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    warm = ["one text", "another 文本"] * 3, ["a", "b"] * 3
    for model in (LinearClassifier(), LinearClassifier(NAIVE_BAYES), LanguageModelClassifier()):
        model.fit(*warm)(warm[0])  # compile outside the clock
    for name in sys.argv[1:] or SETS:
        chinese = SETS[name][0].endswith("-zh")
        systems: dict[str, Callable[[], Any]] = {
            "majority": MajorityClassifier,
            "naive Bayes": lambda: LinearClassifier(NAIVE_BAYES),
            "language model per label": LanguageModelClassifier,
            "linear (default)": LinearClassifier,
            "sklearn LinearSVC": partial(make_peer, LinearSVC, chinese=chinese),
            "sklearn LogisticRegression": partial(make_peer, partial(LogisticRegression, max_iter=1000), chinese=chinese),
        }
        for system, make in systems.items():
            began = time.perf_counter()
            if system.endswith("LogisticRegression") and name in ("mr", "bbc", "r8"):
                continue  # minutes
            print(json.dumps(measure(name, system, make) | {"wall_seconds": round(time.perf_counter() - began, 1)}), flush=True)


if __name__ == "__main__":
    main()
