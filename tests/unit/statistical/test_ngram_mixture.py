"""Mixtures, the cache, listings, perplexity, the domain filter."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import hornbook.tokenizers
from hornbook.core.errors import ContentError, UsageError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.cache import CacheLM
from hornbook.statistical.domain import best_threshold, cross_entropy_differences, domain_filter
from hornbook.statistical.listing import count, next_words, perplexity
from hornbook.statistical.mixture import MixtureLM, em_weights
from hornbook.tokenizers import TokenizerConfig, train_tokenizer
from hornbook.tokenizers.closed import closed_tokenizer
from ids_only import IdsOnly

SIZE = 30


def fitted(documents: list[np.ndarray], **config: object) -> NgramLM:
    return NgramLM(IdsOnly(SIZE), NgramConfig(**config)).fit(documents)  # type: ignore[arg-type]


def nats(scores: list[np.ndarray]) -> float:
    return -float(np.concatenate(scores).mean(dtype=np.float64))


def follows_the_protocol(model: MixtureLM | CacheLM, documents: list[np.ndarray]) -> None:
    """start, step and select give the numbers of log_probs; rows sum to 1."""
    for document, expected in zip(documents, model.log_probs(documents)):
        scores, state = model.start([document[:0], document[:1]])
        for i, word in enumerate(document):
            np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-6)
            assert scores[0, word] == pytest.approx(expected[i], abs=1e-5)
            state = model.select(state, [0, 0])  # type: ignore[arg-type]
            scores, state = model.step(state, np.array([word, 6]))  # type: ignore[arg-type]
            np.testing.assert_allclose(model.start([document[: i + 1]])[0][0], scores[0], atol=1e-5)
        assert scores[0, 3] == pytest.approx(expected[-1], abs=1e-5)


def test_em_finds_the_best_weights() -> None:
    random = np.random.default_rng(3)
    probabilities = random.random((500, 3)) * [1, 0.5, 0.2]
    weights = em_weights(probabilities)
    assert weights.sum() == pytest.approx(1)
    best = np.log(probabilities @ weights).sum()
    for other in random.dirichlet(np.ones(3), 200):
        assert np.log(probabilities @ other).sum() <= best + 1e-6
    np.testing.assert_allclose(em_weights(np.zeros((0, 2))), [0.5, 0.5])


def test_a_mixture_is_at_least_as_good_as_its_models(skewed_documents: list[np.ndarray]) -> None:
    train, dev, test = skewed_documents[:100], skewed_documents[100:150], skewed_documents[150:]
    models = [fitted(train, order=1), fitted(train, order=3), fitted(train[:30], order=2, smoothing="katz")]
    mixture = MixtureLM(models).fit(dev)
    assert mixture.weights_.sum() == pytest.approx(1)
    assert nats(mixture.log_probs(dev)) <= min(nats(model.log_probs(dev)) for model in models) + 1e-3
    follows_the_protocol(mixture, test[:4])
    follows_the_protocol(MixtureLM(models[:2], [0.0, 1.0]), test[:2])


def test_mixtures_are_saved_and_loaded(
    skewed_documents: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hornbook.tokenizers, "load_tokenizer", IdsOnly.from_folder, raising=False)
    monkeypatch.setattr("hornbook.statistical.mixture.same_tokenizer", lambda one, other: one.size == other.size)
    tokenizer = IdsOnly(SIZE)
    models = [NgramLM(tokenizer, NgramConfig(order=k)).fit(skewed_documents) for k in (1, 3)]
    for model, kind in ((MixtureLM(models, [0.25, 0.75]), MixtureLM), (CacheLM(models[1]).fit(skewed_documents[:50]), CacheLM)):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        model.save_files(folder)
        loaded = kind.load(folder)
        for one, other in zip(model.log_probs(skewed_documents), loaded.log_probs(skewed_documents)):  # type: ignore[attr-defined]
            np.testing.assert_array_equal(one, other)
        record = json.loads((folder / "config.json").read_text())
        for wrong in ({**record, "weights": [[1]]}, {**record, "model_type": "gpt2"}, {"model_type": record["model_type"]}, []):
            (folder / "config.json").write_text(json.dumps(wrong))
            with pytest.raises((ContentError, UsageError)):
                kind.load(folder)


def test_models_of_a_mixture_share_a_tokenizer(skewed_documents: list[np.ndarray]) -> None:
    one = fitted(skewed_documents)
    with pytest.raises(UsageError, match="at least two"):
        MixtureLM([one])
    with pytest.raises(UsageError, match="one tokenizer"):
        MixtureLM([one, NgramLM(IdsOnly(31)).fit([])])
    with pytest.raises(UsageError, match="sum to 1"):
        MixtureLM([one, one], [0.5, 0.6])


def bursty(seed: int, number: int) -> list[np.ndarray]:
    """Documents that each repeat a few words of their own."""
    random = np.random.default_rng(seed)
    return [random.choice(random.choice(np.arange(6, SIZE), 4), 25) for _ in range(number)]


def test_the_cache_helps_where_words_come_back() -> None:
    train, dev, test = bursty(1, 60), bursty(2, 40), bursty(3, 40)
    model = fitted(train, order=2)
    cached = CacheLM(model).fit(dev)
    assert nats(cached.log_probs(test)) < nats(model.log_probs(test)) - 0.3
    np.testing.assert_allclose(cached.weights_.sum(axis=1), 1)
    assert (cached.weights_[0] == [1, 0, 0, 0]).all()  # an empty cache says nothing
    follows_the_protocol(cached, test[:4])


def test_the_running_cache_sees_earlier_documents_but_never_the_token_itself() -> None:
    train, dev, test = bursty(1, 60), bursty(2, 40), [np.array([7, 8, 9, 10] * 5)] * 3
    model = fitted(train, order=2)
    cached = CacheLM(model).fit(dev, running=True)
    running = cached.running_log_probs(test)
    np.testing.assert_array_equal(running[0], cached.log_probs(test[:1])[0])
    assert nats(running[2:]) < nats(running[:1])
    changed = [*test[:2], np.append(test[2][:-1], 29)]
    for one, other in zip(running, cached.running_log_probs(changed)):
        np.testing.assert_array_equal(one[:19], other[:19])  # what comes later changes nothing
    assert cached.running_log_probs([]) == []


def test_listing_counts_and_probabilities() -> None:
    tokenizer = closed_tokenizer(["hello", "world", "python"])
    model = NgramLM(tokenizer, NgramConfig(order=3)).fit(tokenizer.encode_batch(["hello world", "hello world", "hello python"]))
    listing = next_words(model, "hello", top=3, starts_document=True)
    assert listing.context == ("<s>", "hello") == listing.known_context and listing.known_count == 3
    first, second, _ = listing.continuations
    assert (first.text, first.count) == ("world", 2) and (second.text, second.count) == ("python", 1)
    assert first.probability == pytest.approx(10**first.log10) and first.probability > second.probability > 0
    everything = next_words(model, "hello", top=100).continuations
    assert sum(one.probability for one in everything) == pytest.approx(1, abs=1e-6)
    backed_off = next_words(model, "python world zzz")
    assert backed_off.known_context == () and backed_off.known_count == 9
    assert count(model, tokenizer.encode("hello world")) == 2 and count(model, tokenizer.encode("world hello")) == 0


def test_counts_above_a_byte_are_exact() -> None:
    model = fitted([np.array([6] * 1000 + [7])], order=2)
    assert count(model, [6, 6]) == 999 and count(model, [6]) == 1000 and count(model, [6, 7]) == 1
    assert count(model, []) is None or count(model, []) == 0


def test_perplexity_with_and_without_unknown_words() -> None:
    tokenizer = closed_tokenizer(["a", "b"])
    model = NgramLM(tokenizer, NgramConfig(order=2)).fit(tokenizer.encode_batch(["a b", "a b a"]))
    result = perplexity(model, tokenizer.encode_batch(["a zzz b"]))
    scores = model.log_probs(tokenizer.encode_batch(["a zzz b"]))[0].astype(np.float64)
    assert (result.tokens, result.unknown) == (4, 1)
    assert result.including_unknown == pytest.approx(math.exp(-scores.mean()))
    assert result.excluding_unknown == pytest.approx(math.exp(-scores[[0, 2, 3]].mean()))
    assert result.excluding_unknown < result.including_unknown < math.inf


def test_text_of_the_domain_is_told_apart() -> None:
    recipes = ["stir the flour and the milk", "bake the bread in the oven", "mix sugar and flour", "boil the milk"] * 3
    news = ["the parliament met on monday", "shares fell in london", "the minister met the press", "prices rose on monday"] * 3
    tokenizer = train_tokenizer(recipes + news, TokenizerConfig(kind="chars"))
    domain = NgramLM(tokenizer, NgramConfig(order=4)).fit(tokenizer.encode_batch(recipes))
    general = NgramLM(tokenizer, NgramConfig(order=4)).fit(tokenizer.encode_batch(recipes + news))
    texts = ["bake the flour", "the shares of the minister", "boil sugar in milk", ""]
    differences = cross_entropy_differences(texts, domain=domain, general=general)
    assert differences[0] < differences[1] and differences[2] < differences[1]
    kept = domain_filter(domain=domain, general=general)(texts)
    assert kept[0] and kept[2] and not kept[1]
    assert best_threshold(np.arange(100.0), lambda threshold: abs(threshold - 10)) == pytest.approx(9.9)
    with pytest.raises(UsageError, match="one tokenizer"):
        cross_entropy_differences(texts, domain=domain, general=NgramLM(IdsOnly(9)).fit([]))
