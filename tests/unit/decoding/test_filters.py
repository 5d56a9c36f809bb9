import numpy as np
from numpy.testing import assert_allclose

from bigram_table import Letters
from hornbook.decoding import Greedy, RepetitionPenalty, Sampler, Suppress, Temperature, TopK, TopP


def logs(*probabilities):
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, np.float64))


def kept(scores):
    return [np.flatnonzero(np.isfinite(row)).tolist() for row in scores]


def test_top_k_by_hand():
    scores = logs([0.1, 0.4, 0.2, 0.3], [0.7, 0.1, 0.1, 0.1])
    assert kept(TopK(2)(scores.copy(), [])) == [[1, 3], [0, 1, 2, 3]]  # ties with the last one stay
    assert kept(TopK(1)(scores.copy(), [])) == [[1], [0]]
    assert kept(TopK(9)(scores.copy(), [])) == [[0, 1, 2, 3]] * 2


def test_top_p_by_hand():
    scores = logs([0.1, 0.4, 0.2, 0.3], [0.0, 0.05, 0.9, 0.05])
    assert kept(TopP(0.5)(scores.copy(), [])) == [[1, 3], [2]]  # 0.4 < 0.5 <= 0.4 + 0.3
    assert kept(TopP(0.65)(scores.copy(), [])) == [[1, 3], [2]]
    assert kept(TopP(0.75)(scores.copy(), [])) == [[1, 2, 3], [2]]
    assert kept(TopP(0.92)(scores.copy(), [])) == [[0, 1, 2, 3], [1, 2]]
    assert kept(TopP(1e-9)(scores.copy(), [])) == [[1], [2]]


def test_top_p_counts_what_earlier_filters_left():
    scores = logs([0.5, 0.25, 0.15, 0.1])
    scores[0, 0] = -np.inf  # the rest is 0.5, 0.3, 0.2
    assert kept(TopP(0.6)(scores, [])) == [[1, 2]]


def test_temperature_by_hand():
    scores = Temperature(0.5)(logs([0.8, 0.2]), [])
    assert_allclose(np.exp(scores) / np.exp(scores).sum(), [[0.64 / 0.68, 0.04 / 0.68]])


def test_repetition_penalty_by_hand():
    scores = np.array([[3.0, 1.0, -4.0, -np.inf]])  # mean of the finite ones is 0: these are the logits
    result = RepetitionPenalty(2.0)(scores - 7, [[0, 2, 2, 3]])
    assert_allclose(result, [[1.5, 1.0, -8.0, -np.inf]])


def test_repetition_penalty_leaves_a_loop():
    """A token of probability 0.999 must be beatable: multiplying its log-probability would change nothing."""
    scores = np.log(np.array([[0.999, *[0.001 / 99] * 99]]))
    assert RepetitionPenalty(1.5)(scores.copy(), [[0]])[0, 0] < scores[0, 0] - scores[0].mean() - 2


def test_suppress_takes_every_special_but_end_and_what_the_tokenizer_lacks():
    assert kept(Suppress((0, 4))(np.zeros((2, 6)), [])) == [[1, 2, 3, 5]] * 2
    assert kept(Suppress.specials(Letters("ab"))(np.zeros((2, 8)), [])) == [[3, 4, 5]] * 2  # end, a, b; 6 and 7 are padding


def test_choosers():
    scores = logs([0.2, 0.5, 0.3, 0.0], [0.0, 0.0, 0.0, 1.0])
    assert Greedy()(scores, []).tolist() == [1, 3]
    assert Sampler()(scores, [Fixed(0.0), Fixed(0.0)]).tolist() == [0, 3]
    assert Sampler()(scores, [Fixed(0.71), Fixed(0.999999)]).tolist() == [2, 3]
    assert Sampler()(scores, [Fixed(1.0), Fixed(0.5)]).tolist() == [2, 3]  # never an id of probability 0
    assert Sampler()(logs([0.0, 0.5, 0.5, 0.0]), [Fixed(0.0)]).tolist() == [1]


class Fixed:
    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value
