"""What every MaskedModel promises, run on every kind there is. A new kind is one entry of `CASES`."""

import json

import numpy as np
import pytest
import torch

from hornbook import catalog
from hornbook.core import artifact
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.models.masked import MaskedLM
from hornbook.scoring.cloze import ClozeItem
from hornbook.scoring.cloze_masked import masked_scorer
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = [
    "The cat sat on the mat.\nThe dog sat on the cat, and the cat was not amused. 猫坐在垫子上。",
    "One, two, three dogs.",
] * 4
CONTEXT = 16  # shorter than most documents here
SIZES = {"layers": 2, "width": 32, "heads": 2, "context": CONTEXT}

CASES = {
    "bert": BertConfig(**SIZES),
    "bert with pairs": BertConfig(**SIZES, next_sentence=True),
    "roberta": BertConfig(**SIZES, types=1, layout="roberta"),
    "xlm-roberta": BertConfig(**SIZES, types=1, layout="xlm-roberta"),
    "distilbert": BertConfig(**SIZES, types=0, pooler=False, layout="distilbert"),
    "modernbert": ModernBertConfig(**SIZES, neighbourhood=6, global_every=2),
}


def build(name, tokenizer):
    """Untrained networks guess nearly alike everywhere: larger weights make every mistake visible."""
    torch.manual_seed(1)
    model = MaskedLM(tokenizer, CASES[name])
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.4)
    return model


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=320))


@pytest.fixture(scope="module", params=CASES)
def model(request, tokenizer):
    return build(request.param, tokenizer)


@pytest.fixture(scope="module")
def documents(tokenizer):
    """An empty one, one token, shorter and much longer than the context."""
    long = tokenizer.encode(" ".join(TEXTS[:4]))
    assert len(long) > 4 * CONTEXT
    return [long[: 2 * CONTEXT + 3], np.empty(0, np.int64), long[:1], long[5 : 5 + CONTEXT - 2], long[3 : 3 + CONTEXT]]


def asked(documents):
    """Rows and places: the first, a middle and the last of each document."""
    places = [(row, place) for row in documents if len(row) for place in {0, len(row) // 2, len(row) - 1}]
    return [row for row, _ in places], [place for _, place in places]


def test_guesses_are_a_distribution(model, documents):
    rows, places = asked(documents)
    scores = model.masked_log_probs(rows, places)
    assert scores.dtype == np.float32 and isinstance(scores, np.ndarray)
    assert scores.shape == (len(rows), model.tokenizer.size)
    np.testing.assert_allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    assert model.masked_log_probs([], []).shape == (0, model.tokenizer.size)


def test_a_batch_is_its_rows_alone(model, documents):
    rows, places = asked(documents)
    together = model.masked_log_probs(rows * 5, places * 5)
    for index, (row, place) in enumerate(zip(rows, places, strict=True)):
        alone = model.masked_log_probs([row], [place])[0]
        for copy in together[index :: len(rows)]:
            np.testing.assert_allclose(copy, alone, atol=1e-4)


def test_pseudo_likelihood_is_the_guess_at_each_place(model, documents):
    scores = model.pseudo_log_probs(documents)
    assert [len(row) for row in scores] == [len(document) for document in documents]
    for document, row in zip(documents, scores, strict=True):
        assert row.dtype == np.float32 and (row <= 1e-6).all()
        guesses = model.masked_log_probs([document] * len(document), list(range(len(document))))
        np.testing.assert_allclose(row, guesses[np.arange(len(document)), document], atol=1e-4)
    assert model.pseudo_log_probs([]) == []


def test_the_token_itself_is_never_seen_and_rows_are_left_alone(model, documents):
    row = np.array(documents[3])
    other = row.copy()
    other[4] = row[4] + 1
    first, kept = model.masked_log_probs([row], [4]), other.copy()
    np.testing.assert_array_equal(model.masked_log_probs([other], [4]), first)
    np.testing.assert_array_equal(other, kept)


def test_both_sides_are_seen_in_their_order(model, documents):
    """The suite would pass for a model that looks at nothing: these must not."""
    row = np.array(documents[3])
    expected = model.masked_log_probs([row], [6])[0]
    for place in (1, 5, 7, 11):
        other = row.copy()
        other[place] = 300 if row[place] != 300 else 301
        assert np.abs(model.masked_log_probs([other], [6])[0] - expected).max() > 1e-3, place
    other = row.copy()
    other[[1, 2]] = (300, 310)
    swapped = row.copy()
    swapped[[1, 2]] = (310, 300)
    assert np.abs(model.masked_log_probs([other], [6])[0] - model.masked_log_probs([swapped], [6])[0]).max() > 1e-4


def test_the_same_question_has_the_same_answer_and_training_goes_on(model, documents):
    """Dropout is off while it answers, and the mode it was in comes back."""
    rows, places = asked(documents)
    model.module.train()
    first, second = (model.masked_log_probs(rows, places) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_save_and_load(model, documents, tmp_path):
    with artifact.writing(tmp_path / "model") as folder:
        model.save_files(folder)
    artifact.verify(tmp_path / "model")
    kind = json.loads((tmp_path / "model" / "config.json").read_text())["model_type"]
    again = catalog.model_class(kind, where=tmp_path).load(tmp_path / "model")
    assert type(again) is type(model) and again.parameters == model.parameters > 0
    assert again.loaded.used == again.loaded.held and not again.loaded.notes
    rows, places = asked(documents)
    np.testing.assert_allclose(again.masked_log_probs(rows, places), model.masked_log_probs(rows, places), atol=1e-6)
    assert again.tokenizer.encode(TEXTS[0]).tolist() == model.tokenizer.encode(TEXTS[0]).tolist()


def test_a_cloze_item_has_finite_scores(model):
    items = [ClozeItem("The ", " sat on the mat.", ("cat", "cats", "dog", "amused", "猫"), 0)]
    scores = masked_scorer(model)(items)
    assert scores.shape == (1, 5) and np.isfinite(scores).all() and (scores < 0).all()


def test_every_kind_of_the_catalogue_is_here(tokenizer, tmp_path):
    kinds = set()
    for name in CASES:
        (tmp_path / name).mkdir()
        build(name, tokenizer).save_files(tmp_path / name)
        kinds.add(json.loads((tmp_path / name / "config.json").read_text())["model_type"])
    models = {kind: catalog.model_class(kind, where="catalogue") for kind in catalog.MODELS}
    assert kinds == {kind for kind, model in models.items() if hasattr(model, "masked_log_probs")}
