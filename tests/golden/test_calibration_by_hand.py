"""Five answers, worked out by hand: bins, calibration error, Brier score, likelihood, and a threshold that keeps ham."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hornbook.scoring.calibration import (
    Bin,
    brier_score,
    equal_mass,
    expected_calibration_error,
    keep_share,
    negative_log_likelihood,
    reliability,
)


def test_two_bins_of_five_answers() -> None:
    # confidences   0.4  0.5 | 0.6  0.8  1.0     bins of width 1/2: (0, 0.5] and (0.5, 1]
    # right          no  yes | yes   no  yes
    # mean             0.45  |      0.8
    # accuracy         1/2   |      2/3          error: 2/5 * |0.5 - 0.45| + 3/5 * |2/3 - 0.8| = 0.02 + 0.08 = 0.1
    confidences = np.array([0.4, 0.5, 0.6, 0.8, 1.0])
    right = np.array([False, True, True, False, True])
    bins = reliability(confidences, right, bins=2)
    assert bins == [Bin(0.4, 0.5, pytest.approx(0.45), 0.5, 2), Bin(0.6, 1.0, pytest.approx(0.8), pytest.approx(2 / 3), 3)]
    assert expected_calibration_error(bins) == pytest.approx(0.1)


def test_bins_of_equal_mass() -> None:
    # 0.2 0.3 | 0.8 0.9 in two bins of two: means 0.25 and 0.85, accuracy 0 and 1; error (0.25 + 0.15) / 2 = 0.2
    confidences = np.array([0.9, 0.2, 0.3, 0.8])
    bins = reliability(confidences, np.array([True, False, False, True]), bins=2, placing=equal_mass)
    assert [one.n for one in bins] == [2, 2]
    assert expected_calibration_error(bins) == pytest.approx(0.2)


def test_brier_and_likelihood() -> None:
    # right label 0 of (0.5, 0.5): 0.25 + 0.25 = 0.5; right label 1 of (0.2, 0.8): 0.04 + 0.04 = 0.08; mean 0.29
    probabilities, gold = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([0, 1])
    assert brier_score(probabilities, gold) == pytest.approx(0.29)
    assert negative_log_likelihood(probabilities, gold) == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)


def test_three_of_four_ham_kept() -> None:
    # ham   0.1  0.2  0.3  0.7       three of four must stay below: the lowest score above 0.3 is 0.6
    # spam  0.2  0.6  0.9            from 0.6 on: 0.7 (ham), 0.6 and 0.9 (spam): precision 2/3, recall 2/3
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.2, 0.6, 0.9])
    spam = np.array([False] * 4 + [True] * 3)
    assert keep_share(scores, spam, share=0.75) == (0.6, 0.75, pytest.approx(2 / 3), pytest.approx(2 / 3))
    # all four must stay: from 0.9 on only spam
    assert keep_share(scores, spam, share=1.0) == (0.9, 1.0, 1.0, pytest.approx(1 / 3))
