"""GPT with the parts that speed up small models: rotary positions, RMSNorm, normed queries and keys, shortcuts.

What each part is worth was measured: docs/log.md. No biases; matrices that write into the stream start at zero, so that
every block begins as the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.attention import (
    Attend,
    RotaryAttention,
    SharedValues,
    attention_around,
    causal_attention,
    check_sizes,
    head_count,
)
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GELUS, GeluFeedForward
from hornbook.layers.init import fan_in_uniform_
from hornbook.layers.norm import RMSNorm, rms_norm
from hornbook.layers.position import RotaryTable, positions_within
from hornbook.layers.stream import mix


@dataclass(frozen=True)
class ModernGptConfig:
    """Sizes of a modern GPT. Zero: `heads` of 64 (32 below width 256), `inner` of 4 widths, `vocabulary` of the tokenizer."""

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    tied: bool = True


class CausalNetwork(nn.Module):
    """What both layouts share: from ids to states over one window, and the weights of the head. They add `encode`."""

    config: Any
    embedding: nn.Embedding
    head: nn.Linear | None
    encode: Any

    def forward(self, ids: Tensor, carry: Any = None, documents: Tensor | None = None) -> tuple[Tensor, None]:
        """(B, T) ids -> (B, T, W) states and no carry.

        `documents` (B, T) numbers the documents within a row: each position looks back within its own, where positions count
        from 0. None: every row lies in one document.
        """
        probability = self.config.dropout if self.training else 0.0
        time = ids.shape[1]
        positions = torch.arange(time, device=ids.device)
        if documents is None:
            attend: Attend = partial(causal_attention, probability=probability)
            return self.encode(ids, positions, [attend] * self.config.layers), None
        back = positions.unsqueeze(1) >= positions  # (T, T)
        allowed = back & (documents.unsqueeze(2) == documents.unsqueeze(1))  # (B, T, T)
        heads = head_count(self.config.width, self.config.heads)
        attend = attention_around(allowed, heads, self.embedding.weight.dtype, probability)
        return self.encode(ids, positions_within(documents), [attend] * self.config.layers), None

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W): the embedding table, or the head of an untied model."""
        return cast(nn.Parameter, (self.embedding if self.head is None else self.head).weight)

    @property
    def output_bias(self) -> None:
        """The head has no bias."""
        return None


class ModernGptModule(CausalNetwork):
    """The network: ids (B, T) -> states (B, T, W) for the head. It keeps no carry between calls."""

    def __init__(self, config: ModernGptConfig, vocabulary: int) -> None:
        super().__init__()
        heads = head_count(config.width, config.heads)
        check_sizes(config.width, heads, config.context)
        if config.width // heads % 2:
            raise UsageError(
                "model.width {width} / model.heads {heads} must be even for rotary positions", width=config.width, heads=heads
            )
        self.config = config
        self.angles = RotaryTable(config.context, config.width // heads)
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(ModernGptBlock(config, heads) for _ in range(config.layers))
        self.norm = RMSNorm()
        # of the layers after the first: what they keep of the stream, take of the embedding, and of the first layer's values
        self.stream_shares = _per_later_layer(config, 1.0)
        self.origin_shares = _per_later_layer(config, 0.1)
        self.value_shares = _per_later_layer(config, 0.5)
        self.head = None if config.tied else nn.Linear(config.width, vocabulary, bias=False)
        fan_in_uniform_(self)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for block in self.blocks:
            for weight in cast(ModernGptBlock, block).residual_weights():
                nn.init.zeros_(weight)
        if self.head is not None:
            nn.init.zeros_(self.head.weight)

    def encode(self, ids: Tensor, positions: Tensor, attends: list[Attend]) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), each layer looking back by its `attends` -> (B, T, W)."""
        origin = self.dropout(rms_norm(self.embedding(ids)))  # (B, T, W)
        angles = self.angles.at(positions, origin.dtype)
        states, first = self.blocks[0](origin, angles, None, attends[0])
        later = zip(self.blocks[1:], attends[1:], self.stream_shares, self.origin_shares, self.value_shares)
        for block, attend, stream_share, origin_share, value_share in later:
            states = mix(states, origin, stream_share, origin_share)
            states, _ = block(states, angles, (first, value_share), attend)
        return cast(Tensor, self.norm(states))


class ModernGptBlock(nn.Module):
    """Attention, then feed-forward, each reading a normed copy of the stream and adding to it."""

    def __init__(self, config: ModernGptConfig, heads: int) -> None:
        super().__init__()
        self.attention = RotaryAttention(config.width, heads)
        self.feedforward = GeluFeedForward(config.width, config.inner or 4 * config.width, GELUS["gelu"], bias=False)
        self.dropout = Dropout(config.dropout)

    def forward(
        self, states: Tensor, angles: tuple[Tensor, Tensor], shared: SharedValues | None, attend: Attend
    ) -> tuple[Tensor, Tensor]:
        """(B, T, W) stream -> (B, T, W) stream, and this layer's values."""
        attended, values = self.attention(rms_norm(states), angles, shared, attend)
        states = states + self.dropout(attended)
        return states + cast(Tensor, self.dropout(self.feedforward(rms_norm(states)))), values

    def residual_weights(self) -> list[Tensor]:
        """The two matrices that write into the stream."""
        return [self.attention.output.weight, self.feedforward.contract.weight]


def _per_later_layer(config: ModernGptConfig, value: float) -> Tensor:
    """A trained number for every layer but the first; with one layer nothing to train."""
    numbers = torch.full((config.layers - 1,), value)
    return nn.Parameter(numbers) if config.layers > 1 else numbers


def parameters(config: ModernGptConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    width, inner = config.width, config.inner or 4 * config.width
    tables = vocabulary * width * (1 if config.tied else 2)
    return tables + config.layers * (4 * width * width + 2 * width * inner) + 3 * (config.layers - 1)


def flops_per_token(config: ModernGptConfig, vocabulary: int) -> float:
    """Training FLOPs per token, counted as for the classic layout."""
    width, inner = config.width, config.inner or 4 * config.width
    matrices = config.layers * (4 * width * width + 2 * width * inner) + vocabulary * width
    return 6.0 * matrices + 6.0 * config.layers * config.context * width
