"""Where the tensors live: the device of a run, and batches brought to it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hornbook.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

B = TypeVar("B", bound="DataclassInstance")


def pick_device(name: str, *, local_rank: int = 0) -> torch.device:
    """The device called `name`: auto (cuda, else mps, else cpu), cpu, cuda, cuda:1, mps. UsageError when it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = name.split(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UsageError("unknown device '{name}'.{hint}", name=name, hint=nearest(name, ("auto", "cpu", "cuda", "mps")))
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise UsageError("device {name} is not there: torch sees no CUDA device. Use --device cpu.", name=name)
        index = int(name.split(":")[1]) if ":" in name else local_rank % torch.cuda.device_count()
        torch.cuda.set_device(index)
        return torch.device("cuda", index)
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device {name} is not there: torch sees no Apple GPU. Use --device cpu.", name=name)
    return torch.device(kind)


def on_device(batch: B, device: torch.device, *, rows: int | None = None) -> B:
    """The batch, a dataclass, with tensors on the device in place of its arrays; only its first `rows` rows where given."""
    arrays = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    moved = {name: _to_device(array[:rows], device) for name, array in arrays.items() if isinstance(array, np.ndarray)}
    return dataclasses.replace(batch, **moved)


def _to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copied without waiting where the device works beside the CPU."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
