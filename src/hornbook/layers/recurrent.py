"""Recurrent layers: a stack of torch's own cells (the LSTM runs in oneDNN on a CPU), with dropout between them."""

from __future__ import annotations

from typing import Any, TypeAlias

from torch import Tensor, nn

Carry: TypeAlias = list[Any]
"""Per layer (1, B, W) hidden state, or for an LSTM the pair of hidden and cell state."""

CELLS: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentStack(nn.Module):
    """Layers of one cell; `between` is applied to the output of every layer."""

    def __init__(self, cell: type[nn.RNNBase], widths: list[int], between: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(cell(inner, outer, batch_first=True) for inner, outer in zip(widths, widths[1:]))
        self.between = between

    def forward(self, states: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """(B, T, W) -> (B, T, W'), and the carry after the last position."""
        after: Carry = []
        for index, layer in enumerate(self.layers):
            states, hidden = layer(states, None if carry is None else carry[index])
            states = self.between(states)
            after.append(hidden)
        return states, after


def map_carry(carry: Carry, change: Any) -> Carry:
    """Apply a function of (1, B, W) tensors to every state of a carry."""
    return [tuple(change(part) for part in hidden) if isinstance(hidden, tuple) else change(hidden) for hidden in carry]
