"""Calibration: parity with scikit-learn, the edges of bins and thresholds, and what nothing gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.scoring.calibration import (
    brier_score,
    equal_mass,
    equal_width,
    expected_calibration_error,
    keep_share,
    negative_log_likelihood,
    reliability,
)

NONE = np.zeros(0)


def drawn(count: int, labels: int, *, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(labels), count)
    gold = np.array([random.choice(labels, p=row) for row in probabilities], np.int64)
    return probabilities, gold


def test_calibrated_answers_have_a_small_error_and_forced_ones_a_large() -> None:
    probabilities, gold = drawn(20_000, 4)
    confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    for placing in (equal_width, equal_mass):
        assert expected_calibration_error(reliability(confidences, right, placing=placing)) < 0.02
        certain = reliability(np.ones(len(right)), right, placing=placing)
        assert expected_calibration_error(certain) == pytest.approx(1 - right.mean())


def test_as_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    curve = pytest.importorskip("sklearn.calibration").calibration_curve
    probabilities, gold = drawn(500, 3)
    assert negative_log_likelihood(probabilities, gold) == pytest.approx(metrics.log_loss(gold, probabilities))
    two, gold = drawn(500, 2)
    assert brier_score(two, gold) == pytest.approx(2 * metrics.brier_score_loss(gold, two[:, 1]))
    assert negative_log_likelihood(two, gold) == pytest.approx(metrics.log_loss(gold, two))
    bins = reliability(two[:, 1], gold == 1, bins=10)
    accuracy, confidence = curve(gold, two[:, 1], n_bins=10)
    assert [one.accuracy for one in bins] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in bins] == pytest.approx(confidence.tolist())


def test_a_threshold_is_the_best_of_scikit_learns_that_keep_the_share() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    two, gold = drawn(400, 2, seed=3)
    false_share, true_share, _ = metrics.roc_curve(gold, two[:, 1], drop_intermediate=False)
    for share in (0.0, 0.5, 0.9, 0.99, 1.0):
        found = keep_share(two[:, 1], gold == 1, share=share)
        assert found.kept >= share
        assert found.recall == pytest.approx(true_share[false_share <= 1 - share + 1e-9].max())


@pytest.mark.parametrize("bins", [1, 2, 7, 10, 15])
def test_edges_belong_to_the_bin_below(bins: int) -> None:
    edges = np.arange(bins + 1) / bins
    assert equal_width(edges, bins)[0] == 0 and equal_width(edges, bins)[-1] == bins - 1
    assert equal_width(np.array([0.0, 1e-12, 1.0]), bins).tolist() == [0, 0, bins - 1]


def test_equal_confidences_share_a_bin() -> None:
    assert equal_mass(np.array([0.5] * 9 + [0.7]), 5).tolist() == [0] * 9 + [4]


def test_nothing_gives_no_number() -> None:
    nobody = np.zeros(0, bool)
    assert reliability(NONE, nobody) == reliability(NONE, nobody, placing=equal_mass) == []
    assert math.isnan(expected_calibration_error([]))
    assert math.isnan(brier_score(np.zeros((0, 2)), np.zeros(0, np.int64)))
    assert math.isnan(negative_log_likelihood(np.zeros((0, 2)), np.zeros(0, np.int64)))
    assert all(math.isnan(value) for value in keep_share(NONE, nobody))


def test_one_class_alone() -> None:
    scores = np.array([0.2, 0.9])
    only_a = keep_share(scores, np.array([False, False]))
    assert only_a.threshold > 0.9 and only_a.kept == 1 and math.isnan(only_a.precision) and math.isnan(only_a.recall)
    only_b = keep_share(scores, np.array([True, True]))
    assert only_b.threshold == 0.2 and only_b.precision == only_b.recall == 1 and math.isnan(only_b.kept)


def test_a_certain_mistake_is_finite() -> None:
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(36.04, abs=0.01)


def test_what_cannot_be() -> None:
    with pytest.raises(UsageError):
        keep_share(np.array([0.1]), np.array([True]), share=1.5)
    with pytest.raises(UsageError):
        reliability(NONE, np.zeros(0, bool), bins=0)
