from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hornbook.compare.ranking import gain_per_doubling, load_units, rank_rows, save_units, still_learning
from hornbook.compare.results import RaceRow
from hornbook.scoring.significance import Units


def units(mean: float, *, seed: int, size: int = 200) -> Units:
    noise = np.random.default_rng(0).normal(0, 0.3, size) + np.random.default_rng(seed).normal(0, 0.01, size)
    weights = np.full(size, 100.0)
    return Units((mean + noise) * weights, weights)


def row(name: str, curve: tuple[tuple[float, int, float], ...] = ()) -> RaceRow:
    return RaceRow(name, 2, name, bits_per_byte=1.0, curve=curve)


def test_equals_share_a_rank_and_the_failed_come_last() -> None:
    rows = [RaceRow("broken", 4, "gpt"), row("worse"), row("a"), row("b")]
    ranked = rank_rows(rows, {"worse": units(2.5, seed=1), "a": units(2.0, seed=2), "b": units(2.0, seed=3)}, {}, seed=1)
    assert [item.rank for item in ranked] == [1, 1, 3, None]
    assert {ranked[0].name, ranked[1].name} == {"a", "b"}
    assert [item.name for item in ranked[2:]] == ["worse", "broken"]
    assert ranked[2].behind_best == pytest.approx(0.5, abs=0.01)


def test_a_gap_smaller_than_the_last_doubling_is_too_small_to_judge() -> None:
    curve = ((10.0, 1, 2.9), (20.0, 2, 2.5), (40.0, 4, 2.2))
    found = {"best": units(2.0, seed=1), "steep": units(2.1, seed=2), "flat": units(2.6, seed=3)}
    ranked = rank_rows([row("best"), row("steep", curve), row("flat", curve)], found, {}, seed=1)
    assert [item.too_small_to_judge for item in ranked] == [False, True, False]


def test_a_network_without_time_for_a_curve_is_not_judged() -> None:
    rows = [row("ngram"), dataclasses.replace(row("gpt"), forecast={"tokens": 9.0}), row("unigram")]
    found = {"ngram": units(2.0, seed=1), "gpt": units(2.5, seed=2), "unigram": units(2.7, seed=3)}
    assert [item.too_small_to_judge for item in rank_rows(rows, found, {}, seed=1)] == [False, True, False]


def test_gain_by_hand() -> None:
    assert gain_per_doubling(((5.0, 1, 3.0), (10.0, 2, 2.5), (20.0, 4, 2.1))) == pytest.approx(0.4)
    assert gain_per_doubling(((5.0, 1, 3.0), (10.0, 2, 2.5))) is None


def test_units_come_back_equal(tmp_path: Path) -> None:
    before = units(2.0, seed=1)
    save_units(before, tmp_path / "units.npz")
    after = load_units(tmp_path / "units.npz")
    assert np.array_equal(after.totals, before.totals) and np.array_equal(after.weights, before.weights)


def answers(right: int, *, of: int = 200) -> Units:
    return Units((np.arange(of) < right).astype(np.float64), np.ones(of))


def masked(name: str, cloze: float, *curve: float) -> RaceRow:
    points = tuple((10.0 * 2**number, 1, accuracy) for number, accuracy in enumerate(curve))
    ends = (cloze - 0.03, cloze + 0.03)
    accuracy = curve[-1] if curve else 0.4
    return RaceRow(name, 4, name, cloze_accuracy=cloze, cloze_accuracy_ci95=ends, masked_accuracy=accuracy, masked_curve=points)


def test_rows_without_bits_are_placed_among_all_by_the_questions_that_all_answered() -> None:
    rows = [masked("roberta", 0.5), row("ngram"), RaceRow("glove", 1, "glove", cloze_accuracy=0.35)]
    given = {"roberta": answers(100), "ngram": answers(120, of=150), "glove": answers(70)}
    ranked = rank_rows(rows, {"ngram": units(2.0, seed=1)}, given, seed=1)
    assert [item.name for item in ranked] == ["ngram", "roberta", "glove"]
    assert [item.cloze_rank for item in ranked] == [1, 2, 3]
    assert [item.rank for item in ranked] == [1, None, None]


def test_too_few_shared_questions_place_nobody() -> None:
    ranked = rank_rows([masked("roberta", 0.5), row("ngram")], {}, {"roberta": answers(20), "ngram": answers(8, of=8)}, seed=1)
    assert [item.cloze_rank for item in ranked] == [None, None]


def test_a_masked_model_at_chance_or_still_climbing_was_given_too_little() -> None:
    assert still_learning(masked("bert", 0.12, 0.05, 0.05, 0.05))  # cannot be told from guessing
    assert still_learning(masked("bert", 0.5, 0.1, 0.2, 0.3))  # a third of it came with the last doubling
    assert not still_learning(masked("bert", 0.5, 0.3, 0.33, 0.35))
    assert not still_learning(row("gpt"))
