"""Dropout that costs little on a CPU: one compiled pass with eight byte masks from every 64-bit draw (dropout_kernels.py).

F.dropout draws one number an element and was twenty times slower; the mask is not kept, the backward pass draws it again.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_COMPILED = (torch.bfloat16, torch.float32, torch.float64)


def dropout(states: Tensor, probability: float) -> Tensor:
    """Zero elements with `probability` (rounded to 1/256 on CPU) and scale the rest so that the mean stays."""
    if probability <= 0:
        return states
    if states.device.type != "cpu" or states.dtype not in _COMPILED:
        return F.dropout(states, probability)
    key = int(torch.randint(-(2**63), 2**63 - 1, ()))  # all that has to be kept of the mask
    return cast(Tensor, _Dropped.apply(states, key, _threshold(probability)))  # type: ignore[no-untyped-call]


def _threshold(probability: float) -> int:
    """Of 256 byte values, how many drop."""
    return min(255, max(1, round(probability * 256)))


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
    factor = dropout(torch.ones(vocabulary, dtype=states.dtype, device=states.device), probability)  # (V,)
    return states * factor[ids].unsqueeze(-1)


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, key: int, threshold: int) -> Tensor:
        ctx.key, ctx.threshold = key, threshold
        return _dropped(states, key, threshold)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _dropped(gradients[0], ctx.key, ctx.threshold), None, None


def _dropped(states: Tensor, key: int, threshold: int) -> Tensor:
    """(...) -> (...): element i is zero when byte i of the stream `key` is below the threshold, else scaled."""
    from hornbook.layers.dropout_kernels import drop_bfloat16, drop_floats

    states = states.detach().contiguous()
    result = torch.empty_like(states)
    scale, stream = 256 / (256 - threshold), np.uint64(key & (2**64 - 1))
    if states.dtype == torch.bfloat16:
        numbers, taken = (tensor.view(-1).view(torch.uint16).numpy() for tensor in (states, result))
        drop_bfloat16(numbers, taken, stream, np.uint8(threshold), np.float32(scale))
    else:
        numbers, taken = (tensor.view(-1).numpy() for tensor in (states, result))
        drop_floats(numbers, taken, stream, np.uint8(threshold), numbers.dtype.type(scale))
    return result
