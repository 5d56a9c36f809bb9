"""Normalisation of states. nn.LayerNorm is one fused kernel on every device; RMSNorm is not on CPU, so it is here."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn


def rms_norm(states: Tensor, epsilon: float = 1e-6) -> Tensor:
    """`states` (..., W) divided by the root mean square of its last axis (Zhang and Sennrich 2019, eq. 4), no weight."""
    return cast(Tensor, _RootMeanSquareNorm.apply(states, epsilon))  # type: ignore[no-untyped-call]


class RMSNorm(nn.Module):
    """RMS normalisation without a weight: the following matrix can learn one."""

    def forward(self, states: Tensor) -> Tensor:
        """(..., W) -> (..., W) of root mean square 1."""
        return rms_norm(states)


class ScaledRMSNorm(nn.Module):
    """RMS normalisation with a weight for every number, as in Llama."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, states: Tensor) -> Tensor:
        """(..., W) -> (..., W)."""
        return rms_norm(states, self.epsilon) * self.weight


class _RootMeanSquareNorm(torch.autograd.Function):
    """Two passes forward and three backward, where autograd through single operations takes four and nine."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, epsilon: float) -> Tensor:
        # the norm is summed in float32 even for bfloat16 states: 256 squares in 8 bits of mantissa would drift
        wide = torch.float64 if states.dtype == torch.float64 else torch.float32
        norm = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=wide)  # (..., 1)
        inverse = (norm.square_() / states.shape[-1] + epsilon).rsqrt_().to(states.dtype)  # (..., 1)
        normed: Tensor = states * inverse  # (..., W)
        ctx.save_for_backward(normed, inverse)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        normed, inverse = ctx.saved_tensors
        along = (
            torch.linalg.vecdot(gradient, normed).unsqueeze(-1) / gradient.shape[-1]
        )  # (..., 1) part that only changes the length
        return torch.addcmul(gradient, normed, along, value=-1).mul_(inverse), None
