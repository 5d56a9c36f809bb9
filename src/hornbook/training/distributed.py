"""Several processes on one training: sums over ranks, the same decision everywhere, processes started and watched.

Every rank computes its rows of the same global batch; gradient sums and token counts are added over ranks and divided once,
so one rank and two see the same mathematics (data parallelism, Li et al. 2020, section 3.2, without its per-rank mean).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from hornbook.core.errors import ContentError, UsageError

TIMEOUT = timedelta(seconds=60)  # a rank that is silent for this long is taken for dead (P15)
PATIENCE = timedelta(minutes=30)  # for ranks that wait while rank 0 evaluates
_BUCKET = 4 << 20  # elements of one exchange: transfers overlap


class LostProcess(ContentError):
    """Another process of this training ended or stopped answering."""


@contextmanager
def _exchange() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what gloo and NCCL raise for a closed connection or a timeout
        reason = str(error).splitlines()[0]
        raise LostProcess("another process of this training ended or does not answer: {reason}", reason=reason) from error


class Ranks:
    """The processes of this run; one process alone when none was set up, and then every exchange is nothing."""

    def __init__(self) -> None:
        joined = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if joined else 0
        self.world = dist.get_world_size() if joined else 1
        self._control = dist.new_group(timeout=TIMEOUT, backend="gloo") if self.world > 1 else None
        self._waiting = dist.new_group(timeout=PATIENCE, backend="gloo") if self.world > 1 else None

    def sum_numbers(self, numbers: Sequence[float]) -> list[float]:
        """Each number added over all ranks, in float64."""
        if self.world == 1:
            return list(numbers)
        tensor = torch.tensor(numbers, dtype=torch.float64)
        with _exchange():
            dist.all_reduce(tensor, group=self._control)
        return [float(value) for value in tensor.tolist()]

    def sum_gradient(self, gradient: Tensor) -> None:
        """A flat buffer added over all ranks, in place."""
        if self.world == 1:
            return
        with _exchange():
            pending = [dist.all_reduce(piece, async_op=True) for piece in torch.split(gradient, _BUCKET)]
            for work in pending:
                if work is not None:
                    work.wait()

    def share(self, tensor: Tensor) -> None:
        """Rank 0's values for everyone, in place."""
        if self.world > 1:
            with _exchange():
                dist.broadcast(tensor, 0)

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensor of every rank, in rank order; all must have one shape."""
        if self.world == 1:
            return [tensor]
        host = tensor.detach().cpu().contiguous()
        found = [torch.empty_like(host) for _ in range(self.world)]
        with _exchange():
            dist.all_gather(found, host, group=self._control)
        return found

    def wait(self) -> None:
        """Until every rank is here; long waits are allowed (an evaluation on rank 0)."""
        if self.world > 1:
            with _exchange():
                dist.barrier(group=self._waiting)


def join() -> None:
    """Join the processes that torchrun started (RANK, WORLD_SIZE, MASTER_ADDR); nothing to do without it."""
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1 or dist.is_initialized():
        return
    if not dist.is_available():
        raise UsageError("this torch has no distributed package: train with --nproc 1")
    backend = "nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)


def leave() -> None:
    """Leave the process group."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
