"""L-BFGS: minimise a smooth function of many variables from its values and gradients (Nocedal 1980; Liu and Nocedal 1989).

With an absolute-value penalty beside it: OWL-QN (Andrew and Gao 2007), whose minima have many variables exactly 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]
_SUFFICIENT, _CURVATURE = 1e-4, 0.9  # the two conditions of Wolfe
_TRIALS = 30


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the search ended, after how many iterations, and why."""

    point: Vector
    value: float
    gradient: Vector
    iterations: int
    reason: str  # "gradient", "decrease", "iterations" or "line search"


def minimise(
    function: Callable[[Vector], tuple[float, Vector]],
    start: Vector,
    *,
    l1: float = 0.0,
    memory: int = 8,
    iterations: int = 200,
    gradient: float = 1e-5,
    decrease: float = 0.0,
    period: int = 10,
    watch: Callable[[int, float], None] | None = None,
) -> Minimum:
    """Minimise `function` + l1 sum |x|; the function gives its value and a gradient of its own (not written to afterwards).

    Stops when |gradient| <= `gradient` max(1, |point|), or when the value fell by less than the share `decrease` in the last
    `period` iterations, or after `iterations`. `watch` hears the number and the value of every iteration.
    """
    search = partial(_search_orthant, l1=l1) if l1 else _search
    point = start.astype(np.float64)
    value, slope = function(point)
    value += l1 * float(np.abs(point).sum())
    pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=memory)
    values = deque([value], maxlen=period + 1)
    for iteration in range(1, iterations + 1):
        steepest = _pseudo_gradient(point, slope, l1) if l1 else slope
        if np.linalg.norm(steepest) <= gradient * max(1.0, float(np.linalg.norm(point))):
            return Minimum(point, value, slope, iteration - 1, "gradient")
        direction = -_inverse_hessian_times(steepest, pairs)
        if l1:
            direction[direction * steepest >= 0] = 0.0
        if direction @ steepest >= 0:  # rounding spoiled the curvature: begin anew with steepest descent
            pairs.clear()
            direction = -steepest
        first = 1.0 if pairs else min(1.0, 1.0 / float(np.linalg.norm(steepest)))
        found = search(function, point, value, steepest, direction, first)
        if found is None:
            if not pairs:
                return Minimum(point, value, slope, iteration - 1, "line search")
            pairs.clear()
            continue
        new_point, new_value, new_slope = found
        step, change = new_point - point, new_slope - slope
        curvature = float(step @ change)
        if curvature > 1e-10 * float(change @ change):
            pairs.append((step, change, curvature))
        point, value, slope = new_point, new_value, new_slope
        if watch:
            watch(iteration, value)
        values.append(value)
        if len(values) > period and values[0] - value <= decrease * abs(value):
            return Minimum(point, value, slope, iteration, "decrease")
    return Minimum(point, value, slope, iterations, "iterations")


def _pseudo_gradient(point: Vector, slope: Vector, l1: float) -> Vector:
    """The gradient with the penalty's; at 0 that of the side on which the sum falls, else 0 (Andrew and Gao, equation 4)."""
    at_zero = np.sign(slope) * np.maximum(np.abs(slope) - l1, 0.0)
    result: Vector = np.where(point == 0.0, at_zero, slope + l1 * np.sign(point))
    return result


def _search_orthant(
    function: Callable[[Vector], tuple[float, Vector]],
    point: Vector,
    value: float,
    steepest: Vector,
    direction: Vector,
    step: float,
    *,
    l1: float,
) -> tuple[Vector, float, Vector] | None:
    """Halve the step until the penalised value falls; a variable that would change its sign stops at 0 (section 3.2)."""
    signs = np.where(point == 0.0, -np.sign(steepest), np.sign(point))
    for _ in range(_TRIALS):
        new_point = point + step * direction
        new_point[new_point * signs < 0] = 0.0
        new_value, new_slope = function(new_point)
        new_value += l1 * float(np.abs(new_point).sum())
        if new_value <= value + _SUFFICIENT * float(steepest @ (new_point - point)):
            return new_point, new_value, new_slope
        step /= 2
    return None


def _inverse_hessian_times(slope: Vector, pairs: deque[tuple[Vector, Vector, float]]) -> Vector:
    """The two-loop recursion (Nocedal 1980, section 3)."""
    result = slope.copy()
    factors: list[float] = []
    for step, change, curvature in reversed(pairs):
        factor = float(step @ result) / curvature
        result -= factor * change
        factors.append(factor)
    if pairs:
        _, change, curvature = pairs[-1]
        result *= curvature / float(change @ change)
    for (step, change, curvature), factor in zip(pairs, reversed(factors)):
        result += (factor - float(change @ result) / curvature) * step
    return result


def _search(
    function: Callable[[Vector], tuple[float, Vector]],
    point: Vector,
    value: float,
    slope: Vector,
    direction: Vector,
    step: float,
) -> tuple[Vector, float, Vector] | None:
    """A step that meets both conditions of Wolfe, by doubling and halving (Lewis and Overton 2013); None when none is found."""
    descent = float(direction @ slope)
    low, high = 0.0, np.inf
    for _ in range(_TRIALS):
        new_point = point + step * direction
        new_value, new_slope = function(new_point)
        if not new_value <= value + _SUFFICIENT * step * descent:  # also when it is not a number
            high = step
        elif float(new_slope @ direction) < _CURVATURE * descent:
            low = step
        else:
            return new_point, new_value, new_slope
        step = (low + high) / 2 if high < np.inf else 2 * step
    return None
