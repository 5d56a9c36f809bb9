"""Word vectors as an encoder: words to rows, unknown words, means as `embed` has them, what training does to the table."""

from __future__ import annotations

import numpy as np
import torch

from hornbook.embeddings.subwords import SubwordConfig, Subwords
from hornbook.embeddings.vectors import WordVectors
from hornbook.models.bag import BagEncoder
from hornbook.tasks.embed import embedder

WORDS = ["the", "cat", "sat", "on", "mat", "dog"]


def vectors(*, subwords: bool = False, counts: bool = True) -> WordVectors:
    random = np.random.default_rng(3)
    table = random.normal(size=(len(WORDS), 5)).astype(np.float32)
    buckets = random.normal(size=(40, 5)).astype(np.float32)
    return WordVectors(
        WORDS,
        table,
        counts=np.arange(len(WORDS), 0, -1) * 7 if counts else None,
        subwords=Subwords(SubwordConfig(min_n=2, max_n=3, buckets=40), buckets) if subwords else None,
    )


def states(encoder: BagEncoder, texts):
    return encoder.encode(encoder.prepare(texts)).states.detach().numpy()


def test_a_state_is_the_vector_of_a_word() -> None:
    source = vectors()
    batch = BagEncoder(source).prepare(["The cat, bird!"])
    assert batch.ids.tolist() == [[0, 1, len(WORDS)]]
    assert batch.offsets is not None and batch.offsets[0].tolist() == [[0, 3], [4, 7], [9, 13]]
    found = states(BagEncoder(source), ["The cat, bird!"])[0]
    np.testing.assert_array_equal(found, [source["the"], source["cat"], np.zeros(5)])


def test_an_unknown_word_has_the_vector_of_its_subwords() -> None:
    source = vectors(subwords=True)
    np.testing.assert_array_equal(states(BagEncoder(source), ["cat catty"])[0], [source["cat"], source["catty"]])


def test_words_met_before_training_get_a_row_that_learns(tmp_path) -> None:
    source = vectors(subwords=True)
    encoder = BagEncoder(source)
    before = states(encoder, ["the catty dog", "a matty"])
    assert encoder.rows(["catty"]).ids[0].tolist() == [len(WORDS)]
    assert encoder.meet(["the catty dog", "a catty matty"]) == 2 + int("a" in source)
    assert encoder.rows(["catty"]).ids[0].tolist() == [len(WORDS)]  # now a row of its own
    np.testing.assert_allclose(states(encoder, ["the catty dog", "a matty"]), before, atol=1e-6)
    encoder.encode(encoder.prepare(["catty"])).states.sum().backward()
    gradient = encoder.module.embedding.weight.grad
    assert gradient is not None and float(gradient[len(WORDS)].abs().sum()) > 0
    with torch.no_grad():
        encoder.module.embedding.weight[len(WORDS)] += 1
    encoder.save_files(tmp_path)
    np.testing.assert_allclose(WordVectors.load(tmp_path)["catty"], source["catty"] + 1, atol=1e-6)
    assert encoder.meet(["the catty dog"]) == 0


def test_a_mean_is_that_of_embed() -> None:
    texts = ["the cat sat on the mat", "dog bird", "", "catty"]
    for source in (vectors(), vectors(counts=False), vectors(subwords=True)):
        encoder = BagEncoder(source)
        batch = encoder.prepare(texts)
        mean = encoder.mean(batch, encoder.encode(batch)).detach().numpy()
        expected = embedder(source, where="", log=lambda event: None)(texts)
        np.testing.assert_allclose(mean[:3], expected[:3], atol=1e-6)
        np.testing.assert_allclose(mean[3], expected[3], atol=1e-6)


def test_texts_of_a_pair_stand_one_behind_the_other() -> None:
    batch = BagEncoder(vectors()).prepare([("the cat", "a dog")])
    assert batch.ids.tolist() == [[0, 1, 6, 5]]
    assert batch.offsets is not None and batch.offsets[0].tolist() == [[0, 3], [4, 7], [0, 1], [2, 5]]


def test_the_row_of_unknown_words_stays_zero() -> None:
    encoder = BagEncoder(vectors())
    encoder.encode(encoder.prepare(["bird cat"])).states.square().sum().backward()
    gradient = encoder.module.embedding.weight.grad
    assert gradient is not None and float(gradient[-1].abs().sum()) == 0 and float(gradient[1].abs().sum()) > 0
