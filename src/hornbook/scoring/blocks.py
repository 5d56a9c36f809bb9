"""Cutting few long documents into blocks, so that a bootstrap has units to resample.

Blocks end at ends of lines, found in the decoded text, so every lossless tokenizer gets the same blocks and models with
different tokenizers can be compared in pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hornbook.core.types import Ids, Tokenizer

_NEWLINE = 10


@dataclass(frozen=True, eq=False)
class Blocks:
    """Consecutive pieces of one document: block i is tokens[ends[i - 1]:ends[i]]."""

    ends: NDArray[np.int64]  # (blocks,) the last is the number of tokens
    bytes: NDArray[np.float64]  # (blocks,) raw bytes; they sum to the document's
    decoded: int  # UTF-8 bytes of the decoded tokens; when they are not the raw bytes, `bytes` was scaled

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(blocks,) sums of a value per token, (n + 1,): the last, that of `end`, belongs to the last block."""
        starts = np.concatenate([[0], self.ends[:-1]])
        if self.ends[-1] == 0:  # an empty document
            return np.array([values.sum()])
        result: NDArray[np.float64] = np.add.reduceat(values[:-1], starts)
        result[-1] += values[-1]
        return result


def paragraph_blocks(tokenizer: Tokenizer, ids: Ids, raw_bytes: int, *, target: int) -> Blocks | None:
    """Blocks of whole lines of at least `target` bytes each (the last may have half); None where ends of lines are not tokens.

    A token that holds the end of a line and the beginning of the next belongs to the line it ends.
    """
    if not len(ids):
        return Blocks(np.zeros(1, np.int64), np.array([float(raw_bytes)]), raw_bytes)
    data = np.frombuffer(tokenizer.decode(ids).encode("utf-8", "replace"), np.uint8)
    places = np.flatnonzero(data == _NEWLINE)
    lines_ended = np.cumsum(_newlines(tokenizer, ids))  # (n,) after each token
    if lines_ended[-1] != len(places):
        return None
    last_of_run = np.flatnonzero(np.append(np.diff(places) > 1, True)) if len(places) else np.empty(0, np.int64)
    offsets = places[last_of_run] + 1  # bytes before each possible cut
    cuts: list[int] = []
    at = 0
    while (found := int(np.searchsorted(offsets, at + target))) < len(offsets) and offsets[found] < len(data) - target // 2:
        cuts.append(found)
        at = int(offsets[found])
    lines = last_of_run[cuts] + 1 if cuts else np.empty(0, np.int64)
    ends = np.append(np.searchsorted(lines_ended, lines) + 1, len(ids))
    sizes = np.diff(np.concatenate([[0], offsets[cuts] if cuts else [], [len(data)]]))
    return Blocks(ends.astype(np.int64), _scaled(sizes, raw_bytes), len(data))


def token_blocks(tokenizer: Tokenizer, ids: Ids, raw_bytes: int, *, length: int) -> Blocks:
    """Blocks of `length` tokens, the last shorter or up to half longer; bytes are those of each block decoded alone."""
    count = max(1, round(len(ids) / length))
    ends = np.append(np.arange(1, count, dtype=np.int64) * length, len(ids))
    starts = np.concatenate([[0], ends[:-1]])
    sizes = np.array([len(tokenizer.decode(ids[start:end]).encode("utf-8", "replace")) for start, end in zip(starts, ends)])
    return Blocks(ends, _scaled(sizes, raw_bytes), int(sizes.sum()))


def _newlines(tokenizer: Tokenizer, ids: Ids) -> NDArray[np.int64]:
    """(n,) ends of lines in each token."""
    distinct, where = np.unique(np.asarray(ids), return_inverse=True)
    counts = np.array([tokenizer.decode([int(number)]).count("\n") for number in distinct], np.int64)
    result: NDArray[np.int64] = counts[where]
    return result


def _scaled(sizes: NDArray[np.int64], raw_bytes: int) -> NDArray[np.float64]:
    total = int(sizes.sum())
    if total == raw_bytes or total == 0:
        return np.asarray(sizes, np.float64) if total else np.full(len(sizes), raw_bytes / len(sizes))
    return np.asarray(sizes, np.float64) * (raw_bytes / total)
