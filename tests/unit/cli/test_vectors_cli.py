"""Word vectors at the command line: train, look at, test, export, in every form a user may give them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hornbook
from hornbook import api
from hornbook.cli import main

GROUPS = {
    "animals": ["cat", "dog", "horse", "sheep", "goat", "cow"],
    "cities": ["paris", "london", "madrid", "rome", "oslo", "vienna"],
    "foods": ["bread", "cheese", "apples", "rice", "soup", "fish"],
}
PATTERNS = [
    "the {animals} runs over the field and eats grass",
    "a {animals} sleeps in the barn near the old {animals}",
    "the train from {cities} to {cities} leaves at noon",
    "they live in {cities} which is a large town",
    "we cook {foods} with salt in the kitchen",
    "she bought {foods} and {foods} at the market",
]
FAST = ["--dimensions", "24", "--epochs", "12", "--threads", "1", "--raw", "--quiet"]


def sentences(count: int) -> str:
    """Sentences in which the words of a group stand in each other's places."""
    generator = random.Random(3)
    rows = []
    for number in range(count):
        text = generator.choice(PATTERNS)
        for name, words in GROUPS.items():
            while f"{{{name}}}" in text:
                text = text.replace(f"{{{name}}}", generator.choice(words), 1)
        rows.append(text + (".\n\n" if number % 10 == 9 else ".\n"))
    return "".join(rows)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "text.txt").write_text(sentences(3000))
    for recipe in ("word2vec", "fasttext", "glove"):
        more = ["--buckets", "2000"] if recipe == "fasttext" else []
        assert main(["train", recipe, str(folder / "text.txt"), "-o", str(folder / recipe), *FAST, *more]) == 0
    return folder


@pytest.mark.parametrize("recipe", ["word2vec", "fasttext", "glove"])
def test_a_training_leaves_a_whole_folder_and_says_what_it_took(
    recipe: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--buckets", "2000"] if recipe == "fasttext" else []
    result = told(capsys, "train", recipe, str(place / "text.txt"), "-o", str(tmp_path / "model"), *FAST, *more)
    for key in ("model", "kind", "seconds", "tokens_seen", "tokens_per_second", "parameters", "peak_rss_mb", "size_mb"):
        assert result[key], key
    assert result["kind"] == recipe and result["dimensions"] == 24 and result["vocabulary"] >= 40
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors", "recipe.toml", "run.json", "README.md", "manifest.json"} <= names
    vectors = hornbook.load(tmp_path / "model")
    assert len(vectors) == result["vocabulary"]
    first, second = ((folder / recipe / "model.safetensors").read_bytes() for folder in (place, place))
    assert first == second == (tmp_path / "model" / "model.safetensors").read_bytes(), "same seed, same bytes"
    facts = told(capsys, "info", str(tmp_path / "model"))
    assert facts["model_type"] == "hornbook-vectors" and facts["recipe"] == recipe


@pytest.mark.parametrize("recipe", ["word2vec", "fasttext", "glove"])
def test_words_in_like_places_are_neighbours(recipe: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "neighbours", str(place / recipe), "cat", "paris", "bread", "--top", "3")["neighbours"]
    for word, group in (("cat", "animals"), ("paris", "cities"), ("bread", "foods")):
        near = [entry["word"] for entry in found[word]]
        assert sum(other in GROUPS[group] for other in near) >= 2, (word, near)
        assert word not in near and -1 <= found[word][0]["similarity"] <= 1.000001


def test_neighbours_and_analogy_for_people(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neighbours", str(place / "word2vec"), "cat", "dog", "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cat" and lines[4] == "dog" and len(lines) == 7
    for method in ("add", "multiply"):
        found = told(capsys, "analogy", str(place / "word2vec"), "cat", "dog", "horse", "--top", "4", "--method", method)
        assert len(found["answers"]) == 4
        assert not {"cat", "dog", "horse"} & {answer["word"] for answer in found["answers"]}


@pytest.mark.parametrize("layout", ["word2vec", "word2vec-text", "glove"])
def test_exported_files_give_the_same_neighbours(
    layout: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = told(capsys, "export", str(place / "word2vec"), "--to", layout, "-o", str(tmp_path / "file"))
    assert written["words"] == len(hornbook.load(place / "word2vec"))
    ours, theirs = (api.neighbours(source, ["cat"], top=5)[0][1] for source in (place / "word2vec", tmp_path / "file"))
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([value for _, value in ours], [value for _, value in theirs], atol=1e-4)


def test_fasttext_knows_words_it_has_not_seen(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "neighbours", str(place / "fasttext"), "cats")["neighbours"]["cats"]
    told(capsys, "export", str(place / "fasttext"), "--to", "fasttext", "-o", str(tmp_path / "file.bin"))
    assert told(capsys, "neighbours", str(tmp_path / "file.bin"), "cats")["neighbours"]["cats"]
    assert main(["neighbours", str(place / "word2vec"), "cats"]) == 2
    assert "cat" in capsys.readouterr().err


def test_training_goes_on_from_given_vectors(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in (place / "word2vec", tmp_path / "vectors.bin"):
        if source.suffix:
            told(capsys, "export", str(place / "word2vec"), "--to", "word2vec", "-o", str(source))
        command = [
            "train",
            "word2vec",
            str(place / "text.txt"),
            "-o",
            str(tmp_path / "more"),
            *FAST[:2],
            "--epochs",
            "1",
            *FAST[4:],
        ]
        told(capsys, *command, "--init", str(source))
        near = api.neighbours(tmp_path / "more", ["cat"], top=3)[0][1]
        assert sum(word in GROUPS["animals"] for word, _ in near) >= 2


def test_test_files_each_give_a_key(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = "cat\tdog\t9\ncat\tparis\t1\nparis\trome\t9\nbread\tfish\t8\nbread\tnoon\t2\nzebra\tcat\t7\n"
    (tmp_path / "EN-SIMLEX-999.txt").write_text(pairs)
    questions = (
        ": animals\ncat dog horse sheep\ndog cat sheep horse\n: gram1-towns\nparis london rome oslo\nzebra cat dog cow\n"
    )
    (tmp_path / "questions-words.txt").write_text(questions)
    folder = told(capsys, "evaluate", str(place / "word2vec"), str(tmp_path))
    assert folder["simlex999"] > 0.5 and 0 <= folder["analogy_syntactic"] <= 1 and 0 <= folder["analogy_semantic"] <= 1
    one = told(capsys, "evaluate", str(place / "word2vec"), str(tmp_path / "EN-SIMLEX-999.txt"))
    assert one["simlex999"] == folder["simlex999"] and "analogy_semantic" not in one
    assert main(["evaluate", str(place / "word2vec"), str(tmp_path)]) == 0
    assert "simlex999" in capsys.readouterr().out


def test_a_text_makes_a_test_of_its_own(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(place / "word2vec"), str(place / "text.txt")]) == 1
    assert "too small for a test" in capsys.readouterr().err, "forty words, every one of them common"
    generator = random.Random(4)
    teams = [["".join(generator.choices("bcdfghklmnprst", k=6)) for _ in range(3)] for _ in range(300)]
    rows = (" and ".join(generator.sample(generator.choice(teams), 3)) + " met." for _ in range(4000))
    (tmp_path / "teams.txt").write_text("".join(row + ("\n\n" if n % 10 == 9 else "\n") for n, row in enumerate(rows)))
    told(capsys, "train", "word2vec", str(tmp_path / "teams.txt"), "-o", str(tmp_path / "model"), *FAST)
    own = told(capsys, "evaluate", str(tmp_path / "model"), str(tmp_path / "teams.txt"))
    assert own["own_corpus"] > 0.9 and own["own_corpus_n"] > 50


def test_old_names_of_settings_are_understood(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "word2vec", str(place / "text.txt"), "-o", str(tmp_path / "model"), "--raw", "--threads", "1"]
    assert main([*command, "--size", "8", "--iter", "1", "--sg", "0", "--workers", "1"]) == 0
    told_about = capsys.readouterr().err
    assert "dimensions = 8" in told_about and "epochs = 1" in told_about and "model = cbow" in told_about
    recipe = (tmp_path / "model" / "recipe.toml").read_text()
    assert "dimensions = 8" in recipe and 'model = "cbow"' in recipe


def test_looking_at_vectors_loads_no_torch(place: Path) -> None:
    code = "import sys; from hornbook.cli import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    for command in (["neighbours", str(place / "word2vec"), "cat"], ["analogy", str(place / "word2vec"), "cat", "dog", "cow"]):
        done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_help_shows_plain_flags_and_loads_nothing_heavy() -> None:
    code = "import sys; from hornbook.cli import main; main(['train', 'word2vec', '--help']); "
    code += "sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for flag in (
        "--dimensions",
        "--window",
        "--negative",
        "--epochs",
        "--min-count",
        "--racy",
        "--init",
        "--phrases",
        "--seed",
    ):
        assert flag in done.stdout
