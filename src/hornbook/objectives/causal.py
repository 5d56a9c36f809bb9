"""The causal objective: predict every next token."""

from __future__ import annotations

from typing import Any, Protocol

from hornbook.core.types import CausalModule, Loss
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum


class CausalBatch(Protocol):
    """Tensors: `inputs` (B, T), and `targets` (B, T) what follows each of them, -100 where it is not counted.

    `documents` (B, T) or None numbers the documents of a row: a network without carry does not look from one into another.
    """

    inputs: Any
    targets: Any
    documents: Any


def causal_loss(module: CausalModule, batch: CausalBatch, carry: Any = None) -> tuple[Loss, Any]:
    """Negative log-likelihood of the targets (B, T) after the inputs (B, T), and the carry for the next call."""
    apart = {} if batch.documents is None else {"documents": batch.documents}
    states, carry = module(batch.inputs, carry, **apart)  # (B, T, W)
    flat = batch.targets.reshape(-1)
    total = cross_entropy_sum(states.reshape(-1, states.shape[-1]), module.output_weight, module.output_bias, flat)
    count = int((flat != IGNORED).sum())
    return Loss(total=total, count=count, parts={}), carry
