"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999, section 3), and Kneser-Ney with one discount.

Counts below the highest order are numbers of different left neighbours (counts.py). In the formula of interpolate.py
A = B = 0, so  gamma(h) = (D1 N1(h.) + D2 N2(h.) + D3+ N3+(h.)) / c(h.),  Ni(h.) the number of words seen i times after h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import translate
from hornbook.core.events import Note
from hornbook.statistical.counts import Level, count_left_neighbours
from hornbook.statistical.interpolate import Rule, Settings, Smoothed, interpolate

Discounts = tuple[float, float, float]


def estimate_discounts(counts: NDArray[np.uint32]) -> Discounts | None:
    """D1, D2, D3+ from the counts of counts n1..n4 (Chen and Goodman 1999, equation 26); None when these do not define them.

    Y = n1 / (n1 + 2 n2),  Di = i - (i + 1) Y n(i+1) / ni, and each must lie between 0 and i, both excluded.
    """
    n = counts_of_counts(counts, 4)
    if not n[1:5].all():
        return None
    y = n[1] / (n[1] + 2 * n[2])
    one, two, three = (float(i - (i + 1) * y * n[i + 1] / n[i]) for i in (1, 2, 3))
    if not (0 < one < 1 and 0 < two < 2 and 0 < three < 3):
        return None
    return one, two, three


def estimate_one_discount(counts: NDArray[np.uint32]) -> Discounts | None:
    """D = n1 / (n1 + 2 n2) for every count (Ney, Essen and Kneser 1994, equation 36); None when n1 or n2 is 0."""
    n = counts_of_counts(counts, 2)
    if not n[1:3].all():
        return None
    discount = float(n[1] / (n[1] + 2 * n[2]))
    return discount, discount, discount


def counts_of_counts(counts: NDArray[np.uint32], most: int) -> NDArray[np.int64]:
    """(most + 2,): how many n-grams have each count; the last entry stands for all larger ones."""
    found = np.zeros(most + 2, dtype=np.int64)
    for first in range(0, counts.size, 1 << 22):
        found += np.bincount(np.minimum(counts[first : first + (1 << 22)], most + 1), minlength=most + 2)
    return found


def modified_kneser_ney(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Three discounts an order, from continuation counts; with it the discounts used, (order, 3)."""
    count_left_neighbours(levels, release=settings.storage.release)
    return discount_all(levels, settings, estimate=estimate_discounts, fallback=settings.fallback)


def kneser_ney(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """One discount an order, from continuation counts (Kneser and Ney 1995, interpolated)."""
    count_left_neighbours(levels, release=settings.storage.release)
    return discount_all(levels, settings, estimate=estimate_one_discount, fallback=(settings.fallback[0],) * 3)


def discount_all(
    levels: Sequence[Level],
    settings: Settings,
    *,
    estimate: Callable[[NDArray[np.uint32]], Discounts | None],
    fallback: Discounts,
) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Interpolate with discounts estimated for each order, the fallback where its counts define none (said in a note)."""
    estimated: list[Discounts | None] = []
    for k, level in enumerate(levels):
        estimated.append(estimate(level.counts[: -1 if k == 0 else None]))  # the boundary is no word
        settings.storage.release()
    without = [str(k) for k, found in enumerate(estimated, start=1) if found is None]
    if without:
        used = ", ".join(f"{discount:g}" for discount in fallback)
        text = translate("counts of counts do not define Kneser-Ney discounts for order {orders}: using {used}")
        settings.log(Note(text.format(orders=", ".join(without), used=used)))
    discounts = [found or fallback for found in estimated]
    return interpolate(levels, [Rule(found) for found in discounts], settings), np.array(discounts)
