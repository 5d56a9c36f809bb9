"""A hidden Markov model with two states and two words, worked by hand: forward, Viterbi, posteriors, one step of Baum-Welch.

States H (hot) and C (cold); start 1/2 each; H -> H 3/4, C -> C 1/2. Words a and b: H says a 1/2, b 1/2; C says a 1/4, b 3/4.
The text is  b a.

Forward:    t = 1:  H 1/2 * 1/2 = 1/4        C 1/2 * 3/4 = 3/8
            t = 2:  H (1/4 * 3/4 + 3/8 * 1/2) * 1/2 = 3/16        C (1/4 * 1/4 + 3/8 * 1/2) * 1/4 = 1/16
            p(b a) = 1/4;  p(b) = 5/8, so p(a | b) = 2/5 and p(b | b) = 3/5
Paths:      HH 1/4 * 3/4 * 1/2 = 3/32    CH 3/8 * 1/2 * 1/2 = 3/32    HC 1/4 * 1/4 * 1/4 = 1/64    CC 3/8 * 1/2 * 1/4 = 3/64
Posteriors: P(HH) = 3/8, P(CH) = 3/8, P(HC) = 1/16, P(CC) = 3/16, so P(first H) = 7/16 and P(second H) = 3/4
Baum-Welch: start H 7/16;  H -> H (3/8) / (7/16) = 6/7;  C -> H (3/8) / (9/16) = 2/3
            H says a (3/4) / (7/16 + 3/4) = 12/19;  C says a (1/4) / (9/16 + 1/4) = 4/13
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from hornbook.sequences import Chain, log_partition, path_scores, posteriors, viterbi
from hornbook.statistical.baum_welch import Iteration, Observations, iterate
from hornbook.statistical.hmm_tables import HmmTables, Prior, padded_size

START = np.array([1 / 2, 1 / 2])
MOVE = np.array([[3 / 4, 1 / 4], [1 / 2, 1 / 2]])
SAY = np.array([[1 / 2, 1 / 2], [1 / 4, 3 / 4]])  # [state, word]
TEXT = [1, 0]  # b a


def chain() -> tuple[np.ndarray, Chain]:
    return np.log(SAY.T[TEXT]), Chain(np.log(MOVE), np.log(START))


def test_forward() -> None:
    emissions, tables = chain()
    assert log_partition(emissions, [0, 2], tables)[0] == pytest.approx(math.log(1 / 4))
    assert log_partition(emissions[:1], [0, 1], tables)[0] == pytest.approx(math.log(5 / 8))


def test_paths() -> None:
    emissions, tables = chain()
    paths = {(0, 0): 3 / 32, (1, 0): 3 / 32, (0, 1): 1 / 64, (1, 1): 3 / 64}
    for path, probability in paths.items():
        assert path_scores(emissions, [0, 2], tables, path)[0] == pytest.approx(math.log(probability))
    best, score = viterbi(emissions, [0, 2], tables)
    assert best[1] == 0 and score[0] == pytest.approx(math.log(3 / 32))  # HH and CH are equally good


def test_posteriors() -> None:
    emissions, tables = chain()
    result = posteriors(emissions, [0, 2], tables)
    np.testing.assert_allclose(result.marginals, [[7 / 16, 9 / 16], [3 / 4, 1 / 4]])
    np.testing.assert_allclose(result.transitions, [[3 / 8, 1 / 16], [3 / 8, 3 / 16]])


def test_one_step_of_baum_welch() -> None:
    size = padded_size(2)
    start, move, say = np.zeros(size, np.float32), np.zeros((size, size), np.float32), np.zeros((2, size), np.float32)
    start[:2], move[:2, :2], say[:, :2] = START, MOVE, SAY.T
    observed = Observations(np.array(TEXT, dtype=np.int32), np.array([0, 2]))
    first = Iteration(HmmTables(2, start, move, say), 0)
    after = next(iterate(first, observed, Prior(np.full(2, 0.5), 0.0, 0.0), threads=1))
    assert after.log_likelihoods == pytest.approx([math.log(1 / 4)])
    np.testing.assert_allclose(after.tables.start[:2], [7 / 16, 9 / 16], rtol=1e-6)
    np.testing.assert_allclose(after.tables.transition[:2, :2], [[6 / 7, 1 / 7], [2 / 3, 1 / 3]], rtol=1e-6)
    np.testing.assert_allclose(after.tables.emission[:, :2], [[12 / 19, 4 / 13], [7 / 19, 9 / 13]], rtol=1e-6)
    assert not after.tables.emission[:, 2:].any() and not after.tables.transition[2:].any()
