"""The worked example of Manning, Raghavan and Schuetze (2008), Introduction to Information Retrieval, example 13.1.

Training: 'Chinese Beijing Chinese', 'Chinese Chinese Shanghai', 'Chinese Macao' are about China, 'Tokyo Japan Chinese' is not.
P(Chinese | c) = (5 + 1) / (8 + 6) = 3/7, P(Tokyo | c) = P(Japan | c) = (0 + 1) / (8 + 6) = 1/14,
P(Chinese | not c) = (1 + 1) / (3 + 6) = 2/9, P(Tokyo | not c) = P(Japan | not c) = (1 + 1) / (3 + 6) = 2/9.
For 'Chinese Chinese Chinese Tokyo Japan': 3/4 (3/7)^3 (1/14)^2 = 0.0003 against 1/4 (2/9)^3 (2/9)^2 = 0.0001.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from hornbook.statistical.features import FeatureConfig
from hornbook.statistical.linear import NAIVE_BAYES, LinearClassifier

TEXTS = ["Chinese Beijing Chinese", "Chinese Chinese Shanghai", "Chinese Macao", "Tokyo Japan Chinese"]
LABELS = ["china", "china", "china", "other"]
QUESTION = "Chinese Chinese Chinese Tokyo Japan"


def test_the_text_book_answer() -> None:
    words = FeatureConfig(words=1, characters=0, term="count", idf=False, norm="none")
    model = LinearClassifier(replace(NAIVE_BAYES, features=words)).fit(TEXTS, LABELS)
    china = Fraction(3, 4) * Fraction(3, 7) ** 3 * Fraction(1, 14) ** 2
    other = Fraction(1, 4) * Fraction(2, 9) ** 5
    assert model([QUESTION]) == ["china"]
    expected = [float(part / (china + other)) for part in (china, other)]
    np.testing.assert_allclose(model.predict_proba([QUESTION])[0], expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba([""])[0], [3 / 4, 1 / 4], rtol=1e-6)  # nothing read: the priors
