import math

import numpy as np
import pytest

from hornbook.core.errors import ContentError
from hornbook.scoring.significance import (
    Units,
    bonferroni,
    bootstrap_ratio,
    multiple_comparisons,
    paired_bootstrap,
    rank_with_ties,
    student_quantile,
)


def ratio_units(generator, count, rate=2.0):
    """Documents of very different lengths, whose bits per byte scatter around `rate`."""
    weights = generator.lognormal(6, 1, count)
    return Units(weights * rate * generator.gamma(20, 1 / 20, count), weights)


@pytest.mark.parametrize("count", [30, 100])
def test_a_95_percent_interval_covers_95_percent(count):
    generator = np.random.default_rng(7)
    trials, covered = 600, 0
    for trial in range(trials):
        low, high = bootstrap_ratio(ratio_units(generator, count), resamples=1_000, seed=trial)
        covered += low <= 2.0 <= high
    assert 0.92 <= covered / trials <= 0.98  # two standard errors of 600 trials are 1.8 points


def test_the_interval_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(1).normal(3, 1, 400)
    low, high = bootstrap_ratio(Units(values, np.ones(400)), resamples=20_000)
    half = 1.966 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.005)
    assert high == pytest.approx(values.mean() + half, abs=0.005)


def test_merging_many_units_keeps_the_interval():
    values = np.random.default_rng(2).gamma(2, 1, 50_000)
    low, high = bootstrap_ratio(Units(values, np.ones(50_000)))
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / math.sqrt(50_000), rel=0.08)


def test_same_seed_same_interval_and_too_few_units():
    units = ratio_units(np.random.default_rng(3), 50)
    assert bootstrap_ratio(units, seed=5) == bootstrap_ratio(units, seed=5) != bootstrap_ratio(units, seed=6)
    assert all(math.isnan(end) for end in bootstrap_ratio(units.first(1)))


@pytest.mark.parametrize(("freedom", "expected"), [(4, 2.7764), (9, 2.2622), (29, 2.0452), (99, 1.9842)])
def test_student_quantile_is_the_tables(freedom, expected):
    assert student_quantile(0.975, freedom) == pytest.approx(expected, rel=2e-3)


def test_pairing_sees_what_single_intervals_cannot():
    generator = np.random.default_rng(4)
    a = ratio_units(generator, 100)
    b = Units(a.totals * 1.01 + a.weights * generator.normal(0, 0.005, 100), a.weights)  # 1 % worse nearly everywhere
    assert bootstrap_ratio(a)[1] > b.ratio  # the intervals overlap
    result = paired_bootstrap(a, b)
    assert result.difference == pytest.approx(a.ratio - b.ratio)
    assert result.ci95[0] < result.difference < result.ci95[1] < 0
    assert result.p_value < 0.001 and not result.tie
    mirrored = paired_bootstrap(b, a)
    assert mirrored.ci95 == pytest.approx((-result.ci95[1], -result.ci95[0]))


def test_equal_models_tie_and_are_called_different_about_once_in_twenty():
    units = ratio_units(np.random.default_rng(5), 60)
    same = paired_bootstrap(units, units)
    assert (same.difference, same.ci95, same.p_value, same.tie) == (0.0, (0.0, 0.0), 1.0, True)
    generator = np.random.default_rng(6)
    called = small = 0
    for trial in range(400):
        noise = [Units(units.totals + units.weights * generator.normal(0, 0.1, 60), units.weights) for _ in range(2)]
        result = paired_bootstrap(*noise, resamples=500, seed=trial)
        called += not result.tie
        small += result.p_value < 0.05
    assert 0.02 <= called / 400 <= 0.09
    assert 0.02 <= small / 400 <= 0.1


def test_different_texts_cannot_be_paired():
    a = ratio_units(np.random.default_rng(7), 20)
    with pytest.raises(ContentError, match="same text"):
        paired_bootstrap(a, a.first(19))
    with pytest.raises(ContentError, match="same text"):
        paired_bootstrap(a, Units(a.totals, a.weights * 1.1))


def models(*shifts, noise=0.02, seed=1):
    generator = np.random.default_rng(seed)
    base = ratio_units(generator, 100)
    return {
        name: Units(base.totals + base.weights * (shift + generator.normal(0, noise, 100)), base.weights)
        for name, shift in zip("abcdef", shifts)
    }


def test_ranking_shows_ties():
    ranking = rank_with_ties(models(0.5, 0.0, 0.5001, 1.0, 0.0001, seed=2))
    assert [place.rank for place in ranking] == [1, 1, 3, 3, 5]
    assert {ranking[0].name, ranking[1].name} == {"b", "e"}
    assert ranking[0].tied_with == (ranking[1].name,)
    assert ranking[0].behind_best == 0 and ranking[0].behind_best_ci95 is None
    assert ranking[4].name == "d" and ranking[4].tied_with == ()
    assert ranking[4].behind_best == pytest.approx(1.0, abs=0.02)
    assert ranking[4].behind_best_ci95[0] < 1.0 < ranking[4].behind_best_ci95[1]


def test_a_tie_group_hangs_on_its_best_member():
    """A chain in which each ties with the next does not pull the last up to the first."""
    ranking = rank_with_ties(models(0.0, 0.004, 0.008, 0.012, 0.016, 0.02))
    best = ranking[0].name
    contestants = models(0.0, 0.004, 0.008, 0.012, 0.016, 0.02)
    for place in ranking[1:]:
        assert (place.rank == 1) == paired_bootstrap(contestants[place.name], contestants[best]).tie
    assert ranking[-1].rank > 1


def test_higher_can_be_better():
    generator = np.random.default_rng(8)
    hits = {
        name: Units((generator.random(500) < share).astype(float), np.ones(500)) for name, share in (("x", 0.3), ("y", 0.7))
    }
    ranking = rank_with_ties(hits, higher_is_better=True)
    assert [place.name for place in ranking] == ["y", "x"]
    assert [place.rank for place in ranking] == [1, 2]
    assert ranking[1].behind_best > 0 and ranking[1].behind_best_ci95[0] > 0


def test_multiple_comparisons():
    assert bonferroni(0.95, 5) == pytest.approx(0.99)
    assert "5 comparisons at 95%" in multiple_comparisons(6) and "25%" in multiple_comparisons(6)
