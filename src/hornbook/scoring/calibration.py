"""Whether probabilities mean what they say: reliability, calibration error, Brier score, and thresholds that keep a class."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError

Floats: TypeAlias = NDArray[np.float64]
Placing: TypeAlias = Callable[[Floats, int], NDArray[np.int64]]  # (n,) confidences, number of bins -> (n,) bins


class Bin(NamedTuple):
    """Answers of about equal confidence: the range of their confidences, its mean, the share that is right, how many."""

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


class Operating(NamedTuple):
    """Where a threshold stands: a text is B from `threshold` on. `kept` is the share of A's texts below it.

    `precision` and `recall` of B are not a number where no text is called B, or none is one.
    """

    threshold: float
    kept: float
    precision: float
    recall: float


def equal_width(confidences: Floats, bins: int) -> NDArray[np.int64]:
    """(n,) the bin of each confidence, of bins ((m - 1) / M, m / M] as in Guo et al. 2017, section 2."""
    places: NDArray[np.int64] = np.clip(np.ceil(confidences * bins) - 1, 0, bins - 1).astype(np.int64)
    return places


def equal_mass(confidences: Floats, bins: int) -> NDArray[np.int64]:
    """(n,) the bin of each confidence, of bins that hold about equally many; equal confidences share one.

    Nixon et al. 2019, section 3 ("adaptive calibration error").
    """
    below = np.searchsorted(np.sort(confidences), confidences, side="left")
    return (below * bins // max(1, confidences.size)).astype(np.int64)


def reliability(confidences: Floats, right: NDArray[np.bool_], *, bins: int = 15, placing: Placing = equal_width) -> list[Bin]:
    """The bins that are not empty, rising: (n,) probabilities of the given answers against whether each is right.

    Guo et al. 2017, section 2, "Reliability diagrams". UsageError for less than one bin.
    """
    if bins < 1:
        raise UsageError("{name} = {value}: choose a number above 0", name="bins", value=bins)
    places = placing(confidences, bins)
    found = []
    for place in np.unique(places).tolist():
        inside = places == place
        own = confidences[inside]
        accuracy = float(right[inside].mean())
        found.append(Bin(float(own.min()), float(own.max()), float(own.mean()), accuracy, int(inside.sum())))
    return found


def expected_calibration_error(bins: list[Bin]) -> float:
    """By how much confidence and accuracy differ in the mean over answers, 0 to 1; not a number without answers.

    Guo et al. 2017, equation 3.
    """
    total = sum(one.n for one in bins)
    return math.fsum(one.n / total * abs(one.accuracy - one.confidence) for one in bins) if total else math.nan


def brier_score(probabilities: Floats, gold: NDArray[np.int64]) -> float:
    """Squared distance of (n, L) probabilities from the (n,) right labels, in the mean over texts: 0 to 2.

    Brier 1950, equation 2, summed over the labels; of two labels it is twice what scikit-learn prints.
    """
    if not gold.size:
        return math.nan
    return float((np.square(probabilities).sum(axis=1) - 2 * _of(probabilities, gold) + 1).mean())


def negative_log_likelihood(probabilities: Floats, gold: NDArray[np.int64]) -> float:
    """Nats that the (n,) right labels cost under (n, L) probabilities, in the mean over texts.

    A probability below 2.2e-16 counts as that, so that one certain mistake does not make the mean infinite.
    """
    if not gold.size:
        return math.nan
    return float(-np.log(np.maximum(_of(probabilities, gold), np.finfo(np.float64).eps)).mean())


def keep_share(scores: Floats, is_b: NDArray[np.bool_], *, share: float = 0.99) -> Operating:
    """The lowest threshold that leaves at least `share` of class A's texts A, and how well class B is found there.

    scores (n,): the probability of B; is_b (n,): whether a text is B. "Precision at 99 % ham kept" of spam filters: A is ham.
    The threshold is one of the scores, or just above the highest. UsageError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise UsageError("{name} = {value}: give a share from 0 to 1", name="share", value=share)
    if not scores.size:
        return Operating(math.nan, math.nan, math.nan, math.nan)
    of_a, ordered = np.sort(scores[~is_b]), np.unique(scores)
    must = math.ceil(share * of_a.size - 1e-9)  # 0.07 of 100 texts is 7.000000000000001
    above = ordered[ordered > of_a[must - 1]] if must else ordered
    threshold = float(above[0]) if above.size else float(np.nextafter(ordered[-1], np.inf))
    given = scores >= threshold
    found = int((given & is_b).sum())
    kept = float((of_a < threshold).mean()) if of_a.size else math.nan
    precision = found / int(given.sum()) if given.any() else math.nan
    recall = found / int(is_b.sum()) if is_b.any() else math.nan
    return Operating(threshold, kept, precision, recall)


def _of(probabilities: Floats, gold: NDArray[np.int64]) -> Floats:
    """(n,) the probability of each right label."""
    found: Floats = np.take_along_axis(probabilities, gold[:, None], axis=1)[:, 0]
    return found
