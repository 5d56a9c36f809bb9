"""Recurrent models compute what torch's own modules compute, and what the equations say."""

import numpy as np
import pytest
import torch
from torch import nn

from hornbook.models.rnn import RnnConfig, RnnModule

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tied", [True, False])
def test_equal_to_one_torch_module(cell, tied):
    torch.manual_seed(0)
    config = RnnConfig(cell=cell, layers=3, width=20, embedding=20, tied=tied)
    module = RnnModule(config, 40).eval()
    stacked = CELLS[cell](20, 20, num_layers=3, batch_first=True)
    with torch.no_grad():
        for index, layer in enumerate(module.recurrent.layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(stacked, f"{name}_l{index}").copy_(getattr(layer, f"{name}_l0"))
        ids = torch.randint(0, 40, (4, 11))
        states, carry = module(ids)
        expected, hidden = stacked(module.embedding(ids))
    assert torch.allclose(states, expected, atol=1e-6)
    last = torch.cat([layer[0] if cell == "lstm" else layer for layer in carry])
    assert torch.allclose(last, hidden[0] if cell == "lstm" else hidden, atol=1e-6)


def test_an_lstm_by_hand():
    """Hochreiter and Schmidhuber's cell with a forget gate, written out in numpy."""
    torch.manual_seed(1)
    module = RnnModule(RnnConfig(cell="lstm", width=6), 9).double().eval()
    layer = module.recurrent.layers[0]
    weights = {name: weight.detach().numpy() for name, weight in layer.named_parameters()}
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    hidden, cell = np.zeros(6), np.zeros(6)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    found = module(ids)[0][0].detach().numpy()
    for step, number in enumerate(ids[0].tolist()):
        inputs = module.embedding.weight[number].detach().numpy()
        gates = (
            weights["weight_ih_l0"] @ inputs + weights["weight_hh_l0"] @ hidden + weights["bias_ih_l0"] + weights["bias_hh_l0"]
        )
        admit, forget, candidate, show = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(admit) * np.tanh(candidate)
        hidden = sigmoid(show) * np.tanh(cell)
        assert np.allclose(found[step], hidden, atol=1e-12)


def test_a_network_opens_with_the_weights_of_the_word_language_model():
    """Tied LSTM with a decoder bias, as in pytorch/examples: equal log-probabilities on shared weights."""
    torch.manual_seed(2)
    embedding, lstm, decoder = nn.Embedding(30, 16), nn.LSTM(16, 16, 2), nn.Linear(16, 30)
    decoder.weight = embedding.weight
    module = RnnModule(RnnConfig(cell="lstm", layers=2, width=16), 30).eval()
    with torch.no_grad():
        module.embedding.weight.copy_(embedding.weight)
        module.bias.copy_(decoder.bias)
        for index, layer in enumerate(module.recurrent.layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(layer, f"{name}_l0").copy_(getattr(lstm, f"{name}_l{index}"))
        ids = torch.randint(0, 30, (7, 5))  # time first, as theirs
        expected = decoder(lstm(embedding(ids))[0]).log_softmax(-1)
        states, _ = module(ids.T)
        found = (states @ module.output_weight.T + module.output_bias).log_softmax(-1)
    assert torch.allclose(found.transpose(0, 1), expected, atol=1e-5)
