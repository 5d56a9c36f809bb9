"""Damaged files of word vectors, a fixed hundred of each format: loaded or refused in one line, never more (P8)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from vector_mutants import FORMATS, attack, good_file, mutants

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_mutant_crashes_hangs_or_takes_much_memory(name: str, tmp_path: Path) -> None:
    tally = attack(name, tmp_path, count=100, seed=7)
    assert not tally.failures, "\n".join(tally.failures[:10])
    assert tally.mutants > 120 and tally.refused > 60 and tally.loaded > 5  # the attack is one


def test_the_same_seed_gives_the_same_mutants(tmp_path: Path) -> None:
    good = good_file("word2vec .bin", tmp_path)
    first, again = (list(mutants(good, 20, 3)) for _ in range(2))
    assert first == again
    assert len({data for _, data in first}) > 10
