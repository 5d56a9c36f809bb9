"""Small safetensors files, read strictly: every expected array with its type and shape, none extra, before memory is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError

Shapes = Mapping[str, tuple[type[Any], tuple[int, ...]]]
_TYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64, "U8": np.uint8, "U16": np.uint16}
_TYPES |= {"U32": np.uint32}
_MAX_HEADER = 1 << 16


def save_tensors(tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write arrays as a safetensors file that any reader of the format opens."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, path)


def load_tensors(path: Path, expected: Shapes) -> dict[str, NDArray[Any]]:
    """The arrays of a file; ContentError unless it holds exactly `expected`: {name: (type, shape)}, and nothing besides.

    Sizes are compared with the file before anything is allocated.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_MAX_HEADER, size - 8):
                raise _damaged(path, "the length of its header is wrong")
            header = json.loads(file.read(length))
            found = {name: entry for name, entry in header.items() if name != "__metadata__"}
            if sorted(found) != sorted(expected):
                raise _damaged(path, f"tensors {', '.join(sorted(found))} instead of {', '.join(sorted(expected))}")
            begins = _check(path, found, expected, size - 8 - length)
            tensors: dict[str, NDArray[Any]] = {}
            for name, (kind, shape) in expected.items():
                file.seek(8 + length + begins[name])
                count = int(np.prod(shape, dtype=np.int64))
                tensors[name] = np.fromfile(file, dtype=kind, count=count).reshape(shape)
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise _damaged(path, " ".join(str(error).split())) from error
    return tensors


def _check(path: Path, found: Mapping[str, Any], expected: Shapes, data: int) -> dict[str, int]:
    """Where each array begins; types, shapes and offsets must be the expected ones and cover the data exactly."""
    begins: dict[str, int] = {}
    ranges = []
    for name, (kind, shape) in expected.items():
        entry = found[name]
        begin, end = (int(offset) for offset in entry["data_offsets"])
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        if _TYPES.get(entry["dtype"]) is not kind or tuple(entry["shape"]) != shape:
            wanted = f"{np.dtype(kind).name} {list(shape)}"
            raise _damaged(path, f"{name} is {entry['dtype']} {entry['shape']}, the configuration asks for {wanted}")
        if begin < 0 or end - begin != size:
            raise _damaged(path, f"{name} lies outside the file")
        begins[name] = begin
        ranges.append((begin, end))
    ranges.sort()
    place = 0
    for begin, end in ranges:
        if begin != place:
            raise _damaged(path, "its tensors overlap or leave gaps")
        place = end
    if place != data:
        raise _damaged(path, f"it holds {data} bytes, its header says {place}")
    return begins


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
