"""Rotary positions (Su et al. 2021, section 3.2.2), and positions within the pieces of a packed row.

Learned positions are an nn.Embedding and need no code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor


def positions_within(documents: Tensor) -> Tensor:
    """(B, T) number of the piece of text that each position belongs to -> (B, T) int64 position within it, from 0."""
    places = torch.arange(documents.shape[1], device=documents.device)
    begins = torch.zeros_like(documents, dtype=torch.int64)
    begins[:, 1:] = places[1:] * (documents[:, 1:] != documents[:, :-1])
    return places - begins.cummax(dim=1).values


class RotaryTable:
    """Cosines and sines of every position, made in float64 whatever the dtype of the model, and kept per device and dtype.

    Not a buffer on purpose: `module.to(torch.bfloat16)` would round the angles of an old table; here only the finished
    cosine is rounded. On a CPU it grows with the positions asked for: a context of 131,072 is promised more often than used.
    `scaled` changes the turns per position, (size / 2,) radians, of a model stretched to longer texts.
    """

    FIRST = 2048  # positions made at once

    def __init__(
        self, positions: int, size: int, base: float = 10000.0, *, scaled: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.positions = positions
        turns = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)  # (size / 2,)
        self._turns = turns if scaled is None else scaled(turns)
        self._cast: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def at(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines of `positions` (T,) or (B, T) -> (1 or B, T, 1, size) each, to be broadcast over heads."""
        key = (positions.device, dtype)
        # to ask an accelerator for the largest position would make it wait
        longest = int(positions.max()) + 1 if key[0].type == "cpu" and positions.numel() else self.positions
        if key not in self._cast or len(self._cast[key][0]) < longest:
            with torch.inference_mode(False):  # tensors born in inference mode could never be trained with
                self._cast[key] = self._made(longest, *key)
        cosines, sines = self._cast[key]
        batched = positions if positions.dim() == 2 else positions.unsqueeze(0)
        return cosines[batched].unsqueeze(2), sines[batched].unsqueeze(2)

    def _made(self, longest: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        count = max(min(max(self.FIRST, 2 * longest), self.positions), longest)
        angles = torch.outer(torch.arange(count, dtype=torch.float64), self._turns)  # (count, size / 2)
        # both halves of a head carry the same angle; the sine of the first half is negated for the rotation below
        cosines = torch.cat([angles.cos(), angles.cos()], dim=1)  # (count, size)
        sines = torch.cat([-angles.sin(), angles.sin()], dim=1)  # (count, size)
        return cosines.to(device, dtype), sines.to(device, dtype)


def llama3_turns(turns: Tensor, *, factor: float, low: float, high: float, original: int) -> Tensor:
    """Llama 3's stretch of rotary positions: slow turns by `factor`, fast ones not, those between in proportion.

    `turns` (size / 2,) radians a position; slow means fewer than `low` full turns in the `original` context, fast more than
    `high` (Llama Team 2024, section 3.4.3; the formula is that of its released code).
    """
    full_turns = original * turns / (2 * math.pi)
    share = ((full_turns - low) / (high - low)).clamp(0, 1)  # of the unstretched turn
    return torch.lerp(turns / factor, turns, share)


def rotate(heads: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn (B, T, H, D) by the angles of their positions; (a, b) -> (a cos - b sin, b cos + a sin), a and b the halves of D."""
    return cast(Tensor, _Rotation.apply(heads, cosines, sines))  # type: ignore[no-untyped-call]


class _Rotation(torch.autograd.Function):
    """The gradient of a rotation is the rotation back: three passes, where autograd through the operations takes seven."""

    @staticmethod
    def forward(ctx: Any, heads: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        ctx.save_for_backward(cosines, sines)
        return torch.addcmul(heads * cosines, _swap(heads), sines)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        cosines, sines = ctx.saved_tensors
        return torch.addcmul(gradients[0] * cosines, _swap(gradients[0]), sines, value=-1), None, None


def _swap(heads: Tensor) -> Tensor:
    """The halves of the last axis exchanged."""
    half = heads.shape[-1] // 2
    return torch.cat([heads[..., half:], heads[..., :half]], dim=-1)
