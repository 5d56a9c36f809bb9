from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.compare.results import CorpusSummary, MachineSummary, RaceResult, RaceRow, SplitSummary, TokenizerSummary
from hornbook.core.errors import ContentError
from hornbook.scoring.long_range import ContextCurve, ContextPoint

ROW_KEYS = [
    "name",
    "generation",
    "bits_per_byte",
    "bits_per_byte_ci95",
    "cloze_accuracy",
    "task_score",
    "train_seconds",
    "tokens_seen",
    "peak_rss_mb",
    "size_mb",
    "latency_ms",
    "parameters",
    "model",
]


def result_with(*rows: RaceRow, **more: object) -> RaceResult:
    settings: dict[str, object] = dict(
        corpus=CorpusSummary("text", {"train": SplitSummary(3, 1000, 300)}, "en", {"duplicates": "2"}),
        machine=MachineSummary("a processor", 2, 2, 8.0),
        tokenizer=TokenizerSummary("bpe", 8192, 3.9, 1.2, 0.0),
        budget_seconds=180.0,
        seconds=171.5,
        rows=rows,
        best={"quality": rows[0].name} if rows else {},
    )
    return RaceResult(**(settings | more))  # type: ignore[arg-type]


number = st.floats(allow_nan=False, allow_infinity=False)
rows = st.builds(
    RaceRow,
    name=st.text(),
    generation=st.integers(1, 4),
    family=st.text(),
    bits_per_byte=st.none() | number,
    bits_per_byte_ci95=st.none() | st.tuples(number, number),
    train_seconds=number,
    tokens_seen=st.integers(0, 10**15),
    epochs=st.none() | number,
    curve=st.lists(st.tuples(number, st.integers(0, 10**12), number), max_size=3).map(tuple),
    forecast=st.dictionaries(st.text(), number, max_size=3),
    samples=st.lists(st.text(), max_size=3).map(tuple),
    tied_with=st.lists(st.text(), max_size=2).map(tuple),
    too_small_to_judge=st.booleans(),
)


@given(st.lists(rows, max_size=3))
def test_json_round_trip_loses_nothing(contestants: list[RaceRow]) -> None:
    result = result_with(*contestants, stage_seconds={"probe": 2.5}, prompts=("The",), versions={"torch": "2"})
    assert RaceResult.from_json(result.to_json()) == result


def test_curves_over_context_come_back_equal() -> None:
    points = tuple(ContextPoint(length, 4.0 - 0.1 * length, (3.0, 5.0), 0.5, (0.4, 0.6)) for length in (0, 1, 2))
    row = RaceRow("gpt", 4, "gpt", context=ContextCurve(points, 1, 32), masked_curve=((1.0, 2, 0.3),), cloze_rank=2)
    assert RaceResult.from_json(result_with(row).to_json()).rows[0] == row


def test_json_has_the_promised_keys() -> None:
    table = json.loads(result_with(RaceRow("gpt", 4, "gpt")).to_json())
    assert {"budget_seconds", "seconds", "rows", "best"} <= set(table)
    assert set(ROW_KEYS) <= set(table["rows"][0])


def test_numbers_that_are_not_finite_leave_valid_json() -> None:
    row = RaceRow("gpt", 4, "gpt", bits_per_byte=math.nan, train_seconds=math.inf, curve=((1.0, 2, math.inf),))
    text = result_with(row).to_json()
    assert "NaN" not in text and "Infinity" not in text
    back = RaceResult.from_json(text).rows[0]
    assert back.bits_per_byte is None and math.isnan(back.train_seconds) and math.isnan(back.curve[0][2])


def test_numpy_scalars_are_written_as_numbers() -> None:
    row = RaceRow("gpt", 4, "gpt", bits_per_byte=np.float64(1.5), tokens_seen=np.int64(7))  # type: ignore[arg-type]
    assert RaceResult.from_json(result_with(row).to_json()).rows[0] == dataclasses.replace(
        row, bits_per_byte=1.5, tokens_seen=7
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"tokens_seen": 0', '"tokens_sen": 0', "tokens_seen"),  # names the nearest key
        ('"tokens_seen": 0', '"tokens_seen": "many"', "tokens_seen"),
        ('"budget_seconds": 180.0,', "", "budget_seconds"),
        ("{", "[", "r.json"),
    ],
)
def test_a_damaged_report_is_refused_by_name(before: str, after: str, message: str) -> None:
    text = result_with(RaceRow("gpt", 4, "gpt")).to_json()
    assert before in text
    with pytest.raises(ContentError, match=message):
        RaceResult.from_json(text.replace(before, after), where="r.json")


def test_row_finds_by_name() -> None:
    result = result_with(RaceRow("gpt", 4, "gpt"), RaceRow("lstm", 3, "lstm"))
    assert result.row("lstm").generation == 3
    with pytest.raises(KeyError):
        result.row("bert")
