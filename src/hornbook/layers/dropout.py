"""Dropout that costs little on a CPU: eight byte masks from every 64-bit draw (F.dropout draws one number an element)."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def dropout(states: Tensor, probability: float) -> Tensor:
    """Zero elements with `probability` (rounded to 1/256 on CPU) and scale the rest so that the mean stays."""
    if probability <= 0:
        return states
    if states.device.type != "cpu":
        return F.dropout(states, probability)
    threshold = min(255, max(1, round(probability * 256)))
    dropped = random_bytes(states.numel(), threshold).view(states.shape)
    scaled = _MaskedScale.apply(states, dropped, 256 / (256 - threshold))  # type: ignore[no-untyped-call]
    return cast(Tensor, scaled)


def random_bytes(count: int, threshold: int) -> Tensor:
    """(count,) bool, each True with probability threshold / 256, from torch's default generator."""
    words = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    return words.view(torch.uint8)[:count] < threshold


class Dropout(nn.Module):
    """Dropout in training, nothing otherwise."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, states: Tensor) -> Tensor:
        """(...) -> (...)."""
        return dropout(states, self.probability) if self.training else states


class VariationalDropout(nn.Module):
    """Dropout whose mask is the same at every time step of a row (Gal and Ghahramani 2016, section 4)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        if not self.training or self.probability <= 0:
            return states
        keep = torch.ones(states.shape[0], 1, states.shape[2], dtype=states.dtype, device=states.device)  # (B, 1, W)
        return states * dropout(keep, self.probability)


def drop_words(states: Tensor, ids: Tensor, vocabulary: int, probability: float) -> Tensor:
    """Zero the embeddings (B, T, W) of a part of the vocabulary wherever its words stand in `ids` (B, T), scale the rest.

    Gal and Ghahramani 2016, section 4.2; the same words are dropped in all rows of a batch.
    """
    if probability <= 0:
        return states
    threshold = min(255, max(1, round(probability * 256)))
    scale = 256 / (256 - threshold)
    if states.device.type == "cpu":
        dropped = random_bytes(vocabulary, threshold)
    else:
        dropped = torch.rand(vocabulary, device=states.device) < threshold / 256
    factor = torch.where(dropped, 0.0, scale).to(states.dtype)  # (V,)
    return states * factor[ids].unsqueeze(-1)


class _MaskedScale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, dropped: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(dropped)
        ctx.scale = scale
        return (states * scale).masked_fill_(dropped, 0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (dropped,) = ctx.saved_tensors
        return (gradients[0] * ctx.scale).masked_fill_(dropped, 0), None, None
