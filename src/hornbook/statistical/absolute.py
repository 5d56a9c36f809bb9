"""Interpolated absolute discounting (Ney, Essen and Kneser 1994): one constant D an order is taken from every count.

p(w | h) = (c(hw) - D) / c(h.) + (D N(h.) / c(h.)) p(w | h'),    D = n1 / (n1 + 2 n2)

Kneser-Ney is the same with numbers of left neighbours in place of occurrences below the highest order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import Settings, Smoothed
from hornbook.statistical.kneser_ney import discount_all, estimate_one_discount


def absolute(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """One discount an order, from occurrences; with it the discounts used, (order, 3)."""
    return discount_all(levels, settings, estimate=estimate_one_discount, fallback=(settings.fallback[0],) * 3)
