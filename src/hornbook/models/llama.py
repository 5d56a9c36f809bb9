"""Llama (Touvron et al. 2023): RMSNorm with weights, rotary positions, SwiGLU, keys and values shared by groups of heads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.attention import Attend, GroupedRotaryAttention, check_sizes, head_count
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GatedFeedForward, gated_inner
from hornbook.layers.init import normal_, residual_
from hornbook.layers.norm import ScaledRMSNorm
from hornbook.layers.position import RotaryTable, llama3_turns
from hornbook.models.bert_modern import check_rotary
from hornbook.models.gpt_modern import CausalNetwork


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama. Zero: `heads` of 64 (32 below width 256), `key_heads` as many, `head_size` width / heads, `inner` of
    8/3 widths, `vocabulary` of the tokenizer.

    base: of the rotary angles. stretch: Llama 3's (factor, low, high, original context) for texts longer than the model was
    first trained on; empty for none.
    """

    layers: int = 4
    width: int = 256
    heads: int = 0
    key_heads: int = 0
    head_size: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    tied: bool = True
    epsilon: float = 1e-5
    base: float = 10000.0
    stretch: tuple[float, ...] = ()


class LlamaModule(CausalNetwork):
    """The network: ids (B, T) -> states (B, T, W) for the head. It keeps no carry between calls."""

    def __init__(self, config: LlamaConfig, vocabulary: int) -> None:
        super().__init__()
        heads, key_heads, size = _head_sizes(config)
        self.config = config
        self.angles = RotaryTable(config.context, size, config.base, scaled=_stretch(config))
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(LlamaBlock(config, heads, key_heads, size) for _ in range(config.layers))
        self.norm = ScaledRMSNorm(config.width, config.epsilon)
        self.head = None if config.tied else nn.Linear(config.width, vocabulary, bias=False)
        normal_(self, 0.02)
        residual_([weight for block in self.blocks for weight in cast(LlamaBlock, block).residual_weights()], 0.02)

    def encode(self, ids: Tensor, positions: Tensor, attends: list[Attend]) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), each layer looking back by its `attends` -> (B, T, W)."""
        states = self.dropout(self.embedding(ids))
        angles = self.angles.at(positions, states.dtype)
        for block, attend in zip(self.blocks, attends):
            states = block(states, angles, attend)
        return cast(Tensor, self.norm(states))


class LlamaBlock(nn.Module):
    """Attention, then gated feed-forward, each reading a normed copy of the stream and adding to it."""

    def __init__(self, config: LlamaConfig, heads: int, key_heads: int, size: int) -> None:
        super().__init__()
        self.attention_norm = ScaledRMSNorm(config.width, config.epsilon)
        self.attention = GroupedRotaryAttention(config.width, heads, key_heads=key_heads, size=size)
        self.feedforward_norm = ScaledRMSNorm(config.width, config.epsilon)
        self.feedforward = GatedFeedForward(config.width, gated_inner(config.width, config.inner), F.silu)
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, angles: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        states = states + self.dropout(self.attention(self.attention_norm(states), angles, attend))
        return states + cast(Tensor, self.dropout(self.feedforward(self.feedforward_norm(states))))

    def residual_weights(self) -> list[Tensor]:
        """The two matrices that write into the stream."""
        return [self.attention.output.weight, self.feedforward.contract.weight]


def _head_sizes(config: LlamaConfig) -> tuple[int, int, int]:
    """Query heads, key heads and their size. UsageError when they do not fit together."""
    heads = head_count(config.width, config.heads)
    key_heads = config.key_heads or heads
    check_sizes(config.width, heads, config.context)
    size = config.head_size or config.width // heads
    check_rotary(size * heads, heads)
    if heads % key_heads:
        raise UsageError(
            "model.heads {heads} is not a multiple of model.key-heads {key_heads}", heads=heads, key_heads=key_heads
        )
    return heads, key_heads, size


def _stretch(config: LlamaConfig) -> partial[Tensor] | None:
    if not config.stretch:
        return None
    if len(config.stretch) != 4:
        raise UsageError("model.stretch needs four numbers, not {count}: factor,low,high,context", count=len(config.stretch))
    factor, low, high, original = config.stretch
    return partial(llama3_turns, factor=factor, low=low, high=high, original=int(original))


def _matrices(config: LlamaConfig) -> int:
    """Weights of the matrices of one block."""
    heads, key_heads, size = _head_sizes(config)
    return config.width * (2 * heads + 2 * key_heads) * size + 3 * config.width * gated_inner(config.width, config.inner)


def parameters(config: LlamaConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    tables = vocabulary * config.width * (1 if config.tied else 2)
    return tables + config.layers * (_matrices(config) + 2 * config.width) + config.width


def flops_per_token(config: LlamaConfig, vocabulary: int) -> float:
    """Training FLOPs per token, counted as for GPT-2."""
    heads, _, size = _head_sizes(config)
    matrices = config.layers * _matrices(config) + vocabulary * config.width
    return 6.0 * matrices + 6.0 * config.layers * config.context * heads * size
