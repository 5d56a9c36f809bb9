"""The n-gram room against KenLM and against an independent implementation of the formulas with dictionaries.

The dictionaries follow Chen and Goodman (1999) with lmplz's conventions (Heafield et al. 2013): adjusted counts below the
highest order, occurrences after <s>, unigrams interpolated with 1 / (types - 1), <s> never predicted. KenLM reads their result
as a hand-written ARPA file, so its own query code scores the same model.
"""

from __future__ import annotations

import gzip
import math
import os
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hornbook.statistical import NgramConfig, NgramLM
from ids_only import IdsOnly

Gram = tuple[str, ...]
SPECIALS = {"<unk>": 0, "<s>": 1, "</s>": 2}


class Reference:
    """Modified Kneser-Ney with dictionaries: `probability` and `backoff` of any n-gram."""

    def __init__(
        self, sentences: list[list[str]], order: int, *, fallback: tuple[float, float, float] = (0.5, 1.0, 1.5)
    ) -> None:
        self.order = order
        padded = [["<s>", *sentence, "</s>"] for sentence in sentences]
        self.types = sorted({word for sentence in padded for word in sentence} | {"<unk>"})
        raw = [Counter(tuple(s[i : i + k]) for s in padded for i in range(len(s) - k + 1)) for k in range(1, order + 1)]
        self.counts: list[dict[Gram, int]] = []
        for k in range(1, order):
            left: dict[Gram, set[str]] = defaultdict(set)
            for gram in raw[k]:
                left[gram[1:]].add(gram[0])
            self.counts.append({gram: n if gram[0] == "<s>" else len(left[gram]) for gram, n in raw[k - 1].items()})
        self.counts.append(dict(raw[-1]))
        self.counts[0].pop(("<s>",))
        self.discounts = [self._discounts(counts, fallback) for counts in self.counts]
        self.followers: dict[Gram, list[int]] = defaultdict(list)
        for counts in self.counts:
            for gram, count in counts.items():
                self.followers[gram[:-1]].append(count)
        self.probability = cache(self._probability)

    @staticmethod
    def _discounts(counts: dict[Gram, int], fallback: tuple[float, float, float]) -> tuple[float, float, float, float]:
        n = [sum(count == i for count in counts.values()) for i in range(5)]
        if all(n[1:]):
            y = n[1] / (n[1] + 2 * n[2])
            d1, d2, d3 = (i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3))
            if 0 < d1 < 1 and 0 < d2 < 2 and 0 < d3 < 3:
                return 0.0, d1, d2, d3
        return 0.0, *fallback

    def backoff(self, context: Gram) -> float:
        counts = self.followers.get(context, [])
        discounts = self.discounts[len(context)] if len(context) < self.order else ()
        return sum(discounts[min(count, 3)] for count in counts) / sum(counts) if counts else 1.0

    def _probability(self, gram: Gram) -> float:
        """p(last word | the words before it), which may be longer than the model's contexts."""
        gram = gram[-self.order :]
        context = gram[:-1]
        lower = self.probability(gram[1:]) if context else 1 / (len(self.types) - 1)
        counts = self.followers.get(context)
        if not counts:
            return lower
        count = self.counts[len(context)].get(gram, 0)
        return max(count - self.discounts[len(context)][min(count, 3)], 0) / sum(counts) + self.backoff(context) * lower

    def score(self, sentence: list[str]) -> list[float]:
        known = ["<s>", *(word if word in self.types else "<unk>" for word in sentence), "</s>"]
        return [math.log10(self.probability(tuple(known[: i + 1]))) for i in range(1, len(known))]

    def write_arpa(self, path: Path) -> None:
        grams = [sorted(counts) for counts in self.counts]
        grams[0] = [("<unk>",), ("<s>",), *(gram for gram in grams[0] if gram != ("<unk>",))]
        lines = ["\\data\\", *(f"ngram {k}={len(rows)}" for k, rows in enumerate(grams, start=1))]
        for k, rows in enumerate(grams, start=1):
            lines += ["", f"\\{k}-grams:"]
            for gram in rows:
                log = -99 if gram == ("<s>",) else math.log10(self.probability(gram))
                tail = f"\t{math.log10(self.backoff(gram))}" if k < self.order else ""
                lines.append(f"{log}\t{' '.join(gram)}{tail}")
        path.write_text("\n".join([*lines, "", "\\end\\", ""]), "utf-8")


def zipf_sentences(seed: int, number: int, types: int) -> list[list[str]]:
    random = np.random.default_rng(seed)
    return [[f"w{i % types}" for i in random.zipf(1.3, size=random.integers(1, 15))] for _ in range(number)]


def trained(sentences: list[list[str]], order: int) -> tuple[NgramLM, dict[str, int]]:
    ids = dict(SPECIALS)
    for sentence in sentences:
        for word in sentence:
            ids.setdefault(word, len(ids))
    tokenizer = IdsOnly(len(ids), {"unknown": ids["<unk>"], "start": ids["<s>"], "end": ids["</s>"]})
    documents = [np.array([ids[word] for word in sentence]) for sentence in sentences]
    return NgramLM(tokenizer, NgramConfig(order=order)).fit(documents), ids


def log10_scores(model: NgramLM, ids: dict[str, int], sentences: list[list[str]]) -> list[np.ndarray]:
    scores = model.log_probs([np.array([ids.get(word, ids["<unk>"]) for word in sentence]) for sentence in sentences])
    return [part / math.log(10) for part in scores]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [1, 2])
def test_scores_equal_the_formulas(seed: int, order: int) -> None:
    train, test = zipf_sentences(seed, 300, 60), [*zipf_sentences(seed + 10, 30, 80), ["unheard", "w1", "unheard"], []]
    reference = Reference(train, order)
    model, ids = trained(train, order)
    assert order == 1 or any(discounts[1:] != (0.5, 1.0, 1.5) for discounts in reference.discounts)  # estimated ones take part
    np.testing.assert_allclose(model.discounts_, [discounts[1:] for discounts in reference.discounts], atol=1e-12)
    for sentence, scores in zip(test, log10_scores(model, ids, test)):
        np.testing.assert_allclose(scores, reference.score(sentence), atol=1e-5)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_scores_equal_kenlm_reading_the_same_model(order: int, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is in the group `peers`: make peers")
    train, test = zipf_sentences(3, 300, 60), [*zipf_sentences(13, 30, 80), ["unheard", "w1", "unheard"]]
    Reference(train, order).write_arpa(tmp_path / "model.arpa")
    peer = kenlm.Model(str(tmp_path / "model.arpa"))
    model, ids = trained(train, order)
    for sentence, scores in zip(test, log10_scores(model, ids, test)):
        expected = [log for log, _, _ in peer.full_scores(" ".join(sentence))]
        np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_penn_treebank_reaches_the_published_perplexity() -> None:
    data = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "ptb"
    if not data.is_dir():
        pytest.skip(f"{data} is absent: set HORNBOOK_DATA to the folder that holds ptb/")
    texts = [gzip.decompress((data / f"ptb.{split}.txt.gz").read_bytes()).decode() for split in ("train", "test")]
    train, test = ([line.split() for line in text.splitlines()] for text in texts)
    for order, published in ((3, 148.5), (5, 141.5)):
        model, ids = trained(train, order)
        scores = np.concatenate(log10_scores(model, ids, test))
        assert scores.size == 82_430
        assert 10 ** -scores.mean(dtype=np.float64) <= published
