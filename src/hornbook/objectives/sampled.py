"""The causal objective with a softmax over some of the vocabulary: what a step costs no longer grows with the vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hornbook.core.types import CausalModule, Loss
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum
from hornbook.objectives.causal import CausalBatch

WORTH = 4
"""A vocabulary of so many times the samples is worth sampling; of a smaller one most is among the candidates anyway."""
_FLATTER = 0.75  # power of the counts by which others are drawn: rare words come more often than in the text


def sampled_loss(counts: NDArray[np.int64], samples: int) -> Callable[..., tuple[Loss, Any]]:
    """The causal objective among the targets of a batch and `samples` drawn others (Jean et al. 2015, section 3).

    Candidates of all positions are the same: the types among the batch's N targets, and those among `samples` draws by
    counts^0.75. A type of share p in the text and q in the draws is a candidate with probability Q = 1 - (1 - p)^N (1 - q)^S;
    its logit is lowered by log Q, so that the sum over candidates estimates the sum over the vocabulary. `counts` (V,) are
    those of the training text. The loss of a step is not the model's: its full softmax is measured on held-out text.
    """
    known = torch.from_numpy(counts + 1.0)
    shares = known / known.sum()
    draws = known**_FLATTER
    draws /= draws.sum()
    bounds = draws.cumsum(0)
    undrawn, untargeted = torch.log1p(-draws) * samples, torch.log1p(-shares)  # logs: in no draw, not one certain target

    def objective(module: CausalModule, batch: CausalBatch, carry: Any = None) -> tuple[Loss, Any]:
        apart = {} if batch.documents is None else {"documents": batch.documents}
        states, carry = module(batch.inputs, carry, **apart)  # (B, T, W)
        targets = batch.targets.reshape(-1)
        counted = targets[targets != IGNORED]
        drawn = torch.searchsorted(bounds, torch.rand(samples, dtype=bounds.dtype)).clamp_(max=len(bounds) - 1)
        candidates = torch.unique(torch.cat([counted, drawn.to(counted.device)]))  # (C,) rising
        here = candidates.cpu()
        lowered = -torch.log(-torch.expm1(undrawn[here] + len(counted) * untargeted[here])).to(candidates.device)  # -log Q
        places = torch.where(targets == IGNORED, targets, torch.searchsorted(candidates, targets))
        weight = module.output_weight.index_select(0, candidates)  # (C, W)
        bias = lowered if module.output_bias is None else module.output_bias.index_select(0, candidates) + lowered
        flat = states.reshape(-1, states.shape[-1])
        total = cross_entropy_sum(flat, weight, bias.to(weight.dtype), places)
        return Loss(total=total, count=len(counted), parts={}), carry

    return objective
