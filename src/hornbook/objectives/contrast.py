"""The objective of learning from few labels: texts of one label close together, others apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from hornbook.core.types import Loss


class ContrastTensors(Protocol):
    """Tensors of `corpus.class_batches.ClassBatch`."""

    documents: Any  # (B, T) -1 behind the ends
    targets: Any  # (B,)


ContrastObjective = Callable[[Callable[[Any], Tensor], ContrastTensors, Any], tuple[Loss, None]]


def same_label(temperature: float) -> ContrastObjective:
    """Supervised contrastive loss over all pairs of a batch (Khosla et al. 2020, equation 2).

    The module gives (B, W) vectors of length 1. Each text guesses by cosine / temperature which of the others are of its
    label; a text that is alone with its label is not counted.
    """

    def objective(module: Callable[[Any], Tensor], batch: ContrastTensors, carry: Any = None) -> tuple[Loss, None]:
        vectors = module(batch).float()  # (B, W)
        alone = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
        scores = (vectors @ vectors.T / temperature).masked_fill(alone, -torch.inf).log_softmax(1)  # (B, B)
        same = (batch.targets.unsqueeze(0) == batch.targets.unsqueeze(1)) & ~alone
        partners = same.sum(1)  # (B,)
        losses = -scores.masked_fill(~same, 0.0).sum(1) / partners.clamp(min=1)
        return Loss(losses.sum(), int((partners > 0).sum()), {}, int((batch.documents >= 0).sum())), None

    return objective
