"""The masked objective: guess hidden tokens from both sides, and beside it whether the second segment follows the first.

Devlin et al. 2019, section 3.1; sentence order in place of the next sentence: Lan et al. 2020, section 3.1 (other labels, the
same loss).
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from hornbook.core.types import Loss, MaskedModule
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum


class MaskedTensors(Protocol):
    """Tensors of `corpus.masked_batches.MaskedBatch`: inputs, targets and documents (B, T), labels (B,) or None."""

    inputs: Any
    targets: Any
    documents: Any
    segments: Any
    labels: Any


def masked_loss(module: MaskedModule, batch: MaskedTensors, carry: Any = None) -> tuple[Loss, None]:
    """Negative log-likelihood of the hidden tokens; no carry.

    The head reads only their positions. Where rows have labels, the mean loss of the next sentence is added, weighted so that
    after the one division by the number of hidden tokens both means count alike, as in BERT.
    """
    states = module(batch.inputs, batch.documents, batch.segments)  # (B, T, W)
    flat = batch.targets.reshape(-1)
    places = torch.nonzero(flat != IGNORED).squeeze(1)  # (N,)
    targets = flat[places]
    guesses = module.transform(states.reshape(-1, states.shape[-1]).index_select(0, places))  # (N, E)
    total = cross_entropy_sum(guesses, module.output_weight, module.output_bias, targets)
    count = int(targets.numel())
    read = int((batch.documents >= 0).sum()) if batch.documents is not None else batch.inputs.numel()
    if batch.labels is None:
        return Loss(total, count, {}, read), None
    following, pairs = next_sentence_sum(module, states, batch.labels)
    parts = {"masked": (float(total.detach()), count), "next_sentence": (float(following.detach()), pairs)}
    return Loss(total + following * (count / max(pairs, 1)), count, parts, read), None


def next_sentence_sum(module: MaskedModule, states: Tensor, labels: Tensor) -> tuple[Tensor, int]:
    """Sum of -log p(label) over the rows that have one, in float32, and their number; states (B, T, W), labels (B,)."""
    logits = module.next_sentence(states[:, 0])  # (B, 2)
    total = F.cross_entropy(logits.float(), labels, reduction="sum", ignore_index=IGNORED)
    return total, int((labels != IGNORED).sum())
