"""Labels of data that are likely wrong, by what a classifier thinks of texts that it was not trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def likely_label_errors(probabilities: NDArray[np.float64], targets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(text, better label) of the labels that are likely wrong, the likeliest first.

    Confident learning, Northcutt et al. 2021, equations 1 and 2: a text counts as label j when its probability of j reaches
    the mean that texts labelled j have, the most probable such j where there are several. Those that count as another label
    than they carry are the doubtful ones, in order of normalised margin (section 3.2).
    """
    if not targets.size:
        return []
    rows = np.arange(targets.size)
    own = probabilities[rows, targets]
    counts = np.bincount(targets, minlength=probabilities.shape[1])
    thresholds = np.full(counts.size, np.inf)  # a label that no text has is no better label
    sums = np.bincount(targets, weights=own, minlength=counts.size)
    thresholds[counts > 0] = sums[counts > 0] / counts[counts > 0]
    credible = np.where(probabilities >= thresholds - 1e-12, probabilities, -1.0)
    better = credible.argmax(axis=1)
    doubtful = np.flatnonzero((credible[rows, better] >= 0) & (better != targets) & (probabilities[rows, better] > own))
    margins = own[doubtful] - probabilities[doubtful, better[doubtful]]
    return [(int(row), int(better[row])) for row in doubtful[np.argsort(margins, kind="stable")]]
