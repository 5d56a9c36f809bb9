"""A network that starts from word vectors, from the command line to the printed gain."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from hornbook.cli import main
from hornbook.core import artifact
from hornbook.embeddings.vectors import WordVectors

WORDS = "the a small large old new cat dog bird house river sees finds likes near under with and".split()  # noqa: SIM905
TINY = ["--model.layers", "1", "--model.width", "16", "--training.rows", "2", "--training.length", "16", "--raw", "--quiet"]
TINY += ["--training.steps", "6", "--training.precision", "float32", "--threads", "1"]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    generator = random.Random(7)
    rows = (" ".join(generator.choices(WORDS, k=generator.randint(5, 14))) + "." for _ in range(300))
    text = "".join(row + ("\n\n" if number % 8 == 7 else "\n") for number, row in enumerate(rows))
    (folder / "text.txt").write_text(text)
    matrix = np.random.default_rng(1).normal(size=(len(WORDS), 12)).astype(np.float32)
    with artifact.writing(folder / "vectors") as temporary:
        WordVectors(WORDS, matrix, counts=np.arange(100, 100 - len(WORDS), -1)).save_files(temporary)
    return folder


@pytest.mark.parametrize("recipe", ["lstm", "gpt"])
def test_the_gain_is_printed_with_its_interval(
    recipe: str, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", recipe, str(given / "text.txt"), "-o", str(tmp_path / "model"), *TINY]
    command += ["--init-embeddings", str(given / "vectors"), "--compare-init"]
    assert main([*command, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["init_tokens"] >= len(WORDS) and 0.5 < result["init_coverage"] <= 1
    low, high = result["init_gain_ci95"]
    assert low <= result["init_gain"] <= high
    gap = result["random_init_bits_per_byte"] - result["bits_per_byte"]
    assert result["init_gain"] == pytest.approx(gap, abs=1e-9)
    assert main([*command[:3], "-o", str(tmp_path / "plain"), *TINY, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert plain["bits_per_byte"] == pytest.approx(result["random_init_bits_per_byte"], abs=1e-6), "the same seed and steps"
    assert main(command) == 0
    assert "from a random table" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ngram", "--init-embeddings", "V"), 2, ("--init-embeddings",)),
        (("lstm", "--init-embeddings", "nowhere"), 2, ("nowhere", "does not exist")),
        (("lstm", "--compare-init"), 2, ("--init-embeddings",)),
        (("lstm", "--init-embedings", "V"), 2, ("--init-embedings", "--init-embeddings")),
        (("lstm", "--init-embeddings", "TEXT"), 1, ("text.txt",)),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple[str, ...],
    code: int,
    words: tuple[str, ...],
    given: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"V": str(given / "vectors"), "TEXT": str(given / "text.txt")}
    recipe, *flags = [places.get(argument, argument) for argument in arguments]
    assert main(["train", recipe, str(given / "text.txt"), "-o", str(tmp_path / "model"), *flags, "--quiet"]) == code
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and all(word in errors[0] for word in words), errors
    assert list(tmp_path.iterdir()) == []
