"""Whether arrays about to be made fit beside what this process already holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hornbook.core.runtime import rss_mb, total_memory_mb

_SHARE = 0.9  # of the machine's memory


def fits(megabytes: float) -> bool:
    """Whether so many MB (10^6 bytes) more stay within 90 % of the machine's memory."""
    return rss_mb() + megabytes <= _SHARE * total_memory_mb()


def baum_welch_mb(states: int, vocabulary: int, lengths: NDArray[np.int64], *, restarts: int, threads: int) -> float:
    """MB that Baum-Welch takes beside the text, whose sequences have `lengths`.

    Tables before and after with the counts of every thread, or the random start in double precision, whichever is more; the
    other starts while they wait; and a forward row for each token of the longest sequences.
    """
    row = 4 * (states + 15)  # bytes, padded
    together = int(np.sort(lengths)[-16:].sum())
    tables = max((3 + threads) * row, 32 * states) + row * (restarts - 1)
    return ((vocabulary + states) * tables + together * row * threads) / 1e6
