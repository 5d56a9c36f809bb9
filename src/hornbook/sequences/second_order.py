"""The best path of a chain in which a state depends on the two before it, over a few candidate states a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from hornbook.sequences.chain import check_starts, require_scores
from hornbook.sequences.shards import even_shards, run_shards


@dataclass(frozen=True, eq=False)
class Candidates:
    """The states each position may take and their scores; position t has the entries offsets[t] to offsets[t + 1]."""

    states: NDArray[np.int32]  # (M,)
    scores: NDArray[np.float32]  # (M,) natural logs
    offsets: NDArray[np.int64]  # (N + 1,)

    @classmethod
    def dense(cls, emissions: ArrayLike) -> Self:
        """Every state at every position: emissions (N, S)."""
        scores = np.ascontiguousarray(emissions, dtype=np.float32)
        positions, states = scores.shape
        names = np.tile(np.arange(states, dtype=np.int32), positions)
        return cls(names, scores.reshape(-1), np.arange(positions + 1, dtype=np.int64) * states)


def viterbi_second_order(
    candidates: Candidates,
    starts: ArrayLike,
    trigram: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    beam: float = np.inf,
    threads: int = 1,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Best states (N,) and their scores (B,), -inf where nothing is permitted, 0 for an empty sequence.

    `trigram` (S + 1, S + 1, S + 1) scores a state given the two before it, [two before, one before, state]; index S stands for
    the boundary on either side: [S, S, first], [S, first, second], ..., [last but one, last, S]. With `groups` (S + 1,) the
    state two before counts only by its group: `trigram` is (G, S + 1, S + 1). Pairs of states more than `beam` worse than the
    best pair of their position are dropped (Brants 2000, section 2.4); without a beam it is exact.
    """
    table = np.ascontiguousarray(trigram, dtype=np.float32)
    offsets, lengths = np.ascontiguousarray(starts, dtype=np.int64), np.diff(candidates.offsets)
    states = table.shape[-1] - 1
    group_of = np.ascontiguousarray(np.arange(states + 1) if groups is None else groups, dtype=np.int32)
    if table.ndim != 3 or table.shape[1] != states + 1 or group_of.shape != (states + 1,):
        raise ValueError(f"trigram {table.shape} and groups {group_of.shape} do not fit")
    if group_of.min() < 0 or group_of.max() >= len(table):
        raise ValueError(f"trigram {table.shape} lacks groups up to {group_of.max()}")
    check_starts(offsets, lengths.size)
    check_starts(candidates.offsets, candidates.states.size)
    if lengths.size and (lengths.min() < 1 or candidates.states.min() < 0 or candidates.states.max() >= states):
        raise ValueError(f"every position needs a candidate, each below {states}")
    for scores in (table, candidates.scores):
        require_scores(scores)
    paths = np.zeros(lengths.size, dtype=np.int32)
    best = np.zeros(offsets.size - 1)
    parts = (candidates.states, candidates.scores, candidates.offsets)
    run_shards(
        lambda first, last: _decode(*parts, offsets, first, last, table, group_of, np.float32(beam), paths, best),
        even_shards(offsets, threads),
        threads,
    )
    return paths, best


@njit(cache=True, nogil=True)
def _decode(
    names: NDArray[np.int32],
    scores: NDArray[np.float32],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    first: int,
    last: int,
    trigram: NDArray[np.float32],
    groups: NDArray[np.int32],
    beam: np.float32,
    paths: NDArray[np.int32],
    best: NDArray[np.float64],
) -> None:
    """`pairs[p * width + c]` is the best score of a path ending in candidate p of the position before and c of this one."""
    boundary = trigram.shape[1] - 1
    most_pairs, widest = _sizes(offsets, starts, first, last)
    came_from = np.empty(most_pairs, dtype=np.int16)  # the candidate two positions back, for every pair of every position
    pairs = np.empty(widest * widest, dtype=np.float32)
    following = np.empty(widest * widest, dtype=np.float32)
    older_groups = np.empty(widest, dtype=np.int32)  # of the candidates two positions back
    best_older = np.empty(trigram.shape[0] * widest, dtype=np.int16)
    for sequence in range(first, last):
        begin, stop = starts[sequence], starts[sequence + 1]
        if begin == stop:
            continue
        total = 0.0
        width = offsets[begin + 1] - offsets[begin]
        before_width = 1  # the boundary before the first position is its only predecessor
        for c in range(width):
            k = offsets[begin] + c
            pairs[c] = trigram[groups[boundary], boundary, names[k]] + scores[k]
        peak = pairs[:width].max()
        written = 0
        for t in range(begin + 1, stop):
            if peak == -np.inf:
                break
            total += peak
            next_width = offsets[t + 1] - offsets[t]
            size = width * next_width
            following[:size] = -np.inf
            came_from[written : written + size] = 0
            for b in range(before_width):
                older_groups[b] = groups[boundary if t - 2 < begin else names[offsets[t - 2] + b]]
            collapsed = before_width > trigram.shape[0]
            if collapsed:  # the candidates of a group differ only by their scores: its best one is enough
                before_width = _best_of_groups(pairs, width, before_width, trigram.shape[0], older_groups, best_older)
            places = before_width, offsets[t - 1], offsets[t], offsets[t + 1]
            came = came_from[written : written + size]
            _step(pairs, peak, beam, trigram, older_groups, names, *places, following, came)
            if collapsed:
                _name_older(came, width, best_older)
            peak = _add(scores, offsets[t], offsets[t + 1], following, width)
            pairs, following = following, pairs
            written += size
            before_width, width = width, next_width
        best[sequence] = -np.inf
        if peak == -np.inf:
            continue
        winner = np.float32(-np.inf)
        p = c = 0
        for b in range(before_width):
            older = groups[boundary if stop - 2 < begin else names[offsets[stop - 2] + b]]
            for i in range(width):
                score = pairs[b * width + i] + trigram[older, names[offsets[stop - 1] + i], boundary]
                if score > winner:
                    winner, p, c = score, b, i
        if winner == -np.inf:
            continue
        best[sequence] = total + winner
        _trace(names, offsets, begin, stop, p, c, came_from[:written], paths)


@njit(cache=True, nogil=True)
def _step(
    pairs: NDArray[np.float32],
    peak: float,
    beam: np.float32,
    trigram: NDArray[np.float32],
    older_groups: NDArray[np.int32],
    names: NDArray[np.int32],
    rows: int,
    previous: int,
    begin: int,
    end: int,
    following: NDArray[np.float32],
    came_from: NDArray[np.int16],
) -> None:
    """Best `following` (width, end - begin) over the rows of `pairs` (rows, width), and in `came_from` which row it was.

    The candidates of the position before are `previous` to `begin`, those of this one `begin` to `end`.
    """
    width, next_width = begin - previous, end - begin
    for b in range(rows):
        older = older_groups[b]
        for p in range(width):
            value = pairs[b * width + p] - peak
            if value < -beam or value == -np.inf:
                continue
            row = trigram[older, names[previous + p]]
            for c in range(next_width):
                score = value + row[names[begin + c]]
                if score > following[p * next_width + c]:
                    following[p * next_width + c] = score
                    came_from[p * next_width + c] = b


@njit(cache=True, nogil=True)
def _name_older(came_from: NDArray[np.int16], width: int, best_older: NDArray[np.int16]) -> None:
    """Rows of groups in `came_from` (width, next width) become the candidates that stand for them."""
    next_width = came_from.size // width
    for p in range(width):
        for i in range(p * next_width, (p + 1) * next_width):
            came_from[i] = best_older[came_from[i] * width + p]


@njit(cache=True, nogil=True)
def _add(scores: NDArray[np.float32], begin: int, end: int, following: NDArray[np.float32], width: int) -> np.float32:
    """Add the candidates' own scores to `following` (width, end - begin); returns the best sum."""
    peak = np.float32(-np.inf)
    for p in range(width):
        row = p * (end - begin)
        for c in range(end - begin):
            score = following[row + c] + scores[begin + c]
            following[row + c] = score
            peak = max(peak, score)
    return peak


@njit(cache=True, nogil=True)
def _trace(
    names: NDArray[np.int32],
    offsets: NDArray[np.int64],
    begin: int,
    stop: int,
    p: int,
    c: int,
    came_from: NDArray[np.int16],
    paths: NDArray[np.int32],
) -> None:
    """The states of a sequence from its last two candidates, p and c."""
    written = came_from.size
    for t in range(stop - 1, begin, -1):
        paths[t] = names[offsets[t] + c]
        width = offsets[t + 1] - offsets[t]
        written -= (offsets[t] - offsets[t - 1]) * width
        c, p = p, came_from[written + p * width + c]
    paths[begin] = names[offsets[begin] + c]


@njit(cache=True, nogil=True)
def _best_of_groups(
    pairs: NDArray[np.float32],
    width: int,
    before_width: int,
    most: int,
    older_groups: NDArray[np.int32],
    best_older: NDArray[np.int16],
) -> int:
    """Leave one row of `pairs` for each group: the best score of every candidate p; `best_older` says whose. Their number."""
    rows = np.full(most, -1, dtype=np.int64)  # of each group
    used = 0
    for b in range(before_width):
        group = older_groups[b]
        if rows[group] < 0:  # a row already read: b is never behind it
            rows[group] = used
            older_groups[used] = group
            for p in range(width):
                pairs[used * width + p] = pairs[b * width + p]
                best_older[used * width + p] = b
            used += 1
            continue
        row = rows[group]
        for p in range(width):
            if pairs[b * width + p] > pairs[row * width + p]:
                pairs[row * width + p] = pairs[b * width + p]
                best_older[row * width + p] = b
    return used


@njit(cache=True, nogil=True)
def _sizes(offsets: NDArray[np.int64], starts: NDArray[np.int64], first: int, last: int) -> tuple[int, int]:
    """Most pairs of candidates in one sequence, and the most candidates of one position."""
    most = widest = 1
    for sequence in range(first, last):
        size = 0
        for t in range(starts[sequence], starts[sequence + 1]):
            width = offsets[t + 1] - offsets[t]
            widest = max(widest, width)
            if t > starts[sequence]:
                size += (offsets[t] - offsets[t - 1]) * width
        most = max(most, size)
    return most, widest
