"""Scores of held-out masks against a plain loop; the network is left as it was, and one name means one thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hornbook.core.errors import ContentError
from hornbook.corpus.masked_batches import held_out_rows
from hornbook.corpus.masking import Masking
from hornbook.corpus.pair_batches import PairBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.layers import cross_entropy
from hornbook.models.bert import BertConfig
from hornbook.models.masked import MaskedLM
from hornbook.scoring.masked import hidden_rows, masked_score
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, train_tokenizer

TEXTS = [f"the cat sat. a dog {word}. the dog and the cat {word}." for word in ("ran", "slept", "hid", "ate", "left")]


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300))


@pytest.fixture(scope="module")
def model(tokenizer: TextTokenizer) -> MaskedLM:
    torch.manual_seed(0)
    model = MaskedLM(tokenizer, BertConfig(layers=2, width=32, heads=2, context=24, next_sentence=True, dropout=0.3))
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


@pytest.fixture(scope="module")
def split(tokenizer: TextTokenizer) -> ShardSplit:
    return ShardSplit.from_documents(tokenizer.encode_batch(TEXTS))


def plainly(model: MaskedLM, batches: list) -> tuple[float, int, int]:
    """Nats, hits and hidden tokens, place by place."""
    network, nats, hits, hidden = model.module.eval(), 0.0, 0, 0
    for batch in batches:
        with torch.no_grad():
            states = network(torch.from_numpy(batch.inputs), torch.from_numpy(batch.documents))
            scores = F.linear(network.transform(states), network.output_weight, network.output_bias).double().log_softmax(-1)
        for row, place in np.argwhere(batch.targets != -100).tolist():
            target = int(batch.targets[row, place])
            nats, hidden = nats - float(scores[row, place, target]), hidden + 1
            hits += int(scores[row, place].argmax()) == target
    return nats, hits, hidden


def test_scores_are_those_of_a_plain_loop(
    model: MaskedLM, tokenizer: TextTokenizer, split: ShardSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", 1)  # sixteen positions at a time
    batches = list(held_out_rows(split, tokenizer, length=24, masking=Masking(rate=0.4)))
    nats, hits, hidden = plainly(model, batches)
    assert hidden > 20
    found = masked_score(model.module, batches)
    assert found.nats == pytest.approx(nats / hidden, rel=1e-5)
    assert found.accuracy == hits / hidden and found.row_hidden.sum() == hidden
    assert len(found.row_nats) <= sum(len(batch.inputs) for batch in batches) and (found.row_hidden > 0).all()
    facts = found.facts()
    low, high = facts["masked_accuracy_ci95"]
    assert low <= facts["masked_accuracy"] <= high and facts["masked_tokens"] == hidden
    assert not any("sentence" in name or "byte" in name for name in facts)


def test_pairs_are_scored_beside(model: MaskedLM, tokenizer: TextTokenizer, split: ShardSplit) -> None:
    pairs = PairBatches(split, tokenizer, rows=3, length=24, masking=Masking(), seed=1, objective="order")
    batches = list(pairs.epoch())
    found = masked_score(model.module, batches, batches)
    network, nats, hits = model.module.eval(), [], []
    for batch in batches:
        arrays = (batch.inputs, batch.documents, batch.segments)
        with torch.no_grad():
            scores = network.next_sentence(network(*map(torch.from_numpy, arrays))[:, 0]).log_softmax(-1)
        for row, label in enumerate(batch.labels.tolist()):
            if label >= 0:
                nats.append(-float(scores[row, label]))
                hits.append(int(scores[row].argmax()) == label)
    assert len(found.pair_nats) == len(nats) > 3
    assert np.allclose(np.sort(found.pair_nats), np.sort(nats), atol=1e-5)
    assert found.facts()["next_sentence_accuracy"] == pytest.approx(np.mean(hits))
    assert found.facts()["next_sentence_pairs"] == len(nats)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(model: MaskedLM, tokenizer: TextTokenizer, split: ShardSplit, training: bool) -> None:
    """Dropout is off while it is measured: two scores of one network are equal; no gradient is left, no weight moved."""
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    model.module.train(training)
    first, second = (masked_score(model.module, hidden_rows(split, tokenizer, length=24)) for _ in range(2))
    assert np.array_equal(first.row_nats, second.row_nats)
    assert model.module.training is training and all(part.training is training for part in model.module.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.module.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in model.module.parameters())


def test_it_is_left_as_it_was_after_an_error_too(model: MaskedLM) -> None:
    model.module.train()
    with pytest.raises(ContentError, match="too short to hide"):
        masked_score(model.module, [])
    assert model.module.training


def test_held_out_masks_are_the_same_at_every_call(tokenizer: TextTokenizer, split: ShardSplit) -> None:
    first, second = (list(hidden_rows(split, tokenizer, length=16)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.inputs, other.inputs) and np.array_equal(one.targets, other.targets)
    hidden, kept = sum(batch.counted for batch in first), split.tokens.size
    assert 0.05 < hidden / kept < 0.3
