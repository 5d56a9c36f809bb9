"""How much memory a training will need, before it starts; and what to do when there is not enough (P19)."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.runtime import rss_mb

_SHARE = 0.9  # of the machine's memory a training may take
_TEMPORARY = 1.3  # activations beside those autograd keeps


class SavedTensors:
    """A context in which the bytes that autograd keeps for the backward pass are counted, each storage once."""

    def __init__(self, known: list[Tensor]) -> None:
        self._known = {tensor.untyped_storage().data_ptr() for tensor in known}
        self._seen: dict[int, int] = {}
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor)

    def __enter__(self) -> SavedTensors:
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._hooks.__exit__(*error)

    @property
    def bytes(self) -> int:
        """Bytes kept so far, weights excluded."""
        return sum(self._seen.values())

    def _pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._known:
            self._seen[storage.data_ptr()] = storage.nbytes()
        return tensor


def machine_memory() -> float:
    """Bytes this process may use: of the machine, its control group (a container), or its own limit, whichever is least."""
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    address_space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if address_space != resource.RLIM_INFINITY:
        limits.append(float(address_space))
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(float(Path(name).read_text()))
        except (OSError, ValueError):  # absent, or "max"
            continue
    return min(limits)


def require_memory(weights: int, activations: int, *, device: torch.device, force: bool) -> float:
    """MB a training needs beside what is used already; UsageError when that is above 90 % of the memory, unless forced."""
    need = weights + _TEMPORARY * activations
    if device.type == "cuda":
        limit, used = float(torch.cuda.get_device_properties(device).total_memory), 0.0
    else:
        limit, used = machine_memory(), rss_mb() * 1e6
    if used + need > _SHARE * limit and not force:
        raise UsageError(
            "training needs about {need:.0f} MB (weights and optimiser {weights:.0f}, activations {activations:.0f}) and "
            "{used:.0f} MB are in use, of {limit:.0f} MB: lower --training.rows, raise --training.accumulate, or force it with "
            "--training.ignore-memory yes",
            need=need / 1e6,
            weights=weights / 1e6,
            activations=_TEMPORARY * activations / 1e6,
            used=used / 1e6,
            limit=limit / 1e6,
        )
    return need / 1e6


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn 'out of memory' of Python, the CPU allocator or a GPU into one line with the two settings that help."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        known = ("can't allocate memory", "not enough memory", "out of memory")
        if not isinstance(error, MemoryError) and not any(part in text for part in known):
            raise
        raise ContentError(
            "out of memory while training: lower --training.rows or raise --training.accumulate, or choose a smaller model"
        ) from error
