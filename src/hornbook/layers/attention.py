"""Attention that looks back (causal) or around (within a piece of text), and the self-attention layers that use it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
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
    if _trains_on_cpu(queries):
        return plain_causal_attention(queries, keys, values, probability)
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True, dropout_p=probability)


def plain_causal_attention(queries: Tensor, keys: Tensor, values: Tensor, probability: float = 0.0) -> Tensor:
    """The same in single operations."""
    time = queries.shape[2]
    above = torch.full((time, time), -math.inf, dtype=queries.dtype, device=queries.device).triu_(1)  # (T, T)
    return _plain_attention(queries, keys, values, above, probability)


def attention_around(allowed: Tensor | None, heads: int, dtype: torch.dtype, probability: float = 0.0) -> Attend:
    """How the layers of a bidirectional network attend: to all positions, or where `allowed` (B, T, T) is True.

    Made once for a batch and shared by its layers, so that the mask of each head is laid out once. Kernels are chosen as in
    `causal_attention`.
    """
    if allowed is None:
        return partial(_around, mask=None, probability=probability)
    batch, time = allowed.shape[:2]
    mask = torch.zeros(batch, 1, time, time, dtype=dtype, device=allowed.device)
    mask.masked_fill_(~allowed.unsqueeze(1), -math.inf)
    if _trains_on_cpu(mask):
        mask = mask.expand(batch, heads, time, time).reshape(batch * heads, time, time)
    return partial(_around, mask=mask, probability=probability)


def _around(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, probability: float) -> Tensor:
    if _trains_on_cpu(queries):
        return _plain_attention(queries, keys, values, mask, probability)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=probability)


def _trains_on_cpu(states: Tensor) -> bool:
    return states.device.type == "cpu" and torch.is_grad_enabled()


def _plain_attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, probability: float) -> Tensor:
    """Single operations, with a mask (T, T) or (B H, T, T) added; the softmax sums in float32 inside for every dtype."""
    batch, heads, time, size = queries.shape
    flat = (batch * heads, time, size)
    scores = torch.baddbmm(  # (B H, T, T)
        (queries.new_zeros(1) if mask is None else mask).expand(batch * heads, time, time),
        queries.reshape(flat),
        keys.reshape(flat).transpose(1, 2),
        beta=0 if mask is None else 1,
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


class GroupedRotaryAttention(nn.Module):
    """Self-attention with rotary positions in which groups of query heads share keys and values (Ainslie et al. 2023).

    As in Llama; with as many key heads as query heads and no bias it is the attention of ModernBERT.
    """

    def __init__(self, width: int, heads: int, *, key_heads: int, size: int, bias: bool = False) -> None:
        super().__init__()
        self.heads, self.key_heads, self.size = heads, key_heads, size
        self.query_key_value = nn.Linear(width, (heads + 2 * key_heads) * size, bias=bias)
        self.output = nn.Linear(heads * size, width, bias=bias)

    def forward(self, states: Tensor, angles: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """(B, T, W) states, (1 or B, T, 1, D) cosines and sines -> (B, T, W)."""
        batch, time, _ = states.shape
        joined = self.query_key_value(states).view(batch, time, self.heads + 2 * self.key_heads, self.size)
        turned, values = torch.split(joined, [self.heads + self.key_heads, self.key_heads], dim=2)
        queries, keys = torch.split(rotate(turned, *angles), [self.heads, self.key_heads], dim=2)  # (B, T, H or K, D)
        mixed = attend(queries.transpose(1, 2), self._shared(keys), self._shared(values))  # (B, H, T, D)
        return cast(Tensor, self.output(mixed.transpose(1, 2).reshape(batch, time, self.heads * self.size)))

    def _shared(self, heads: Tensor) -> Tensor:
        """(B, T, K, D) -> (B, H, T, D): every key head as often as query heads read it."""
        return heads.transpose(1, 2).repeat_interleave(self.heads // self.key_heads, dim=1)


def head_count(width: int, heads: int) -> int:
    """`heads`, or when that is 0 heads of 64 (of 32 below width 256)."""
    return heads or max(1, width // (64 if width >= 256 else 32))


def check_sizes(width: int, heads: int, context: int) -> None:
    """UsageError when the sizes of a Transformer do not fit together."""
    if width < 1 or heads < 1 or width % heads:
        raise UsageError("model.width {width} is not a multiple of model.heads {heads}", width=width, heads=heads)
    if context < 2:
        raise UsageError("model.context must be at least 2, not {context}", context=context)
