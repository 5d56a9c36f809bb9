"""The n-gram model as a few flat arrays, on disk as they are in memory (safetensors, memory-mapped).

Rows are n-grams: all of order 1, then all of order 2, ..., each order sorted by its words. The continuations of row r are the
rows children[r] to children[r + 1] of the next order, sorted by `words`; so one array of row numbers serves every order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError
from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import IMPOSSIBLE, Smoothed
from hornbook.statistical.query import sorted_within_parents
from hornbook.statistical.storage import Storage

_TYPES = {"U8": "|u1", "U16": "<u2", "U32": "<u4", "F32": "<f4"}
_MAX_HEADER = 1 << 16
_BLOCK = 1 << 21  # rows copied between two moments in which memory is given back
_OPTIONAL = ("counts", "large_rows", "large_counts", "log_prob_table")
LARGE = 255
"""A count in one byte: this value stands for what `large_counts` says."""


@dataclass(frozen=True)
class Trie:
    """A back-off model of some order over `vocabulary_size` ids; id `vocabulary_size` is the boundary before a document."""

    words: NDArray[Any]  # (rows,) uint16 or uint32: last word
    log_probs: NDArray[Any]  # (rows,) float32: natural log p(last word | words before); or uint8: column of `log_prob_table`
    backoffs: NDArray[np.float32]  # (contexts,) natural log of the weight of the order below; no contexts in the last order
    children: NDArray[np.uint32]  # (contexts + 1,) first row that continues each context
    rows: tuple[int, ...]  # n-grams of each order
    counts: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))  # (rows,) occurrences, or () if unknown
    large_rows: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))  # rows whose count is LARGE
    large_counts: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))  # their true counts
    log_prob_table: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (order, 256) or ()

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.rows)

    @property
    def vocabulary_size(self) -> int:
        """Ids that a distribution covers: order 1 has one row more, the boundary's."""
        return self.rows[0] - 1

    @property
    def starts(self) -> NDArray[np.int64]:
        """(order + 1,) first row of each order, and the number of all rows."""
        return np.cumsum((0, *self.rows))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The tensors of the saved file by name, those of the widest numbers first."""
        names = ["backoffs", "children", "log_probs", "words"]
        names += ["large_rows", "large_counts", "counts"] if self.counts.size else []
        names += ["log_prob_table"] if self.log_prob_table.size else []
        return {name: getattr(self, name) for name in sorted(names, key=lambda name: -getattr(self, name).itemsize)}

    def kernel_arrays(self) -> tuple[NDArray[Any], ...]:
        """What the kernels of query.py read, in the order of their arguments."""
        return self.words, self.log_probs, self.log_prob_table, self.backoffs, self.children

    def count(self, row: int) -> int | None:
        """How often an n-gram occurred in the training text; None when the model does not know (read from an ARPA file)."""
        if not self.counts.size:
            return None
        small = int(self.counts[row])
        return small if small < LARGE else int(self.large_counts[np.searchsorted(self.large_rows, row)])

    def log_prob(self, row: int) -> float:
        """Natural log p(last word | words before) of an n-gram."""
        if not self.log_prob_table.size:
            return float(self.log_probs[row])
        order = int(np.searchsorted(self.starts, row, side="right"))
        return float(self.log_prob_table[order - 1, self.log_probs[row]])

    @property
    def size_mb(self) -> float:
        """Size of the arrays in MB (10^6 bytes), in memory and on disk."""
        return sum(array.nbytes for array in self.arrays().values()) / 1e6


Counts = tuple[list[NDArray[np.uint8]], list[NDArray[np.uint32]]]
"""Counts of every order in a byte each, and those that are LARGE or more in full, in order."""


def compact(counts: Sequence[NDArray[np.uint32]], storage: Storage) -> Counts:
    """A copy of the counts that takes a quarter of the room."""
    small = [storage.empty(part.size, np.uint8) for part in counts]
    large: list[NDArray[np.uint32]] = []
    for part, target in zip(counts, small):
        found = [np.zeros(0, dtype=np.uint32)]
        for first in range(0, part.size, _BLOCK):
            block = part[first : first + _BLOCK]
            np.minimum(block, LARGE, out=target[first : first + _BLOCK], casting="unsafe")
            found.append(block[block >= LARGE])
            storage.release()
        large.append(np.concatenate(found))
    return small, large


def assemble(levels: Sequence[Level], smoothed: Sequence[Smoothed], counts: Counts, storage: Storage) -> Trie:
    """Put the orders behind one another, dropping pruned n-grams. A kept n-gram's prefix is kept too: it occurs as often."""
    keeps = [level.keep if level.keep.size else None for level in levels]
    rows = tuple(level.words.size if keep is None else int(np.count_nonzero(keep)) for level, keep in zip(levels, keeps))
    if sum(rows) >= 1 << 32:
        raise ContentError("{rows} n-grams are more than a model holds (4.29e9): lower the order or prune", rows=sum(rows))
    starts = np.cumsum((0, *rows))
    word_type = np.uint16 if rows[0] <= 1 << 16 else np.uint32
    words, log_probs = storage.empty(sum(rows), word_type), storage.empty(sum(rows), np.float32)
    small, backoffs = storage.empty(sum(rows), np.uint8), storage.empty(sum(rows[:-1]), np.float32)
    children = storage.empty(sum(rows[:-1]) + 1, np.uint32)
    for k, (level, keep) in enumerate(zip(levels, keeps)):
        part = slice(int(starts[k]), int(starts[k + 1]))
        _take(level.words, keep, words[part], storage)
        _take(smoothed[k].log_probs, keep, log_probs[part], storage)
        _take(counts[0][k], keep, small[part], storage)
        if k + 1 < len(levels):
            _take(smoothed[k].backoffs, keep, backoffs[part], storage)
            numbers = _kept_before(keeps[k + 1])
            _take(levels[k + 1].children[:-1], keep, children[part], storage, numbers=numbers, plus=int(starts[k + 1]))
    children[-1] = starts[-1]
    large = [
        part if keep is None else part[keep[byte_counts == LARGE]]
        for part, byte_counts, keep in zip(counts[1], counts[0], keeps)
    ]
    blocks = range(0, small.size, _BLOCK)
    large_rows = [first + np.flatnonzero(small[first : first + _BLOCK] == LARGE) for first in blocks]
    storage.release()
    return Trie(
        words, log_probs, backoffs, children, rows, small, np.concatenate(large_rows).astype(np.uint32), np.concatenate(large)
    )


def _take(
    source: NDArray[Any],
    keep: NDArray[np.bool_] | None,
    target: NDArray[Any],
    storage: Storage,
    *,
    numbers: NDArray[np.uint32] | None = None,
    plus: int = 0,
) -> None:
    """Copy the kept rows, block by block; row numbers in them are replaced by `numbers` and raised by `plus`."""
    written = 0
    for first in range(0, source.size, _BLOCK):
        block = source[first : first + _BLOCK]
        block = block if keep is None else block[keep[first : first + _BLOCK]]
        block = block if numbers is None else numbers[block]
        target[written : written + block.size] = block + np.uint32(plus) if plus else block
        written += block.size
        storage.release()


def _kept_before(keep: NDArray[np.bool_] | None) -> NDArray[np.uint32] | None:
    """(rows + 1,) how many rows before each are kept; None when all are."""
    if keep is None:
        return None
    before = np.zeros(keep.size + 1, dtype=np.uint32)
    np.cumsum(keep, out=before[1:])
    return before


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
    every, contexts = sum(rows), sum(rows[:-1])
    shapes: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
        "words": (("<u2", "<u4"), (every,)),
        "log_probs": (("|u1",) if "log_prob_table" in tensors else ("<f4",), (every,)),
        "backoffs": (("<f4",), (contexts,)),
        "children": (("<u4",), (contexts + 1,)),
        "counts": (("|u1",), (every,)),
        "large_rows": (("<u4",), tensors["large_rows"].shape[:1] if "large_rows" in tensors else (0,)),
        "large_counts": (("<u4",), tensors["large_rows"].shape[:1] if "large_rows" in tensors else (0,)),
        "log_prob_table": (("<f4",), (len(rows), 256)),
    }
    expected = [name for name in shapes if name not in _OPTIONAL or name in tensors]
    if sorted(tensors) != sorted(expected):
        raise _damaged(path, f"tensors {', '.join(sorted(tensors))} instead of {', '.join(sorted(expected))}")
    for name in expected:
        kinds, shape = shapes[name]
        if tensors[name].shape != shape or tensors[name].dtype.str not in kinds:
            raise _damaged(path, f"{name} is {tensors[name].dtype} {tensors[name].shape}, the row counts ask for {shape}")
    trie = Trie(**tensors, rows=rows)
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
    starts = trie.starts
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
    log_probs = trie.log_prob_table if trie.log_prob_table.size else trie.log_probs
    for name, array, lowest, highest in (
        ("log_probs", log_probs, IMPOSSIBLE - 3, 1e-3),
        ("backoffs", trie.backoffs, -math.inf, -IMPOSSIBLE),
    ):
        if array.size and not (np.isfinite(array).all() and lowest < array.min() and array.max() < highest):
            raise _damaged(path, f"{name} are not all logs of probabilities")
    marked = np.flatnonzero(trie.counts == LARGE)
    if not np.array_equal(marked, trie.large_rows) or (trie.large_counts.size and int(trie.large_counts.min()) < LARGE):
        raise _damaged(path, "the large counts do not fit the counts")


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
