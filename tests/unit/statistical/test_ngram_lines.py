"""From lines of words to a model, and scoring much text by the hash table: the same numbers as the trie gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.lines import WordTable, score_lines, train_on_lines
from hornbook.statistical.probing import FastScorer
from hornbook.tokenizers.closed import closed_tokenizer
from ids_only import IdsOnly

TEXT = "the cat sat\nthe dog sat on the <unk>\n\n  the\tcat\r\nécoute 语言 the cat\n"


def test_lines_give_the_model_of_their_words(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT, "utf-8")
    model = train_on_lines(tmp_path / "t.txt", NgramConfig(order=3))
    tokenizer = model.tokenizer
    lines = [line for line in TEXT.splitlines() if line.strip()]
    expected = NgramLM(tokenizer, NgramConfig(order=3)).fit(tokenizer.encode_batch(lines))
    for name, array in expected.trie_.arrays().items():
        np.testing.assert_array_equal(array, model.trie_.arrays()[name])
    assert model.tokens_ == sum(len(line.split()) + 1 for line in lines)


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip("\n"), "", "\n", "\n\n the", "unheard of words\n" * 3])
def test_words_become_the_ids_of_the_tokenizer(text: str) -> None:
    tokenizer = closed_tokenizer(["the", "cat", "sat", "语言", "écoute"])
    model = NgramLM(tokenizer, NgramConfig(order=2)).fit(tokenizer.encode_batch(["the cat sat"]))
    documents = WordTable.of(model).encode(text.encode())
    lines = text.split("\n")[:-1] if text.endswith("\n") or not text else text.split("\n")
    assert documents.starts.size == len(lines) + 1
    for line, first, last in zip(lines, documents.starts, documents.starts[1:]):
        np.testing.assert_array_equal(documents.tokens[first:last], tokenizer.encode(line))
    expected = [model.score(line) for line in lines]
    np.testing.assert_allclose(score_lines(model, text.encode()), expected, atol=1e-5)
    for threads in (1, 2, 5):
        np.testing.assert_allclose(FastScorer(model, threads=threads).score_lines(text.encode()), expected, atol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("config", [{}, {"bits": 8}, {"smoothing": "stupid-backoff"}, {"minimum_counts": (1, 2)}], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_table_gives_the_numbers_of_the_trie(
    skewed_documents: list[np.ndarray], order: int, config: dict[str, object], threads: int
) -> None:
    model = NgramLM(IdsOnly(30), NgramConfig(order=order, **config)).fit(skewed_documents[:150])  # type: ignore[arg-type]
    scorer = FastScorer(model, threads=threads)
    for documents in (skewed_documents, skewed_documents[:1], [], [[29, 6, 29, 29, 7, 7]]):
        scores, starts = scorer.score_documents(documents)
        expected, places = model.score_documents(documents)
        np.testing.assert_array_equal(scores, expected)
        np.testing.assert_array_equal(starts, places)
    assert scorer.size_mb > 0


def test_scores_of_documents_are_log_probs(skewed_documents: list[np.ndarray]) -> None:
    model = NgramLM(IdsOnly(30), NgramConfig(order=3)).fit(skewed_documents)
    scores, starts = model.score_documents(skewed_documents)
    for part, first, last in zip(model.log_probs(skewed_documents), starts, starts[1:]):
        np.testing.assert_array_equal(part, scores[first:last])
    assert model.score(skewed_documents[1], base=math.e) == pytest.approx(float(scores[starts[1] : starts[2]].sum()), rel=1e-5)
