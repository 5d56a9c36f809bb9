"""Recurrent language models: Elman RNN (1990), LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.types import Ids, NextScores
from hornbook.layers.dropout import Dropout, VariationalDropout, drop_words
from hornbook.layers.recurrent import CELLS, Carry, RecurrentStack, carry_rows, join_carries
from hornbook.models import weights
from hornbook.models.encoder import Frame, StreamEncoder
from hornbook.models.neural import BATCH_TOKENS, NeuralLM, Scored, read_own_config, write_own

BATCH_ROWS = 64  # documents scored side by side


@dataclass(frozen=True)
class RnnConfig:
    """Sizes of a recurrent model, and what it forgets in training. `embedding` 0 is `width`.

    `dropout` falls on embeddings, between layers and on the last states; `variational` keeps one mask for all steps of a row.
    """

    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    layers: int = 1
    width: int = 512
    embedding: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    variational: bool = False
    tied: bool = True
    word_dropout: float = 0.0  # part of the vocabulary whose embeddings are zero in a batch
    weight_drop: float = 0.0  # part of the weights from state to state that are zero in a batch


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
        self.recurrent = RecurrentStack(CELLS[config.cell], widths, self.dropout, weight_drop=config.weight_drop)
        self.head = None if config.tied else nn.Linear(width, vocabulary, bias=False)
        self.bias = nn.Parameter(self.embedding.weight.new_zeros(vocabulary))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        if self.head is not None:
            nn.init.uniform_(self.head.weight, -0.1, 0.1)

    def forward(self, ids: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """(B, T) ids and the carry of the stretch before -> (B, T, E or W) states and the carry after."""
        states, carry = self.undropped(ids, carry)
        return self.dropout(states), carry

    def undropped(self, ids: Tensor, carry: Carry | None = None) -> tuple[Tensor, Carry]:
        """The same before dropout falls on the last states; what penalties on how states change look at."""
        states = self.embedding(ids)
        if self.training:
            states = drop_words(states, ids, self.embedding.num_embeddings, self.config.word_dropout)
        result: tuple[Tensor, Carry] = self.recurrent(self.dropout(states), carry)
        return result

    def expect(self, counts: NDArray[np.int64]) -> None:
        """Let a fresh network guess each token as often as (V,) `counts` of the training text say.

        Otherwise Adam moves the output bias too slowly, the states must stand for the frequencies, and an LSTM's cell, asked
        for a constant, grows without end from batch to batch (docs/log.md).
        """
        shares = (counts + 1.0) / (counts + 1.0).sum()
        with torch.no_grad():
            self.bias.copy_(torch.from_numpy(np.log(shares)))

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, E or W): the embedding table, or the head of an untied model."""
        return cast(nn.Parameter, (self.embedding if self.head is None else self.head).weight)

    @property
    def output_bias(self) -> nn.Parameter:
        """(V,)."""
        return self.bias


_GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def _recurrent_inputs(config: RnnConfig) -> tuple[int, int]:
    """Sum over layers of outer x (inner + outer), and of outer: what a gate multiplies, and what it adds.

    In closed form: a damaged config.json may claim any number of layers.
    """
    embedding, between = config.embedding or config.width, config.layers - 1
    last = embedding if config.tied else config.width
    first_inner = config.width if between else embedding
    products = last * (first_inner + last)
    if between:
        products += config.width * (embedding + config.width) + (between - 1) * 2 * config.width**2
    return products, between * config.width + last


def parameters(config: RnnConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    head = 0 if config.tied else vocabulary * config.width
    return vocabulary * (config.embedding or config.width) + recurrent_parameters(config) + head + vocabulary


def recurrent_parameters(config: RnnConfig) -> int:
    """Number of weights of its recurrent layers."""
    products, biases = _recurrent_inputs(config)
    return _GATES[config.cell] * (products + 2 * biases)


def flops_per_token(config: RnnConfig, vocabulary: int) -> float:
    """Training FLOPs per token: 6 per weight that multiplies."""
    read = (config.embedding or config.width) if config.tied else config.width
    return 6.0 * (_GATES[config.cell] * _recurrent_inputs(config)[0] + vocabulary * read)


class RnnLM(NeuralLM[Carry]):
    """A recurrent network as a LanguageModel; its state goes on without limit."""

    model_types: ClassVar[tuple[str, ...]] = ("hornbook-rnn",)

    @classmethod
    def build(cls, config: Any, vocabulary: int) -> RnnModule:
        """A fresh network."""
        return RnnModule(config, vocabulary)

    @property
    def encoder(self) -> StreamEncoder:
        """The network as an Encoder; texts of any length. States of an untied model are as wide as its layers."""
        width = (self.config.embedding or self.config.width) if self.config.tied else self.config.width
        frame = Frame.stream(self.tokenizer)
        return StreamEncoder(self.tokenizer, self.module, width=width, frame=frame, save=self.save_files)

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, Carry]:
        """(B, V) scores after each prefix, and the state."""
        streams = [self._stream(prefix)[0] for prefix in prefixes]
        lasts: dict[int, Tensor] = {}  # row -> (W,) state after its prefix
        carries: dict[int, Carry] = {}
        with self._inference():
            for stretch in self._stretches(streams):
                for place, row in enumerate(stretch.rows):
                    if len(streams[row]) == stretch.end:
                        lasts[row] = stretch.states[place, -1]
                        carries[row] = carry_rows(stretch.carry, self._index([place]))
            order = range(len(streams))
            return self._next_scores(torch.stack([lasts[row] for row in order])), join_carries([carries[row] for row in order])

    def step(self, state: Carry, ids: Ids) -> tuple[NextScores, Carry]:
        """Feed one id a row, (B,)."""
        with self._inference():
            new = torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(self._device).unsqueeze(1)  # (B, 1)
            states, carry = self._network(new, state)
            return self._next_scores(states[:, 0]), carry

    def select(self, state: Carry, rows: Sequence[int]) -> Carry:
        """An independent copy of the given rows."""
        with torch.inference_mode():
            return carry_rows(state, self._index(rows))

    def _index(self, rows: Sequence[int]) -> Tensor:
        return torch.as_tensor(list(rows), dtype=torch.int64, device=self._device)

    def _scored(self, documents: Sequence[Ids]) -> Iterator[Scored]:
        streams = [self._stream(document) for document in documents]
        order = sorted(range(len(streams)), key=lambda index: len(streams[index][0]))
        for group in range(0, len(order), BATCH_ROWS):
            members = order[group : group + BATCH_ROWS]
            for stretch in self._stretches([streams[member][0] for member in members]):
                span = slice(stretch.begin, stretch.end)
                targets = np.concatenate([streams[members[row]][1][span] for row in stretch.rows])
                owners = [(members[row], stretch.begin, stretch.end - stretch.begin) for row in stretch.rows]
                yield stretch.states.flatten(0, 1), torch.from_numpy(targets).to(self._device), owners

    def _stretches(self, streams: Sequence[NDArray[Any]]) -> Iterator[_Stretch]:
        """Run the network over streams of any lengths side by side without padding: a stretch ends where the next row ends."""
        rows = sorted(range(len(streams)), key=lambda row: -len(streams[row]))
        begin, carry = 0, None
        while rows:
            end = min(len(streams[rows[-1]]), begin + max(1, BATCH_TOKENS // len(rows)))
            ids = torch.from_numpy(np.stack([streams[row][begin:end] for row in rows])).to(self._device)  # (A, T)
            states, carry = self._network(ids, carry)
            yield _Stretch(rows, begin, end, states, carry)
            rows = [row for row in rows if len(streams[row]) > end]
            carry = carry_rows(carry, self._index(range(len(rows))))
            begin = end

    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder."""
        write_own(folder, "hornbook-rnn", self.config, self.vocabulary, self.module, self.tokenizer)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, strictly."""
        from hornbook.tokenizers import load_tokenizer

        config: RnnConfig = read_own_config(folder, "hornbook-rnn", RnnConfig)
        weights.check_size(folder, parameters(config, config.vocabulary))
        module = cls.empty(config, folder / weights.CONFIG)
        weights.fill(weights.own_tensors(module), weights.read_weights(folder), where=folder / weights.WEIGHTS)
        return cls(load_tokenizer(folder), config, module)


@dataclass(frozen=True)
class _Stretch:
    rows: list[int]  # indices of the streams that run, longest first
    begin: int
    end: int
    states: Tensor  # (A, end - begin, W)
    carry: Carry  # after `end`
