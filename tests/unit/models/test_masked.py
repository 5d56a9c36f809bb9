"""MaskedLM: guesses, pseudo-likelihood, windows, encoding, saved folders."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import MaskedModel, MaskedModule
from hornbook.models import neural
from hornbook.models.bert import BertConfig
from hornbook.models.bert_modern import ModernBertConfig
from hornbook.models.masked import MaskedLM

CASES = {
    "bert": BertConfig(layers=2, width=32, heads=2, context=18, dropout=0.1),
    "roberta": BertConfig(layers=2, width=32, heads=2, context=18, types=1, layout="roberta"),
    "modern": ModernBertConfig(layers=3, width=32, heads=2, context=18, neighbourhood=6, global_every=2),
}


@pytest.fixture(params=CASES)
def model(request, tokenizer):
    torch.manual_seed(0)
    model = MaskedLM(tokenizer, CASES[request.param])
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def by_hand(model, row, place):
    """log p of every token at one place, from the module alone: the window around the place, its token hidden."""
    begin = max(0, min(place - 8, len(row) - 16))
    window = np.array(row[begin : begin + 16], dtype=np.int64)
    window[place - begin] = model.tokenizer.specials["mask"]
    specials = model.tokenizer.specials
    ids = torch.tensor([[specials["start"], *window.tolist(), specials["end"]]])
    network = model.module.eval()
    with torch.no_grad():
        states = network.transform(network(ids)[0, [1 + place - begin]])
        return F.linear(states, network.output_weight, network.output_bias)[0].log_softmax(-1).numpy()


def test_it_is_a_masked_model(model):
    promised: MaskedModel = model
    module: MaskedModule = model.module
    assert promised.parameters == sum(weight.numel() for weight in module.parameters())


def test_guesses_are_those_of_the_network_around_the_place(model, documents):
    rows = [row for row in documents if len(row)]
    places = [len(row) * 2 // 3 for row in rows]
    found = model.masked_log_probs(rows, places)
    assert found.dtype == np.float32 and found.shape == (len(rows), model.vocabulary)
    for row, place, scores in zip(rows, places, found):
        assert np.allclose(scores, by_hand(model, row, place), atol=1e-5)


def test_pseudo_likelihood_is_one_guess_a_place(model, documents, monkeypatch):
    chosen = [documents[0], *documents[2:7], documents[-2]]
    together = model.pseudo_log_probs(chosen)
    assert [len(scores) for scores in together] == [len(document) for document in chosen]
    for document, scores in zip(chosen, together):
        wanted = [by_hand(model, document, place)[int(token)] for place, token in enumerate(document)]
        assert scores.dtype == np.float32 and np.allclose(scores, wanted, atol=1e-5)
    monkeypatch.setattr(neural, "BATCH_TOKENS", 40)
    monkeypatch.setattr("hornbook.models.masked._GROUP", 10)
    for first, second in zip(model.pseudo_log_probs(chosen), together):
        assert np.allclose(first, second, atol=1e-5)


def test_the_hidden_token_is_not_seen_and_other_masks_stay(model):
    row = np.arange(10, 20)
    other = row.copy()
    other[4] = 30
    assert np.array_equal(model.masked_log_probs([row], [4]), model.masked_log_probs([other], [4]))
    other[4], other[5] = row[4], model.tokenizer.specials["mask"]
    assert not np.allclose(model.masked_log_probs([row], [4]), model.masked_log_probs([other], [4]))


def test_nothing_to_score_is_no_scores(model, documents):
    assert model.pseudo_log_probs([]) == [] and model.masked_log_probs([], []).shape == (0, model.vocabulary)
    assert [len(scores) for scores in model.pseudo_log_probs([documents[0], documents[0]])] == [0, 0]


def test_scoring_leaves_training_mode_alone(model, documents):
    model.module.train()
    first, second = (model.pseudo_log_probs(documents[2:4]) for _ in range(2))
    assert model.module.training and all(np.array_equal(a, b) for a, b in zip(first, second))


def test_texts_become_states_and_know_where_their_tokens_stand(model):
    encoder = model.encoder
    texts = ["the cat sat", "", "a dog and a cat and a mat and a dog and a cat and a mat " * 3]
    batch = encoder.prepare(texts)
    assert batch.cut == 1 and batch.lengths.tolist()[1:] == [2, 18] and batch.ids.shape[1] == 18
    length = int(batch.lengths[0])
    spans = batch.offsets[0]
    assert spans.shape == (length, 2) and spans[0].tolist() == spans[-1].tolist() == [0, 0]
    assert "".join(texts[0][begin:end] for begin, end in spans) == texts[0]
    model.module.eval()
    encoded = encoder.encode(batch)
    assert encoded.states.shape == (3, 18, encoder.width) and encoded.states.requires_grad
    with torch.no_grad():
        alone = encoder.encode(encoder.prepare(texts[:1])).states
    assert torch.allclose(encoded.states[0, :length], alone[0], atol=1e-5)


def test_a_saved_model_comes_back_and_says_how_much_was_read(model, documents, tmp_path):
    model.save_files(tmp_path)
    again = MaskedLM.load(tmp_path)
    for first, second in zip(model.pseudo_log_probs(documents[:6]), again.pseudo_log_probs(documents[:6])):
        assert np.array_equal(first, second)
    assert again.loaded.used == again.loaded.held and str(again.loaded) == f"{again.loaded.used} of {again.loaded.held} tensors"
    other = tmp_path / "again"
    other.mkdir()
    again.save_files(other)
    for name in ("config.json", "model.safetensors"):
        assert (other / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_next_sentence_head_can_be_added_and_is_said_to_be_new(tokenizer, tmp_path):
    torch.manual_seed(0)
    (tmp_path / "other").mkdir()
    MaskedLM(tokenizer, BertConfig(layers=1, width=32, context=16, pooler=True)).save_files(tmp_path)
    with pytest.raises(ContentError, match="seq_relationship"):
        MaskedLM.load(tmp_path, next_sentence=True)
    with pytest.raises(UsageError, match="'roberta' has no next_sentence"):
        MaskedLM(tokenizer, BertConfig(layers=1, width=32, context=16, layout="roberta")).save_files(tmp_path / "other")
        MaskedLM.load(tmp_path / "other", next_sentence=True)
    model = MaskedLM.load(tmp_path, new_head=True, next_sentence=True)
    assert model.config.next_sentence and "no next-sentence head" in model.loaded.notes[0].text and len(model.loaded.notes) == 1


def test_an_encoder_guesses_nothing(tokenizer, tmp_path):
    model = MaskedLM(tokenizer, BertConfig(layers=1, width=32, context=16, head=False))
    with pytest.raises(UsageError, match="no head for masked tokens"):
        model.masked_log_probs([np.array([7, 8])], [0])
    model.save_files(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["BertModel"]
    assert not MaskedLM.load(tmp_path).config.head


def test_sizes_beyond_the_file_are_refused_before_memory_is_asked_for(model, tmp_path, edit_json):
    model.save_files(tmp_path)
    changes = {"layer_types": None} if isinstance(model.config, ModernBertConfig) else {}
    edit_json(tmp_path / "config.json", num_hidden_layers=2**30, **changes)
    with pytest.raises(ContentError, match="do not belong together"):
        MaskedLM.load(tmp_path)
