"""Position-wise feed-forward layers: the GELU of GPT-2, and squared ReLU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GELUS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "gelu_new": partial(F.gelu, approximate="tanh")}
"""x times the normal distribution function of x, exact and in the tanh form of GPT-2 (Hendrycks and Gimpel 2016, section 2)."""


class GeluFeedForward(nn.Module):
    """W2 gelu(W1 x) with one of the `GELUS`."""

    def __init__(self, width: int, inner: int, gelu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.gelu = gelu
        self.expand = nn.Linear(width, inner)
        self.contract = nn.Linear(inner, width)

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return cast(Tensor, self.contract(self.gelu(self.expand(states))))


class SquaredReluFeedForward(nn.Module):
    """W2 relu(W1 x)^2 without biases (So et al. 2021, Primer, section 4)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, inner, bias=False)
        self.contract = nn.Linear(inner, width, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return cast(Tensor, self.contract(squared_relu(self.expand(states))))


def squared_relu(states: Tensor) -> Tensor:
    """relu(x)^2, elementwise."""
    return cast(Tensor, _SquaredRelu.apply(states))  # type: ignore[no-untyped-call]


class _SquaredRelu(torch.autograd.Function):
    """One pass backward instead of four."""

    @staticmethod
    def forward(ctx: Any, states: Tensor) -> Tensor:
        rectified = torch.relu(states)
        ctx.save_for_backward(rectified)
        return rectified * rectified

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (rectified,) = ctx.saved_tensors
        return torch.addcmul(rectified.new_zeros(()), gradients[0], rectified, value=2)
