from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.compare.numbers import MISSING, count, decimals_for, duration, fixed, percent, ratio, round_duration
from hornbook.core.config import parse_duration


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2212", "-")


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1.6574, 3, "1.657"), (-0.02, 2, "-0.02"), (-0.0001, 3, "0.000"), (None, 2, MISSING), (math.nan, 2, MISSING)],
)
def test_fixed(value: float | None, decimals: int, text: str) -> None:
    assert plain(fixed(value, decimals)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (12345678, "12.3 M"), (999_600, "1.00 M"), (9.996e6, "10.0 M"), (None, MISSING)],
)
def test_count(value: float | None, text: str) -> None:
    assert plain(count(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.42 s"),
        (8.13, "8.1 s"),
        (42.4, "42 s"),
        (59.7, "1m 00s"),
        (362.1, "6m 02s"),
        (3599.6, "1h 00m"),
        (3900, "1h 05m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert plain(duration(seconds)) == text


@given(st.integers(1, 200_000))
def test_a_round_duration_is_what_budget_takes(seconds: int) -> None:
    assert parse_duration(round_duration(seconds).replace(" ", "")) == seconds


def test_one_number_of_decimals_shows_the_smallest() -> None:
    assert decimals_for([21.4, 58.3, 0.11], most=3) == 2
    assert decimals_for([1200.0, 340.0]) == 0
    assert decimals_for([0.00001, 5.0], most=3) == 3
    assert decimals_for([None, 0.0, math.inf]) == 0


def test_percent_and_ratio() -> None:
    assert plain(percent(0.6127)) == "61.3 %"
    assert percent(None) == MISSING
    assert ratio(6.0, 4.0) == 1.5
    assert ratio(6.0, 0.0) is None and ratio(None, 1.0) is None and ratio(math.inf, 1.0) is None
