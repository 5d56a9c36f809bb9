"""BERT (Devlin et al. 2019) and the networks of its shape: RoBERTa (Liu et al. 2019) and DistilBERT (Sanh et al. 2019).

Learned positions, LayerNorm after each part, a head that guesses hidden tokens. RoBERTa counts its positions from behind the
padding id, DistilBERT has no token types; all else is names in a saved folder (models/huggingface).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.attention import Attend, SelfAttention, attention_around, check_sizes, head_count
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GELUS, GeluFeedForward
from hornbook.layers.init import normal_
from hornbook.layers.position import positions_within

PREDICTED = 0.15  # share of the positions whose token is guessed, for counting work


@dataclass(frozen=True)
class BertConfig:
    """Sizes of a BERT. Zero: `heads` of 64 (32 below width 256), `inner` of 4 widths, `vocabulary` of the tokenizer.

    types: token types (segments). padding: id of the padding token, behind which RoBERTa's positions begin. head: the head
    that guesses hidden tokens; a checkpoint that only encodes has none. pooler: the layer over the first token's state, always
    there with `next_sentence`.
    """

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.1
    types: int = 2
    epsilon: float = 1e-12
    activation: Literal["gelu", "gelu_new"] = "gelu"
    layout: Literal["bert", "roberta", "xlm-roberta", "distilbert"] = "bert"
    padding: int = 0
    head: bool = True
    pooler: bool = False
    next_sentence: bool = False
    tied: bool = True

    @property
    def offset(self) -> int:
        """Rows of the position table before the first position."""
        return self.padding + 1 if self.layout in ("roberta", "xlm-roberta") else 0


class MaskedNetwork(nn.Module, ABC):
    """What networks that guess hidden tokens share (protocol `hornbook.core.types.MaskedModule`)."""

    config: Any
    embedding: nn.Embedding
    head: MaskedHead | None

    def forward(self, ids: Tensor, documents: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """(B, T) ids -> (B, T, W) states.

        `documents` (B, T): number of the piece of text that a position belongs to, -1 for padding; None: every row is one
        piece. A position attends within its own piece, and positions count from 0 in each. `segments` (B, T): token types.
        """
        if documents is None:
            return self.encode(ids, torch.arange(ids.shape[1], device=ids.device), None, segments)
        allowed = documents.unsqueeze(2) == documents.unsqueeze(1)  # (B, T, T)
        return self.encode(ids, positions_within(documents), allowed, segments)

    @abstractmethod
    def encode(self, ids: Tensor, positions: Tensor, allowed: Tensor | None, segments: Tensor | None) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), attending where `allowed` (B, T, T) -> (B, T, W)."""

    def expect(self, counts: NDArray[np.int64]) -> None:
        """Let a fresh head guess each token as often as (V,) `counts` of the training text say."""
        if self.head is not None:
            shares = (counts + 1.0) / (counts + 1.0).sum()
            with torch.no_grad():
                self.head.bias.copy_(torch.from_numpy(np.log(shares)))

    def transform(self, states: Tensor) -> Tensor:
        """(N, W) states of the positions to be guessed -> (N, W) for `output_weight`."""
        assert self.head is not None, "a network without a head guesses nothing"
        return cast(Tensor, self.head(states))

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W): the embedding table, or that of an untied head."""
        own = None if self.head is None else self.head.weight
        return cast(nn.Parameter, self.embedding.weight if own is None else own)

    @property
    def output_bias(self) -> nn.Parameter | None:
        """(V,), None without a head."""
        return None if self.head is None else self.head.bias


class MaskedHead(nn.Module):
    """Dense layer, activation and norm before the table of tokens; a number for each token, and a table when it is untied."""

    def __init__(
        self,
        width: int,
        vocabulary: int,
        activation: Callable[[Tensor], Tensor],
        *,
        epsilon: float,
        bias: bool = True,
        tied: bool = True,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.dense = nn.Linear(width, width, bias=bias)
        self.norm = nn.LayerNorm(width, eps=epsilon, bias=bias)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.weight = None if tied else nn.Parameter(torch.empty(vocabulary, width).normal_(std=0.02))

    def forward(self, states: Tensor) -> Tensor:
        """(N, W) -> (N, W)."""
        return cast(Tensor, self.norm(self.activation(self.dense(states))))


class BertModule(MaskedNetwork):
    """The network: ids (B, T) -> states (B, T, W)."""

    def __init__(self, config: BertConfig, vocabulary: int) -> None:
        super().__init__()
        heads = head_count(config.width, config.heads)
        check_sizes(config.width, heads, config.context)
        _check_layout(config)
        self.config = config
        self.heads = heads
        width = config.width
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(config.offset + config.context, width)
        self.types = nn.Embedding(config.types, width) if config.types else None
        self.norm = nn.LayerNorm(width, eps=config.epsilon)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(BertBlock(config, heads) for _ in range(config.layers))
        self.pooler = nn.Linear(width, width) if config.pooler or config.next_sentence else None
        self.following = nn.Linear(width, 2) if config.next_sentence else None
        gelu = GELUS[config.activation if config.layout in ("bert", "distilbert") else "gelu"]
        self.head = MaskedHead(width, vocabulary, gelu, epsilon=config.epsilon, tied=config.tied) if config.head else None
        normal_(self, 0.02)

    def encode(self, ids: Tensor, positions: Tensor, allowed: Tensor | None, segments: Tensor | None) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), attending where `allowed` (B, T, T) -> (B, T, W)."""
        placed = self.positions(positions + self.config.offset if self.config.offset else positions)  # (T, W) or (B, T, W)
        if self.types is not None:
            placed = placed + (self.types.weight[0] if segments is None else self.types(segments))
        states = self.dropout(self.norm(self.embedding(ids) + placed))
        attend = attention_around(allowed, self.heads, states.dtype, self.config.dropout if self.training else 0.0)
        for block in self.blocks:
            states = block(states, attend)
        return cast(Tensor, states)

    def pool(self, states: Tensor) -> Tensor:
        """(B, W) states of the first token -> (B, W), what BERT's classifiers read."""
        assert self.pooler is not None, "a network without a pooler"
        return torch.tanh(self.pooler(states))

    def next_sentence(self, states: Tensor) -> Tensor:
        """(B, W) states of the first token -> (B, 2) logits: the second text follows the first, or it does not."""
        assert self.following is not None, "a network without next_sentence"
        return cast(Tensor, self.following(self.pool(states)))


class BertBlock(nn.Module):
    """Attention, then feed-forward, a norm after each has been added to what it read."""

    def __init__(self, config: BertConfig, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, heads)
        self.attention_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.feedforward = GeluFeedForward(config.width, config.inner or 4 * config.width, GELUS[config.activation])
        self.feedforward_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        states = self.attention_norm(states + self.dropout(self.attention(states, attend)))
        return cast(Tensor, self.feedforward_norm(states + self.dropout(self.feedforward(states))))


def _check_layout(config: BertConfig) -> None:
    """UsageError for parts that a layout does not have."""
    if config.layout != "bert" and config.next_sentence:
        raise UsageError("model.layout {layout} has no next-sentence head: only bert has one", layout=config.layout)
    if config.layout == "distilbert" and (config.types or config.pooler):
        raise UsageError("model.layout distilbert has neither token types nor a pooler: set model.types 0")


def parameters(config: BertConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    width, inner = config.width, config.inner or 4 * config.width
    block = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width
    tables = (vocabulary + config.offset + config.context + config.types) * width + 2 * width
    pooler = width * width + width if config.pooler or config.next_sentence else 0
    following = 2 * width + 2 if config.next_sentence else 0
    head = width * width + 3 * width + vocabulary * (1 if config.tied else 1 + width) if config.head else 0
    return tables + config.layers * block + pooler + following + head


def flops_per_token(config: BertConfig, vocabulary: int) -> float:
    """Training FLOPs per token: 6 per weight that multiplies, 12 x context x width a layer for attention both ways.

    Kaplan et al. 2020 (section 2.1); the head runs at the share `PREDICTED` of the positions.
    """
    width, inner = config.width, config.inner or 4 * config.width
    blocks = config.layers * (4 * width * width + 2 * width * inner)
    head = PREDICTED * (width * width + vocabulary * width)
    return 6.0 * (blocks + head) + 12.0 * config.layers * config.context * width
