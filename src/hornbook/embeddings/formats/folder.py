"""The folder hornbook saves word vectors in: config.json, words.txt (one a line), model.safetensors, mapped when loaded.

Phrases that were learned are a folder in it, phrases/.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError
from hornbook.embeddings.vectors import MODEL_TYPE, WordVectors

if TYPE_CHECKING:
    from hornbook.embeddings.phrases import Phrases
    from hornbook.embeddings.subwords import Subwords

V = TypeVar("V", bound=WordVectors)
WEIGHTS, WORDS, CONFIG, PHRASES = "model.safetensors", "words.txt", "config.json", "phrases"
_TYPES = {"F32": "<f4", "I64": "<i8", "I32": "<i4"}
_MAX_HEADER = 1 << 16


def save_folder(vectors: WordVectors, folder: Path) -> None:
    """Write the files into an existing folder. ContentError for a word with a line break, DiskFullError."""
    broken = next((word for word in vectors.index_to_key if "\n" in word or not word), None)
    if broken is not None:
        raise ContentError("the word {word!r} cannot be saved: a word is not empty and has no line break", word=broken)
    require_space(folder, int(vectors.size_mb * 1e6) + _MAX_HEADER, what="word vectors")
    tensors: dict[str, NDArray[Any]] = {"vectors": vectors.vectors}
    if vectors.context is not None:
        tensors["context"] = vectors.context
    if vectors.subwords is not None:
        tensors["buckets"] = vectors.subwords.buckets
        if vectors.subwords.places.size:
            tensors["places"] = vectors.subwords.places
    if vectors.counts is not None:
        tensors["counts"] = vectors.counts
    write_tensors(tensors, folder / WEIGHTS)
    with open(folder / WORDS, "wb") as file:
        file.writelines(word.encode("utf-8", "surrogateescape") + b"\n" for word in vectors.index_to_key)
    subwords = vectors.subwords
    record = {
        "model_type": MODEL_TYPE,
        "words": len(vectors),
        "dimensions": vectors.vector_size,
        "subwords": None
        if subwords is None
        else {"min_n": subwords.config.min_n, "max_n": subwords.config.max_n, "buckets": subwords.config.buckets},
        "facts": vectors.facts,
    }
    (folder / CONFIG).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if vectors.phrases is not None:
        (folder / PHRASES).mkdir(exist_ok=True)
        vectors.phrases.save_files(folder / PHRASES)


def load_folder(kind: type[V], folder: Path) -> V:
    """Map a saved folder; every count is checked against the others and against the size of the files first."""
    path = folder / CONFIG
    record = _read_config(path)
    rows, size = record["words"], record["dimensions"]
    wanted = {"vectors": ("F32", (rows, size)), "context": ("F32", (rows, size)), "counts": ("I64", (rows,))}
    if record["subwords"] is not None:
        wanted["buckets"] = ("F32", (record["subwords"]["buckets"], size))
        wanted["places"] = ("I32", (record["subwords"]["buckets"],))
    tensors = map_tensors(folder / WEIGHTS)
    if "places" in tensors and "buckets" in tensors:  # pruned: as many rows as places point to
        wanted["buckets"] = ("F32", (int(tensors["places"].max(initial=-1)) + 1, size))
    if "vectors" not in tensors or not tensors.keys() <= wanted.keys() or ("buckets" in wanted) != ("buckets" in tensors):
        raise damaged(folder / WEIGHTS, f"it holds {', '.join(sorted(tensors)) or 'nothing'}")
    for name, array in tensors.items():
        dtype, shape = wanted[name]
        if array.dtype != np.dtype(_TYPES[dtype]) or array.shape != shape:
            raise damaged(folder / WEIGHTS, f"{name} is {array.dtype} {array.shape}, config.json says {dtype} {shape}")
        if array.dtype.kind == "f" and not all_finite(array):
            raise damaged(folder / WEIGHTS, f"{name} has a number that is not finite")
    if "counts" in tensors and int(tensors["counts"].min(initial=0)) < 0:
        raise damaged(folder / WEIGHTS, "a count is negative")
    return kind(
        _read_words(folder / WORDS, rows),
        tensors["vectors"],
        counts=tensors.get("counts"),
        context=tensors.get("context"),
        phrases=_phrases(folder / PHRASES),
        subwords=_subwords(record["subwords"], tensors),
        facts=record["facts"],
    )


def write_tensors(tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write arrays as a safetensors file, block by block, the data of each at a multiple of 8 bytes."""
    names = {numpy_name: name for name, numpy_name in _TYPES.items()}
    ordered = dict(sorted(tensors.items(), key=lambda item: -item[1].itemsize))  # int64 first: all stay aligned
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    offset = 0
    for name, array in ordered.items():
        kind = names[array.dtype.newbyteorder("<").str]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in ordered.values():
            step = max(1, (16 << 20) // max(1, array.nbytes // max(1, len(array))))
            for first in range(0, len(array), step):
                file.write(np.ascontiguousarray(array[first : first + step]).view(np.uint8).data)


def map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Name -> read-only array over the mapped file; ContentError when the header does not fit the file's size."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_MAX_HEADER, size - 8):
                raise damaged(path, "the length of its header is wrong")
            header = json.loads(file.read(length))
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[8 + length :]
        tensors: dict[str, NDArray[Any]] = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            kind, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
            if not 0 <= begin <= end <= len(data) or any(not isinstance(n, int) or n < 0 for n in shape):
                raise damaged(path, f"{name} lies outside the file")
            tensors[name] = np.frombuffer(data[begin:end], dtype=kind).reshape(shape)
    except FileNotFoundError:
        raise ContentError("{path} is missing: the folder of vectors is not whole", path=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    return tensors


def all_finite(matrix: NDArray[Any]) -> bool:
    """Whether no number is nan or infinite, without an array of flags as large as the matrix."""
    from hornbook.embeddings.search import row_blocks

    return all(bool(np.isfinite(matrix[block]).all()) for block in row_blocks(matrix))


def damaged(path: Path, what: str) -> ContentError:
    """The error for a file of a saved folder that does not hold what it should."""
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)


def _read_config(path: Path) -> dict[str, Any]:
    """config.json with every key of the right kind, none missing and none extra."""
    kinds: dict[str, Any] = {
        "model_type": str,
        "words": int,
        "dimensions": int,
        "subwords": (dict, type(None)),
        "facts": dict,
    }
    try:
        record: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the folder of vectors is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    found = record if isinstance(record, dict) else {}
    wrong = [name for name, kind in kinds.items() if name not in found or not isinstance(found[name], kind)]
    wrong += [name for name in found if name not in kinds]
    if not wrong:
        wrong += [] if record["model_type"] == MODEL_TYPE else ["model_type"]
        wrong += [name for name in ("words", "dimensions") if not 0 <= record[name] < 1 << 31]
        numbers = record["subwords"] or {"min_n": 1, "max_n": 1, "buckets": 1}
        fits = sorted(numbers) == ["buckets", "max_n", "min_n"] and all(
            type(number) is int and 0 <= number < 1 << 31 for number in numbers.values()
        )
        wrong += [] if fits else ["subwords"]
    if wrong:
        raise damaged(path, f"{', '.join(wrong)} missing, unknown or of the wrong kind")
    return found


def _read_words(path: Path, rows: int) -> list[str]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise ContentError("{path} is missing: the folder of vectors is not whole", path=path) from None
    if lines.pop() or len(lines) != rows:
        raise damaged(path, f"{len(lines)} lines, config.json says {rows} words")
    try:
        words = [line.decode("utf-8", "surrogateescape") for line in lines]
    except UnicodeDecodeError as error:
        raise damaged(path, str(error)) from error
    if "" in words or len(set(words)) != rows:
        raise damaged(path, "a word is empty or there twice")
    return words


def _phrases(folder: Path) -> Phrases | None:
    if not folder.is_dir():
        return None
    from hornbook.embeddings.phrases import Phrases

    return Phrases.load(folder)


def _subwords(numbers: dict[str, int] | None, tensors: Mapping[str, NDArray[Any]]) -> Subwords | None:
    if numbers is None:
        return None
    from hornbook.embeddings.subwords import SubwordConfig, Subwords

    config = SubwordConfig(min_n=numbers["min_n"], max_n=numbers["max_n"], buckets=numbers["buckets"])
    return Subwords(config, tensors["buckets"], places=tensors.get("places"))
