"""One optimiser step: pieces forward and backward, sums over ranks, one division by the true count, guard, update."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hornbook.core.types import Loss
from hornbook.training.carry import Carry, detach
from hornbook.training.config import TrainingConfig
from hornbook.training.device import on_device
from hornbook.training.distributed import Ranks
from hornbook.training.flat import FlatWeights
from hornbook.training.memory import SavedTensors
from hornbook.training.optim import Optimizer
from hornbook.training.precision import Trial, forward_context
from hornbook.training.signals import Signals

Objective: TypeAlias = Callable[[Any, Any, Carry], tuple[Loss, Carry]]
"""objective(module, batch, carry) -> the loss, summed over counted tokens, and the next carry; the batch holds tensors."""


class TrainingBatch(Protocol):
    """The rows of one rank or piece, a dataclass: `inputs` and `targets` (B, T) int64, -100 not counted; `fresh` drops the
    carry. Its arrays, B rows each, become tensors for the objective.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    fresh: bool


class Batches(Protocol):
    """Batches as a function of their index: any rank seeks to any of them at once."""

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0) -> Any:
        """The rows of rank `rank` of `world` of one global batch; `progress` is the part of the budget spent, for schedules."""
        ...


@dataclass(frozen=True)
class Sums:
    """Over the pieces of one rank: the loss, what to divide it by, the tokens of text read."""

    total: float
    count: int
    tokens: int


@dataclass(frozen=True)
class Shared:
    """What the ranks agreed on in one step."""

    loss: float  # nats per counted token
    count: int
    tokens: int  # of text read
    elapsed: float  # rank 0's clock
    margin: float  # seconds that rank 0 wants to keep for the end
    terminated: bool
    interrupted: bool


class Stepper:
    """Computes gradients of global batches and applies them."""

    def __init__(
        self, module: nn.Module, objective: Objective, batches: Batches, config: TrainingConfig, *, ranks: Ranks
    ) -> None:
        self.module = module
        self.objective = objective
        self.batches = batches
        self.config = config
        self.ranks = ranks
        self.pieces = config.accumulate
        self.carries: list[Carry] = [None] * self.pieces

    def gradient(self, index: int, step: int, weights: FlatWeights, precision: str, progress: float) -> Sums:
        """Leave the sum of this rank's gradients of batch `index` in `weights.gradient`; returns what its losses sum to."""
        seed_step(self.config.seed, step, self.ranks.rank)
        weights.clear()
        total, count, tokens = 0.0, 0, 0
        world = self.ranks.world * self.pieces
        device = weights.master.device
        for piece in range(self.pieces):
            batch = self.batches.part(index, self.ranks.rank * self.pieces + piece, world, progress)
            carry = None if batch.fresh else self.carries[piece]
            with forward_context(precision, device):
                loss, carry = self.objective(self.module, on_device(batch, device), carry)
            loss.total.backward()  # type: ignore[no-untyped-call]
            weights.collect(first=piece == 0)
            self.carries[piece] = detach(carry)
            total += float(loss.total.detach())
            count += loss.count
            tokens += loss.tokens
        return Sums(total, count, tokens)

    def kept_bytes(self, weights: FlatWeights, precision: str) -> int:
        """Bytes autograd keeps for the rows of one piece, measured on one row of batch 0."""
        batch = self.batches.part(0, self.ranks.rank * self.pieces, self.ranks.world * self.pieces)
        buffers = [buffer.clone() for buffer in self.module.buffers()]
        device = weights.master.device
        known = [weights.master if weights.narrow is None else weights.narrow]
        with SavedTensors(known) as saved, forward_context(precision, device):
            self.objective(self.module, on_device(batch, device, rows=1), None)
        for buffer, before in zip(self.module.buffers(), buffers):
            buffer.copy_(before)
        return saved.bytes * len(batch.inputs)

    def share(self, sums: Sums, *, clock: tuple[float, float], signals: Signals) -> Shared:
        """Add losses and counts over the ranks; rank 0's clock (elapsed, margin) and anyone's signals hold for all."""
        elapsed, margin = clock if self.ranks.rank == 0 else (0.0, 0.0)
        total, count, tokens, elapsed, margin, terminated, interrupted = self.ranks.sum_numbers(
            [sums.total, sums.count, sums.tokens, elapsed, margin, signals.terminated, signals.interrupted]
        )
        loss = total / max(count, 1)
        return Shared(loss, int(count), int(tokens), elapsed, margin, terminated > 0, interrupted > 0)

    def apply(self, shared: Shared, weights: FlatWeights, optimizer: Optimizer, factor: float) -> tuple[float, bool]:
        """Sum gradients over ranks, divide once by the count, clip, update; returns the norm and whether it was applied."""
        self.ranks.sum_gradient(weights.gradient)
        norm = float(torch.linalg.vector_norm(weights.gradient)) / max(shared.count, 1)
        if not (np.isfinite(norm) and np.isfinite(shared.loss)):
            self.carries = [None] * self.pieces  # a state that is not finite would spoil the next step too
            return norm, False
        clip = self.config.clip
        scale = clip / norm if clip and norm > clip else 1.0
        weights.gradient.mul_(scale / max(shared.count, 1))
        optimizer.step(factor)
        weights.refresh()
        return norm, True

    def trial(self, groups: list[tuple[str, ...]], precision: str, compute: torch.dtype | None, *, tokens: int = 1024) -> Trial:
        """One real step in a precision on a few rows of batch 0; weights, buffers and random numbers are left as they were."""
        batch = self.batches.part(0, self.ranks.rank * self.pieces, self.ranks.world * self.pieces)
        rows = max(1, min(len(batch.inputs), tokens // max(1, batch.inputs.shape[1])))
        buffers = {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        weights = FlatWeights(self.module, groups, compute=compute)
        device = weights.master.device
        few = on_device(batch, device, rows=rows)
        best, value, norm = float("inf"), 0.0, 0.0
        try:
            for _ in range(2):
                seed_step(self.config.seed, 0, self.ranks.rank)
                weights.clear()
                begin = time.perf_counter()
                with forward_context(precision, device):
                    loss, _ = self.objective(self.module, few, None)
                loss.total.backward()  # type: ignore[no-untyped-call]
                weights.collect(first=True)
                value = float(loss.total.detach()) / max(loss.count, 1)
                norm = float(torch.linalg.vector_norm(weights.gradient))
                best = min(best, time.perf_counter() - begin)
        finally:
            weights.release()
            for name, buffer in self.module.named_buffers():
                buffer.copy_(buffers[name])
        return Trial(best, value, norm)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Make every random number of a step a function of (seed, step, rank): a resume needs no saved generator (P1)."""
    mixed = int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0])
    torch.manual_seed(mixed & (2**63 - 1))
    np.random.seed(mixed & 0xFFFFFFFF)
    random.seed(mixed)
