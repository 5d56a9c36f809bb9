from __future__ import annotations

import pytest
import torch
from torch import nn

from hornbook.layers import recurrent
from hornbook.layers.recurrent import bfloat16_lstm_is_right, run_layer


def gradients(layer: nn.LSTM, states: torch.Tensor, *, plain: bool) -> list[torch.Tensor]:
    layer.zero_grad()
    output, _ = layer(states) if plain else run_layer(layer, states, None)
    output.float().square().sum().backward()
    return [weight.grad.float().clone() for weight in layer.parameters() if weight.grad is not None]


@pytest.mark.parametrize("autocast", [False, True])
def test_the_float32_way_has_the_gradients_of_float32(autocast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent, "bfloat16_lstm_is_right", lambda inner, outer: False)
    torch.manual_seed(2)
    exact = nn.LSTM(24, 32, batch_first=True)
    states = torch.randn(3, 5, 24)
    wanted = gradients(exact, states, plain=True)
    if autocast:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = gradients(exact, states, plain=False)
    else:
        found = gradients(exact.to(torch.bfloat16), states.to(torch.bfloat16), plain=False)
    for a, b in zip(wanted, found):
        assert (a - b).abs().max() <= 0.03 * a.abs().max()


def test_a_wide_lstm_trains_with_right_gradients_on_this_processor() -> None:
    torch.manual_seed(2)
    exact = nn.LSTM(64, 1024, batch_first=True)
    states = torch.randn(4, 6, 64)
    wanted = gradients(exact, states, plain=True)
    found = gradients(exact.to(torch.bfloat16), states.to(torch.bfloat16), plain=False)
    assert all((a - b).abs().max() <= 0.05 * a.abs().max() for a, b in zip(wanted, found))


def test_the_check_leaves_the_random_state_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    bfloat16_lstm_is_right.cache_clear()
    torch.manual_seed(3)
    bfloat16_lstm_is_right(8, 8)
    assert torch.equal(torch.rand(1), expected)
