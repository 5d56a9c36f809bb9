"""A race over a task: who has a score, what stands beside, and what a resume keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hornbook import api
from hornbook.compare.ranking import write_report
from hornbook.compare.results import CorpusSummary, MachineSummary, RaceResult, RaceRow, TokenizerSummary
from hornbook.compare.task_scores import FOLDER, TaskData, with_task
from hornbook.core import artifact
from hornbook.core.errors import UsageError
from hornbook.core.events import Event
from hornbook.embeddings.vectors import WordVectors

WORDS = ["fine", "lovely", "great", "awful", "dull", "poor"]


@pytest.fixture
def race(tmp_path: Path) -> tuple[RaceResult, Path, Path]:
    rows = [{"text": f"a {WORDS[n % 6]} film {n}", "label": "good" if n % 6 < 3 else "bad"} for n in range(180)]
    (tmp_path / "data").mkdir()
    for name, part in (("train", rows[:150]), ("test", rows[150:])):
        (tmp_path / "data" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), "utf-8")
    (tmp_path / "race" / "models").mkdir(parents=True)
    with artifact.writing(tmp_path / "race" / "models" / "word2vec") as folder:
        table = np.random.default_rng(1).normal(size=(6, 8)).astype(np.float32)
        WordVectors(WORDS, table, counts=np.arange(6, 0, -1)).save_files(folder)
    found = (
        RaceRow("ngram", 2, "ngram", bits_per_byte=2.0, rank=1, model="models/ngram"),
        RaceRow("word2vec", 1, "word2vec", cloze_accuracy=0.5, model="models/word2vec"),
        RaceRow("gpt", 4, "gpt", alarms=("it failed",)),
    )
    result = RaceResult(CorpusSummary("text"), MachineSummary(), TokenizerSummary("bpe", 300), 60.0, 30.0, found)
    return result, tmp_path / "race", tmp_path / "data"


def test_contestants_with_states_are_fine_tuned_and_simple_classifiers_stand_beside(
    race: tuple[RaceResult, Path, Path],
) -> None:
    result, output, data = race
    asked: list[int] = []

    def seconds(left: int) -> float:
        asked.append(left)
        return 2.0

    scored = with_task(result, output, TaskData("classify", data), seconds, device="cpu", resume=False, log=lambda event: None)
    by_name = {row.name: row for row in scored.rows}
    assert list(by_name) == ["ngram", "word2vec", "gpt", "linear", "bayes"] and asked == [1]
    assert by_name["ngram"].task_score is None and by_name["gpt"].task_score is None
    assert by_name["word2vec"].task_score == by_name["linear"].task_score == 1.0
    assert by_name["linear"].model == f"{FOLDER}/linear" and by_name["linear"].rank is None
    assert by_name["word2vec"].task_score_ci95 is not None and scored.task == "data: accuracy, test"
    write_report(scored, output)
    page = (output / "index.html").read_text("utf-8")
    assert "linear" in page and RaceResult.from_json((output / "report.json").read_text("utf-8")) == scored


def test_a_resume_keeps_what_is_finished(race: tuple[RaceResult, Path, Path]) -> None:
    result, output, data = race
    task = TaskData("classify", data)
    first = with_task(result, output, task, lambda left: 2.0, device="cpu", resume=False, log=lambda event: None)
    said: list[Event] = []
    again = with_task(result, output, task, lambda left: 2.0, device="cpu", resume=True, log=said.append)
    assert [row.task_score for row in again.rows] == [row.task_score for row in first.rows]
    assert len(said) == 1  # the word that word2vec is due: nothing is read, nothing trained


def test_a_task_needs_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="go together"):
        api.race([], tmp_path / "out", demo=True, task="classify")
    with pytest.raises(UsageError, match="Did you mean tag"):
        api.race([], tmp_path / "out", demo=True, task="tagg", data=tmp_path)
