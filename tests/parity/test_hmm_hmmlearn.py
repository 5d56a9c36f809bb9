"""The hidden Markov model against hmmlearn (float64): from one start the same likelihoods, tables, paths and posteriors."""

from __future__ import annotations

import numpy as np
import pytest

from hornbook.sequences.chain import starts_of
from hornbook.statistical.baum_welch import Iteration, Observations, iterate
from hornbook.statistical.hmm import HmmConfig, HmmLM
from hornbook.statistical.hmm_tables import HmmTables, Prior, padded_size
from ids_only import IdsOnly

hmmlearn = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is in the group `peers`: make peers")
STATES, WORDS = 7, 50


@pytest.fixture(scope="module")
def text() -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(1)
    lengths = [int(n) for n in random.integers(1, 40, 120)]
    return (random.zipf(1.3, sum(lengths)) - 1) % WORDS, lengths


def tables(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return (
        random.dirichlet(np.ones(STATES)),
        random.dirichlet(np.ones(STATES), STATES),
        random.dirichlet(np.ones(WORDS), STATES),
    )


def ours(seed: int) -> HmmTables:
    start, transition, emission = tables(seed)
    size = padded_size(STATES)
    first, moves, says = np.zeros(size, np.float32), np.zeros((size, size), np.float32), np.zeros((WORDS, size), np.float32)
    first[:STATES], moves[:STATES, :STATES], says[:, :STATES] = start, transition, emission.T
    return HmmTables(STATES, first, moves, says)


def theirs(seed: int, iterations: int, implementation: str = "log") -> object:
    model = hmmlearn.CategoricalHMM(
        STATES,
        n_iter=iterations,
        tol=-1e9,
        init_params="",
        params="ste",
        n_features=WORDS,
        implementation=implementation,
    )
    model.startprob_, model.transmat_, model.emissionprob_ = tables(seed)
    return model


@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_twenty_iterations_of_baum_welch(text: tuple[np.ndarray, list[int]], implementation: str) -> None:
    tokens, lengths = text
    peer = theirs(1, 20, implementation)
    peer.fit(tokens[:, None], lengths)  # type: ignore[attr-defined]
    observed = Observations(tokens.astype(np.int32), starts_of(lengths))
    steps = iterate(Iteration(ours(1), 0), observed, Prior(np.full(WORDS, 1 / WORDS), 0.0, 0.0), threads=2)
    state = [next(steps) for _ in range(20)][-1]
    np.testing.assert_allclose(state.log_likelihoods, peer.monitor_.history, rtol=2e-6)  # type: ignore[attr-defined]
    real = slice(STATES)
    np.testing.assert_allclose(state.tables.start[real], peer.startprob_, atol=1e-3)  # type: ignore[attr-defined]
    np.testing.assert_allclose(state.tables.transition[real, real], peer.transmat_, atol=1e-3)  # type: ignore[attr-defined]
    np.testing.assert_allclose(state.tables.emission[:, real].T, peer.emissionprob_, atol=1e-3)  # type: ignore[attr-defined]


def test_forward_viterbi_and_posteriors(text: tuple[np.ndarray, list[int]]) -> None:
    tokens, lengths = text
    peer = theirs(2, 0)
    model = HmmLM(IdsOnly(WORDS, {"end": 0}), HmmConfig(states=STATES))
    model._tables = ours(2)
    documents = np.split(tokens, np.cumsum(lengths)[:-1])
    for document, path, shares, scores in zip(
        documents, model.viterbi(documents), model.posteriors(documents), model.log_probs(documents)
    ):
        total, expected = peer.decode(document[:, None])  # type: ignore[attr-defined]
        np.testing.assert_array_equal(path, expected)
        np.testing.assert_allclose(shares, peer.predict_proba(document[:, None]), atol=1e-5)  # type: ignore[attr-defined]
        likelihood = peer.score(document[:, None])  # type: ignore[attr-defined]
        assert scores[:-1].sum(dtype=np.float64) == pytest.approx(likelihood, rel=1e-5)
        assert total <= likelihood + 1e-9
