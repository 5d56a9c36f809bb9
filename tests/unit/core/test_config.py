from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.core.config import convert, from_dict, from_toml, keys, merge, parse_duration, to_dict, to_toml
from hornbook.core.errors import UsageError


@dataclass(frozen=True)
class Model:
    width: int = 64
    cell: Literal["lstm", "gru"] = "lstm"
    rate: float = 0.1
    tied: bool = True


@dataclass(frozen=True)
class Recipe:
    name: str = "x"
    betas: tuple[float, ...] = (0.9, 0.95)
    folder: Path | None = None
    model: Model = field(default_factory=Model)


@given(
    st.builds(
        Recipe,
        name=st.text(),
        betas=st.lists(st.floats(allow_nan=False), max_size=4).map(tuple),
        folder=st.none() | st.just(Path("a/b")),
        model=st.builds(Model, width=st.integers(), rate=st.floats(allow_nan=False), tied=st.booleans()),
    )
)
def test_toml_round_trip_is_lossless(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("toml") / "recipe.toml"
    path.write_text(to_toml(recipe), "utf-8", newline="\n")
    assert from_toml(Recipe, path) == recipe


def test_flags_merge_over_a_file_and_convert() -> None:
    recipe = merge(
        from_dict(Recipe, {"model": {"width": 128}}), {"model.width": "256", "model.cell": "gru", "betas": "0.8,0.99"}
    )
    assert recipe == Recipe(betas=(0.8, 0.99), model=Model(width=256, cell="gru"))


@pytest.mark.parametrize(("key", "hint"), [("model.widht", "model.width"), ("nam", "name"), ("model.cel", "model.cell")])
def test_unknown_key_names_the_nearest(key: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"unknown key '{key}'. Did you mean {hint}\?"):
        merge(Recipe(), {key: "1"})


def test_unknown_key_in_a_file_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("[model]\nwidth = 3\nlayrs = 2\ncell = 'lstm'\n")
    with pytest.raises(UsageError, match=r"r\.toml: unknown key 'model\.layrs'"):
        from_toml(Recipe, path)


@pytest.mark.parametrize("value", ["abc", "1.5", "", True, [1]])
def test_wrong_type_says_what_was_expected(value: object) -> None:
    with pytest.raises(UsageError, match="is not a whole number"):
        convert(value, int, where="flags", key="width")


def test_literal_offers_its_choices() -> None:
    with pytest.raises(UsageError, match="cell cannot be 'lstmm'. Did you mean lstm"):
        from_dict(Model, {"cell": "lstmm"})


def test_keys_are_spelled_as_flags() -> None:
    assert keys(Recipe) == ["name", "betas", "folder", "model.width", "model.cell", "model.rate", "model.tied"]
    assert to_dict(Recipe())["model"]["width"] == 64


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("45", 45), ("0.5m", 30)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["10 minuts", "", "m", "-5", "nan", "1x", "10m5"])
def test_bad_durations_show_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 90s, 10m or 2h"):
        parse_duration(text)
