"""How sure a score is: bootstrap intervals of ratios, paired tests between models, rankings that show ties as ties."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, translate

Interval: TypeAlias = tuple[float, float]
_GROUPS = 2_000  # more units than this are first merged at random into so many groups: the same interval, bounded work
_CHUNK = 4_000_000  # resampled units held at once


@dataclass(frozen=True, eq=False)
class Units:
    """What a score is a ratio of, unit by unit: score = totals.sum() / weights.sum(). Bits and bytes, hits and items."""

    totals: NDArray[np.float64]  # (n,)
    weights: NDArray[np.float64]  # (n,)

    @property
    def ratio(self) -> float:
        """The score."""
        return float(self.totals.sum(dtype=np.float64) / self.weights.sum(dtype=np.float64))

    def first(self, count: int) -> Units:
        """The first units alone: two contestants of different reach are compared on what both did."""
        return Units(self.totals[:count], self.weights[:count])

    def __len__(self) -> int:
        return len(self.totals)


@dataclass(frozen=True)
class Difference:
    """Score of a minus score of b on the same units. `ci95` without 0 in it: the difference is not chance."""

    difference: float
    ci95: Interval
    p_value: float  # two-sided

    @property
    def tie(self) -> bool:
        """Whether the interval includes 0, or could not be computed."""
        low, high = self.ci95
        return not (low > 0 or high < 0)


@dataclass(frozen=True)
class Ranked:
    """A place in a ranking; see `rank_with_ties`."""

    name: str
    rank: int  # 1, 1, 3, ...: one more than the number of contestants in better groups
    value: float
    tied_with: tuple[str, ...]  # the others of its group
    behind_best: float  # distance to the first in the list, 0 or more
    behind_best_ci95: Interval | None  # None for the first


def bootstrap_ratio(units: Units, *, level: float = 0.95, resamples: int = 2_000, seed: int = 1) -> Interval:
    """Percentile interval of the score under resampling of the units; (nan, nan) for fewer than two of them.

    Efron & Tibshirani 1993, chapter 13, with the percentiles moved outward for small n as in Hesterberg 2015, section 4.4
    ("expanded percentile"): otherwise a 95 % interval of 30 units covers only about 93 %.
    """
    if len(units) < 2:
        return math.nan, math.nan
    return _percentiles(_resampled(_merged(units, seed), resamples, seed), len(units), level)


def paired_bootstrap(a: Units, b: Units, *, level: float = 0.95, resamples: int = 5_000, seed: int = 1) -> Difference:
    """The difference of two scores on the same units, each resample drawing the same units for both.

    Koehn 2004, section 3, with an interval. ContentError when the units are not the same text (weights differ).
    """
    if len(a) != len(b) or not np.allclose(a.weights, b.weights, rtol=1e-6):
        raise ContentError("the two scores are not over the same text ({a} and {b} units): no paired test", a=len(a), b=len(b))
    gap = Units(a.totals - b.totals, a.weights)
    if len(gap) < 2:
        return Difference(gap.ratio, (math.nan, math.nan), math.nan)
    values = _resampled(_merged(gap, seed), resamples, seed)
    tails = min(int((values <= 0).sum()), int((values >= 0).sum()))
    p_value = min(1.0, 2 * (tails + 1) / (resamples + 1))
    return Difference(gap.ratio, _percentiles(values, len(gap), level), p_value)


def rank_with_ties(
    contestants: Mapping[str, Units], *, higher_is_better: bool = False, level: float = 0.95, seed: int = 1
) -> list[Ranked]:
    """Contestants best first, those that the test does not tell apart sharing a rank.

    The rule: go down the list sorted by score. The first opens a group. Each next one joins the open group when the
    interval of its paired difference to the group's FIRST member includes 0; otherwise it opens the next group. A tie
    group so hangs on its best member: two of its members may still differ from each other. `level` is that of one
    comparison; `multiple_comparisons` says what that means for a whole table, `bonferroni` gives a level for all at once.
    """
    sign = -1 if higher_is_better else 1
    names = sorted(contestants, key=lambda name: (sign * contestants[name].ratio, name))
    groups: list[list[str]] = []
    for name in names:
        if groups and paired_bootstrap(contestants[name], contestants[groups[-1][0]], level=level, seed=seed).tie:
            groups[-1].append(name)
        else:
            groups.append([name])
    ranking: list[Ranked] = []
    for group in groups:
        rank = len(ranking) + 1
        for name in group:
            gap = paired_bootstrap(contestants[name], contestants[names[0]], level=level, seed=seed)
            low, high = sorted((sign * gap.ci95[0], sign * gap.ci95[1]))
            interval = None if name == names[0] else (low, high)
            others = tuple(other for other in group if other != name)
            behind = 0.0 if name == names[0] else sign * gap.difference
            ranking.append(Ranked(name, rank, contestants[name].ratio, others, behind, interval))
    return ranking


def bonferroni(level: float, comparisons: int) -> float:
    """The level each of several comparisons needs so that all of them hold together at `level`."""
    return 1 - (1 - level) / max(1, comparisons)


def multiple_comparisons(contestants: int, level: float = 0.95) -> str:
    """One sentence for the reader: how often chance alone separates equals somewhere in a table of this size."""
    comparisons = max(0, contestants - 1)
    template = (
        "{comparisons} comparisons at {level:.0%} each: if all models were equal, chance alone would separate some of them in "
        "up to {share:.0%} of such tables"
    )
    return translate(template).format(comparisons=comparisons, level=level, share=min(1.0, comparisons * (1 - level)))


def _merged(units: Units, seed: int) -> Units:
    if len(units) <= _GROUPS:
        return units
    group = np.random.default_rng([seed, 1]).permutation(len(units)) % _GROUPS
    totals, weights = (np.bincount(group, values).astype(np.float64) for values in (units.totals, units.weights))
    return Units(totals, weights)


def _resampled(units: Units, resamples: int, seed: int) -> NDArray[np.float64]:
    """(resamples,) scores of samples drawn with replacement; a resample without weight repeats the score itself."""
    return np.concatenate(list(_resampled_chunks(units, resamples, seed)))


def _resampled_chunks(units: Units, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    count = len(units)
    rows = max(1, _CHUNK // count)
    for first in range(0, resamples, rows):
        drawn = generator.integers(0, count, size=(min(rows, resamples - first), count))  # (R, n)
        totals, weights = units.totals[drawn].sum(axis=1), units.weights[drawn].sum(axis=1)
        yield np.where(weights > 0, totals / np.where(weights > 0, weights, 1), units.ratio)


def _percentiles(values: NDArray[np.float64], count: int, level: float) -> Interval:
    tail = NormalDist().cdf(-math.sqrt(count / (count - 1)) * student_quantile(0.5 + level / 2, count - 1))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t: the expansion around the normal's (Abramowitz & Stegun 26.7.5), 1 % off at 2 degrees."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(freedom**power) for power, term in enumerate(terms))
