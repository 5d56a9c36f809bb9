"""What all positions of a linear chain share: the scores of its transitions, of its first and of its last state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Chain:
    """Scores (natural logs, -inf forbids) of S states: `transition` (S, S) from row to column, `start` (S,), `end` (S,).

    A missing start or end is 0 for every state. Raises ValueError on shapes that do not fit, NaN or +inf.
    """

    def __init__(self, transition: ArrayLike, start: ArrayLike | None = None, end: ArrayLike | None = None) -> None:
        self.transition = np.ascontiguousarray(transition, dtype=np.float64)
        states = len(self.transition)
        self.start = np.zeros(states) if start is None else np.ascontiguousarray(start, dtype=np.float64)
        self.end = np.zeros(states) if end is None else np.ascontiguousarray(end, dtype=np.float64)
        if self.transition.shape != (states, states) or self.start.shape != (states,) or self.end.shape != (states,):
            raise ValueError(f"transition {self.transition.shape}, start {self.start.shape}, end {self.end.shape} do not fit")
        for array in (self.transition, self.start, self.end):
            require_scores(array)

    @property
    def states(self) -> int:
        """S."""
        return len(self.start)

    def __add__(self, other: Chain) -> Chain:
        """Both scores at once, e.g. learned ones and the rules of a label scheme."""
        return Chain(self.transition + other.transition, self.start + other.start, self.end + other.end)

    def permitted(self) -> Self:
        """The same rules without the weights: 0 where a move is possible, -inf where not."""
        return type(self)(*(np.where(array > -np.inf, 0.0, -np.inf) for array in (self.transition, self.start, self.end)))


def require_scores(array: NDArray[Any]) -> None:
    """ValueError when a score is NaN or +inf: either would spread over a whole sequence."""
    if array.size and not array.max() < np.inf:  # NaN fails the comparison too
        raise ValueError("scores must be numbers or -inf, found NaN or +inf")


def lay_out(emissions: ArrayLike, starts: ArrayLike, states: int, kind: type[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Emissions (N, S) of one type and starts (B + 1,) int64, checked: kernels index with them unchecked."""
    scores = np.ascontiguousarray(emissions, dtype=kind)
    offsets = np.ascontiguousarray(starts, dtype=np.int64)
    if scores.ndim != 2 or scores.shape[1] != states:
        raise ValueError(f"emissions {scores.shape} do not fit a chain of {states} states")
    check_starts(offsets, len(scores))
    require_scores(scores)
    return scores, offsets


def check_starts(starts: NDArray[np.int64], positions: int) -> None:
    """ValueError unless `starts` cuts 0 .. positions into sequences."""
    if starts.ndim != 1 or not starts.size or starts[0] != 0 or starts[-1] != positions or (np.diff(starts) < 0).any():
        raise ValueError(f"starts must rise from 0 to {positions}")


def starts_of(lengths: Sequence[int]) -> NDArray[np.int64]:
    """(B + 1,) where each sequence of these lengths starts."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
