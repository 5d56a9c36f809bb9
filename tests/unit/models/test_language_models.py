import numpy as np
import pytest
import torch

from hornbook.models import neural
from hornbook.models import rnn as rnn_room
from hornbook.models.gpt import GptConfig, GptLM
from hornbook.models.gpt_modern import ModernGptConfig
from hornbook.models.llama import LlamaConfig
from hornbook.models.rnn import RnnConfig, RnnLM

CASES = {
    "classic": lambda tokenizer: GptLM(tokenizer, GptConfig(layers=2, width=32, heads=2, context=16)),
    "modern": lambda tokenizer: GptLM(tokenizer, ModernGptConfig(layers=2, width=32, heads=2, context=16)),
    "odd context": lambda tokenizer: GptLM(tokenizer, ModernGptConfig(layers=2, width=32, heads=2, context=17)),
    "llama": lambda tokenizer: GptLM(tokenizer, LlamaConfig(layers=2, width=32, heads=4, key_heads=2, context=16)),
    "lstm": lambda tokenizer: RnnLM(tokenizer, RnnConfig(layers=2, width=24)),
    "gru": lambda tokenizer: RnnLM(tokenizer, RnnConfig(cell="gru", width=24, embedding=12, tied=False)),
}


@pytest.fixture(params=CASES)
def model(request, tokenizer):
    torch.manual_seed(0)
    model = CASES[request.param](tokenizer)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def by_steps(model, documents):
    """log_probs through start (from the middle of each document), step and select, dropping rows that end."""
    end = model.tokenizer.specials["end"]
    rows = list(range(len(documents)))
    scores, state = model.start([document[: len(document) // 2] for document in documents])
    found = [[] for _ in documents]
    position = [len(document) // 2 for document in documents]
    while True:
        live, ids = [], []
        for place, row in enumerate(rows):
            inside = position[row] < len(documents[row])
            token = int(documents[row][position[row]]) if inside else end
            found[row].append(scores[place, token])
            position[row] += 1
            if inside:
                live.append(place)
                ids.append(token)
        if not live:
            return [np.array(values) for values in found]
        state = model.select(state, live)
        rows = [rows[place] for place in live]
        scores, state = model.step(state, np.array(ids))


def test_cache_and_whole_documents_give_the_same_scores(model, documents):
    whole = model.log_probs(documents)
    steps = by_steps(model, documents)
    assert [len(scores) for scores in whole] == [len(document) + 1 for document in documents]
    for document, all_scores, later in zip(documents, whole, steps):
        assert np.allclose(all_scores[len(document) // 2 :], later, atol=1e-5)


def test_scores_do_not_depend_on_the_batch(model, documents, monkeypatch):
    together = model.log_probs(documents)
    monkeypatch.setattr(neural, "BATCH_TOKENS", 20)
    monkeypatch.setattr(rnn_room, "BATCH_ROWS", 3)
    alone = [model.log_probs([document])[0] for document in documents]
    for first, second in zip(together, alone):
        assert np.allclose(first, second, atol=1e-5)


def test_next_scores_are_normalised_float32(model, documents):
    scores, _ = model.start(documents[:4])
    assert scores.dtype == np.float32 and scores.shape == (4, model.vocabulary)
    assert np.allclose(np.exp(scores.astype(np.float64)).sum(axis=1), 1, atol=1e-5)


def test_select_is_an_independent_copy(model, documents):
    _, state = model.start([documents[6], documents[8]])
    copies = model.select(state, [1, 1, 0])
    kept = model.select(state, [0, 1])
    expected, _ = model.step(kept, np.array([7, 8]))
    for _ in range(20):  # far enough that windows move
        _, copies = model.step(copies, np.array([9, 10, 11]))
    found, _ = model.step(state, np.array([7, 8]))
    assert np.array_equal(found, expected)


def test_evaluation_leaves_training_mode_and_random_numbers_alone(model, documents):
    model.module.train()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model.log_probs(documents)
    assert model.module.training and torch.equal(torch.rand(3), expected)


def test_training_goes_on_after_scoring(model, documents):
    from hornbook.corpus.batches import Batch
    from hornbook.objectives.causal import causal_loss

    model.log_probs(documents)
    ids = torch.from_numpy(documents[7][None, :16])
    loss, _ = causal_loss(model.module, Batch(ids[:, :-1], ids[:, 1:], fresh=True))
    loss.total.backward()
    assert all(weight.grad is not None for weight in model.module.parameters())


def test_bfloat16_scores_are_close(model, documents):
    exact = np.concatenate(model.log_probs(documents))
    rounded = np.concatenate(model.to(dtype=torch.bfloat16).log_probs(documents))
    assert rounded.dtype == np.float32
    assert abs(rounded.mean() - exact.mean()) < 0.02 * abs(exact.mean())


def test_a_long_document_is_read_by_windows_that_start_at_half_contexts(tokenizer, documents):
    torch.manual_seed(0)
    model = GptLM(tokenizer, GptConfig(layers=1, width=32, context=16))
    document = documents[-1]
    inputs = np.concatenate([[tokenizer.specials["start"]], document])
    scores = model.log_probs([document])[0]
    with torch.no_grad():
        for position in range(len(document)):
            begin = max(0, position // 8 - 1) * 8
            window = torch.from_numpy(inputs[begin : position + 1])[None]
            assert 8 < window.shape[1] <= 16 or begin == 0
            states, _ = model.module(window)
            expected = (states[0, -1] @ model.module.output_weight.T).log_softmax(-1)[int(document[position])]
            assert scores[position] == pytest.approx(expected.item(), abs=1e-4)


def test_no_documents_is_no_scores(model):
    assert model.log_probs([]) == []
