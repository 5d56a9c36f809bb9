"""One real race on a small text, looked at from all sides."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

import hornbook
from hornbook import api
from hornbook.compare.results import RaceResult
from hornbook.core import artifact
from hornbook.core.errors import UsageError
from hornbook.core.events import Evaluation, Event, Saved, Step

VECTORS = "word2vec"
LANGUAGE_MODELS = ("unigram", "ngram", "lstm", "gpt")
CONTESTANTS = (VECTORS, *LANGUAGE_MODELS)
BUDGET = 34.0


def text(documents: int) -> str:
    """A small language with some grammar: who does what where."""
    generator = random.Random(3)
    subjects = ["the old sailor", "a young teacher", "my neighbour", "the king", "the quiet child"]
    verbs = ["walks to", "looks at", "dreams of", "never forgets", "paints"]
    places = ["the harbour", "a green garden", "the long bridge", "the empty school", "the market"]
    blocks = []
    for _ in range(documents):
        chosen = generator.choice(subjects)
        rows = [f"{chosen} {generator.choice(verbs)} {generator.choice(places)}." for _ in range(generator.randint(4, 9))]
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks) + "\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "sailors.txt"
    path.write_text(text(800), "utf-8")
    return path


@pytest.fixture(scope="module")
def race(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RaceResult, Path, float]:
    folder = tmp_path_factory.mktemp("race") / "run"
    begin = time.perf_counter()
    result = api.race([source], folder, budget=BUDGET, contestants=CONTESTANTS)
    return result, folder, time.perf_counter() - begin


def test_every_contestant_has_a_row_with_its_cost(race: tuple[RaceResult, Path, float]) -> None:
    result, _, _ = race
    assert {row.name for row in result.rows} == set(CONTESTANTS)
    for row in (result.row(name) for name in LANGUAGE_MODELS):
        assert row.bits_per_byte is not None and row.bits_per_byte_ci95 is not None
        low, high = row.bits_per_byte_ci95
        assert 0 < low <= row.bits_per_byte <= high < 8
        assert row.peak_rss_mb and row.size_mb and row.latency_ms and row.parameters
        assert row.rank and row.rank >= 1
        assert len(row.samples) == len(result.prompts)


def test_rows_are_ranked_and_the_context_pays(race: tuple[RaceResult, Path, float]) -> None:
    result, _, _ = race
    bits = [row.bits_per_byte for row in result.rows if row.bits_per_byte is not None]
    assert bits == sorted(bits) and len(bits) == len(LANGUAGE_MODELS)
    assert result.rows[len(bits) - 1].name == "unigram"
    assert (result.row("ngram").bits_per_byte or 9) < 0.5 * (result.row("unigram").bits_per_byte or 0)
    assert result.best["quality"] == result.rows[0].name


def test_report_and_json_are_written_and_read_back(race: tuple[RaceResult, Path, float]) -> None:
    result, folder, _ = race
    saved = RaceResult.from_json((folder / "report.json").read_text("utf-8"))
    assert saved == RaceResult.from_json(result.to_json())
    page = (folder / "index.html").read_text("utf-8")
    assert all(f">{row.name}" in page for row in result.rows)
    row = json.loads((folder / "report.json").read_text("utf-8"))["rows"][0]
    assert {"name", "generation", "bits_per_byte", "bits_per_byte_ci95", "cloze_accuracy", "task_score"} <= set(row)
    assert {"train_seconds", "tokens_seen", "peak_rss_mb", "size_mb", "latency_ms", "parameters", "model"} <= set(row)


def test_model_folders_open_score_and_write(race: tuple[RaceResult, Path, float], source: Path) -> None:
    result, folder, _ = race
    for row in result.rows:
        assert row.model
        artifact.verify(folder / row.model)
        assert hornbook.load(folder / row.model).parameters == row.parameters
    assert api.generate(folder / "models" / "ngram", ["the king"], max_tokens=5, seed=1)[0]
    score = api.evaluate(folder / "models" / "ngram", [source])
    assert 0 < score["bits_per_byte"] < 1.5


def test_networks_have_curves_and_forecasts(race: tuple[RaceResult, Path, float]) -> None:
    result, _, _ = race
    for name in ("lstm", "gpt"):
        row = result.row(name)
        assert row.forecast.keys() == row.actual.keys()
        seconds = [point[0] for point in row.curve]
        assert seconds == sorted(seconds)


def test_a_finished_race_resumes_at_once_with_equal_rows(race: tuple[RaceResult, Path, float], source: Path) -> None:
    result, folder, _ = race
    said: list[Event] = []
    again = api.race([source], folder, budget=BUDGET, contestants=CONTESTANTS, resume=True, log=said.append)
    assert not [event for event in said if isinstance(event, Step | Evaluation | Saved)], "nothing is trained again"
    assert [row.bits_per_byte for row in again.rows] == [row.bits_per_byte for row in result.rows]


def test_resume_with_other_settings_names_the_setting(race: tuple[RaceResult, Path, float], source: Path) -> None:
    with pytest.raises(UsageError, match="seed"):
        api.race([source], race[1], budget=BUDGET, contestants=CONTESTANTS, resume=True, seed=2)


def test_a_folder_with_other_files_is_never_touched(source: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not empty"):
        api.race([source], tmp_path, budget=BUDGET)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_failing_contestant_costs_only_its_row(source: Path, tmp_path: Path) -> None:
    from hornbook.core.events import Alarm

    heard: list[Event] = []
    bad = {"gpt": {"training.learning_rate": 1e30, "training.matrix_learning_rate": 1e30, "training.precision": "float32"}}
    result = api.race([source], tmp_path / "run", budget=15, contestants=("unigram", "gpt"), overrides=bad, log=heard.append)
    assert result.row("gpt").bits_per_byte is None
    assert any("not finite" in alarm for alarm in result.row("gpt").alarms)
    assert result.row("unigram").rank == 1
    assert any(isinstance(event, Alarm) and "gpt" in event.text for event in heard)


def test_language_models_tell_how_far_back_context_helps(race: tuple[RaceResult, Path, float]) -> None:
    result, folder, _ = race
    assert result.row(VECTORS).context is None
    for name in LANGUAGE_MODELS:
        curve = result.row(name).context
        assert curve is not None and curve.stretches >= 16
        assert [point.context for point in curve.points][:4] == [0, 1, 2, 4]
    unigram = result.row("unigram").context
    assert unigram is not None and unigram.reach == 0 and unigram.points[1].worse == pytest.approx(0, abs=1e-6)
    assert 'id="context"' in (folder / "index.html").read_text("utf-8")


def test_models_without_bits_per_byte_race_alone(source: Path, tmp_path: Path) -> None:
    result = api.race([source], tmp_path / "run", budget=20, contestants=(VECTORS, "roberta"))
    vectors, masked = result.row(VECTORS), result.row("roberta")
    assert result.best == {} and masked.bits_per_byte is None and masked.rank is None
    assert masked.masked_accuracy is not None and 0 <= masked.masked_accuracy <= 1
    assert masked.forecast.keys() == masked.actual.keys()
    assert vectors.cloze_accuracy is not None and vectors.cloze_accuracy > 0.5
    assert (tmp_path / "run" / "index.html").is_file()
    again = api.race([source], tmp_path / "run", budget=20, contestants=(VECTORS, "roberta"), resume=True)
    assert again.rows == result.rows


def test_word_vectors_enter_by_the_cloze_test(race: tuple[RaceResult, Path, float]) -> None:
    result, folder, _ = race
    row = result.rows[-1]
    assert (row.name, row.rank, row.bits_per_byte, row.generation) == (VECTORS, None, None, 1)
    assert row.cloze_accuracy is not None and row.tokens_seen and row.parameters and row.size_mb and row.peak_rss_mb
    assert row.word_map is not None and len(row.word_map.words) == len(row.word_map.places) > 10
    vectors = hornbook.load(folder / str(row.model))
    assert [word for word, _ in vectors.most_similar("sailor", topn=3)]
    assert 'id="vectors"' in (folder / "index.html").read_text("utf-8")
