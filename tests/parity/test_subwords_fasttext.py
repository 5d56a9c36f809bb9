"""Hashed character n-grams against gensim's port of fastText, and vectors of unknown words against its model."""

from __future__ import annotations

import numpy as np
import pytest

from hornbook.embeddings.subwords import SubwordConfig, Subwords, ngram_rows

fasttext = pytest.importorskip("gensim.models.fasttext", reason="gensim is not installed (group peers)")

WORDS = ["hello", "a", "", "中国", "信息量", "Straße", "naïve", "สวัสดี", "नमस्ते", "x😀y", "<", "a b", "𠀀𠀁", "word" * 20]


@pytest.mark.parametrize(("min_n", "max_n"), [(3, 6), (1, 3), (1, 1), (2, 2), (5, 9)])
@pytest.mark.parametrize("buckets", [2_000_000, 1, 20_011])
def test_rows(min_n: int, max_n: int, buckets: int) -> None:
    rows, starts = ngram_rows(WORDS, SubwordConfig(min_n, max_n, buckets))
    for word, begin, end in zip(WORDS, starts, starts[1:]):
        assert rows[begin:end].tolist() == fasttext.ft_ngram_hashes(word, min_n, max_n, buckets), word


def test_vectors_of_known_and_unknown_words() -> None:
    sentences = [["hello", "world", "中国"], ["hello", "naïve", "world"]] * 5
    model = fasttext.FastText(sentences, vector_size=12, min_count=1, epochs=2, bucket=500, min_n=2, max_n=4, workers=1)
    subwords = Subwords(SubwordConfig(2, 4, 500), np.asarray(model.wv.vectors_ngrams))
    for word in ("helloworld", "中国人", "q"):
        assert subwords.vector(word) == pytest.approx(model.wv[word], abs=1e-7)
    known = model.wv.index_to_key
    assert subwords.vectors(known, rows=model.wv.vectors_vocab) == pytest.approx(model.wv.vectors, abs=1e-7)
