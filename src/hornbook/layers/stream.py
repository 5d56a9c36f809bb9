"""The residual stream mixed with the embedding it began from."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def mix(states: Tensor, origin: Tensor, share: Tensor, origin_share: Tensor) -> Tensor:
    """share x states + origin_share x origin, with learned shares () and states (B, T, W)."""
    return cast(Tensor, _Mix.apply(states, origin, share, origin_share))  # type: ignore[no-untyped-call]


class _Mix(torch.autograd.Function):
    """Four passes backward, where autograd through the operations takes eight."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, origin: Tensor, share: Tensor, origin_share: Tensor) -> Tensor:
        ctx.save_for_backward(states, origin, share, origin_share)
        return torch.addcmul(states * share, origin, origin_share)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states, origin, share, origin_share = ctx.saved_tensors
        gradient = gradients[0]
        return gradient * share, gradient * origin_share, _inner(gradient, states), _inner(gradient, origin)


def _inner(first: Tensor, second: Tensor) -> Tensor:
    """Inner product of two tensors of one shape, summed in float32 or wider over the rows: a scalar of their dtype."""
    wide = torch.float64 if first.dtype == torch.float64 else torch.float32
    rows: Tensor = torch.linalg.vecdot(first, second)  # (B, T)
    return rows.sum(dtype=wide).to(first.dtype)
