"""A tiny causal module and batches for tests of the loop: an embedding, a recurrent or feed-forward layer, a tied output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hornbook.core.types import Loss


@dataclass(frozen=True)
class Rows:
    inputs: Any
    targets: Any
    fresh: bool


class TinyBatches:
    """Batch `index` is a function of (seed, index); part of `world` is a slice of its rows. Every `epoch` batches are fresh."""

    def __init__(
        self, *, rows: int = 8, length: int = 6, size: int = 11, seed: int = 3, epoch: int = 4, blanks: bool = True
    ) -> None:
        self.rows, self.length, self.size, self.seed, self.epoch, self.blanks = rows, length, size, seed, epoch, blanks
        self.seen: list[tuple[int, int, int]] = []

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> Rows:
        self.seen.append((batch_index, rank, world))
        random = np.random.default_rng((self.seed, batch_index))
        text = np.cumsum(random.integers(1, 3, size=(self.rows, self.length + 1)), axis=1) % self.size
        inputs, targets = text[:, :-1].astype(np.int64), text[:, 1:].astype(np.int64).copy()
        if self.blanks:
            targets[random.random(targets.shape) < 0.2] = -100  # parts have different counts
        share = slice(self.rows * rank // world, self.rows * (rank + 1) // world)
        return Rows(inputs[share], targets[share], batch_index % self.epoch == 0)


class Tiny(nn.Module):
    """(B, T) ids -> (B, T, W) states."""

    def __init__(self, *, size: int = 11, width: int = 8, recurrent: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, width)
        self.recurrent = nn.LSTM(width, width, batch_first=True) if recurrent else None
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(size))

    @property
    def output_weight(self) -> nn.Parameter:
        return self.embedding.weight

    @property
    def output_bias(self) -> nn.Parameter:
        return self.bias

    def forward(self, ids: torch.Tensor, carry: object = None) -> tuple[torch.Tensor, object]:
        states = self.embedding(ids)
        if self.recurrent is not None:
            states, carry = self.recurrent(states, carry)
        return self.dropout(torch.tanh(self.mix(states))), carry


def tiny(seed: int = 0, **options: object) -> Tiny:
    torch.manual_seed(seed)
    return Tiny(**options)  # type: ignore[arg-type]


def objective(module: Tiny, batch: Rows, carry: object) -> tuple[Loss, object]:
    targets = batch.targets
    states, carry = module(batch.inputs, carry)
    logits = functional.linear(states, module.output_weight, module.output_bias)
    total = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
    return Loss(total, int((targets != -100).sum()), {}), carry


def fingerprint(module: nn.Module) -> str:
    import hashlib

    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
