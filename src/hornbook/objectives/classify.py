"""Objectives of classification: one label a text, or each label by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch.nn.functional as F
from torch import Tensor

from hornbook.core.types import Loss


class ClassTensors(Protocol):
    """Tensors of `corpus.class_batches.ClassBatch`."""

    documents: Any
    wanted: Any


ClassObjective = Callable[[Callable[[Any], Tensor], ClassTensors, Any], tuple[Loss, None]]


def one_label(weights: Tensor) -> ClassObjective:
    """Cross-entropy of the right label, each text counted by the weight of its label, (L,), whose mean over texts is 1."""

    def objective(module: Callable[[Any], Tensor], batch: ClassTensors, carry: Any = None) -> tuple[Loss, None]:
        scores = module(batch).float().log_softmax(-1)  # (B, L)
        counted = ~batch.wanted.isnan().any(1)
        wanted = batch.wanted.nan_to_num(0.0) * weights.to(scores.device)
        return Loss(-(wanted * scores).sum(), int(counted.sum()), {}, _read(batch)), None

    return objective


def each_label(weights: Tensor) -> ClassObjective:
    """Cross-entropy of every label being there or not; where it is there it counts by its weight, (L,)."""

    def objective(module: Callable[[Any], Tensor], batch: ClassTensors, carry: Any = None) -> tuple[Loss, None]:
        logits = module(batch).float()  # (B, L)
        counted = ~batch.wanted.isnan().any(1)
        losses = F.binary_cross_entropy_with_logits(
            logits, batch.wanted.nan_to_num(0.0), pos_weight=weights.to(logits.device), reduction="none"
        )
        return Loss((losses * counted.unsqueeze(1)).sum(), int(counted.sum()), {}, _read(batch)), None

    return objective


def _read(batch: ClassTensors) -> int:
    return int((batch.documents >= 0).sum())


def balanced(counts: Tensor, *, power: float) -> Tensor:
    """(L,) weights that rise as (1 / count)^power, with a mean of 1 over the texts that `counts` counts."""
    known = counts.clamp(min=1).double()
    raw = known**-power
    return (raw * known.sum() / (raw * known).sum()).float()
