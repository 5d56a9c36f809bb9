"""Products of small matrices held in tiles of 4 x 4, the inner loops of every block kernel. All shapes are multiples of 4.

Sixteen sums at a time reuse each number loaded four times, so that the processor multiplies instead of waiting for loads.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import REASSOCIATE


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def products(x: NDArray[np.float32], y: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """out[i, j] = x[i] . y[j]; x (n, width), y (m, width)."""
    zero = np.float32(0)
    for i in range(0, x.shape[0], 4):
        for j in range(0, y.shape[0], 4):
            s00, s01, s02, s03 = zero, zero, zero, zero
            s10, s11, s12, s13 = zero, zero, zero, zero
            s20, s21, s22, s23 = zero, zero, zero, zero
            s30, s31, s32, s33 = zero, zero, zero, zero
            for k in range(x.shape[1]):
                a0, a1, a2, a3 = x[i, k], x[i + 1, k], x[i + 2, k], x[i + 3, k]
                b0, b1, b2, b3 = y[j, k], y[j + 1, k], y[j + 2, k], y[j + 3, k]
                s00 += a0 * b0
                s01 += a0 * b1
                s02 += a0 * b2
                s03 += a0 * b3
                s10 += a1 * b0
                s11 += a1 * b1
                s12 += a1 * b2
                s13 += a1 * b3
                s20 += a2 * b0
                s21 += a2 * b1
                s22 += a2 * b2
                s23 += a2 * b3
                s30 += a3 * b0
                s31 += a3 * b1
                s32 += a3 * b2
                s33 += a3 * b3
            out[i, j], out[i, j + 1], out[i, j + 2], out[i, j + 3] = s00, s01, s02, s03
            out[i + 1, j], out[i + 1, j + 1], out[i + 1, j + 2], out[i + 1, j + 3] = s10, s11, s12, s13
            out[i + 2, j], out[i + 2, j + 1], out[i + 2, j + 2], out[i + 2, j + 3] = s20, s21, s22, s23
            out[i + 3, j], out[i + 3, j + 1], out[i + 3, j + 2], out[i + 3, j + 3] = s30, s31, s32, s33


@njit(cache=True, nogil=True, fastmath=REASSOCIATE)
def add_combinations(weights: NDArray[np.float32], y: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """out[i] += sum over j of weights[i, j] y[j]; weights (n, m), y (m, width), out (n, width)."""
    for i in range(0, out.shape[0], 4):
        for j in range(0, y.shape[0], 4):
            g00, g01, g02, g03 = weights[i, j], weights[i, j + 1], weights[i, j + 2], weights[i, j + 3]
            g10, g11, g12, g13 = weights[i + 1, j], weights[i + 1, j + 1], weights[i + 1, j + 2], weights[i + 1, j + 3]
            g20, g21, g22, g23 = weights[i + 2, j], weights[i + 2, j + 1], weights[i + 2, j + 2], weights[i + 2, j + 3]
            g30, g31, g32, g33 = weights[i + 3, j], weights[i + 3, j + 1], weights[i + 3, j + 2], weights[i + 3, j + 3]
            for k in range(y.shape[1]):
                b0, b1, b2, b3 = y[j, k], y[j + 1, k], y[j + 2, k], y[j + 3, k]
                out[i, k] += g00 * b0 + g01 * b1 + g02 * b2 + g03 * b3
                out[i + 1, k] += g10 * b0 + g11 * b1 + g12 * b2 + g13 * b3
                out[i + 2, k] += g20 * b0 + g21 * b1 + g22 * b2 + g23 * b3
                out[i + 3, k] += g30 * b0 + g31 * b1 + g32 * b2 + g33 * b3
