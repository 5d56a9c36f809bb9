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

_SIZES = 64  # of the places of a batch, in how many steps the number that the head reads may grow


class MaskedTensors(Protocol):
    """Tensors of `corpus.masked_batches.MaskedBatch`: inputs, targets and documents (B, T), labels (B,) or None."""

    inputs: Any
    targets: Any
    documents: Any
    segments: Any
    labels: Any


def masked_loss(module: MaskedModule, batch: MaskedTensors, carry: Any = None) -> tuple[Loss, None]:
    """Negative log-likelihood of the hidden tokens; no carry.

    The head reads only their positions. Where rows have labels, the loss of the next sentence is added, of each row as many
    times as tokens are hidden in it: after the one division by the number of hidden tokens both are means that count alike, as
    in BERT, and the sum over parts of a batch is that of the whole, on however many ranks.
    """
    states = module(batch.inputs, batch.documents, batch.segments)  # (B, T, W)
    flat = batch.targets.reshape(-1)
    places = torch.nonzero(flat != IGNORED).squeeze(1)  # (N,)
    targets, count = flat[places], int(places.numel())
    # every new size of a product is compiled and kept, and leaves holes in the heap: memory grew at every step (docs/log.md)
    room = F.pad(places, (0, -count % max(1, flat.numel() // _SIZES)))  # (N + a few)
    guesses = module.transform(states.reshape(-1, states.shape[-1]).index_select(0, room))  # (N + a few, E)
    total = cross_entropy_sum(guesses, module.output_weight, module.output_bias, targets)
    read = int((batch.documents >= 0).sum()) if batch.documents is not None else batch.inputs.numel()
    if batch.labels is None:
        return Loss(total, count, {}, read), None
    following = next_sentence_losses(module, states, batch.labels)  # (B,)
    hidden = (batch.targets != IGNORED).sum(1)  # (B,)
    parts = {
        "masked": (float(total.detach()), count),
        "next_sentence": (float(following.detach().sum()), int((batch.labels != IGNORED).sum())),
    }
    return Loss(total + (following * hidden).sum(), count, parts, read), None


def next_sentence_losses(module: MaskedModule, states: Tensor, labels: Tensor) -> Tensor:
    """(B,) -log p(label), 0 where a row has none, in float32 or wider; states (B, T, W), labels (B,)."""
    logits = module.next_sentence(states[:, 0])  # (B, 2)
    wide = logits if logits.dtype == torch.float64 else logits.float()
    return F.cross_entropy(wide, labels, reduction="none", ignore_index=IGNORED)
