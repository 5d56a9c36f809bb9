"""Tensors of a saved model, strictly: every expected tensor must be there with its shape, and none beside them (P8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hornbook.core.errors import ContentError, UsageError, nearest
from hornbook.core.events import Note

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_PICKLED = ("*.bin", "*.bin.index.json", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


@dataclass(frozen=True)
class Loaded:
    """What was opened: `used` of the `held` tensors of the files, and what is to be said about it."""

    used: int
    held: int
    notes: tuple[Note, ...] = ()

    def __str__(self) -> str:
        return f"{self.used} of {self.held} tensors"


def write_weights(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write model.safetensors (with the note that transformers looks for)."""
    plain: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        plain[name] = tensor.clone() if tensor.data_ptr() in places else tensor  # one under two names is written twice
        places.add(tensor.data_ptr())
    save_file(plain, folder / WEIGHTS, {"format": "pt"})


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
    tensors: dict[str, Tensor] = {}
    for path in _files(folder):
        with _opened(path) as file:
            for key in file.keys():  # noqa: SIM118 (not a dict)
                if key in tensors:
                    raise ContentError("{path}: tensor '{key}' is in another file too", path=path, key=key)
                tensors[key] = file.get_tensor(key)
    return tensors


def tensor_names(folder: Path) -> set[str]:
    """Names of the tensors that read_weights would give."""
    names: set[str] = set()
    for path in _files(folder):
        with _opened(path) as file:
            names.update(file.keys())
    return names


def _files(folder: Path) -> list[Path]:
    """The files that hold the weights. ContentError when one is missing, or when weights are there in a form that runs code."""
    index = folder / (WEIGHTS + ".index.json")
    names = [WEIGHTS]
    if not (folder / WEIGHTS).exists() and index.exists():
        parts = read_json(index).get("weight_map")
        if not isinstance(parts, dict) or not parts:
            raise ContentError(
                "{path} is damaged: {error}. Restore the folder or train again.", path=index, error="no weight_map"
            )
        names = sorted({Path(str(name)).name for name in parts.values()})
    for name in names:
        if not (folder / name).is_file():
            pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
            if pickled:
                raise ContentError(
                    "{path} is not opened: weights of this form can run code. Save the model as {wanted} where you trust it "
                    "(save_pretrained of transformers does), then open that folder",
                    path=folder / pickled[0],
                    wanted=WEIGHTS,
                )
            raise ContentError("{path} is missing: a model folder holds its weights there", path=folder / name)
    return [folder / name for name in names]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ContentError("{path} is damaged: {error}. Restore the folder or train again.", path=path, error=error) from None


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
