"""The objective of a forward and a backward language model together: the sum of both (Peters et al. 2018, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hornbook.core.types import Loss
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum
from hornbook.objectives.causal import CausalBatch


class TwoWayModule(Protocol):
    """What the objective needs of a pair of networks that share their table."""

    counts: Tensor
    dropout: Callable[[Tensor], Tensor]

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W)."""
        ...

    @property
    def output_bias(self) -> nn.Parameter:
        """(V,)."""
        ...

    def forwards(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, W): state t has read ids 0 to t."""
        ...

    def backwards(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, W): state t has read ids T - 1 down to t."""
        ...


def both_directions_loss(module: TwoWayModule, batch: CausalBatch, carry: Any = None) -> tuple[Loss, Any]:
    """Negative log-likelihood of every next token and of every previous one, each once; `parts` has one sum a direction.

    The forward half guesses the targets (B, T) after the inputs (B, T). The backward half guesses the inputs from those behind
    them, all but the last. No state is carried from batch to batch: text behind the next batch is not there yet.
    """
    inputs, targets = batch.inputs, batch.targets
    forward, forward_count = _likelihood(module, module.forwards(inputs), targets)
    backward, backward_count = _likelihood(module, module.backwards(inputs[:, 1:]), inputs[:, :-1])
    if torch.is_grad_enabled():
        # of inputs, not of targets: the backward half guesses `start` too
        module.counts += torch.bincount(inputs.reshape(-1), minlength=len(module.counts)).to(module.counts.dtype)
    parts = {
        "forward": (float(forward.detach()), forward_count),
        "backward": (float(backward.detach()), backward_count),
    }
    return Loss(total=forward + backward, count=forward_count + backward_count, parts=parts), None


def _likelihood(module: TwoWayModule, states: Tensor, targets: Tensor) -> tuple[Tensor, int]:
    flat = targets.reshape(-1)
    states = module.dropout(states).reshape(-1, states.shape[-1])
    total = cross_entropy_sum(states, module.output_weight, module.output_bias, flat)
    return total, int((flat != IGNORED).sum())
