"""Rotary positions (Su et al. 2021, section 3.2.2). Learned positions are an nn.Embedding and need no code."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


class RotaryTable:
    """Cosines and sines of every position, made in float64 whatever the dtype of the model, and kept per device and dtype.

    Not a buffer on purpose: `module.to(torch.bfloat16)` would round the angles of an old table; here only the finished
    cosine is rounded.
    """

    def __init__(self, positions: int, size: int, base: float = 10000.0) -> None:
        angles = torch.outer(  # (positions, size / 2)
            torch.arange(positions, dtype=torch.float64), base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
        )
        # both halves of a head carry the same angle; the sine of the first half is negated for the rotation below
        self._cosines = torch.cat([angles.cos(), angles.cos()], dim=1)  # (positions, size)
        self._sines = torch.cat([-angles.sin(), angles.sin()], dim=1)  # (positions, size)
        self._cast: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def at(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines of `positions` (T,) or (B, T) -> (1 or B, T, 1, size) each, to be broadcast over heads."""
        key = (positions.device, dtype)
        if key not in self._cast:
            with torch.inference_mode(False):  # tensors born in inference mode could never be trained with
                self._cast[key] = (self._cosines.to(*key), self._sines.to(*key))
        cosines, sines = self._cast[key]
        batched = positions if positions.dim() == 2 else positions.unsqueeze(0)
        return cosines[batched].unsqueeze(2), sines[batched].unsqueeze(2)


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
