"""Every algorithm against listing all paths of small chains."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.sequences import (
    Candidates,
    Chain,
    log_partition,
    path_scores,
    posterior_paths,
    posteriors,
    viterbi,
    viterbi_second_order,
)
from hornbook.sequences.chain import starts_of
from hornbook.sequences.shards import even_shards

LENGTHS = st.lists(st.integers(0, 4), max_size=4)
CASES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 4), LENGTHS, st.sampled_from([0.0, 0.3, 0.7]))


def chain_case(seed: int, states: int, lengths: list[int], forbidden: float) -> tuple[np.ndarray, np.ndarray, Chain]:
    random = np.random.default_rng(seed)

    def scores(*shape: int) -> np.ndarray:
        return np.where(random.random(shape) < forbidden, -np.inf, random.normal(0, 3, shape))

    starts = starts_of(lengths)
    return scores(int(starts[-1]), states), starts, Chain(scores(states, states), scores(states), scores(states))


def all_paths(emissions: np.ndarray, chain: Chain) -> list[tuple[tuple[int, ...], float]]:
    """Every path of one sequence and its score."""
    result = []
    for path in itertools.product(range(chain.states), repeat=len(emissions)):
        score = chain.start[path[0]] + chain.end[path[-1]] + sum(emissions[t, s] for t, s in enumerate(path))
        result.append((path, score + sum(chain.transition[a, b] for a, b in itertools.pairwise(path))))
    return result


@given(CASES)
@settings(deadline=None, max_examples=60)
def test_viterbi_finds_the_best_path(case: tuple[int, int, list[int], float]) -> None:
    emissions, starts, chain = chain_case(*case)
    paths, best = viterbi(emissions, starts, chain)
    np.testing.assert_allclose(path_scores(emissions, starts, chain, paths)[best > -np.inf], best[best > -np.inf], atol=1e-4)
    for b, (begin, stop) in enumerate(itertools.pairwise(starts)):
        expected = max(score for _, score in all_paths(emissions[begin:stop], chain)) if begin < stop else 0.0
        assert best[b] == pytest.approx(expected, abs=1e-4)


@given(CASES)
@settings(deadline=None, max_examples=60)
def test_sums_are_those_over_all_paths(case: tuple[int, int, list[int], float]) -> None:
    emissions, starts, chain = chain_case(*case)
    result = posteriors(emissions, starts, chain)
    np.testing.assert_allclose(log_partition(emissions, starts, chain), result.log_partition, atol=1e-9)
    transitions = np.zeros_like(chain.transition)
    for b, (begin, stop) in enumerate(itertools.pairwise(starts)):
        if begin == stop:
            assert result.log_partition[b] == 0
            continue
        paths = all_paths(emissions[begin:stop], chain)
        total = np.logaddexp.reduce([score for _, score in paths])
        assert result.log_partition[b] == pytest.approx(total, abs=1e-9)
        marginals = np.zeros((stop - begin, chain.states))
        for path, score in paths:
            weight = math.exp(score - total) if score > -np.inf else 0.0
            marginals[np.arange(stop - begin), path] += weight
            np.add.at(transitions, (path[:-1], path[1:]), weight)
        np.testing.assert_allclose(result.marginals[begin:stop], marginals, atol=1e-9)
    np.testing.assert_allclose(result.transitions, transitions, atol=1e-9)


@given(CASES)
@settings(deadline=None, max_examples=60)
def test_second_order_finds_the_best_path(case: tuple[int, int, list[int], float]) -> None:
    emissions, starts, _ = chain_case(*case)
    seed, states, _, forbidden = case
    random = np.random.default_rng(seed + 1)
    trigram = np.where(random.random((states + 1,) * 3) < forbidden / 2, -np.inf, random.normal(0, 3, (states + 1,) * 3))
    paths, best = viterbi_second_order(Candidates.dense(emissions), starts, trigram)

    def score(path: tuple[int, ...], rows: np.ndarray) -> float:
        padded = (states, states, *path, states)
        return sum(trigram[padded[i : i + 3]] for i in range(len(path) + 1)) + sum(rows[t, s] for t, s in enumerate(path))

    for b, (begin, stop) in enumerate(itertools.pairwise(starts)):
        rows = emissions[begin:stop]
        everything = [score(path, rows) for path in itertools.product(range(states), repeat=len(rows))]
        assert best[b] == pytest.approx(max(everything) if len(rows) else 0.0, abs=1e-4)
        if len(rows) and best[b] > -np.inf:
            assert score(tuple(paths[begin:stop]), rows) == pytest.approx(best[b], abs=1e-4)


def test_candidates_limit_the_states() -> None:
    random = np.random.default_rng(3)
    states, length = 5, 40
    emissions = random.normal(0, 2, (length, states)).astype(np.float32)
    trigram = random.normal(0, 2, (states + 1,) * 3)
    allowed = random.random((length, states)) < 0.5
    allowed[np.arange(length), random.integers(0, states, length)] = True
    names = np.nonzero(allowed)[1].astype(np.int32)
    sparse = Candidates(names, emissions[allowed], np.concatenate([[0], np.cumsum(allowed.sum(axis=1))]))
    paths, best = viterbi_second_order(sparse, [0, length], trigram)
    dense = viterbi_second_order(Candidates.dense(np.where(allowed, emissions, -np.inf)), [0, length], trigram)
    np.testing.assert_array_equal(paths, dense[0])
    assert best == pytest.approx(dense[1], rel=1e-6)
    assert allowed[np.arange(length), paths].all()


def test_groups_are_a_table_with_equal_slices() -> None:
    random = np.random.default_rng(4)
    emissions, small, groups = random.normal(0, 2, (50, 5)), random.normal(0, 2, (3, 6, 6)), [0, 1, 0, 1, 1, 2]
    grouped = viterbi_second_order(Candidates.dense(emissions), [0, 1, 3, 50], small, groups=groups)
    full = viterbi_second_order(Candidates.dense(emissions), [0, 1, 3, 50], small[groups])
    np.testing.assert_array_equal(grouped[0], full[0])
    np.testing.assert_array_equal(grouped[1], full[1])
    for wrong in ([0, 1, 0, 1, 1, 3], [0, 1], [-1, 1, 0, 1, 1, 2]):
        with pytest.raises(ValueError, match="groups"):
            viterbi_second_order(Candidates.dense(emissions), [0, 50], small, groups=wrong)


def test_a_wide_beam_changes_nothing_and_a_narrow_one_still_gives_a_path() -> None:
    random = np.random.default_rng(5)
    emissions, trigram = random.normal(0, 2, (60, 6)), random.normal(0, 2, (7, 7, 7))
    candidates, starts = Candidates.dense(emissions), [0, 20, 60]
    exact = viterbi_second_order(candidates, starts, trigram)
    np.testing.assert_array_equal(viterbi_second_order(candidates, starts, trigram, beam=50.0)[0], exact[0])
    greedy = viterbi_second_order(candidates, starts, trigram, beam=0.0)
    assert (greedy[1] <= exact[1] + 1e-4).all() and (greedy[1] > -np.inf).all()


def test_threads_change_no_number() -> None:
    random = np.random.default_rng(6)
    starts = starts_of(list(random.integers(0, 30, 50)))
    emissions = random.normal(0, 2, (int(starts[-1]), 7))
    chain = Chain(random.normal(0, 2, (7, 7)))
    one, four = posteriors(emissions, starts, chain), posteriors(emissions, starts, chain, threads=4)
    for name in ("marginals", "transitions", "log_partition"):
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name))
    np.testing.assert_array_equal(viterbi(emissions, starts, chain)[0], viterbi(emissions, starts, chain, threads=4)[0])
    np.testing.assert_array_equal(log_partition(emissions, starts, chain), log_partition(emissions, starts, chain, threads=4))


def test_weights_that_fade_are_summed_in_logs() -> None:
    """The only way on is e^-900 beside a dead end: rescaled weights lose it, logs do not."""
    emissions = np.array([[0.0, -900.0], [0.0, 0.0], [0.0, 0.0]])
    chain = Chain([[0.0, -np.inf], [-np.inf, 0.0]], end=[-np.inf, 0.0])
    result = posteriors(emissions, [0, 3], chain)
    assert result.log_partition[0] == pytest.approx(-900.0)
    assert log_partition(emissions, [0, 3], chain)[0] == pytest.approx(-900.0)
    np.testing.assert_allclose(result.marginals, [[0, 1]] * 3, atol=1e-12)
    np.testing.assert_allclose(result.transitions, [[0, 0], [0, 2]], atol=1e-12)


def test_a_million_positions_lose_no_precision() -> None:
    emissions = np.tile([[-50.0, -50.25]], (1_000_000, 1))
    chain = Chain(np.log([[0.5, 0.5], [0.5, 0.5]]))
    paths, best = viterbi(emissions, [0, 1_000_000], chain)
    assert not paths.any()
    assert best[0] == pytest.approx(-50e6 - 999_999 * math.log(2), rel=1e-7)


def test_posterior_paths() -> None:
    marginals = np.array([[0.6, 0.4], [0.3, 0.7], [0.55, 0.45]])
    np.testing.assert_array_equal(posterior_paths(marginals, [0, 3]), [0, 1, 0])
    rules = Chain([[-1.0, -np.inf], [-5.0, -2.0]])  # 0 -> 1 is forbidden: 1 1 0 has 0.4 + 0.7 + 0.55, 0 0 0 less
    np.testing.assert_array_equal(posterior_paths(marginals, [0, 3], rules), [1, 1, 0])


def test_scores_that_are_no_numbers_are_refused() -> None:
    chain = Chain(np.zeros((2, 2)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or"):
            viterbi([[0.0, bad]], [0, 1], chain)
        with pytest.raises(ValueError, match="NaN or"):
            Chain([[0.0, bad], [0.0, 0.0]])
    for starts in ([0, 2], [1, 1], [0, 1, 0, 1], []):
        with pytest.raises(ValueError, match="starts"):
            viterbi([[0.0, 0.0]], starts, chain)
    with pytest.raises(ValueError, match="do not fit"):
        viterbi([[0.0, 0.0, 0.0]], [0, 1], chain)


@given(LENGTHS.map(lambda lengths: lengths * 5), st.integers(1, 20))
@settings(deadline=None)
def test_shards_cover_every_sequence_once(lengths: list[int], count: int) -> None:
    shards = even_shards(starts_of(lengths), count)
    assert len(shards) <= count
    assert [sequence for first, last in shards for sequence in range(first, last)] == list(range(len(lengths)))
