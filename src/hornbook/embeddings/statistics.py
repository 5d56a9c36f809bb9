"""Correlations with their p-values, and intervals: the little statistics that the tests of vectors need."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959964


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """(r, two-sided p) as scipy.stats.pearsonr gives them; nan where one side is constant or there are fewer than 3 pairs."""
    x, y = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    if len(x) < 3 or scale == 0:
        return math.nan, math.nan
    r = max(-1.0, min(1.0, float(x @ y) / scale))
    return r, incomplete_beta(len(x) / 2 - 1, 0.5, 1 - r * r)


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """The same of ranks, equal values sharing their mean rank."""
    return pearson(ranks(first), ranks(second))


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) ranks from 1; equal values share the mean of theirs."""
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    result: NDArray[np.float64] = (last - (sizes - 1) / 2)[inverse]
    return result


def correlation_interval(rho: float, count: int) -> tuple[float, float]:
    """95 % interval of a Spearman correlation (Bonett and Wright 2000: Fisher's z, variance (1 + rho^2/2)/(n - 3))."""
    if count < 4 or not math.isfinite(rho):
        return -1.0, 1.0
    z = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, rho)))
    half = Z95 * math.sqrt((1 + rho * rho / 2) / (count - 3))
    return math.tanh(z - half), math.tanh(z + half)


def share_interval(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    share, square = hits / count, Z95 * Z95
    centre = (share + square / (2 * count)) / (1 + square / count)
    half = Z95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, centre - half), min(1.0, centre + half)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function by its continued fraction (Lentz; Numerical Recipes, section 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    value = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or tiny)
            c = 1 + term / c or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
