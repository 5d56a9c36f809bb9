"""ModernBERT (Warner et al. 2024): norms before each part, rotary positions, gated feed-forward, no biases.

In a published ModernBERT most layers attend to a neighbourhood; ours, at short contexts, attend everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.attention import Attend, GroupedRotaryAttention, attention_around, check_sizes, head_count
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GatedFeedForward, gated_inner
from hornbook.layers.init import normal_, residual_
from hornbook.layers.position import RotaryTable
from hornbook.models.bert import PREDICTED, MaskedHead, MaskedNetwork


@dataclass(frozen=True)
class ModernBertConfig:
    """Sizes of a ModernBERT. Zero: `heads` of 64 (32 below width 256), `inner` of 8/3 widths, `vocabulary` of the tokenizer.

    Every `global_every`-th layer, from the first, attends to the whole piece with angles of base `global_base`, the others to
    positions at most `neighbourhood` / 2 away with base `local_base`.
    """

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    epsilon: float = 1e-5
    neighbourhood: int = 128
    global_every: int = 1
    global_base: float = 10000.0
    local_base: float = 10000.0
    head: bool = True
    tied: bool = True


class ModernBertModule(MaskedNetwork):
    """The network: ids (B, T) -> states (B, T, W). It has no token types: segments are not read."""

    def __init__(self, config: ModernBertConfig, vocabulary: int) -> None:
        super().__init__()
        heads = head_count(config.width, config.heads)
        check_sizes(config.width, heads, config.context)
        check_rotary(config.width, heads)
        self.config = config
        self.heads = heads
        size = config.width // heads
        self.global_angles = RotaryTable(config.context, size, config.global_base)
        self.local_angles = RotaryTable(config.context, size, config.local_base)
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.embedding_norm = nn.LayerNorm(config.width, eps=config.epsilon, bias=False)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(ModernBertBlock(config, heads, first=index == 0) for index in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon, bias=False)
        self.head = (
            MaskedHead(config.width, vocabulary, F.gelu, epsilon=config.epsilon, bias=False, tied=config.tied)
            if config.head
            else None
        )
        normal_(self, 0.02)
        residual_([weight for block in self.blocks for weight in cast(ModernBertBlock, block).residual_weights()], 0.02)

    def encode(self, ids: Tensor, positions: Tensor, allowed: Tensor | None, segments: Tensor | None) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), attending where `allowed` (B, T, T) -> (B, T, W)."""
        states = self.dropout(self.embedding_norm(self.embedding(ids)))
        probability = self.config.dropout if self.training else 0.0
        everywhere = (
            self.global_angles.at(positions, states.dtype),
            attention_around(allowed, self.heads, states.dtype, probability),
        )
        nearby = everywhere
        if self.config.global_every > 1:
            near = self._near(ids) if allowed is None else allowed & self._near(ids)
            nearby = (
                self.local_angles.at(positions, states.dtype),
                attention_around(near, self.heads, states.dtype, probability),
            )
        for index, block in enumerate(self.blocks):
            states = block(states, *(nearby if index % self.config.global_every else everywhere))
        return cast(Tensor, self.norm(states))

    def _near(self, ids: Tensor) -> Tensor:
        """(B, T, T): whether two positions are at most half a neighbourhood apart."""
        places = torch.arange(ids.shape[1], device=ids.device)
        near = torch.abs(places.unsqueeze(1) - places) <= self.config.neighbourhood // 2  # (T, T)
        return torch.broadcast_to(near, (len(ids), *near.shape))


class ModernBertBlock(nn.Module):
    """Attention, then gated feed-forward, each reading a normed copy of the stream; the first reads normed embeddings as is."""

    def __init__(self, config: ModernBertConfig, heads: int, *, first: bool) -> None:
        super().__init__()
        width = config.width
        self.attention_norm = nn.Identity() if first else nn.LayerNorm(width, eps=config.epsilon, bias=False)
        self.attention = GroupedRotaryAttention(width, heads, key_heads=heads, size=width // heads)
        self.feedforward_norm = nn.LayerNorm(width, eps=config.epsilon, bias=False)
        self.feedforward = GatedFeedForward(width, gated_inner(width, config.inner), F.gelu)
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, angles: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        states = states + self.dropout(self.attention(self.attention_norm(states), angles, attend))
        return states + cast(Tensor, self.dropout(self.feedforward(self.feedforward_norm(states))))

    def residual_weights(self) -> list[Tensor]:
        """The two matrices that write into the stream."""
        return [self.attention.output.weight, self.feedforward.contract.weight]


def check_rotary(width: int, heads: int) -> None:
    """UsageError when heads cannot be turned."""
    if width // heads % 2:
        raise UsageError(
            "model.width {width} / model.heads {heads} must be even for rotary positions", width=width, heads=heads
        )


def parameters(config: ModernBertConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    width, inner = config.width, gated_inner(config.width, config.inner)
    blocks = config.layers * (4 * width * width + 3 * width * inner + 2 * width) - width
    head = width * width + width + vocabulary * (1 if config.tied else 1 + width) if config.head else 0
    return vocabulary * width + 2 * width + blocks + head


def flops_per_token(config: ModernBertConfig, vocabulary: int) -> float:
    """Training FLOPs per token, counted as for BERT; every layer as if it attended to the whole context."""
    width, inner = config.width, gated_inner(config.width, config.inner)
    blocks = config.layers * (4 * width * width + 3 * width * inner)
    head = PREDICTED * (width * width + vocabulary * width)
    return 6.0 * (blocks + head) + 12.0 * config.layers * config.context * width
