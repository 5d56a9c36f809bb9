"""The regularised negative log-likelihood of a linear-chain CRF and its gradient, over windows that are added up once each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hornbook.sequences import Chain, posteriors
from hornbook.sequences.shards import even_shards, run_shards
from hornbook.statistical.crf_features import Windows
from hornbook.statistical.crf_kernels import (
    add_gradient,
    add_residuals,
    emission_scores,
    list_parameters,
    window_scores,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Inventory:
    """The features of a model: rising keys (F,), the first parameter of each (F + 1,), the label of every parameter (P,)."""

    keys: NDArray[np.uint64]
    first: NDArray[np.int64]
    label_of: NDArray[np.uint8]


def take_inventory(windows: Windows, targets: NDArray[np.int64], labels: int, *, minimum_count: int) -> Inventory:
    """Features that occur in at least `minimum_count` positions, with a parameter for each label that they occur with."""
    there = windows.keys != 0
    keys, inverse = np.unique(windows.keys[there], return_inverse=True)
    owners = np.nonzero(there)[0]
    occurrences = np.bincount(windows.seen.ravel(), minlength=len(windows.keys))
    kept = np.bincount(inverse, weights=occurrences[owners], minlength=keys.size) >= minimum_count
    numbers = np.where(kept, np.cumsum(kept) - 1, -1)
    features = np.full(windows.keys.shape, -1, dtype=np.int64)
    features[there] = numbers[inverse]
    cells = np.unique(windows.seen * np.int64(labels) + targets[:, None])
    rows = features[cells // labels]  # (pairs of window and label, A)
    pairs = np.unique((rows * labels + (cells % labels)[:, None])[rows >= 0])
    first = np.searchsorted(pairs, labels * np.arange(np.count_nonzero(kept) + 1))
    return Inventory(keys[kept], first.astype(np.int64), (pairs % labels).astype(np.uint8))


def without_zeros(inventory: Inventory, weights: NDArray[np.float32]) -> tuple[Inventory, NDArray[np.float32]]:
    """The inventory of the weights that are not 0, and these."""
    kept = weights != 0
    counts = (
        np.add.reduceat(np.append(kept, False), inventory.first[:-1], dtype=np.int64) if inventory.keys.size else np.zeros(0)
    )
    used = counts > 0  # every feature of an inventory has a parameter, so no range above is empty
    first = np.concatenate([[0], np.cumsum(counts[used])]).astype(np.int64)
    return Inventory(inventory.keys[used], first, inventory.label_of[kept]), weights[kept]


class Lattice:
    """Sentences seen through an inventory: emissions (n, L) from weights (P,), and the gradient back."""

    def __init__(self, windows: Windows, inventory: Inventory, labels: int, *, threads: int) -> None:
        self.starts = windows.starts
        self.labels = labels
        self.threads = threads
        self._seen = windows.seen
        self._label_of = inventory.label_of
        features = np.full(windows.keys.shape, -1, dtype=np.int32)
        if inventory.keys.size:
            places = np.minimum(np.searchsorted(inventory.keys, windows.keys), inventory.keys.size - 1)
            known = (inventory.keys[places] == windows.keys) & (windows.keys != 0)
            features[known] = places[known]
        self._first = np.zeros(len(features) + 1, dtype=np.int64)
        list_parameters(features, inventory.first, self._first, np.zeros(0, dtype=np.int32))
        self._parameters = np.empty(self._first[-1], dtype=np.int32)
        list_parameters(features, inventory.first, self._first, self._parameters)
        self._shards = even_shards(self.starts, threads)

    def emissions(self, weights: Floats) -> Floats:
        """(n, L) the sum of the weights of each position's features, by label."""
        scores = np.empty((self._first.size - 1, self.labels))
        run_shards(
            lambda first, last: window_scores(self._first, self._parameters, self._label_of, weights, first, last, scores),
            even_shards(self._first, self.threads),
            self.threads,
        )
        result = np.empty((len(self._seen), self.labels))
        run_shards(
            lambda first, last: emission_scores(self._seen, scores, *self._positions(first, last), result),
            self._shards,
            self.threads,
        )
        return result

    def gradient(self, residuals: Floats) -> Floats:
        """(P,) for every parameter the sum of the residuals (n, L) of its label where its feature occurs."""

        def add(first: int, last: int) -> Floats:
            sums = np.zeros((self._first.size - 1, self.labels))
            add_residuals(self._seen, residuals, *self._positions(first, last), sums)
            return sums

        parts = run_shards(add, self._shards, self.threads)
        result = np.zeros(self._label_of.size)
        if parts:
            for part in parts[1:]:
                parts[0] += part
            add_gradient(self._first, self._parameters, self._label_of, parts[0], result)
        return result

    def _positions(self, first: int, last: int) -> tuple[int, int]:
        return int(self.starts[first]), int(self.starts[last])


class Objective:
    """minus log-likelihood + l2 |parameters|^2 of labelled sentences; the parameters are the weights, then the transitions."""

    def __init__(self, lattice: Lattice, targets: NDArray[np.int64], rules: Chain, *, l2: float) -> None:
        self._lattice = lattice
        self._targets = targets
        self._rules = rules
        self._l2 = l2
        labels = lattice.labels
        follows = np.ones(targets.size, dtype=np.bool_)
        follows[lattice.starts[:-1][np.diff(lattice.starts) > 0]] = False
        after = np.flatnonzero(follows)
        steps = np.bincount(targets[after - 1] * labels + targets[after], minlength=labels * labels)
        self._steps = steps.reshape(labels, labels).astype(np.float64)  # transitions in the given labels

    def __call__(self, flat: Floats) -> tuple[float, Floats]:
        """The value and its gradient. Expected minus observed counts (Sutton and McCallum 2012, equation 5.6)."""
        lattice, labels = self._lattice, self._lattice.labels
        transitions = flat[flat.size - labels * labels :].reshape(labels, labels)
        emissions = lattice.emissions(flat[: flat.size - labels * labels])
        found = posteriors(emissions, lattice.starts, Chain(transitions) + self._rules, threads=lattice.threads)
        places = np.arange(self._targets.size)
        score = float(emissions[places, self._targets].sum() + np.vdot(self._steps, transitions))
        residuals = found.marginals
        residuals[places, self._targets] -= 1.0
        gradient = 2.0 * self._l2 * flat
        gradient[: flat.size - labels * labels] += lattice.gradient(residuals)
        gradient[flat.size - labels * labels :] += (found.transitions - self._steps).ravel()
        return float(found.log_partition.sum()) - score + self._l2 * float(flat @ flat), gradient
