"""Counting in pieces, in memory and spilled to files, gives what counting the whole text gives."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from hornbook.core.errors import DiskFullError, UsageError
from hornbook.statistical import NgramConfig, NgramLM, merge
from hornbook.statistical import ngram as ngram_module
from hornbook.statistical.counts import count_levels
from hornbook.statistical.ngram_config import least_memory, memory_needed, piece_tokens
from hornbook.statistical.storage import Memory, Spill, Storage
from hornbook.statistical.stream import flatten, lay_out, lay_out_part
from ids_only import IdsOnly

SIZE = 30


def settings(storage: Storage, piece: int, threads: int = 1) -> dict[str, object]:
    return {
        "piece": piece,
        "vocabulary_size": SIZE,
        "end": 3,
        "threads": threads,
        "storage": storage,
        "log": lambda event: None,
    }


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("piece", [3, 100, 5000])
@pytest.mark.parametrize("kind", [Memory, Spill])
def test_merged_runs_equal_one_count(
    skewed_documents: list[np.ndarray], order: int, piece: int, kind: type[Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    if piece == 3 and kind is Spill:
        skewed_documents = skewed_documents[:10]
    monkeypatch.setattr(merge, "_CONTEXTS", 50)
    tokens, starts = flatten(skewed_documents)
    whole = count_levels(lay_out(tokens, starts, vocabulary_size=SIZE, end=3), SIZE, order)
    merged = merge.count_in_pieces(tokens, starts, order, **settings(kind(), piece, threads=2))  # type: ignore[arg-type]
    for one, other in zip(whole, merged, strict=True):
        for name in ("words", "counts", "children", "suffixes"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_parts_of_the_stream_join_to_the_whole(skewed_documents: list[np.ndarray]) -> None:
    tokens, starts = flatten(skewed_documents)
    whole = lay_out(tokens, starts, vocabulary_size=SIZE, end=3)
    for first, last in ((0, 1), (5, 77), (76, 77), (0, whole.size), (whole.size - 3, whole.size), (9, 9)):
        np.testing.assert_array_equal(lay_out_part(tokens, starts, first, last, vocabulary_size=SIZE, end=3), whole[first:last])


@pytest.mark.parametrize("smoothing", ["modified-kneser-ney", "katz", "witten-bell", "lidstone", "stupid-backoff"])
@pytest.mark.parametrize("spilled", [False, True])
def test_a_model_made_in_pieces_is_the_same_to_the_byte(
    skewed_documents: list[np.ndarray], smoothing: str, spilled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NgramConfig(order=4, smoothing=smoothing, minimum_counts=(1, 1, 2), threads=2)  # type: ignore[arg-type]
    whole = NgramLM(IdsOnly(SIZE), NgramConfig(order=4, smoothing=smoothing, minimum_counts=(1, 1, 2))).fit(skewed_documents)  # type: ignore[arg-type]
    if spilled:
        monkeypatch.setattr(ngram_module, "memory_needed", lambda *_: 10**15)
        monkeypatch.setattr(ngram_module, "piece_tokens", lambda *_: 700)
    pieces = NgramLM(IdsOnly(SIZE), config).fit(skewed_documents)
    for name, array in whole.trie_.arrays().items():
        np.testing.assert_array_equal(array, pieces.trie_.arrays()[name], err_msg=name)


def test_the_limit_decides_on_pieces() -> None:
    config = NgramConfig(order=5, memory_mb=500)
    assert memory_needed(14_000_000, 500_000, config) > 500e6 > least_memory(14_000_000, 500_000)
    assert 50_000 <= piece_tokens(14_000_000, 500_000, config) < 3_000_000
    assert piece_tokens(100_000, 10, config) >= 100_000
    assert piece_tokens(100_000, 10, NgramConfig(threads=2)) < 60_000


def test_too_little_memory_even_for_pieces_is_refused() -> None:
    with pytest.raises(UsageError, match="memory_mb is 100"):
        NgramLM(IdsOnly(SIZE), NgramConfig(memory_mb=100)).fit([np.array([6])])


def test_spilled_files_have_no_name_and_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    storage = Spill()
    array = storage.empty(1000, np.uint32)
    array[:] = 7
    storage.release()
    assert (array == 7).all() and not list(tmp_path.iterdir())
    storage.append("x", array[:3])
    storage.append("x", array[:2] + np.uint32(1))
    np.testing.assert_array_equal(storage.gather("x"), [7, 7, 7, 8, 8])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DiskFullError, match="n-gram counts"):
        storage.empty(10, np.uint32)
