"""GPT in the layout of GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each part, GELU, tied head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.attention import Attend, SelfAttention, causal_attention
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GeluFeedForward
from hornbook.layers.init import normal_, residual_


@dataclass(frozen=True)
class GptConfig:
    """Sizes of a GPT-2. Zero means: `heads` of 64 (of 32 below width 256), `inner` of 4 widths, `vocabulary` of the tokenizer."""

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    tied: bool = True
    epsilon: float = 1e-5


class GptModule(nn.Module):
    """The network: ids (B, T) -> states (B, T, W) for the head. It keeps no carry between calls."""

    def __init__(self, config: GptConfig, vocabulary: int) -> None:
        super().__init__()
        check_sizes(config.width, head_count(config), config.context)
        self.config = config
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(GptBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.head = None if config.tied else nn.Linear(config.width, vocabulary, bias=False)
        normal_(self, 0.02)
        residual_([weight for block in self.blocks for weight in cast(GptBlock, block).residual_weights()], 0.02)

    def forward(self, ids: Tensor, carry: Any = None) -> tuple[Tensor, None]:
        """(B, T) ids -> (B, T, W) states and no carry."""
        attend = partial(causal_attention, probability=self.config.dropout if self.training else 0.0)
        positions = torch.arange(ids.shape[1], device=ids.device)
        return self.encode(ids, positions, [attend] * self.config.layers), None

    def encode(self, ids: Tensor, positions: Tensor, attends: list[Attend]) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), each layer looking back by its `attends` -> (B, T, W)."""
        states = self.dropout(self.embedding(ids) + self.positions(positions))
        for block, attend in zip(self.blocks, attends):
            states = block(states, attend)
        return cast(Tensor, self.norm(states))

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W): the embedding table, or the head of an untied model."""
        return self.embedding.weight if self.head is None else self.head.weight

    @property
    def output_bias(self) -> None:
        """GPT-2's head has none."""
        return None


class GptBlock(nn.Module):
    """Attention, then feed-forward, each reading a normed copy of the stream and adding to it."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.attention = SelfAttention(config.width, head_count(config))
        self.feedforward_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.feedforward = GeluFeedForward(config.width, config.inner or 4 * config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        states = states + self.dropout(self.attention(self.attention_norm(states), attend))
        return states + cast(Tensor, self.dropout(self.feedforward(self.feedforward_norm(states))))

    def residual_weights(self) -> list[Tensor]:
        """The two matrices that write into the stream."""
        return [self.attention.output.weight, self.feedforward.contract.weight]


def head_count(config: Any) -> int:
    """Attention heads of a GPT configuration."""
    return cast(int, config.heads or max(1, config.width // (64 if config.width >= 256 else 32)))


def check_sizes(width: int, heads: int, context: int) -> None:
    """UsageError when the sizes of a Transformer do not fit together."""
    if width % heads:
        raise UsageError("model.width {width} is not a multiple of model.heads {heads}", width=width, heads=heads)
    if context < 2:
        raise UsageError("model.context must be at least 2, not {context}", context=context)


def parameters(config: GptConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    width, inner = config.width, config.inner or 4 * config.width
    block = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width
    tables = vocabulary * width * (1 if config.tied else 2) + config.context * width
    return tables + config.layers * block + 2 * width


def flops_per_token(config: GptConfig, vocabulary: int) -> float:
    """Training FLOPs per token: 6 per weight that multiplies (embedding lookups do not), and attention over half the context.

    Kaplan et al. 2020 (section 2.1), with causal attention counted at half: 6 x context x width a layer.
    """
    width, inner = config.width, config.inner or 4 * config.width
    matrices = config.layers * (4 * width * width + 2 * width * inner) + vocabulary * width
    return 6.0 * matrices + 6.0 * config.layers * config.context * width
