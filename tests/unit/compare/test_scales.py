from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.compare.report.scales import (
    Scale,
    focus,
    frontier,
    linear_ticks,
    log_ticks,
    padded,
    place_labels,
    spread,
    tick_decimals,
    time_ticks,
)


def test_scales_map_ends_and_middles() -> None:
    assert Scale(0, 10, 100, 200)(5) == 150
    assert Scale(1, 100, 0, 1, logarithmic=True)(10) == pytest.approx(0.5)
    assert Scale(1, 2, 200, 100)(1.25) == 175  # y grows downwards
    assert Scale(3, 3, 0, 10)(3) == 5
    assert Scale(0, 1, 0, 1).holds(1) and not Scale(0, 1, 0, 1).holds(1.01)


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (1.63, 1.97, 5, [1.7, 1.8, 1.9]),
        (0, 10, 6, [0, 2, 4, 6, 8, 10]),
        (-0.5, 0.5, 3, [-0.5, 0.0, 0.5]),
        (5, 5, 4, []),
        (0, math.inf, 4, []),
    ],
)
def test_linear_ticks(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert linear_ticks(low, high, most) == ticks


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_linear_ticks_are_inside_even_and_few(low: float, span: float, most: int) -> None:
    ticks = linear_ticks(low, low + span, most)
    assert 1 <= len(ticks) <= most
    slack = 1e-6 * (span + abs(low))
    assert all(low - slack <= tick <= low + span + slack for tick in ticks)
    gaps = [second - first for first, second in pairwise(ticks)]
    assert all(abs(gap - gaps[0]) <= slack for gap in gaps)


def test_log_ticks() -> None:
    assert log_ticks(0.1, 60, 9) == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    assert log_ticks(1, 1000, 7) == [1, 3, 10, 30, 100, 300, 1000]
    assert log_ticks(1, 1e12, 7) == [1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12]
    assert log_ticks(0, 10, 5) == []


@given(st.floats(1e-3, 1e6), st.floats(1.2, 1e9), st.integers(3, 12))
def test_log_ticks_are_inside_and_few(low: float, factor: float, most: int) -> None:
    ticks = log_ticks(low, low * factor, most)
    assert len(ticks) <= most
    assert all(low * 0.999999 <= tick <= low * factor * 1.000001 for tick in ticks)


def test_time_ticks_are_what_a_clock_shows() -> None:
    assert time_ticks(3, 370, 9, logarithmic=True) == [5, 10, 20, 30, 60, 120, 300]
    assert time_ticks(0, 362, 8, logarithmic=False) == [0, 60, 120, 180, 240, 300, 360]
    assert len(time_ticks(0.5, 90000, 5, logarithmic=True)) <= 5
    assert time_ticks(5, 5, 5, logarithmic=False) == []


def test_tick_decimals_tell_neighbours_apart() -> None:
    assert tick_decimals([1.65, 1.7, 1.75]) == 2
    assert tick_decimals([1.0, 1.2, 1.4]) == 1
    assert tick_decimals([0, 10, 20]) == 0
    assert tick_decimals([0.5]) == 2


def test_focus_leaves_out_a_far_baseline_only() -> None:
    assert focus([1.657, 1.724, 1.774, 1.779, 1.948, 3.214]) == (1.657, 1.948)
    assert focus([1.657, 1.660, 1.70]) == (1.657, 1.70)  # near in absolute terms: all stay
    assert focus([1.6, 4.0]) == (1.6, 4.0)  # of two, neither is a crowd
    assert focus([]) == (0.0, 1.0)
    assert focus([2.0, math.nan]) == (2.0, 2.0)
    low, high = padded(2.0, 2.0)
    assert low < 2.0 < high


@given(st.lists(st.floats(0, 400), min_size=1, max_size=12))
def test_spread_keeps_gaps_order_and_limits(places: list[float]) -> None:
    moved = spread(places, 17, 0, 400)
    order = sorted(range(len(places)), key=places.__getitem__)
    assert all(-1e-6 <= place <= 400 + 1e-6 for place in moved)
    assert all(moved[second] - moved[first] >= 17 - 1e-6 for first, second in pairwise(order))


def test_spread_moves_nothing_that_has_room_and_shares_what_has_not() -> None:
    assert spread([10, 100, 200], 17, 0, 400) == [10, 100, 200]
    assert spread([100, 100], 20, 0, 400) == [90, 110]
    assert spread([0, 0], 20, 0, 400) == [0, 20]
    assert spread([5] * 40, 17, 0, 390)[-1] <= 390  # more labels than room: closer together


def test_frontier_is_what_nothing_beats() -> None:
    points = [(20.0, 1.65), (58.0, 1.72), (10.0, 1.9), (10.0, 1.8), (5.0, 2.5)]
    assert frontier(points) == [4, 3, 0]
    assert frontier([]) == []


def test_labels_avoid_each_other_and_the_edge() -> None:
    room = (0.0, 0.0, 300.0, 300.0)
    anchors = [(150.0, 150.0), (155.0, 152.0), (295.0, 20.0)]
    boxes = place_labels([(40.0, 14.0)] * 3, anchors, [(x - 5, y - 5, x + 5, y + 5) for x, y in anchors], room)
    for index, box in enumerate(boxes):
        assert box[0] >= 0 and box[2] <= 300 and box[1] >= 0 and box[3] <= 300
        for other in boxes[index + 1 :]:
            assert box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
