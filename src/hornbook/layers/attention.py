"""Causal attention, its two self-attention layers (GPT-2's, and the rotary one) and the cache of keys and values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.layers.dropout import dropout
from hornbook.layers.norm import rms_norm
from hornbook.layers.position import rotate

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(B, H, T, D) queries, keys, values of new positions -> (B, H, T, D): how a layer looks back (in training, or by a cache)."""


SharedValues: TypeAlias = tuple[Tensor, Tensor]
"""(B, T, H, D) values of the first layer, and the share () that a layer takes of them in place of its own."""


def causal_attention(queries: Tensor, keys: Tensor, values: Tensor, probability: float = 0.0) -> Tensor:
    """softmax(q k^T / sqrt(D)) v over the positions up to each query's own, (B, H, T, D) -> (B, H, T, D).

    On a CPU that trains, plain products with a softmax between are faster than the flash kernel, whose backward is slow in
    bfloat16 (docs/log.md); everywhere else the fused kernel wins.
    """
    if queries.device.type == "cpu" and torch.is_grad_enabled():
        return plain_causal_attention(queries, keys, values, probability)
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True, dropout_p=probability)


def plain_causal_attention(queries: Tensor, keys: Tensor, values: Tensor, probability: float = 0.0) -> Tensor:
    """The same in single operations; the softmax sums in float32 inside its kernel for every dtype."""
    batch, heads, time, size = queries.shape
    above = torch.full((time, time), -math.inf, dtype=queries.dtype, device=queries.device).triu_(1)  # (T, T)
    flat = (batch * heads, time, size)
    scores = torch.baddbmm(  # (B H, T, T)
        above.expand(batch * heads, time, time),
        queries.reshape(flat),
        keys.reshape(flat).transpose(1, 2),
        alpha=1 / math.sqrt(size),
    )
    weights = dropout(torch.softmax(scores, dim=-1), probability)
    return torch.bmm(weights, values.reshape(flat)).view(batch, heads, time, size)


class SelfAttention(nn.Module):
    """Multi-head self-attention as in GPT-2 (Vaswani et al. 2017, section 3.2.2): biases, positions come from outside."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, states: Tensor, attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        batch, time, width = states.shape
        joined = self.query_key_value(states).view(batch, time, 3, self.heads, width // self.heads)
        queries, keys, values = joined.permute(2, 0, 3, 1, 4).unbind(0)  # (B, H, T, D) each
        mixed = attend(queries, keys, values).transpose(1, 2).reshape(batch, time, width)
        return cast(Tensor, self.output(mixed))


class RotaryAttention(nn.Module):
    """Self-attention with rotary positions, normed queries and keys (Henry et al. 2020), a share of the first layer's values.

    The value residual is that of Zhou et al. 2024 (section 3) with a learned share per layer.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(
        self, states: Tensor, angles: tuple[Tensor, Tensor], shared: SharedValues | None, attend: Attend
    ) -> tuple[Tensor, Tensor]:
        """(B, T, W) states, (1 or B, T, 1, D) cosines and sines -> (B, T, W), and own (B, T, H, D) values."""
        batch, time, width = states.shape
        joined = self.query_key_value(states).view(batch, time, 3, self.heads, width // self.heads)
        queries_keys = rms_norm(joined[:, :, :2].reshape(batch, time, 2 * self.heads, -1))  # one pass over both
        queries, keys = rotate(queries_keys, *angles).chunk(2, dim=2)  # (B, T, H, D) each
        values = joined[:, :, 2]  # (B, T, H, D)
        if shared is not None:
            values = torch.lerp(values, *shared)
        mixed = attend(queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2))
        return cast(Tensor, self.output(mixed.transpose(1, 2).reshape(batch, time, width))), values


def head_count(width: int, heads: int) -> int:
    """`heads`, or when that is 0 heads of 64 (of 32 below width 256)."""
    return heads or max(1, width // (64 if width >= 256 else 32))


def check_sizes(width: int, heads: int, context: int) -> None:
    """UsageError when the sizes of a Transformer do not fit together."""
    if width < 1 or heads < 1 or width % heads:
        raise UsageError("model.width {width} is not a multiple of model.heads {heads}", width=width, heads=heads)
    if context < 2:
        raise UsageError("model.context must be at least 2, not {context}", context=context)
