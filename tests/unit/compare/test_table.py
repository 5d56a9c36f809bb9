from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.table import render_table


def printed(result: RaceResult, *, language: str = "en", **options: object) -> list[str]:
    file = io.StringIO()
    render_table(result, Console(file=file, highlight=False, **options), language=language)  # type: ignore[arg-type]
    return file.getvalue().splitlines()


def test_table_is_plain_and_within_100_columns(english_race: RaceResult) -> None:
    lines = printed(english_race)
    table = lines[: lines.index("")]
    assert all(cell_len(line) <= 100 for line in table)
    assert not any("\x1b" in line for line in lines)
    assert [line.split()[:2] for line in table[2:8]] == [
        ["1", "gpt"],
        ["2", "5-gram"],
        ["3=", "lstm"],
        ["3=", "gru"],
        ["5", "rnn*"],
        ["6", "unigram"],
    ]
    assert "1.657 ±0.014" in table[2] and "61.2 %" in table[2] and "6m 02s" in table[2]
    assert lines[lines.index("") + 1].startswith("gpt wins")


def test_columns_line_up_in_chinese_too(chinese_race: RaceResult) -> None:
    rows = (replace(chinese_race.rows[0], name="变压器模型"), *chinese_race.rows[1:])
    lines = printed(replace(chinese_race, rows=rows, best={}), language="zh")
    places = {cell_len(line[: line.index("±")]) for line in lines[2:7]}
    assert len(places) == 1
    assert "名次" in lines[0]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_loses_columns_not_rows(english_race: RaceResult, width: int) -> None:
    lines = printed(english_race, force_terminal=True, width=width, color_system=None, no_color=True)
    table = lines[: lines.index("")]
    assert all(cell_len(line) <= max(width, 50) for line in table)
    assert sum("±" in line for line in table) == 6


def test_long_names_are_cut_and_a_failed_row_stays(english_race: RaceResult) -> None:
    failed = RaceRow("很长很长很长很长很长很长的名字", 4, "gpt", alarms=("out of memory",))
    lines = printed(replace(english_race, rows=(*english_race.rows, failed)))
    assert any("很长很长很长" in line and "…" in line and "–" in line for line in lines)
    assert any("out of memory" in line for line in printed(replace(english_race, rows=(failed,), best={})))


def test_an_ascii_terminal_gets_ascii(english_race: RaceResult) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    render_table(english_race, Console(file=file, highlight=False), language="en")
    file.flush()
    assert "1.657 +-0.014" in raw.getvalue().decode("ascii")
