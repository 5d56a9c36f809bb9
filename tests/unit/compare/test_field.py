from __future__ import annotations

import pytest

from hornbook import catalog
from hornbook.compare.field import BOTH_FROM, LEFT_OUT, default_field, field_note, race_style


def test_a_short_race_leaves_one_masked_model_out_and_says_so() -> None:
    assert set(catalog.RECIPES) - set(default_field(180)) == {LEFT_OUT}
    assert "BERT" in field_note(180) and "10m" in field_note(180) and "--contestants" in field_note(180)


def test_from_ten_minutes_on_everybody_runs_in_the_order_of_the_catalog() -> None:
    assert default_field(BOTH_FROM) == tuple(catalog.RECIPES)
    assert field_note(BOTH_FROM) == ""


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("roberta", "", "modern"),
        ("roberta", "classic", "classic"),
        ("bert", "", "classic"),
        ("gpt", "", "modern"),
        ("ngram", "modern", "classic"),  # it has no other
    ],
)
def test_styles(name: str, asked: str, expected: str) -> None:
    assert race_style(catalog.recipe(name), asked) == expected
