from __future__ import annotations

import errno
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hornbook.core.errors import DiskFullError, UsageError
from hornbook.core.events import Event, Progress
from hornbook.embeddings import cooccurrence
from hornbook.embeddings.cooccurrence import Cooccurrences, count_cooccurrences, leave_memory, room


def flat(sentences: list[list[int]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    ids = np.array([word for sentence in sentences for word in sentence], dtype=np.uint32)
    return ids, np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)


def by_dict(sentences: list[list[int]], window: int, symmetric: bool) -> dict[tuple[int, int], float]:
    counts: dict[tuple[int, int], float] = defaultdict(float)
    for sentence in sentences:
        for right, word in enumerate(sentence):
            for left in range(max(0, right - window), right):
                counts[word, sentence[left]] += 1 / (right - left)
                if symmetric:
                    counts[sentence[left], word] += 1 / (right - left)
    return counts


def as_dict(matrix: Cooccurrences) -> dict[tuple[int, int], float]:
    counts: dict[tuple[int, int], float] = {}
    for row in range(len(matrix)):
        for cell in range(matrix.starts[row], matrix.starts[row + 1]):
            column, value = int(matrix.columns[cell]), float(matrix.values[cell])
            assert (row, column) not in counts and (row <= column or not matrix.half)
            counts[row, column] = value
            if matrix.half:
                counts[column, row] = value
    return counts


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(st.just(size), st.lists(st.lists(st.integers(0, size - 1), max_size=30), max_size=8))
    ),
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from([0, 200, 1 << 30]),
    st.integers(1, 3),
)
def test_counts_are_those_of_a_dictionary(
    corpus: tuple[int, list[list[int]]], window: int, symmetric: bool, memory: int, threads: int
) -> None:
    """Random corpora, windows and sides; `memory` 0 and 200 go by narrow bands through the disk."""
    size, sentences = corpus
    matrix = count_cooccurrences(*flat(sentences), size, window=window, symmetric=symmetric, memory=memory, threads=threads)
    found, expected = as_dict(matrix), by_dict(sentences, window, symmetric)
    assert found.keys() == expected.keys() and matrix.pairs == len(expected)
    assert found == pytest.approx(expected, rel=1e-6)
    assert matrix.total == pytest.approx(sum(expected.values()))
    assert matrix.on_disk >= (memory == 0 and bool(expected)) and matrix.on_disk <= (memory < 1 << 30)


def test_bands_and_threads_give_the_same_bits(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    ids = np.minimum(generator.zipf(1.3, 20_000) - 1, 299).astype(np.uint32)
    starts = np.concatenate([[0], np.sort(generator.choice(20_000, 500, replace=False)), [20_000]])
    whole = count_cooccurrences(ids, starts, 300)
    assert (np.diff(whole.starts) * 5 > 300).any()  # rows of both kinds: lists of pairs, and sums for every word
    for threads, memory in ((3, 1 << 30), (1, 50_000), (2, 1)):
        other = count_cooccurrences(ids, starts, 300, threads=threads, memory=memory, folder=tmp_path)
        assert other.on_disk == (memory < 1 << 30)
        for name in ("starts", "columns", "values"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(other, name))
        leave_memory(other.values)
        np.testing.assert_array_equal(whole.values, other.values)
    assert not list(tmp_path.iterdir())  # the files have no names


def test_progress_counts_the_bands() -> None:
    events: list[Event] = []
    count_cooccurrences(*flat([[0, 1, 2] * 20]), 3, memory=0, log=events.append)
    assert [event.done for event in events if isinstance(event, Progress)] == [1, 2, 3]


def test_a_window_does_not_leave_its_byte() -> None:
    ids, starts = flat([[0, *[1] * 254, 2]])
    assert as_dict(count_cooccurrences(ids, starts, 3, window=255))[0, 2] == pytest.approx(1 / 255)
    for window in (0, 256):
        with pytest.raises(UsageError, match="choose 1 to 255"):
            count_cooccurrences(ids, starts, 3, window=window)


def test_a_full_disk_is_told_before_pages_are_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cooccurrence.os, "posix_fallocate", full)
    with pytest.raises(DiskFullError, match="the disk is full"):
        room(10, np.uint32, on_disk=True, folder=tmp_path)
    assert room(10, np.uint32, on_disk=False, folder=tmp_path).size == 10
    assert not list(tmp_path.iterdir())
