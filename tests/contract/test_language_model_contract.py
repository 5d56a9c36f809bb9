"""What every LanguageModel promises, run on every kind there is. A new model is one entry of `CASES`."""

import json

import numpy as np
import pytest

from hornbook import catalog
from hornbook.core import artifact
from hornbook.corpus.shards import ShardSplit
from hornbook.decoding import BeamConfig, GenerationConfig, beam_search, generate
from hornbook.scoring.cloze import ClozeItem, cloze_accuracy, score_shared, score_whole
from hornbook.scoring.lm import bits_per_byte
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = [
    "The cat sat on the mat.\nThe dog sat on the cat, and the cat was not amused.",
    "A dog and a cat had a mat; the mat had a cat. Who sat where? 猫坐在垫子上。",
    "One, two, three: the cat, the dog and the mat were three.",
] * 4
CONTEXT = 16  # of the Transformers: shorter than most documents here


def ngram(tokenizer, documents, *, order):
    from hornbook.statistical import NgramConfig, NgramLM

    return NgramLM(tokenizer, NgramConfig(order=order)).fit(documents)


def hmm(tokenizer, documents, **settings):
    from hornbook.statistical.hmm import HmmConfig, HmmLM

    return HmmLM(tokenizer, HmmConfig(iterations=20, emission_prior=1.0, threads=1, **settings)).fit(documents)


def rnn(tokenizer, documents, **sizes):
    from hornbook.models.rnn import RnnConfig, RnnLM

    return sharpened(RnnLM(tokenizer, RnnConfig(width=16, **sizes)))


def classic(tokenizer, documents, **sizes):
    from hornbook.models.gpt import GptConfig, GptLM

    return sharpened(GptLM(tokenizer, GptConfig(layers=2, width=32, heads=2, context=CONTEXT, **sizes)))


def modern(tokenizer, documents, **sizes):
    from hornbook.models.gpt import GptLM
    from hornbook.models.gpt_modern import ModernGptConfig

    return sharpened(GptLM(tokenizer, ModernGptConfig(layers=2, width=32, heads=2, context=CONTEXT, **sizes)))


def llama(tokenizer, documents):
    from hornbook.models.gpt import GptLM
    from hornbook.models.llama import LlamaConfig

    return sharpened(GptLM(tokenizer, LlamaConfig(layers=2, width=32, heads=4, key_heads=2, context=CONTEXT)))


def classes(tokenizer, documents):
    from hornbook.statistical import ClassConfig, ClassLM

    return ClassLM(tokenizer, ClassConfig(classes=12, rounds=3, order=3)).fit(documents)


def mixture(tokenizer, documents):
    from hornbook.statistical import MixtureLM

    return MixtureLM([ngram(tokenizer, documents[1:], order=2), hmm(tokenizer, documents[1:], states=8)]).fit(documents[:1])


def cache(tokenizer, documents):
    from hornbook.statistical import CacheLM

    return CacheLM(ngram(tokenizer, documents[1:], order=2)).fit(documents[:1])


def sharpened(model):
    """Untrained networks give nearly equal scores everywhere: larger weights make every mistake visible."""
    import torch

    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.4, generator=generator)
    return model


CASES = {
    "unigram": lambda tokenizer, documents: ngram(tokenizer, documents, order=1),
    "bigram": lambda tokenizer, documents: ngram(tokenizer, documents, order=2),
    "5-gram": lambda tokenizer, documents: ngram(tokenizer, documents, order=5),
    "hmm": lambda tokenizer, documents: hmm(tokenizer, documents, states=20),
    "word classes": classes,
    "mixture": mixture,
    "cache": cache,
    "rnn": lambda tokenizer, documents: rnn(tokenizer, documents, cell="rnn"),
    "lstm": lambda tokenizer, documents: rnn(tokenizer, documents, cell="lstm", layers=2),
    "gru": lambda tokenizer, documents: rnn(tokenizer, documents, cell="gru", embedding=12, tied=False),
    "gpt classic": classic,
    "gpt classic untied": lambda tokenizer, documents: classic(tokenizer, documents, tied=False),
    "gpt modern": modern,
    "llama": llama,
    "gpt padded vocabulary": lambda tokenizer, documents: modern(tokenizer, documents, vocabulary=512),
}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=320))


@pytest.fixture(scope="module", params=CASES)
def model(request, tokenizer):
    return CASES[request.param](tokenizer, tokenizer.encode_batch(TEXTS))


@pytest.fixture(scope="module")
def documents(tokenizer):
    """An empty one, one token, shorter and much longer than the context."""
    long = tokenizer.encode(" ".join(TEXTS[:3]))
    assert len(long) > 4 * CONTEXT
    return [long, np.empty(0, np.int64), long[:1], long[5 : 5 + CONTEXT - 1], long[3 : 3 + CONTEXT], long[: 2 * CONTEXT + 3]]


def stepwise(model, document):
    """The scores of a document by start and step alone."""
    scores, state = model.start([np.empty(0, np.int64)])
    result = []
    for number in document:
        result.append(scores[0, int(number)])
        scores, state = model.step(state, np.array([int(number)]))
    return np.array([*result, scores[0, model.tokenizer.specials["end"]]])


def after(model, prefix):
    """(V,) scores after a prefix, by steps."""
    scores, state = model.start([np.empty(0, np.int64)])
    for number in prefix:
        scores, state = model.step(state, np.array([int(number)]))
    return scores[0]


def test_scores_are_one_a_token_and_one_for_the_end(model, documents):
    scores = model.log_probs(documents)
    assert [len(row) for row in scores] == [len(document) + 1 for document in documents]
    for row in scores:
        assert isinstance(row, np.ndarray) and row.dtype == np.float32
        assert np.isfinite(row).all() and (row <= 1e-6).all()
    assert model.log_probs([]) == []


def test_next_scores_are_a_distribution(model, documents):
    scores, state = model.start(documents)
    assert scores.dtype == np.float32 and isinstance(scores, np.ndarray)
    assert scores.shape[0] == len(documents) and scores.shape[1] >= model.tokenizer.size
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    scores, _ = model.step(state, np.array([int(document[0]) if len(document) else 7 for document in documents]))
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-5)


def test_whole_and_stepwise_scores_are_equal(model, documents):
    """Beyond the context too: what is dropped from the window is dropped the same way in both."""
    for document, whole in zip(documents, model.log_probs(documents), strict=True):
        np.testing.assert_allclose(stepwise(model, document), whole, atol=1e-4)


def test_a_prefix_is_the_same_as_its_steps(model, documents):
    scores, _ = model.start(documents)
    for row, document in zip(scores, documents, strict=True):
        np.testing.assert_allclose(row, after(model, document), atol=1e-4)


def test_steps_go_on_from_prefixes_of_different_lengths(model, documents):
    _, state = model.start(documents)
    read = [list(document) for document in documents]
    generator = np.random.default_rng(1)
    for _ in range(CONTEXT + 3):  # every row crosses an edge of its window
        new = generator.integers(10, model.tokenizer.size, len(documents))
        scores, state = model.step(state, new)
        read = [[*row, int(number)] for row, number in zip(read, new, strict=True)]
    for row, ids in zip(scores, read, strict=True):
        np.testing.assert_allclose(row, after(model, ids), atol=1e-4)


def test_a_batch_is_its_documents_alone(model, documents):
    together = model.log_probs(documents * 20)
    for index, document in enumerate(documents):
        (alone,) = model.log_probs([document])
        for copy in together[index :: len(documents)]:
            np.testing.assert_allclose(copy, alone, atol=1e-4)


def test_documents_do_not_know_of_each_other(model, documents):
    first = model.log_probs([documents[3], documents[0]])[0]
    second = model.log_probs([documents[3], documents[5]])[0]
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_selected_rows_are_independent_copies(model, documents):
    reference, state = model.start(documents)
    rows = [3, 0, 3, 5]  # repeated, dropped, in another order
    chosen = model.select(state, rows)
    ids = np.array([20, 21, 22, 23])
    scores, chosen = model.step(chosen, ids)
    for row, number, after_step in zip(rows, ids, scores, strict=True):
        np.testing.assert_allclose(after_step, after(model, [*documents[row], number]), atol=1e-4)
    model.step(chosen, ids)
    original, _ = model.step(state, np.full(len(documents), 30))  # the state selected from is untouched
    for document, row in zip(documents, original, strict=True):
        np.testing.assert_allclose(row, after(model, [*document, 30]), atol=1e-4)
    assert reference.shape == original.shape


def test_returned_scores_are_not_overwritten(model, documents):
    scores, state = model.start(documents[:3])
    kept = scores.copy()
    model.step(state, np.array([20, 21, 22]))
    np.testing.assert_array_equal(scores, kept)


def test_the_same_document_always_costs_the_same(model, documents):
    for first, second in zip(model.log_probs(documents), model.log_probs(documents), strict=True):
        np.testing.assert_array_equal(first, second)


def test_save_and_load(model, documents, tmp_path):
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    artifact.verify(tmp_path / "model")
    kind = json.loads((tmp_path / "model" / "config.json").read_text())["model_type"]
    again = catalog.model_class(kind, where=tmp_path).load(tmp_path / "model")
    assert type(again) is type(model)
    for before, now in zip(model.log_probs(documents), again.log_probs(documents), strict=True):
        np.testing.assert_allclose(now, before, atol=1e-6)
    np.testing.assert_allclose(again.start(documents)[0], model.start(documents)[0], atol=1e-6)
    assert again.parameters == model.parameters > 0
    assert again.tokenizer.encode(TEXTS[1]).tolist() == model.tokenizer.encode(TEXTS[1]).tolist()


def test_every_kind_of_the_catalogue_is_here(tokenizer, tmp_path):
    kinds = set()
    for name, make in CASES.items():
        folder = tmp_path / name
        folder.mkdir()
        make(tokenizer, tokenizer.encode_batch(TEXTS)).save_files(folder)
        kinds.add(json.loads((folder / "config.json").read_text())["model_type"])
    models = {kind: catalog.model_class(kind, where="catalogue") for kind in catalog.MODELS}
    assert kinds == {kind for kind, model in models.items() if hasattr(model, "log_probs")}


def test_bits_per_byte_is_finite_and_the_sum_of_the_scores(model, tokenizer):
    documents = tokenizer.encode_batch(TEXTS[:3])
    size = [len(text.encode()) for text in TEXTS[:3]]
    score = bits_per_byte(model, ShardSplit.from_documents(documents, size))
    bits = -sum(row.sum(dtype=np.float64) for row in model.log_probs(documents)) / np.log(2)
    assert score.bits_per_byte == pytest.approx(bits / sum(size))
    assert np.isfinite(score.perplexity) and score.bytes == sum(size)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_generation_gives_text_and_does_not_depend_on_the_batch(model, temperature):
    config = GenerationConfig(max_tokens=2 * CONTEXT, temperature=temperature, samples=2, seed=3)
    prompts = ["", "The cat sat", "The cat sat on the mat. The dog sat on the cat, and the cat was not amused. A dog"]
    results = generate(model, prompts, config)
    assert [(result.prompt, result.sample) for result in results] == [(p, s) for p in range(3) for s in range(2)]
    alone = [result for prompt in prompts for result in generate(model, [prompt], config)]
    assert [result.text for result in results] == [result.text for result in alone]
    for result in results:
        ids = [*model.tokenizer.encode(prompts[result.prompt]), *result.ids]
        written = stepwise(model, ids)[len(ids) - len(result.ids) :]
        expected = written.sum() if result.reason == "end" else written[:-1].sum()
        assert result.log_prob == pytest.approx(float(expected), abs=2e-3)


def test_beams_are_sorted_and_worth_what_the_model_says(model):
    prompts = ["The cat", ""]
    for prompt, beams in zip(
        prompts, beam_search(model, prompts, BeamConfig(beams=6, results=3, max_tokens=CONTEXT)), strict=True
    ):
        assert len({beam.ids for beam in beams}) == 3
        assert beams[0].score >= beams[1].score >= beams[2].score
        for beam in beams:
            ids = [*model.tokenizer.encode(prompt), *beam.ids]
            written = stepwise(model, ids)[len(ids) - len(beam.ids) :]
            expected = written.sum() if beam.reason == "end" else written[:-1].sum()
            assert beam.log_prob == pytest.approx(float(expected), abs=2e-3)
            assert beam.score == pytest.approx(beam.log_prob / (len(beam.ids) + (beam.reason == "end")))


def test_cloze_both_ways(model):
    words = (" cat", " dog", " mat", " two", " three", " amused", " where", " sat", " had", " not")
    items = [ClozeItem("The", " sat on the mat.", words, 0), ClozeItem("The cat sat on the", ", and the cat", words, 2)]
    np.testing.assert_allclose(score_shared(model, items), score_whole(model, items), atol=1e-3)
    assert 0 <= cloze_accuracy(model, items).accuracy <= 1


@pytest.mark.parametrize("name", [name for name in CASES if name != "unigram"])
def test_the_context_matters(name, tokenizer):
    """The suite would pass for a model that forgets everything: these must not."""
    model = CASES[name](tokenizer, tokenizer.encode_batch(TEXTS))
    scores, _ = model.start([tokenizer.encode("The cat sat on the"), tokenizer.encode("A dog and")])
    assert np.abs(scores[0] - scores[1]).max() > 0.1
