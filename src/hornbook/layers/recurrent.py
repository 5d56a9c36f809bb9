"""Recurrent layers: a stack of torch's own cells (the LSTM runs in oneDNN on a CPU), with dropout between and inside them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from hornbook.layers.dropout import dropout

Carry: TypeAlias = list[Any]
"""Per layer (1, B, W) hidden state, or for an LSTM the pair of hidden and cell state."""

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
_FUNCTIONS: dict[type[nn.RNNBase], Callable[..., Any]] = {nn.RNN: torch.rnn_tanh, nn.LSTM: torch.lstm, nn.GRU: torch.gru}


class RecurrentStack(nn.Module):
    """Layers of one cell; `between` is applied to the output of every layer but the last.

    In training a share `weight_drop` of the weights from state to state is zero for one call, the same at all its time steps
    (Merity et al. 2017, section 2): one masked copy of that matrix a layer, and the layer's fused kernel as ever.
    """

    def __init__(
        self, cell: Callable[..., nn.RNNBase], widths: list[int], between: nn.Module, *, weight_drop: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(cell(inner, outer, batch_first=True) for inner, outer in pairwise(widths))
        self.between = between
        self.weight_drop = weight_drop

    def forward(self, states: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """(B, T, W) -> (B, T, W'), and the carry after the last position."""
        after: Carry = []
        drop = self.weight_drop if self.training else 0.0
        for index, layer in enumerate(self.layers):
            if index:
                states = self.between(states)
            hidden = None if carry is None else carry[index]
            states, hidden = run_layer(cast(nn.RNNBase, layer), states, hidden, weight_drop=drop)
            after.append(hidden)
        return states, after


def run_layer(layer: nn.RNNBase, states: Tensor, hidden: Any, *, weight_drop: float = 0.0) -> tuple[Tensor, Any]:
    """One layer over (B, T, W); an LSTM whose bfloat16 gradients are wrong here computes in float32 instead."""
    wide = _needs_float32(layer, states)
    if not wide and not weight_drop:
        result: tuple[Tensor, Any] = layer(states, hidden)
        return result
    inner, recurrent, *biases = layer.all_weights[0]
    weights = [inner, dropout(recurrent, weight_drop), *biases]
    if not wide:
        return _run(layer, states, hidden, weights)
    kind = states.dtype
    with torch.autocast("cpu", enabled=False):
        pair = None if hidden is None else tuple(part.float() for part in hidden)
        output, after = _run(layer, states.float(), pair, [weight.float() for weight in weights])
    return output.to(kind), tuple(part.to(kind) for part in after)


def _run(layer: nn.RNNBase, states: Tensor, hidden: Any, weights: list[Tensor]) -> tuple[Tensor, Any]:
    """The layer's function with other weights in its place."""
    pair = isinstance(layer, nn.LSTM)
    if hidden is None:
        zeros = states.new_zeros(1, len(states), layer.hidden_size)
        hidden = (zeros, zeros) if pair else zeros
    output, *after = _FUNCTIONS[type(layer)](states, hidden, weights, True, 1, 0.0, layer.training, False, True)
    return output, tuple(after) if pair else after[0]


def _needs_float32(layer: nn.RNNBase, states: Tensor) -> bool:
    if not isinstance(layer, nn.LSTM) or states.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    autocast = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return (autocast or states.dtype == torch.bfloat16) and not bfloat16_lstm_is_right(layer.input_size, layer.hidden_size)


@functools.cache
def bfloat16_lstm_is_right(inner: int, outer: int) -> bool:
    """Whether this processor's bfloat16 LSTM of that size has gradients within 5 % of float32's, on a small batch.

    oneDNN's (torch 2.13, a processor with AMX) are off by 20 to 35 % from width 1024 on, and right up to 1000.
    """
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(4, 8, inner, generator=generator) * 0.1
    pull = torch.randn(4, 8, outer, generator=generator)
    with torch.random.fork_rng(devices=[]), torch.autocast("cpu", enabled=False), torch.enable_grad():
        exact = nn.LSTM(inner, outer, batch_first=True)
        rounded = nn.LSTM(inner, outer, batch_first=True)
        rounded.load_state_dict(exact.state_dict())
        rounded.to(torch.bfloat16)
        (exact(values)[0] * pull).sum().backward()
        (rounded(values.to(torch.bfloat16))[0].float() * pull).sum().backward()
        pairs = [(a.grad, b.grad) for a, b in zip(exact.parameters(), rounded.parameters())]
    return all(a is not None and b is not None and bool((a - b.float()).abs().max() <= 0.05 * a.abs().max()) for a, b in pairs)


def carry_rows(carry: Carry, rows: Tensor) -> Carry:
    """An independent copy of the given rows, (n,) indices; rows may repeat or drop."""
    return [
        tuple(part.index_select(1, rows) for part in hidden) if isinstance(hidden, tuple) else hidden.index_select(1, rows)
        for hidden in carry
    ]


def join_carries(carries: list[Carry]) -> Carry:
    """The carries of several sets of rows as one, rows in that order."""

    def join(parts: Sequence[Any]) -> Any:
        return tuple(map(join, zip(*parts))) if isinstance(parts[0], tuple) else torch.cat(list(parts), dim=1)

    return [join(layer) for layer in zip(*carries)]
