"""Tensors of a saved model, strictly: every expected tensor must be there with its shape, and none beside them (P8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hornbook.core.errors import ContentError, UsageError, nearest

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def write_weights(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write model.safetensors (with the note that transformers looks for)."""
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS, {"format": "pt"}
    )


def write_json(table: Mapping[str, Any], path: Path) -> None:
    """Write a JSON object, keys sorted."""
    path.write_text(json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. UsageError when it is missing, ContentError when it is not a JSON object."""
    try:
        table = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError("{path} does not exist", path=path) from None
    except ValueError as error:
        raise ContentError("{path} is damaged: {error}. Restore the folder or train again.", path=path, error=error) from None
    if not isinstance(table, dict):
        raise ContentError("{path} is damaged: {error}. Restore the folder or train again.", path=path, error="not an object")
    return table


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Every tensor of model.safetensors, or of the parts that model.safetensors.index.json lists."""
    index = folder / (WEIGHTS + ".index.json")
    names = [WEIGHTS]
    if not (folder / WEIGHTS).exists() and index.exists():
        names = sorted({Path(str(name)).name for name in dict(read_json(index).get("weight_map", {})).values()})
    tensors: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            raise ContentError("{path} is missing: a model folder holds its weights there", path=path)
        try:
            with safe_open(path, framework="pt") as file:
                tensors.update({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118 (not a dict)
        except (SafetensorError, OSError) as error:
            raise ContentError(
                "{path} is damaged: {error}. Restore the folder or train again.", path=path, error=error
            ) from None
    return tensors


def check_size(folder: Path, expected: int) -> None:
    """Refuse a config.json that promises more weights than the files can hold, before memory is asked for."""
    held = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if expected > held:  # at least one byte a weight
        raise ContentError(
            "{path} describes {expected} weights, but the weight files have {held} bytes: they do not belong together",
            path=folder / CONFIG,
            expected=expected,
            held=held,
        )


def fill(targets: Mapping[str, Tensor], found: Mapping[str, Tensor], *, where: Path) -> int:
    """Copy tensors into the targets of the same names; the number copied. ContentError names what differs, and the nearest."""
    missing, extra = sorted(targets.keys() - found.keys()), sorted(found.keys() - targets.keys())
    if missing:
        raise ContentError(
            "{path}: tensor '{key}' is missing ({present} of {total} are there).{hint}",
            path=where,
            key=missing[0],
            present=len(targets) - len(missing),
            total=len(targets),
            hint=nearest(missing[0], extra) if extra else "",
        )
    if extra:
        raise ContentError("{path}: unknown tensor '{key}'.{hint}", path=where, key=extra[0], hint=nearest(extra[0], targets))
    with torch.no_grad():
        for name, target in targets.items():
            tensor = found[name]
            if tensor.shape != target.shape:
                raise ContentError(
                    "{path}: tensor '{key}' has shape {found}, the configuration asks for {expected}",
                    path=where,
                    key=name,
                    found=tuple(tensor.shape),
                    expected=tuple(target.shape),
                )
            if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
                raise ContentError("{path}: tensor '{key}' holds values that are not finite numbers", path=where, key=name)
            target.copy_(tensor)
    return len(targets)


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; tied ones once."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
