"""What a recurrent network forgets in training, and what it expects before it has read anything."""

import numpy as np
import pytest
import torch
from torch import nn

from hornbook.corpus.batches import Batch
from hornbook.layers.dropout import VariationalDropout, drop_words
from hornbook.layers.recurrent import CELLS, RecurrentStack, run_layer
from hornbook.models.rnn import RnnConfig, RnnModule
from hornbook.objectives.causal import causal_loss
from hornbook.objectives.regularised import regularised_loss

VOCABULARY = 30


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("begun", [False, True])
def test_a_layer_with_dropped_weights_is_the_layer_with_those_weights(cell, begun):
    torch.manual_seed(0)
    layer = CELLS[cell](6, 8, batch_first=True).double()
    states = torch.randn(3, 5, 6, dtype=torch.float64)
    with torch.no_grad():
        hidden = layer(states)[1] if begun else None
    torch.manual_seed(1)
    output, after = run_layer(layer, states, hidden, weight_drop=0.5)
    output.sum().backward()
    kept = layer.weight_hh_l0.grad != 0
    assert 0.2 < kept.double().mean() < 0.8  # what was dropped gets no gradient
    same = CELLS[cell](6, 8, batch_first=True).double()
    same.load_state_dict(layer.state_dict())
    with torch.no_grad():
        same.weight_hh_l0.mul_(kept * 2.0)
        expected, last = same(states, hidden)
    assert torch.allclose(output, expected)
    pairs = zip(after, last) if cell == "lstm" else [(after, last)]
    assert all(torch.allclose(a, b) for a, b in pairs)


def test_weights_between_states_are_whole_outside_training():
    stack = RecurrentStack(nn.LSTM, [6, 6, 6], nn.Identity(), weight_drop=0.5)
    states = torch.randn(2, 7, 6)
    assert not torch.equal(stack(states)[0], stack(states)[0])
    stack.eval()
    assert torch.equal(stack(states)[0], stack(states)[0])


def test_a_dropped_word_is_dropped_wherever_it_stands():
    torch.manual_seed(0)
    ids = torch.randint(0, VOCABULARY, (8, 50))
    dropped = drop_words(torch.ones(8, 50, 4), ids, VOCABULARY, 0.5)
    for word in ids.unique():
        values = dropped[ids == word]
        assert (values == 0).all() or (values == 2).all()
    assert 0.2 < (dropped == 0).float().mean() < 0.8
    states = torch.ones(8, 50, 4)
    assert drop_words(states, ids, VOCABULARY, 0.0) is states


def test_dropout_of_the_network_is_off_outside_training():
    torch.manual_seed(0)
    config = RnnConfig(layers=2, width=16, dropout=0.3, word_dropout=0.2, weight_drop=0.3, variational=True)
    module = RnnModule(config, VOCABULARY)
    plain = RnnModule(RnnConfig(layers=2, width=16), VOCABULARY).eval()
    plain.load_state_dict(module.state_dict())
    ids = torch.randint(0, VOCABULARY, (2, 9))
    assert not torch.equal(module(ids)[0], plain(ids)[0])
    assert torch.equal(module.eval()(ids)[0], plain(ids)[0])
    assert isinstance(module.dropout, VariationalDropout)


def test_penalties_act_on_the_gradient_and_leave_the_likelihood():
    torch.manual_seed(0)
    module = RnnModule(RnnConfig(width=12), VOCABULARY).double()
    ids = torch.randint(0, VOCABULARY, (3, 8))
    batch = Batch(ids[:, :-1], ids[:, 1:], True)
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    plain, _ = causal_loss(module, batch)
    found, carry = regularised_loss(activation=2.0, slowness=3.0)(module, batch)
    assert found.count == plain.count == 21 and carry is not None
    assert torch.allclose(found.total, plain.total)
    states = module(batch.inputs)[0]
    size = states.square().mean() * 21
    change = (states[:, 1:] - states[:, :-1]).square().mean() * 21
    assert found.parts["activation"] == (pytest.approx(float(size.detach())), 21)
    assert found.parts["slowness"] == (pytest.approx(float(change.detach())), 21)
    expected = torch.autograd.grad(plain.total + 2 * size + 3 * change, weights)
    for a, b in zip(torch.autograd.grad(found.total, weights), expected):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-8)


def test_without_penalties_it_is_the_causal_objective():
    torch.manual_seed(0)
    module = RnnModule(RnnConfig(cell="gru", width=12), VOCABULARY)
    ids = torch.randint(0, VOCABULARY, (3, 2))
    batch = Batch(ids[:, :-1], ids[:, 1:], True)  # one step: nothing changes from one state to the next
    assert torch.equal(regularised_loss()(module, batch)[0].total, causal_loss(module, batch)[0].total)


def test_a_network_that_expects_frequencies_begins_with_them():
    module = RnnModule(RnnConfig(width=16), 4)
    counts = np.array([0, 9, 89, 899])
    module.expect(counts)
    with torch.no_grad():
        module.embedding.weight.zero_()
    states, _ = module(torch.zeros(1, 1, dtype=torch.int64))
    shares = (states @ module.output_weight.T + module.output_bias).softmax(-1)[0, 0]
    assert torch.allclose(shares, torch.tensor([1.0, 10.0, 90.0, 900.0]) / 1001, atol=1e-6)
