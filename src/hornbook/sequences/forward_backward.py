"""Sums over all paths: log-partition, marginals, expected transitions (Rabiner 1989, section III), posterior decoding.

Weights are carried as probabilities rescaled at every position (Rabiner 1989, section V A), not as logs: one multiplication
and addition a transition instead of an exponential. Where rescaling cannot hold them, because the only permitted way runs
through a state e^500 worse than another, that sequence is computed in logs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hornbook.sequences.chain import Chain, lay_out
from hornbook.sequences.first_order import viterbi
from hornbook.sequences.shards import even_shards, run_shards
from hornbook.sequences.sums import scaled_forward, scaled_forward_backward, sum_in_logs

_SHARDS = 16  # fixed, so that the sums do not depend on the number of threads


@dataclass(frozen=True, eq=False)
class Posteriors:
    """What the paths of each sequence say on average, each weighted by exp(score) / exp(log-partition)."""

    marginals: NDArray[np.float64]  # (N, S) probability of each state at each position, rows sum to 1
    transitions: NDArray[np.float64]  # (S, S) expected number of times each transition is taken, over the whole batch
    log_partition: NDArray[np.float64]  # (B,) log of the sum over paths of exp(score)


def log_partition(emissions: ArrayLike, starts: ArrayLike, chain: Chain, *, threads: int = 1) -> NDArray[np.float64]:
    """(B,) log of the sum over paths of exp(score): -inf without a permitted path, 0 for an empty sequence."""
    scores, offsets = lay_out(emissions, starts, chain.states, np.float64)
    weights, peaks = _weights(scores)
    (transition, _, start, end), lift = _tables(chain)
    result = np.zeros(offsets.size - 1)
    run_shards(
        lambda first, last: scaled_forward(weights, peaks, offsets, first, last, transition, start, end, lift, result),
        even_shards(offsets, threads),
        threads,
    )
    for sequence in np.flatnonzero(np.isnan(result)):
        rows = slice(offsets[sequence], offsets[sequence + 1])
        marginals, transitions = np.zeros_like(scores[rows]), np.zeros_like(chain.transition)
        result[sequence] = sum_in_logs(scores[rows], chain.transition, chain.start, chain.end, marginals, transitions)
    return result


def posteriors(emissions: ArrayLike, starts: ArrayLike, chain: Chain, *, threads: int = 1) -> Posteriors:
    """Marginals, expected transitions and log-partition; the same numbers for every number of threads.

    A sequence without any permitted path has marginals 0 and log-partition -inf, and adds no transitions.
    """
    scores, offsets = lay_out(emissions, starts, chain.states, np.float64)
    weights, peaks = _weights(scores)
    tables, lift = _tables(chain)
    result = np.zeros(offsets.size - 1)
    marginals = np.zeros_like(scores)

    def work(first: int, last: int) -> NDArray[np.float64]:
        pairs = np.zeros_like(chain.transition)
        scaled_forward_backward(weights, peaks, offsets, first, last, *tables, lift, result, marginals, pairs)
        return pairs

    transitions = np.zeros_like(chain.transition)
    for pairs in run_shards(work, even_shards(offsets, _SHARDS), threads):
        transitions += pairs
    transitions *= tables[0]
    for sequence in np.flatnonzero(np.isnan(result)):
        rows = slice(offsets[sequence], offsets[sequence + 1])
        result[sequence] = sum_in_logs(scores[rows], chain.transition, chain.start, chain.end, marginals[rows], transitions)
    return Posteriors(marginals, transitions, result)


def path_scores(emissions: ArrayLike, starts: ArrayLike, chain: Chain, paths: ArrayLike) -> NDArray[np.float64]:
    """(B,) scores of the given states (N,); 0 for an empty sequence. ValueError on a state outside the chain."""
    scores, offsets = lay_out(emissions, starts, chain.states, np.float64)
    states = np.asarray(paths, dtype=np.int64)
    if states.shape != (len(scores),) or (states.size and not 0 <= states.min() <= states.max() < chain.states):
        raise ValueError(f"paths must be {len(scores)} states below {chain.states}")
    steps = scores[np.arange(states.size), states]
    inner = np.ones(states.size, dtype=np.bool_)
    filled = offsets[:-1] < offsets[1:]
    heads, tails = offsets[:-1][filled], offsets[1:][filled] - 1
    inner[heads] = False
    after = np.flatnonzero(inner)
    steps[after] += chain.transition[states[after - 1], states[after]]
    steps[heads] += chain.start[states[heads]]
    steps[tails] += chain.end[states[tails]]
    result = np.zeros(offsets.size - 1)
    if heads.size:
        result[filled] = np.add.reduceat(steps, heads)
    return result


def posterior_paths(marginals: ArrayLike, starts: ArrayLike, rules: Chain | None = None) -> NDArray[np.int32]:
    """(N,) the states that are right most often: the most probable one of each position.

    With `rules`, the permitted path with the largest sum of marginals (the states alone may form a forbidden path).
    """
    values = np.asarray(marginals, dtype=np.float64)
    if rules is None:
        best: NDArray[np.int32] = values.argmax(axis=1).astype(np.int32)
        return best
    return viterbi(values, starts, rules.permitted())[0]


def _weights(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """exp(score - peak) (N, S) and the peak of each position (N,)."""
    peaks = scores.max(axis=1, initial=-np.inf)
    finite = np.where(peaks > -np.inf, peaks, 0.0)
    weights = scores - finite[:, None]
    return np.exp(weights, out=weights), finite


def _tables(chain: Chain) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    """Transition, its transpose, start and end as weights of at most 1, and what was taken off each of the three, (3,)."""
    logs = (chain.transition, chain.start, chain.end)
    tops = np.array([top if (top := array.max(initial=-np.inf)) > -np.inf else 0.0 for array in logs])
    transition, start, end = (np.exp(array - top) for array, top in zip(logs, tops))
    return (transition, np.ascontiguousarray(transition.T), start, end), tops
