from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hornbook.statistical.lbfgs import minimise


def rosenbrock(point: np.ndarray) -> tuple[float, np.ndarray]:
    x, y = point
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def test_it_finds_the_bottom_of_the_valley() -> None:
    found = minimise(rosenbrock, np.array([-1.2, 1.0]), gradient=1e-8)
    np.testing.assert_allclose(found.point, [1, 1], atol=1e-6)
    assert found.reason == "gradient" and found.iterations < 60


def quadratic(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    return root @ root.T / size + 0.1 * np.eye(size), random.normal(size=size)


def test_a_quadratic_is_solved() -> None:
    matrix, target = quadratic(50, 1)
    found = minimise(lambda x: (0.5 * x @ matrix @ x - target @ x, matrix @ x - target), np.zeros(50), gradient=1e-8)
    np.testing.assert_allclose(found.point, np.linalg.solve(matrix, target), atol=1e-5)


@pytest.mark.parametrize("l1", [0.1, 0.5, 2.0])
def test_the_absolute_penalty_meets_its_conditions(l1: float) -> None:
    """At the minimum |gradient| <= l1 where the variable is 0, else gradient = -l1 sign (Karush, Kuhn and Tucker)."""
    matrix, target = quadratic(40, 2)
    function = lambda x: (0.5 * x @ matrix @ x - target @ x, matrix @ x - target)
    found = minimise(function, np.zeros(40), l1=l1, gradient=1e-7, iterations=2000)
    slope = matrix @ found.point - target
    zero = found.point == 0
    assert zero.any()
    assert (np.abs(slope[zero]) <= l1 + 1e-5).all()
    np.testing.assert_allclose(slope[~zero], -l1 * np.sign(found.point[~zero]), atol=1e-4)


def test_it_stops_by_decrease_and_by_iterations() -> None:
    matrix, target = quadratic(30, 3)
    function = lambda x: (0.5 * x @ matrix @ x - target @ x, matrix @ x - target)
    assert minimise(function, np.zeros(30), iterations=3).reason == "iterations"
    assert minimise(function, np.zeros(30), gradient=0.0, decrease=1e-3, period=3).reason == "decrease"


def test_the_value_never_rises() -> None:
    values: list[float] = []
    minimise(rosenbrock, np.array([-1.2, 1.0]), watch=lambda iteration, value: values.append(value))
    assert all(after <= before for before, after in pairwise(values))


def test_a_start_at_the_minimum_stays() -> None:
    assert minimise(rosenbrock, np.array([1.0, 1.0])).iterations == 0
