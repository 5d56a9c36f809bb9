"""The position-wise feed-forward layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

GELUS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "gelu_new": partial(F.gelu, approximate="tanh")}
"""x times the normal distribution function of x, exact and in the tanh form of GPT-2 (Hendrycks and Gimpel 2016, section 2)."""


class GeluFeedForward(nn.Module):
    """W2 gelu(W1 x) with one of the `GELUS`."""

    def __init__(self, width: int, inner: int, gelu: Callable[[Tensor], Tensor], *, bias: bool = True) -> None:
        super().__init__()
        self.gelu = gelu
        self.expand = nn.Linear(width, inner, bias=bias)
        self.contract = nn.Linear(inner, width, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return cast(Tensor, self.contract(self.gelu(self.expand(states))))


class GatedFeedForward(nn.Module):
    """W2 (activation(W1 x) * V x), W1 and V in one matrix (Shazeer 2020, eq. 6: GeGLU with gelu, SwiGLU with silu)."""

    def __init__(self, width: int, inner: int, activation: Callable[[Tensor], Tensor], *, bias: bool = False) -> None:
        super().__init__()
        self.activation = activation
        self.expand = nn.Linear(width, 2 * inner, bias=bias)
        self.contract = nn.Linear(inner, width, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        opened, gate = self.expand(states).chunk(2, dim=-1)  # (B, T, inner) each
        return cast(Tensor, self.contract(self.activation(opened) * gate))


def gated_inner(width: int, inner: int) -> int:
    """`inner`, or when that is 0 two thirds of 4 widths up to a multiple of 64: three matrices as large as two of 4 widths."""
    return inner or -(-8 * width // (3 * 64)) * 64
