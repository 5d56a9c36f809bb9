"""Recurrent state between batches: nested tuples, lists and dicts of tensors, detached, flattened for a file, rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

Carry: TypeAlias = Any  # None, a tensor, or tuples, lists and dicts of carries


def map_tensors(carry: Carry, change: Callable[[Tensor], Tensor]) -> Carry:
    """The same structure with every tensor changed."""
    if carry is None:
        return None
    if isinstance(carry, Tensor):
        return change(carry)
    if isinstance(carry, dict):
        return {key: map_tensors(value, change) for key, value in carry.items()}
    if isinstance(carry, (tuple, list)):
        return type(carry)(map_tensors(value, change) for value in carry)
    raise TypeError(f"a carry holds tensors, tuples, lists and dicts, not {type(carry).__name__}")


def detach(carry: Carry) -> Carry:
    """Cut the graph, so that the next step does not reach back into this one (truncated backpropagation through time)."""
    return map_tensors(carry, Tensor.detach)


def flatten(carry: Carry, prefix: str) -> tuple[dict[str, Tensor], Any]:
    """Named tensors and a JSON description of the structure around them."""
    named: dict[str, Tensor] = {}

    def describe(part: Carry) -> Any:
        if part is None:
            return None
        if isinstance(part, Tensor):
            name = f"{prefix}{len(named)}"
            named[name] = part
            return name
        if isinstance(part, dict):
            return {"dict": {key: describe(value) for key, value in part.items()}}
        return {"tuple" if isinstance(part, tuple) else "list": [describe(value) for value in part]}

    return named, describe(carry)


def rebuild(description: Any, named: dict[str, Tensor], device: torch.device) -> Carry:
    """What `flatten` took apart, on a device."""
    if description is None:
        return None
    if isinstance(description, str):
        return named[description].to(device)
    if "dict" in description:
        return {key: rebuild(value, named, device) for key, value in description["dict"].items()}
    parts = [rebuild(value, named, device) for value in description.get("tuple", description.get("list"))]
    return tuple(parts) if "tuple" in description else parts
