"""Minimal pairs: by hand, with ties, sampled, by words of several tokens; pseudo-likelihood beside them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bigram_table import BigramTable, Letters, random_table
from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.shards import ShardSplit
from hornbook.scoring.minimal_pairs import (
    MinimalPair,
    minimal_pair_accuracy,
    pseudo_judge,
    sample_pairs,
    sentence_judge,
    word_judge,
)
from hornbook.scoring.pseudo import pseudo_score
from hornbook.tasks.minimal_pairs import are_pairs, evaluate_pairs, read_pairs
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

PAIRS = [MinimalPair("aab", "aba", "one", "x"), MinimalPair("abc", "cba", "one", "x"), MinimalPair("ab", "ab", "two", "y")]


def silent(event) -> None:
    pass


def test_the_mean_over_paradigms_by_hand() -> None:
    worth = {"aab": -1.0, "aba": -2.0, "abc": -5.0, "cba": -1.0, "ab": -1.0}
    score = minimal_pair_accuracy(lambda texts: np.array([worth[text] for text in texts]), PAIRS)
    assert score.right.tolist() == [1, 0, 0.5] and score.ties == 1
    assert score.paradigms["one"].accuracy == 0.5 and score.paradigms["two"].accuracy == 0.5
    more = [*PAIRS, MinimalPair("aab", "aba", "two", "y")]
    score = minimal_pair_accuracy(lambda texts: np.array([worth[text] for text in texts]), more)
    assert score.overall.accuracy == pytest.approx((0.5 + 0.75) / 2)
    assert score.fields["y"].accuracy == pytest.approx(0.75)
    low, high = score.overall.ci95
    assert low < score.overall.accuracy < high


def test_sentences_are_worth_their_log_probability() -> None:
    model = BigramTable(Letters(), random_table(3, seed=1))
    (scores,) = model.log_probs([model.tokenizer.encode("abc")])
    assert sentence_judge(model)(["abc"])[0] == pytest.approx(float(scores[:-1].sum()))
    assert sentence_judge(model, per_byte=True)(["abc"])[0] == pytest.approx(float(scores[:-1].sum()) / 3)


def test_samples_are_of_every_paradigm_and_repeatable() -> None:
    pairs = [MinimalPair(f"a{number}", "b", str(number % 3)) for number in range(30)]
    chosen = sample_pairs(pairs, 4, seed=5)
    assert len(chosen) == 12 and chosen == sample_pairs(pairs, 4, seed=5) != sample_pairs(pairs, 4, seed=6)
    assert sample_pairs(pairs, 0) == pairs


class Ahead:
    """A token is likely when the token two places on is the same or hidden: hiding the rest of a word changes its score."""

    def __init__(self, tokenizer) -> None:
        self.tokenizer, self.parameters = tokenizer, 1

    def masked_log_probs(self, rows, places):
        assert all(row[place] == self.tokenizer.specials["mask"] for row, place in zip(rows, places, strict=True))
        hidden = [int((np.asarray(row) == self.tokenizer.specials["mask"]).sum()) for row in rows]
        base = np.zeros((len(rows), self.tokenizer.size), np.float32)
        base -= np.log(self.tokenizer.size) * np.array(hidden, np.float32)[:, None]
        return base

    def pseudo_log_probs(self, documents):
        return [np.full(len(ids), -np.log(self.tokenizer.size), np.float32) for ids in documents]


def test_later_tokens_of_a_word_are_hidden() -> None:
    tokenizer = train_tokenizer(["ab cd ab cd"], TokenizerConfig(kind="chars"))
    model, unit = Ahead(tokenizer), math.log(tokenizer.size)
    assert pseudo_judge(model)(["abc ab"])[0] == pytest.approx(-6 * unit, rel=1e-5)
    # abc: 3 + 2 + 1 hidden, the blank 1, ab: 2 + 1
    assert word_judge(model)(["abc ab"])[0] == pytest.approx(-(6 + 1 + 3) * unit, rel=1e-5)


def test_files_are_recognised_and_read(tmp_path) -> None:
    blimp = [{"sentence_good": "a", "sentence_bad": "b", "field": "syntax", "UID": "p", "pairID": str(i)} for i in range(3)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, blimp)))
    (tmp_path / "pairs.tsv").write_text("sentence_good\tsentence_bad\nabc\tcba\nab\tba\n")
    (tmp_path / "text.txt").write_text("just text\n")
    (tmp_path / "other.tsv").write_text("label\ttext\n1\tabc\n")
    assert are_pairs([tmp_path / "p.jsonl"]) and are_pairs([tmp_path / "pairs.tsv"]) and are_pairs([tmp_path])
    assert not are_pairs([tmp_path / "text.txt"]) and not are_pairs([tmp_path / "other.tsv"])
    assert [pair.paradigm for pair in read_pairs([tmp_path / "p.jsonl"], log=silent)] == ["p"] * 3
    assert read_pairs([tmp_path / "pairs.tsv"], log=silent)[1] == MinimalPair("ab", "ba", "pairs")
    (tmp_path / "bad.jsonl").write_text('{"sentence_good": "a", "sentence_bad": "b"}\n{"sentence_good": "a"}\n')
    with pytest.raises(ContentError, match="line 2"):
        read_pairs([tmp_path / "bad.jsonl"], log=silent)
    model = BigramTable(Letters(), random_table(3, seed=1))
    result = evaluate_pairs(model, [tmp_path / "p.jsonl"], by="auto", per_paradigm=2, seed=1, log=silent)
    assert result["pairs"] == 2 and result["scored_by"] == "sentence" and 0 <= result["blimp_accuracy"] <= 1
    with pytest.raises(UsageError, match="not by pll"):
        evaluate_pairs(model, [tmp_path / "p.jsonl"], by="pll", per_paradigm=0, seed=1, log=silent)


def test_pseudo_likelihood_has_its_own_names() -> None:
    tokenizer = train_tokenizer(["ab cd ab cd"], TokenizerConfig(kind="chars"))
    ids = tokenizer.encode("ab cd" * 100)
    facts = pseudo_score(Ahead(tokenizer), ShardSplit.from_documents([ids], [500]), tokens=256).facts()
    assert facts["pseudo_perplexity"] == pytest.approx(tokenizer.size, rel=1e-4)
    assert facts["pseudo_bits_per_byte"] == pytest.approx(math.log2(tokenizer.size), rel=1e-4)  # a token is a byte here
    assert "bits_per_byte" not in facts and facts["tokens"] == 256 < facts["offered_tokens"] == 500
    assert facts["notes"]
