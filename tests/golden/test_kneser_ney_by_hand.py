"""Interpolated modified Kneser-Ney on three sentences, worked by hand.

The text, `|` the boundary before a sentence and `.` its end:      | a b a .      | a b .      | b .

Order 1 counts different left neighbours:  a after {|, b} = 2,  b after {|, a} = 2,  . after {a, b} = 2;  sum 6.
No word has count 1, so the discounts are the fallback 1/2, 1, 3/2. Each of the three words loses D2 = 1: 3/6 = 1/2 is free and
is shared by the four ids that may be predicted (a, b, . and unknown), 1/8 each:
    p(a) = p(b) = p(.) = (2 - 1)/6 + 1/8 = 7/24        p(unknown) = 1/8        3 * 7/24 + 1/8 = 1

As a bigram model (occurrences; |a 2, |b 1, ab 2, ba 1, a. 1, b. 2; no bigram has count 3: fallback):
    after |: sum 3, free (1 + 1/2)/3 = 1/2    p(a | |) = (2 - 1)/3 + 1/2 * 7/24 = 23/48      p(b | |) = (1/2)/3 + 7/48 = 15/48
                                              p(. | |) = 7/48                                p(unknown | |) = 1/16
    after a: the same with b for a and . for b;       after b: the same with . for a and a for b.

As a trigram model the bigrams count left neighbours, but those after the boundary keep occurrences:
    |a 2, |b 1, ab {|} = 1, ba {a} = 1, a. {b} = 1, b. {a, |} = 2
    after a: sum 2, free (1/2 + 1/2)/2 = 1/2       p(b | a) = p(. | a) = (1/2)/2 + 7/48 = 19/48
    after b: sum 3, free 1/2                       p(. | b) = 23/48        p(a | b) = 15/48
    trigrams |ab 2, aba 1, ab. 1, ba. 1, |b. 1:
    p(b | |a) = (2 - 1)/2 + 1/2 * 19/48 = 67/96    after |a: sum 2, free 1/2
    p(a | ab) = (1/2)/2 + 1/2 * 15/48 = 39/96      after ab: sum 2, free 1/2
    p(. | ab) = (1/2)/2 + 1/2 * 23/48 = 47/96
    p(. | ba) = (1/2)/1 + 1/2 * 19/48 = 67/96      after ba: sum 1, free 1/2
    p(b | ba) = 1/2 p(b | a) = 19/96
"""

from __future__ import annotations

import numpy as np
import pytest

from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.kneser_ney import estimate_discounts
from ids_only import IdsOnly

A, B, END, UNKNOWN = 3, 4, 1, 2
SENTENCES = [np.array([A, B, A]), np.array([A, B]), np.array([B])]


def trained(order: int) -> NgramLM:
    tokenizer = IdsOnly(5, {"start": 0, "end": END, "unknown": UNKNOWN})
    return NgramLM(tokenizer, NgramConfig(order=order)).fit(SENTENCES)


def after(model: NgramLM, *context: int) -> np.ndarray:
    return np.exp(model.start([np.array(context, dtype=int)])[0][0])


def test_bigram() -> None:
    model = trained(2)
    assert after(model)[[0, A, B, END, UNKNOWN]] == pytest.approx(np.array([0, 23, 15, 7, 3]) / 48, abs=1e-6)
    assert after(model, A)[[A, B, END, UNKNOWN]] == pytest.approx(np.array([7, 23, 15, 3]) / 48, abs=1e-6)
    assert after(model, B)[[A, B, END, UNKNOWN]] == pytest.approx(np.array([15, 7, 23, 3]) / 48, abs=1e-6)
    assert after(model, UNKNOWN)[[A, B, END, UNKNOWN]] == pytest.approx(np.array([7, 7, 7, 3]) / 24, abs=1e-6)
    assert np.exp(model.log_probs(SENTENCES[:1])[0]) == pytest.approx(np.array([23, 23, 15, 15]) / 48, abs=1e-6)


def test_trigram() -> None:
    model = trained(3)
    assert np.exp(model.log_probs(SENTENCES[:1])[0]) == pytest.approx(np.array([46, 67, 39, 67]) / 96, abs=1e-6)
    assert np.exp(model.log_probs(SENTENCES[1:2])[0]) == pytest.approx(np.array([46, 67, 47]) / 96, abs=1e-6)
    assert after(model, B, A)[B] == pytest.approx(19 / 96, abs=1e-6)
    assert after(model, A, B)[[A, END]] == pytest.approx(np.array([39, 47]) / 96, abs=1e-6)


def test_unigram_counts_occurrences() -> None:
    # a 3, b 3, . 3 of 9: each loses D3 = 3/2, so 1/2 is free: p = (3 - 3/2)/9 + 1/8 = 7/24
    assert after(trained(1), A, B)[[A, B, END, UNKNOWN]] == pytest.approx(np.array([7, 7, 7, 3]) / 24, abs=1e-6)


def test_discounts() -> None:
    # n1 = 4, n2 = 2, n3 = 1, n4 = 1: Y = 4/8; D1 = 1 - 2 Y 2/4 = 1/2, D2 = 2 - 3 Y 1/2 = 5/4, D3 = 3 - 4 Y 1/1 = 1
    assert estimate_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4, 9, 0], dtype=np.uint32)) == pytest.approx((0.5, 1.25, 1))
    assert estimate_discounts(np.array([1, 1, 2, 3], dtype=np.uint32)) is None  # no 4
    assert estimate_discounts(np.array([1, 2, 3, 4, 4, 4], dtype=np.uint32)) is None  # D3 = 3 - 4 (1/3) 3 < 0
