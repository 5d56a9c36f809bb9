"""The solvers against scikit-learn on the same matrices: objective values, coefficients, naive Bayes, n-grams and tf-idf."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from hornbook.statistical.features import FeatureConfig, HashedFeatures, SparseRows
from hornbook.statistical.linear_solve import solve_binary, solve_multinomial, solve_naive_bayes, solve_one_against_rest

pytest.importorskip("sklearn", reason="scikit-learn is in the group `dev`")
sparse: Any = pytest.importorskip("scipy.sparse")


def problem(classes: int, *, seed: int = 1, rows: int = 300, width: int = 80) -> tuple[SparseRows, Any, np.ndarray]:
    random = np.random.default_rng(seed)
    dense = random.normal(size=(rows, width)).astype(np.float32) * (random.random((rows, width)) < 0.2)
    targets = (dense[:, :classes] + 0.7 * random.normal(size=(rows, classes))).argmax(axis=1)
    matrix = sparse.csr_matrix(dense)
    rows_of = SparseRows(matrix.indptr.astype(np.int64), matrix.indices, matrix.data, width)
    return rows_of, matrix.astype(np.float64), targets


def weight_sum(weights: np.ndarray) -> float:
    return 0.5 * float(weights @ weights)


@pytest.mark.parametrize("cost", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("loss", ["svm", "hinge", "logistic"])
def test_binary_losses_reach_the_minimum_of_liblinear(loss: str, cost: float) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    rows, matrix, targets = problem(2)
    signs = np.where(targets == 1, 1.0, -1.0)
    costs = np.full(len(rows), cost)
    ours = solve_binary(rows, signs, costs, loss=loss, ratios=None, tolerance=1e-6, seed=1, passes=200_000)  # type: ignore[arg-type]
    if loss == "logistic":
        peer = LogisticRegression(C=cost, solver="liblinear", tol=1e-8, max_iter=10_000)
    else:
        peer = LinearSVC(C=cost, loss="squared_hinge" if loss == "svm" else "hinge", tol=1e-8, max_iter=1_000_000)
    peer.fit(matrix, targets)
    theirs = np.append(peer.coef_[0], peer.intercept_)

    def objective(weights: np.ndarray) -> float:
        margins = signs * (matrix @ weights[:-1] + weights[-1])
        if loss == "logistic":
            losses = np.logaddexp(0, -margins)
        else:
            losses = np.maximum(1 - margins, 0) ** (2 if loss == "svm" else 1)
        return weight_sum(weights) + cost * float(losses.sum())

    assert objective(ours) == pytest.approx(objective(theirs), rel=1e-5)
    np.testing.assert_allclose(ours, theirs, atol=5e-3 * np.abs(theirs).max())


def test_class_weights_and_more_classes_equal_liblinear() -> None:
    from sklearn.svm import LinearSVC

    rows, matrix, targets = problem(4)
    weights, bias = solve_one_against_rest(
        rows, targets, 4, np.full(len(rows), 0.5), loss="svm", by_ratios=False, tolerance=1e-6, seed=1, threads=2
    )
    peer = LinearSVC(C=0.5, tol=1e-8, max_iter=100_000).fit(matrix, targets)
    np.testing.assert_allclose(weights.T, peer.coef_, atol=1e-4)
    np.testing.assert_allclose(bias, peer.intercept_, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_joint_logistic_loss_equals_lbfgs(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    rows, matrix, targets = problem(classes)
    weights, bias = solve_multinomial(rows, targets, classes, np.full(len(rows), 2.0), tolerance=1e-5)
    # with two classes scikit-learn has one vector w where the joint form has w/2 and -w/2: half the penalty
    cost = 2.0 if classes > 2 else 4.0
    peer = LogisticRegression(C=cost, tol=1e-10, max_iter=10_000).fit(matrix, targets)
    np.testing.assert_allclose(weights.T, peer.coef_, atol=2e-4)
    shift = bias - peer.intercept_ if classes == 2 else (bias - bias.mean()) - (peer.intercept_ - peer.intercept_.mean())
    np.testing.assert_allclose(shift, 0, atol=2e-4)


@pytest.mark.parametrize("classes", [2, 5])
def test_naive_bayes_is_equal(classes: int) -> None:
    from sklearn.naive_bayes import MultinomialNB

    rows, matrix, targets = problem(classes)
    counts = np.abs(np.rint(matrix.data * 3)).astype(np.float32)
    rows = SparseRows(rows.starts, rows.columns, counts, rows.width)
    weights, bias = solve_naive_bayes(rows, targets, classes)
    peer = MultinomialNB().fit(sparse.csr_matrix((counts, matrix.indices, matrix.indptr), matrix.shape), targets)
    expected, prior = peer.feature_log_prob_.T, peer.class_log_prior_
    if classes == 2:
        expected, prior = expected[:, 1:] - expected[:, :1], prior[1:] - prior[:1]
    np.testing.assert_allclose(weights, expected, atol=1e-10)
    np.testing.assert_allclose(bias, prior, atol=1e-12)


TEXTS = ["the cat sat on the mat", "the dog sat", "a cat and a dog", "mat the mat", "on and on and on"]


def sorted_rows(rows: SparseRows) -> list[np.ndarray]:
    return [np.sort(rows.values[rows.starts[i] : rows.starts[i + 1]]) for i in range(len(rows))]


def test_word_weights_are_those_of_tfidf_vectorizer() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    peer = TfidfVectorizer(ngram_range=(1, 1), token_pattern=r"\S+", sublinear_tf=True).fit_transform(TEXTS)
    ours = HashedFeatures(FeatureConfig(words=1, characters=0)).fit_transform(TEXTS)
    for i, values in enumerate(sorted_rows(ours)):
        np.testing.assert_allclose(values, np.sort(peer[i].data), atol=1e-6)


@pytest.mark.parametrize("longest", [1, 3, 5])
def test_character_ngrams_are_those_of_char_wb(longest: int) -> None:
    """But for the single blank around a word, which tells nothing and is left out here."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(1, longest))
    peer = vectorizer.fit_transform(TEXTS).tolil()
    if " " in vectorizer.vocabulary_:
        peer[:, vectorizer.vocabulary_[" "]] = 0
    ours = HashedFeatures(FeatureConfig(words=0, characters=longest, term="count", idf=False, norm="none")).fit_transform(TEXTS)
    for i, values in enumerate(sorted_rows(ours)):
        np.testing.assert_array_equal(values, np.sort(peer.tocsr()[i].data[peer.tocsr()[i].data > 0]))


def test_chinese_ngrams_are_those_of_the_character_analyser() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["今天天气很好", "天气不好，很不好", "很好很好"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = CountVectorizer(analyzer="char", ngram_range=(1, 3)).fit_transform(texts)
    ours = HashedFeatures(FeatureConfig(unspaced=3, term="count", idf=False, norm="none")).fit_transform(texts)
    for i, values in enumerate(sorted_rows(ours)):
        np.testing.assert_array_equal(values, np.sort(peer[i].data))
