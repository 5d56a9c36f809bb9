"""The objective of tagging: the labels of the words of a batch, as a chain or each by itself."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from hornbook.core.types import Loss


class TagTensors(Protocol):
    """Tensors of `corpus.tag_batches.TagBatch`."""

    documents: Any
    places: Any
    targets: Any


class TagModule(Protocol):
    """A network that scores the labels of words, and what a chain of them costs."""

    def __call__(self, batch: Any) -> Tensor:
        """(N, L) emissions of all words."""
        ...

    def loss(self, emissions: Tensor, places: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """The sum over words that have a target (B, K), and their number."""
        ...


def tag_loss(module: TagModule, batch: TagTensors, carry: Any = None) -> tuple[Loss, None]:
    """Negative log-likelihood of the labels, in nats; counted are words. No carry."""
    total, count = module.loss(module(batch), batch.places, batch.targets)
    return Loss(total, count, {}, int((batch.documents >= 0).sum())), None
