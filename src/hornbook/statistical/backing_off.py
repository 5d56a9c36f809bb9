"""Back-off weights that make every distribution sum to 1, given the probabilities of the n-grams that are kept (Katz 1987).

weight(h) = (1 - sum over kept w of p(w | h)) / (S(h') - sum over the same w of p(w | h'))

S(h') is what the distribution one word shorter really sums to once its logs are rounded to float32; following it from order
to order keeps the error of every sum at the rounding of one number.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


def total_of(log_probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """(1,) what the distribution of order 1 sums to: the `lower_totals` of order 2."""
    total: NDArray[np.float64] = np.exp(log_probs.astype(np.float64)).sum(keepdims=True)
    return total


@njit(cache=True, nogil=True)
def weigh(
    children: NDArray[np.uint32],
    suffixes: NDArray[np.uint32],
    context_suffixes: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    upper: NDArray[np.float32],
    lower: NDArray[np.float32],
    lower_totals: NDArray[np.float64],
    backoffs: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Fill the log back-off weights of one order's contexts and what their distributions sum to.

    `upper`: (rows,) natural logs of the order; `lower`: those of the order below, reached by `suffixes`; `context_suffixes`:
    the context without its first word in `lower_totals`, empty for contexts of one word. Where every word that may follow is
    kept, nothing can be given back: the kept logs are scaled to sum to 1, in place.
    """
    for context in range(backoffs.size):
        before = lower_totals[context_suffixes[context]] if context_suffixes.size else lower_totals[0]
        seen = 0.0
        shadowed = 0.0
        for row in range(np.int64(children[context]), np.int64(children[context + 1])):
            if keep.size == 0 or keep[row]:
                seen += math.exp(np.float64(upper[row]))
                shadowed += math.exp(np.float64(lower[suffixes[row]]))
        room = before - shadowed
        if seen == 0.0:
            backoffs[context] = 0.0
            totals[context] = before
        elif room < 1e-10 or seen >= 1.0:
            shift = np.float32(math.log(seen))
            total = 0.0
            for row in range(np.int64(children[context]), np.int64(children[context + 1])):
                if keep.size == 0 or keep[row]:
                    upper[row] -= shift
                    total += math.exp(np.float64(upper[row]))
            backoffs[context] = -23.0 if room >= 1e-10 else 0.0  # one part in ten thousand millions
            totals[context] = total + math.exp(np.float64(backoffs[context])) * room
        else:
            backoffs[context] = math.log((1.0 - seen) / room)
            totals[context] = seen + math.exp(np.float64(backoffs[context])) * room
