"""Recurrent language models: Elman RNN (1990), LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from hornbook.layers.dropout import Dropout, VariationalDropout
from hornbook.layers.recurrent import CELLS, Carry, RecurrentStack


@dataclass(frozen=True)
class RnnConfig:
    """Sizes of a recurrent model. `embedding` 0 is `width`; `variational` keeps one dropout mask for all steps of a row."""

    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    layers: int = 1
    width: int = 512
    embedding: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    variational: bool = False
    tied: bool = True


class RnnModule(nn.Module):
    """The network: ids (B, T) -> states (B, T, E or W) for the head, and the recurrent state as carry."""

    def __init__(self, config: RnnConfig, vocabulary: int) -> None:
        super().__init__()
        self.config = config
        width, embedding = config.width, config.embedding or config.width
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout = (VariationalDropout if config.variational else Dropout)(config.dropout)
        # a tied head reads states as wide as the embedding: the last layer is, as in AWD-LSTM (Merity et al. 2017, section 4.5)
        last = embedding if config.tied else width
        widths = [embedding, *[width] * (config.layers - 1), last]
        self.recurrent = RecurrentStack(CELLS[config.cell], widths, self.dropout)
        self.head = None if config.tied else nn.Linear(width, vocabulary, bias=False)
        self.bias = nn.Parameter(self.embedding.weight.new_zeros(vocabulary))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        if self.head is not None:
            nn.init.uniform_(self.head.weight, -0.1, 0.1)

    def forward(self, ids: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """(B, T) ids and the carry of the stretch before -> (B, T, E or W) states and the carry after."""
        states: tuple[Tensor, Carry] = self.recurrent(self.dropout(self.embedding(ids)), carry)
        return states

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, E or W): the embedding table, or the head of an untied model."""
        return self.embedding.weight if self.head is None else self.head.weight

    @property
    def output_bias(self) -> nn.Parameter:
        """(V,)."""
        return self.bias


_GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def _layer_sizes(config: RnnConfig) -> list[tuple[int, int]]:
    """(input, output) width of every layer."""
    embedding = config.embedding or config.width
    widths = [embedding, *[config.width] * (config.layers - 1), embedding if config.tied else config.width]
    return list(zip(widths, widths[1:]))


def parameters(config: RnnConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    gates, embedding = _GATES[config.cell], config.embedding or config.width
    recurrent = sum(gates * (outer * inner + outer * outer + 2 * outer) for inner, outer in _layer_sizes(config))
    head = 0 if config.tied else vocabulary * config.width
    return vocabulary * embedding + recurrent + head + vocabulary


def flops_per_token(config: RnnConfig, vocabulary: int) -> float:
    """Training FLOPs per token: 6 per weight that multiplies."""
    sizes, gates = _layer_sizes(config), _GATES[config.cell]
    recurrent = sum(gates * outer * (inner + outer) for inner, outer in sizes)
    return 6.0 * (recurrent + vocabulary * sizes[-1][1])
