"""Recurrent layers: a stack of torch's own cells (the LSTM runs in oneDNN on a CPU), with dropout between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

Carry: TypeAlias = list[Any]
"""Per layer (1, B, W) hidden state, or for an LSTM the pair of hidden and cell state."""

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentStack(nn.Module):
    """Layers of one cell; `between` is applied to the output of every layer."""

    def __init__(self, cell: Callable[..., nn.RNNBase], widths: list[int], between: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(cell(inner, outer, batch_first=True) for inner, outer in pairwise(widths))
        self.between = between

    def forward(self, states: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """(B, T, W) -> (B, T, W'), and the carry after the last position."""
        after: Carry = []
        for index, layer in enumerate(self.layers):
            states, hidden = layer(states, None if carry is None else carry[index])
            states = self.between(states)
            after.append(hidden)
        return states, after


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
