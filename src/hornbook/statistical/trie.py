"""The n-gram model as four flat arrays, on disk as they are in memory (safetensors, memory-mapped).

Rows are n-grams: all of order 1, then all of order 2, ..., each order sorted by its words. The continuations of row r are the
rows children[r] to children[r + 1] of the next order, sorted by `words`; so one array of row numbers serves every order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError
from hornbook.statistical.counts import Level
from hornbook.statistical.kneser_ney import IMPOSSIBLE, Smoothed
from hornbook.statistical.query import sorted_within_parents

_TYPES = {"U16": "<u2", "U32": "<u4", "F32": "<f4"}
_MAX_HEADER = 1 << 16


@dataclass(frozen=True)
class Trie:
    """A back-off model of some order over `vocabulary_size` ids; id `vocabulary_size` is the boundary before a document."""

    words: NDArray[Any]  # (rows,) uint16 or uint32: last word
    log_probs: NDArray[np.float32]  # (rows,) natural log p(last word | the words before it)
    backoffs: NDArray[
        np.float32
    ]  # (contexts,) natural log of the weight of the order below; contexts = rows but the last order's
    children: NDArray[np.uint32]  # (contexts + 1,) first row that continues each context
    rows: tuple[int, ...]  # n-grams of each order

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.rows)

    @property
    def vocabulary_size(self) -> int:
        """Ids that a distribution covers: order 1 has one row more, the boundary's."""
        return self.rows[0] - 1

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The tensors of the saved file by name."""
        return {"log_probs": self.log_probs, "backoffs": self.backoffs, "children": self.children, "words": self.words}

    @property
    def size_mb(self) -> float:
        """Size of the arrays in MB (10^6 bytes), in memory and on disk."""
        return sum(array.nbytes for array in self.arrays().values()) / 1e6


def assemble(levels: Sequence[Level], smoothed: Sequence[Smoothed]) -> Trie:
    """Put the orders behind one another, dropping pruned n-grams. A kept n-gram's prefix is kept too: it occurs as often."""
    keeps = [level.keep if level.keep.size else np.ones(level.words.size, dtype=np.bool_) for level in levels]
    rows = tuple(int(np.count_nonzero(keep)) for keep in keeps)
    if sum(rows) >= 1 << 32:
        raise ContentError("{rows} n-grams are more than a model holds (4.29e9): lower the order or prune", rows=sum(rows))
    starts = np.cumsum((0, *rows))
    children = []
    for k, level in enumerate(levels[1:], start=1):
        kept_before = np.zeros(level.words.size + 1, dtype=np.int64)
        np.cumsum(keeps[k], out=kept_before[1:])
        children.append((kept_before[level.children[:-1][keeps[k - 1]]] + starts[k]).astype(np.uint32))
    children.append(np.array([starts[-1]], dtype=np.uint32))
    word_type = np.uint16 if rows[0] <= 1 << 16 else np.uint32
    return Trie(
        words=np.concatenate([level.words[keep].astype(word_type) for level, keep in zip(levels, keeps)]),
        log_probs=np.concatenate([part.log_probs[keep] for part, keep in zip(smoothed, keeps)]),
        backoffs=np.concatenate([part.backoffs[keep] for part, keep in zip(smoothed[:-1], keeps)] or [np.zeros(0, np.float32)]),
        children=np.concatenate(children),
        rows=rows,
    )


def save_trie(trie: Trie, path: Path) -> None:
    """Write the arrays as a safetensors file, widest types first so that each is aligned. Raises DiskFullError."""
    require_space(path.parent, int(trie.size_mb * 1e6) + _MAX_HEADER, what="n-gram model")
    names = {numpy_name: name for name, numpy_name in _TYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    offset = 0
    for name, array in trie.arrays().items():
        kind = names[array.dtype.newbyteorder("<").str]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in trie.arrays().values():
            file.write(np.ascontiguousarray(array).view(np.uint8).data)


def load_trie(path: Path, rows: tuple[int, ...]) -> Trie:
    """Map a saved file into memory; ContentError when anything in it does not fit the row counts of its configuration."""
    tensors = _map_tensors(path)
    expected = {"words": sum(rows), "log_probs": sum(rows), "backoffs": sum(rows[:-1]), "children": sum(rows[:-1]) + 1}
    if sorted(tensors) != sorted(expected):
        raise _damaged(path, f"tensors {', '.join(sorted(tensors))} instead of {', '.join(sorted(expected))}")
    for name, size in expected.items():
        kinds = ("<u2", "<u4") if name == "words" else ("<u4",) if name == "children" else ("<f4",)
        if tensors[name].shape != (size,) or tensors[name].dtype.str not in kinds:
            raise _damaged(path, f"{name} is {tensors[name].dtype} {tensors[name].shape}, the row counts ask for {size}")
    trie = Trie(tensors["words"], tensors["log_probs"], tensors["backoffs"], tensors["children"], rows)
    _check(trie, path)
    return trie


def _map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Name -> array over the mapped file (copy on write, so that kernels see one array type); sizes are checked first."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(_MAX_HEADER, size - 8):
                raise _damaged(path, "the length of its header is wrong")
            header = json.loads(file.read(length))
        data = np.asarray(np.memmap(path, dtype=np.uint8, mode="c", offset=0))[8 + length :]
        tensors: dict[str, NDArray[Any]] = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            kind = np.dtype(_TYPES[entry["dtype"]])
            if not 0 <= begin <= end <= data.size or (end - begin) % kind.itemsize:
                raise _damaged(path, f"{name} lies outside the file")
            tensors[name] = np.require(data[begin:end].view(kind), requirements="A").reshape(entry["shape"])
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    return tensors


def _check(trie: Trie, path: Path) -> None:
    """Everything the query relies on without looking: ranges, order, finite numbers."""
    starts = np.cumsum((0, *trie.rows))
    for k in range(1, trie.order + 1):
        words = trie.words[starts[k - 1] : starts[k]]
        if k == 1 and not np.array_equal(words, np.arange(words.size)):
            raise _damaged(path, "order 1 does not list every id")
        if k > 1 and words.size and int(words.max()) >= trie.vocabulary_size:
            raise _damaged(path, f"order {k} has a word outside the vocabulary")
        if k < trie.order:
            bounds = trie.children[starts[k - 1] : starts[k] + 1]
            if bounds[0] != starts[k] or bounds[-1] != starts[k + 1] or (bounds[1:] < bounds[:-1]).any():
                raise _damaged(path, f"the continuations of order {k} do not fit order {k + 1}")
    if not sorted_within_parents(trie.words, trie.children):
        raise _damaged(path, "continuations are not sorted")
    for name, array, lowest in (("log_probs", trie.log_probs, IMPOSSIBLE - 1), ("backoffs", trie.backoffs, -np.inf)):
        if array.size and not (np.isfinite(array).all() and lowest < array.min() and array.max() < 1e-3):
            raise _damaged(path, f"{name} are not all logs of probabilities")


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
