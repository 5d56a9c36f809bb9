"""Word2Vec beside gensim on the same sentences: subsampling to the word, quality no lower, exchange of vectors."""

from __future__ import annotations

import lzma
import os
import re
from pathlib import Path

import numpy as np
import pytest

from hornbook.embeddings import Word2Vec, Word2VecConfig
from hornbook.embeddings.sampling import keep_probabilities
from hornbook.embeddings.vectors import WordVectors

gensim = pytest.importorskip("gensim.models", reason="gensim is not installed (make peers)")
DATA = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[3] / "shared" / "data"))
BOOKS, MEN = DATA / "books-en" / "train.txt.xz", DATA / "word-eval" / "EN-MEN-TR-3k.txt"


def test_subsampling_is_gensims() -> None:
    generator = np.random.default_rng(1)
    sentences = [[f"w{n}" for n in generator.zipf(1.3, size=20) if n < 500] for _ in range(2000)]
    model = gensim.Word2Vec(sentences, vector_size=4, min_count=3, sample=1e-3, epochs=1)
    ours = Word2Vec(Word2VecConfig(dimensions=4, min_count=3, epochs=1)).fit(sentences).vectors_
    assert ours.index_to_key[:20] == model.wv.index_to_key[:20] and len(ours) == len(model.wv)
    assert ours.counts is not None
    keep = keep_probabilities(ours.counts, int(ours.counts.sum()), 1e-3)
    theirs = np.array([model.wv.get_vecattr(word, "sample_int") for word in ours.index_to_key]) / 2**32
    assert keep == pytest.approx(theirs, abs=1e-6)


def spearman(vectors: WordVectors) -> float:
    pairs = [line.split() for line in MEN.read_text("utf-8").splitlines()]
    known = [(a, b, float(score)) for a, b, score in pairs if a in vectors.key_to_index and b in vectors.key_to_index]
    assert len(known) > 1000
    columns = [[vectors.similarity(a, b) for a, b, _ in known], [score for _, _, score in known]]
    return float(np.corrcoef([np.argsort(np.argsort(column)) for column in columns])[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_similarities_are_no_worse_than_gensims(model: str) -> None:
    if not BOOKS.is_file() or not MEN.is_file():
        pytest.skip(f"no {BOOKS} or {MEN}: set HORNBOOK_DATA")
    text = lzma.decompress(BOOKS.read_bytes())[:12_000_000].decode("utf-8", "ignore").lower()
    sentences = [re.findall(r"\w+", line) for line in text.split("\n")]
    sentences = [sentence for sentence in sentences if sentence]
    theirs = gensim.Word2Vec(sentences, vector_size=100, sg=int(model == "skipgram"), epochs=3, workers=2)
    given = WordVectors(theirs.wv.index_to_key, theirs.wv.vectors)
    ours = Word2Vec(Word2VecConfig(model=model, epochs=3, threads=2)).fit(sentences).vectors_
    print(f"{model}: {spearman(ours):.3f}, gensim {spearman(given):.3f}")
    assert spearman(ours) > spearman(given) - 0.02  # about twice the spread over seeds
