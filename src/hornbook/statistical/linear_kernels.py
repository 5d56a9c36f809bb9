"""Kernels of linear.py: dual coordinate descent over sparse rows, and products of sparse rows with dense matrices.

The bias is one more column that is 1 in every row, so it is regularised like the others (as LIBLINEAR does); weights[-1].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_SHIFTS = (np.uint64(13), np.uint64(7), np.uint64(17))


@njit(cache=True, nogil=True)
def solve_svm(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    signs: NDArray[np.float64],
    upper: NDArray[np.float64],
    softness: NDArray[np.float64],
    tolerance: float,
    passes: int,
    seed: int,
    alphas: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> int:
    """min 1/2 a'(Q + diag(softness))a - sum a, 0 <= a <= upper (Hsieh et al. 2008, algorithm 3, with shrinking); passes made.

    Hinge: softness 0, upper C. Squared hinge: softness 1 / (2 C), upper infinite. `alphas` (n,) and `weights` (F + 1,),
    which is sum_i a_i y_i x_i, are read as the starting point and overwritten. Ends when projected gradients differ by less
    than `tolerance`.
    """
    number = signs.size
    diagonal = softness + 1.0 + _squares(starts, values)
    order = np.arange(number)
    state = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15)
    active = number
    highest, lowest = math.inf, -math.inf  # projected gradients of the pass before: what lies beyond them is left out
    for done in range(passes):
        state = _shuffle(order, active, state)
        new_highest, new_lowest = -math.inf, math.inf
        s = 0
        while s < active:
            i = order[s]
            sign = signs[i]
            alpha = alphas[i]
            gradient = sign * _dot(starts, columns, values, weights, i) - 1.0 + alpha * softness[i]
            projected = gradient
            leave = False
            if alpha == 0.0:
                leave = gradient > highest
                projected = min(gradient, 0.0)
            elif alpha == upper[i]:
                leave = gradient < lowest
                projected = max(gradient, 0.0)
            if leave:
                active -= 1
                order[s], order[active] = order[active], order[s]
                continue
            new_highest, new_lowest = max(new_highest, projected), min(new_lowest, projected)
            if abs(projected) > 1e-12:
                alphas[i] = min(max(alpha - gradient / diagonal[i], 0.0), upper[i])
                _add(starts, columns, values, weights, i, (alphas[i] - alpha) * sign)
            s += 1
        if new_highest - new_lowest <= tolerance:
            if active == number:
                return done + 1
            active = number  # all rows once more before it is believed
            highest, lowest = math.inf, -math.inf
        else:
            highest = new_highest if new_highest > 0.0 else math.inf
            lowest = new_lowest if new_lowest < 0.0 else -math.inf
    return passes


@njit(cache=True, nogil=True)
def solve_logistic(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    signs: NDArray[np.float64],
    upper: NDArray[np.float64],
    tolerance: float,
    passes: int,
    seed: int,
    alphas: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> int:
    """min 1/2 a'Qa + sum a log a + (C - a) log(C - a), 0 < a < C (Yu, Huang and Lin 2011, algorithm 5); passes made.

    C of row i is upper[i]. Each row is a Newton iteration in the smaller of a and C - a, whose log is the accurate one.
    `alphas` (strictly inside) and `weights` (F + 1,) are read as the starting point and overwritten.
    """
    number = signs.size
    squares = 1.0 + _squares(starts, values)
    order = np.arange(number)
    state = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15)
    inner_tolerance = 1e-2
    for done in range(passes):
        state = _shuffle(order, number, state)
        steps = 0
        largest = 0.0
        for i in order:
            bound, square = upper[i], squares[i]
            margin = signs[i] * _dot(starts, columns, values, weights, i)
            direction = 1.0
            before = alphas[i]
            if 0.5 * square * (bound - 2.0 * before) + margin < 0.0:
                before = bound - before
                direction = -1.0
            z = 0.1 * before if bound - before < 0.5 * bound else before
            gradient = square * (z - before) + direction * margin + math.log(z / (bound - z))
            largest = max(largest, abs(gradient))
            inner = 0
            while inner < 100 and abs(gradient) >= inner_tolerance:
                step = z - gradient / (square + bound / ((bound - z) * z))
                z = 0.1 * z if step <= 0.0 else step
                gradient = square * (z - before) + direction * margin + math.log(z / (bound - z))
                inner += 1
            if inner:
                steps += inner
                alphas[i] = z if direction > 0.0 else bound - z
                _add(starts, columns, values, weights, i, direction * (z - before) * signs[i])
        if largest < tolerance:
            return done + 1
        if steps <= number // 10:
            inner_tolerance = max(min(1e-8, tolerance), 0.1 * inner_tolerance)
    return passes


@njit(cache=True, nogil=True)
def times_dense(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    weights: NDArray[Any],
    bias: NDArray[Any],
) -> NDArray[Any]:
    """(n, K) rows times weights (F, K), plus bias (K,); float64 in training, float32 in use."""
    rows, outputs = starts.size - 1, bias.size
    result = np.empty((rows, outputs), dtype=weights.dtype)
    for i in range(rows):
        total = result[i]
        total[:] = bias
        for place in range(starts[i], starts[i + 1]):
            row, value = weights[columns[place]], values[place]
            for k in range(outputs):
                total[k] += row[k] * value
    return result


@njit(cache=True, nogil=True)
def add_transposed(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    residuals: NDArray[np.float64],
    result: NDArray[np.float64],
) -> None:
    """result (F, K) += rows' times residuals (n, K)."""
    for i in range(starts.size - 1):
        residual = residuals[i]
        for place in range(starts[i], starts[i + 1]):
            row, value = result[columns[place]], values[place]
            for k in range(residual.size):
                row[k] += residual[k] * value


@njit(cache=True, nogil=True)
def count_rows(
    starts: NDArray[np.int64], columns: NDArray[np.int32], targets: NDArray[np.int64], result: NDArray[np.float64]
) -> None:
    """result (F, K) += 1 for every feature of every row, in the column of the row's target."""
    for i in range(targets.size):
        for place in range(starts[i], starts[i + 1]):
            result[columns[place], targets[i]] += 1.0


@njit(cache=True, nogil=True, fastmath=True)
def _squares(starts: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) squared lengths of the rows."""
    result = np.zeros(starts.size - 1)
    for i in range(result.size):
        for place in range(starts[i], starts[i + 1]):
            result[i] += values[place] * values[place]
    return result


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _dot(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    weights: NDArray[np.float64],
    i: int,
) -> float:
    total: float = weights[weights.size - 1]
    for place in range(starts[i], starts[i + 1]):
        total += weights[columns[place]] * values[place]
    return total


@njit(cache=True, nogil=True, inline="always")
def _add(
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    weights: NDArray[np.float64],
    i: int,
    amount: float,
) -> None:
    for place in range(starts[i], starts[i + 1]):
        weights[columns[place]] += amount * values[place]
    weights[weights.size - 1] += amount


@njit(cache=True, nogil=True)
def _shuffle(order: NDArray[np.int64], active: int, state: np.uint64) -> np.uint64:
    """Shuffle order[:active] (Fisher and Yates) with a xorshift generator, whose next state is returned."""
    for s in range(active - 1, 0, -1):
        state ^= state << _SHIFTS[0]
        state ^= state >> _SHIFTS[1]
        state ^= state << _SHIFTS[2]
        other = np.int64((state >> np.uint64(33)) % np.uint64(s + 1))
        order[s], order[other] = order[other], order[s]
    return state
