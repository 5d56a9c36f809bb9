"""Witten-Bell smoothing (Witten and Bell 1991, method C; as in Chen and Goodman 1999, section 2.4).

p(w | h) = (c(hw) + N(h.) p(w | h')) / (c(h.) + N(h.))

A context that went on in many different ways leaves much for words not seen after it. In interpolate.py: D = 0, A = 1, B = 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import Rule, Settings, Smoothed, interpolate


def witten_bell(levels: Sequence[Level], settings: Settings) -> tuple[list[Smoothed], NDArray[np.float64]]:
    """Nothing to estimate; discounts are zeros, (order, 3)."""
    return interpolate(levels, [Rule(per_type=1.0)] * len(levels), settings), np.zeros((len(levels), 3))
