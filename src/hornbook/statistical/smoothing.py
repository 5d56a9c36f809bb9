"""The smoothings by name: each is a function from counted levels to probabilities and back-off weights, in its own file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.absolute import absolute
from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import Settings, Smoothed
from hornbook.statistical.katz import katz
from hornbook.statistical.kneser_ney import kneser_ney, modified_kneser_ney
from hornbook.statistical.lidstone import laplace, lidstone
from hornbook.statistical.stupid_backoff import stupid_backoff
from hornbook.statistical.witten_bell import witten_bell

Smoothing = Callable[[Sequence[Level], Settings], tuple[list[Smoothed], NDArray[np.float64]]]
"""Log-probabilities and back-off weights of every order, and what counts 1, 2 and 3 lose, (order, 3). Consumes the counts."""

SMOOTHINGS: Mapping[str, Smoothing] = MappingProxyType(
    {
        "modified-kneser-ney": modified_kneser_ney,
        "kneser-ney": kneser_ney,
        "witten-bell": witten_bell,
        "katz": katz,
        "absolute": absolute,
        "lidstone": lidstone,
        "laplace": laplace,
        "stupid-backoff": stupid_backoff,
    }
)
