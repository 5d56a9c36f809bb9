"""The causal objective: predict every next token."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from hornbook.core.types import CausalModule, Loss
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum


def causal_loss(module: CausalModule, inputs: Tensor, targets: Tensor, carry: Any = None) -> tuple[Loss, Any]:
    """Negative log-likelihood of `targets` (B, T) after `inputs` (B, T), -100 skipped, and the carry for the next call."""
    states, carry = module(inputs, carry)  # (B, T, W)
    flat = targets.reshape(-1)
    total = cross_entropy_sum(states.reshape(-1, states.shape[-1]), module.output_weight, module.output_bias, flat)
    count = int((flat != IGNORED).sum())
    return Loss(total=total, count=count, parts={}), carry
