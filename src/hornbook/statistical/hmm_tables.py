"""The probabilities of a hidden Markov model as three arrays, their estimation from (expected) counts, and their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError
from hornbook.statistical.tensors import load_tensors, save_tensors

LANES = 16  # float32 numbers in the widest vector register: rows are padded with zeros to a multiple of it
_ROWS = 1024  # of the emission table at a time: float64 copies stay small
_VANISHED = np.float32(1e-30)  # smaller probabilities become 0: they could only slow the machine down (denormal numbers)


@dataclass(frozen=True)
class Prior:
    """Dirichlet pseudo-counts: `emission` times `background` (V,) for every state, `transition` spread evenly over a row."""

    background: NDArray[np.float64]  # (V,) sums to 1
    emission: float
    transition: float


@dataclass(frozen=True, eq=False)
class HmmTables:
    """Probabilities of `states` states over V ids; rows hold P >= states numbers, those beyond `states` are 0."""

    states: int
    start: NDArray[np.float32]  # (P,)
    transition: NDArray[np.float32]  # (P, P) from row to column, rows sum to 1
    emission: NDArray[np.float32]  # (V, P) a row per id, columns sum to 1

    @classmethod
    def from_counts(
        cls, states: int, start: NDArray[Any], transition: NDArray[Any], emission: NDArray[Any], prior: Prior
    ) -> Self:
        """Maximum a posteriori from counts (P,), (P, P), (V, P): (count + pseudo-count) / (sum + pseudo-counts).

        A state without counts and pseudo-counts gets even transitions and the background's emissions.
        """
        real = slice(states)
        first = np.zeros(start.size, dtype=np.float32)
        moves = np.zeros(transition.shape, dtype=np.float32)
        emits = np.zeros(emission.shape, dtype=np.float32)
        even = np.full(states, 1 / states)
        first[real] = _share(start[real].astype(np.float64), prior.transition, even)
        for state in range(states):
            moves[state, real] = _share(transition[state, real].astype(np.float64), prior.transition, even)
        totals = emission[:, real].sum(axis=0, dtype=np.float64) + prior.emission  # (states,)
        factors = np.divide(1.0, totals, out=np.zeros(states), where=totals > 0)
        for row in range(0, len(emission), _ROWS):
            rows = slice(row, row + _ROWS)
            base = prior.background[rows, None]
            shares = np.where(totals > 0, (emission[rows, real] + prior.emission * base) * factors, base)
            emits[rows, real] = np.where(shares < _VANISHED, 0, shares)
        return cls(states, first, moves, emits)

    @classmethod
    def random(cls, states: int, prior: Prior, random: np.random.Generator) -> Self:
        """A start for Baum-Welch: the background, each probability times a gamma number of shape 0.1.

        Most words then favour a few states at once; with milder noise the states stay alike for ten iterations and more.
        """
        padded = padded_size(states)
        emission = np.zeros((prior.background.size, padded))
        transition, start = np.zeros((padded, padded)), np.zeros(padded)
        noise = random.gamma(0.1, size=(prior.background.size, states)) + 1e-4
        emission[:, :states] = prior.background[:, None] * noise
        emission[:, :states] /= emission[:, :states].sum(axis=0)
        transition[:states, :states] = random.dirichlet(np.ones(states), states)
        start[:states] = random.dirichlet(np.ones(states))
        return cls(states, *(array.astype(np.float32) for array in (start, transition, emission)))

    @property
    def padded(self) -> int:
        """P."""
        return int(self.start.size)

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return len(self.emission)

    @property
    def parameters(self) -> int:
        """Probabilities, padding not counted."""
        return self.states * (1 + self.states + self.vocabulary_size)

    def log_prior(self, prior: Prior) -> float:
        """Log-density of the tables under the prior, up to a constant; -inf is left out where the background is 0."""
        total = 0.0
        real = slice(self.states)
        if prior.emission:
            possible = prior.background > 0
            logs = np.log(self.emission[possible, real], dtype=np.float64)
            total += prior.emission * float(prior.background[possible] @ logs.sum(axis=1))
        if prior.transition:
            logs = np.log(np.vstack([self.transition[real, real], self.start[real]]), dtype=np.float64)
            total += prior.transition / self.states * float(logs.sum())
        return total

    def save(self, path: Path) -> None:
        """Write the three arrays, without padding, as safetensors. Raises DiskFullError."""
        real = slice(self.states)
        tensors = {
            "start": self.start[real],
            "transition": self.transition[real, real],
            "emission": self.emission[:, real],
        }
        require_space(path.parent, sum(array.nbytes for array in tensors.values()) + 4096, what="hidden Markov model")
        save_tensors(tensors, path)

    @classmethod
    def load(cls, path: Path, *, states: int, vocabulary: int) -> Self:
        """Read what `save` wrote; ContentError when shapes do not fit or a row is no distribution."""
        shapes = {"start": (states,), "transition": (states, states), "emission": (vocabulary, states)}
        tensors = load_tensors(path, {name: (np.float32, shape) for name, shape in shapes.items()})
        for name, array, axis in (("start", tensors["start"], 0), ("transition", tensors["transition"], 1)):
            _require_distribution(path, name, array, axis)
        _require_distribution(path, "emission", tensors["emission"], 0)
        padded = padded_size(states)
        start, transition = np.zeros(padded, np.float32), np.zeros((padded, padded), np.float32)
        emission = np.zeros((vocabulary, padded), np.float32)
        start[:states], transition[:states, :states] = tensors["start"], tensors["transition"]
        emission[:, :states] = tensors["emission"]
        return cls(states, start, transition, emission)


def padded_size(states: int) -> int:
    """The next multiple of LANES."""
    return -(-states // LANES) * LANES


def _share(counts: NDArray[np.float64], strength: float, base: NDArray[np.float64]) -> NDArray[np.float32]:
    total = float(counts.sum()) + strength
    shares = (counts + strength * base) / total if total > 0 else base
    result = shares.astype(np.float32)
    result[result < _VANISHED] = 0
    return result


def _require_distribution(path: Path, name: str, array: NDArray[np.float32], axis: int) -> None:
    possible = np.isfinite(array).all() and array.min(initial=0) >= 0
    if not (possible and np.abs(array.sum(axis=axis, dtype=np.float64) - 1).max(initial=0) < 1e-3):
        raise ContentError(
            "{path} is damaged: {what}. Restore the folder or train again.",
            path=path,
            what=f"{name} holds no probabilities that sum to 1",
        )
