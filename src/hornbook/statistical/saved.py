"""Read back what a model of this room saved: config.json as a checked record, safetensors as checked arrays. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write config.json; the record begins with its model_type."""
    (folder / CONFIG).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_record(folder: Path, model_type: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    """config.json with every key of its kind, none missing, none extra; ContentError says which is not."""
    path = folder / CONFIG
    try:
        record: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    expected = {"model_type": str, **kinds}
    found = record if isinstance(record, dict) else {}
    wrong = [name for name, kind in expected.items() if type(found.get(name)) is not kind]
    wrong += [str(name) for name in found if name not in expected]
    if not wrong and found["model_type"] != model_type:
        wrong = ["model_type"]
    if wrong:
        raise damaged(path, f"{', '.join(wrong)} missing, unknown or of the wrong kind")
    return {name: found[name] for name in kinds}


def read_labels(folder: Path, labels: list[Any], least: int) -> tuple[str, ...]:
    """The labels of a record: text, different, in order; ContentError otherwise."""
    if not all(isinstance(label, str) for label in labels) or labels != sorted(set(labels)) or len(labels) < least:
        raise damaged(folder / CONFIG, "labels must be different texts in order")
    return tuple(labels)


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]], *, what: str) -> None:
    """Write model.safetensors. Raises DiskFullError."""
    from safetensors.numpy import save_file

    require_space(folder, sum(array.nbytes for array in arrays.values()) + (1 << 16), what=what)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / WEIGHTS)


def read_arrays(folder: Path, kinds: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[Any]]:
    """The arrays of model.safetensors by name: exactly those of `kinds` ("float32", dimensions), all numbers finite."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / WEIGHTS
    try:
        arrays: dict[str, NDArray[Any]] = load_file(path)
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, " ".join(str(error).split())[:200]) from error
    if sorted(arrays) != sorted(kinds):
        raise damaged(path, f"tensors {', '.join(sorted(arrays))} instead of {', '.join(sorted(kinds))}")
    for name, (kind, dimensions) in kinds.items():
        array = arrays[name]
        if array.dtype != np.dtype(kind) or array.ndim != dimensions:
            raise damaged(path, f"{name} is {array.dtype} {array.shape}, not {kind} of {dimensions} dimensions")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise damaged(path, f"{name} has a number that is not finite")
    return arrays


def require_shapes(folder: Path, fitting: Mapping[str, bool]) -> None:
    """ContentError naming the first array that does not fit."""
    for name, fits in fitting.items():
        if not fits:
            raise damaged(folder / WEIGHTS, f"{name} does not fit the rest")


def damaged(path: Path, what: str) -> ContentError:
    """The error for a file of a saved model that is not as it was written."""
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
