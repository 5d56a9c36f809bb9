"""Vectors of texts by every generation: what they are, that neighbours change nothing, that empty texts are told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hornbook import api
from hornbook.core import artifact
from hornbook.core.errors import UsageError
from hornbook.core.events import Alarm
from hornbook.tasks.embed import embed_texts, embedder, write_vectors
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["The cat sat on the mat.", "A dog and a cat had a mat; the mat had a cat. Who sat where?", "猫坐在垫子上。", "dog"]


def silent(event) -> None:
    pass


def words(tokenizer):
    from hornbook.embeddings.vectors import WordVectors

    names = ["the", "cat", "sat", "on", "mat", "dog", "猫"]
    table = np.random.default_rng(1).normal(size=(len(names), 6)).astype(np.float32)
    return WordVectors(names, table, counts=np.arange(len(names), 0, -1) * 10)


def hmm(tokenizer):
    from hornbook.statistical.hmm import HmmConfig, HmmLM

    return HmmLM(tokenizer, HmmConfig(states=6, iterations=3, emission_prior=1.0, threads=1)).fit(tokenizer.encode_batch(TEXTS))


def lstm(tokenizer):
    from hornbook.models.rnn import RnnConfig, RnnLM

    return RnnLM(tokenizer, RnnConfig(width=8))


def gpt(tokenizer):
    from hornbook.models.gpt import GptConfig, GptLM

    return GptLM(tokenizer, GptConfig(layers=1, width=32, heads=2, context=16))


def bert(tokenizer):
    from hornbook.models.bert import BertConfig
    from hornbook.models.masked import MaskedLM

    return MaskedLM(tokenizer, BertConfig(layers=1, width=32, heads=2, context=64))


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS * 3, TokenizerConfig(kind="bpe", size=320))


@pytest.fixture(scope="module", params=[words, hmm, lstm, gpt, bert], ids=lambda make: make.__name__)
def model(request, tokenizer):
    return request.param(tokenizer)


def embedded(model, texts, **settings):
    options = {"together": 512, "normalise": False, "where": "model", "log": silent} | settings
    return np.concatenate(list(embed_texts(model, texts, **options)))


def test_a_text_has_the_same_vector_in_any_company(model) -> None:
    together = embedded(model, TEXTS)
    assert together.dtype == np.float32 and together.shape[0] == len(TEXTS)
    assert np.abs(together[0] - together[1]).max() > 1e-4
    np.testing.assert_allclose(embedded(model, TEXTS, together=1), together, atol=1e-5)
    np.testing.assert_allclose(embedded(model, TEXTS[::-1])[::-1], together, atol=1e-5)


def test_empty_texts_are_zeros_and_told(model) -> None:
    told: list[object] = []
    vectors = embedded(model, ["", TEXTS[0], " \n"], normalise=True, log=told.append)
    assert not vectors[0].any() and not vectors[2].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1, abs=1e-5)
    assert any(isinstance(event, Alarm) and event.text.startswith("2 texts") for event in told)


def test_a_network_from_left_to_right_averages_the_states_after_each_token(tokenizer) -> None:
    import torch

    model = lstm(tokenizer)
    ids = tokenizer.encode(TEXTS[0])
    model.module.eval()
    with torch.inference_mode():
        states, _ = model.module(torch.tensor([[model.start_id, *map(int, ids)]]))
    np.testing.assert_allclose(embedded(model, TEXTS[:1])[0], states[0, 1:].mean(dim=0).numpy(), atol=1e-5)


def test_a_masked_model_averages_all_its_states(tokenizer) -> None:
    import torch

    model = bert(tokenizer)
    encoder = model.encoder
    encoder.module.eval()
    with torch.inference_mode():
        states = encoder.encode(encoder.prepare(TEXTS[:1])).states
    np.testing.assert_allclose(embedded(model, TEXTS[:1])[0], states[0].mean(dim=0).numpy(), atol=1e-5)


def test_an_ngram_model_has_none(tokenizer) -> None:
    from hornbook.statistical import NgramConfig, NgramLM

    model = NgramLM(tokenizer, NgramConfig(order=2)).fit(tokenizer.encode_batch(TEXTS))
    with pytest.raises(UsageError, match="has no vectors of texts"):
        embedder(model, where="folder", log=silent)


def test_files(tmp_path) -> None:
    parts = [np.arange(4, dtype=np.float32).reshape(2, 2), np.ones((1, 2), np.float32)]
    assert write_vectors(tmp_path / "v.npy", ["a", "b", "c"], parts) == (3, 2)
    assert np.load(tmp_path / "v.npy", allow_pickle=False).tolist() == [[0, 1], [2, 3], [1, 1]]
    assert write_vectors(tmp_path / "v.jsonl", ["a", "b", "c"], parts) == (3, 2)
    assert [json.loads(line)["text"] for line in (tmp_path / "v.jsonl").read_text().splitlines()] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="npy or a .jsonl"):
        write_vectors(tmp_path / "v.bin", [], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.jsonl", "v.npy"]


def test_the_same_call_for_a_saved_model(tokenizer, tmp_path) -> None:
    model = lstm(tokenizer)
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    vectors = api.embed(tmp_path / "model", TEXTS, normalise=True)
    assert vectors.shape == (4, 8) and np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
