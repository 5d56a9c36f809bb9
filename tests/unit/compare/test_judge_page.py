"""The page on one classifier: everything is on it, in both languages, and no text can become a tag."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hornbook.cli import main
from hornbook.compare.judge_words import JUDGE_TEXT
from hornbook.compare.report.judge_page import render_judgement, write_judgement
from hornbook.core import artifact
from hornbook.core.errors import UsageError
from hornbook.tasks.judge import Answered, Judgement, judge
from hornbook.tasks.texts import Sample, score_classifier, text_hashes

HOSTILE = '<script>alert(1)</script> & "quotes" \x00 \u202e reversed \ud800'


def quiet(event: Any) -> None:
    """Nobody listens."""


def case(labels: tuple[str, ...], *, seen: bool = True, rows: int = 60) -> tuple[Judgement, dict[str, Any]]:
    random = np.random.default_rng(1)
    table = random.dirichlet(np.ones(len(labels)) * 0.4, rows)
    gold = [labels[random.choice(len(labels), p=row)] for row in table]
    texts = [f"text number {k} " * (1 + k % 7) for k in range(rows)]
    texts[:4] = [HOSTILE, "这家酒店的服务态度非常差" * 20, "x", "word " * 5_000]
    gold[:4] = [labels[int(row.argmin())] for row in table[:4]]  # errors, so that they are shown
    table[:4] = 0.98 * np.eye(len(labels))[table[:4].argmax(axis=1)] + 0.02 / len(labels)
    sample = Sample(texts, gold, [(Path("test.tsv"), k + 1) for k in range(rows)])
    asked = Answered(labels, None, table, [labels[k] for k in table.argmax(axis=1)])
    scores = score_classifier(asked, sample, seen=text_hashes(texts[:9]) if seen else None, log=quiet)
    return judge(asked, sample, train=sample.pick(range(20)), log=quiet), scores


class Shape(HTMLParser):
    """Tags opened and closed, ids, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shape(page: str) -> Shape:
    found = Shape()
    found.feed(page)
    assert not found.open and len(found.ids) == len(set(found.ids)) and found.tags.count("script") == 1
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("labels", [("ham", "spam"), ("好", "坏", "<b>"), tuple(f"label {k}" for k in range(30))])
def test_everything_is_on_it_and_nothing_runs(labels: tuple[str, ...], language: str) -> None:
    found, scores = case(labels)
    page = render_judgement(found, scores, model="models/a", data="test.tsv", command="hornbook evaluate", language=language)
    page.encode()
    ids = shape(page).ids
    wanted = {"scores", "lengths", "reliability", "confusion", "labels", "worst", "doubtful", "method"}
    assert wanted <= set(ids) and ("kept" in ids) == (len(labels) == 2)
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page and "\u202e" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page) and "@import" not in page and "url(http" not in page
    assert "这家酒店的服务态度非常差" in page and "word " * 450 not in page  # a long text is cut, and says so
    assert JUDGE_TEXT["unseen_texts"][language == "zh"] in page and "test.tsv:1" in page


def test_the_parts_unseen_and_unknown_are_told_apart() -> None:
    found, scores = case(("a", "b"))
    told = render_judgement(found, scores, model="m", data="d")
    assert "9 of the texts were trained on; of the 51 others" in told
    found, scores = case(("a", "b"), seen=False)
    assert "leakage was not checked" in render_judgement(found, scores, model="m", data="d")


def test_nothing_to_judge_by_is_a_page_too() -> None:
    found = judge(Answered(("a", "b"), None, np.zeros((0, 2)), []), Sample([], [], []), log=quiet)
    page = render_judgement(found, {"n": 0}, model="m", data="d")
    assert "There were no texts" in page and shape(page).ids == ["method-heading", "method"][::-1]


def test_every_sentence_is_in_both_languages_with_the_same_fields() -> None:
    for english, chinese in JUDGE_TEXT.values():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese)) and english and chinese
    with pytest.raises(UsageError):
        render_judgement(*case(("a", "b")), model="m", data="d", language="fr")


def test_the_folder_is_whole_and_never_someone_elses(tmp_path: Path) -> None:
    found, scores = case(("a", "b"))
    write_judgement(found, scores, tmp_path / "report", model="m", data="d")
    artifact.verify(tmp_path / "report")
    facts = json.loads((tmp_path / "report" / "judgement.json").read_text("utf-8"))
    assert facts["errors"] == found.errors and len(facts["worst"]) == len(found.worst)
    write_judgement(found, scores, tmp_path / "report", model="m", data="d")  # replaces its own
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError):
        write_judgement(found, scores, tmp_path / "mine", model="m", data="d")


def test_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(1)
    words = {"good": ["lovely", "fine", "charming", "warm"], "bad": ["dull", "awful", "tired", "cold"]}

    def write(name: str, count: int) -> str:
        rows = [(label, random.choice(words[label], 3)) for label in ("good", "bad") for _ in range(count)]
        (tmp_path / name).write_text("".join(f"a film {' '.join(w)} {k}\t{label}\n" for k, (label, w) in enumerate(rows)))
        return str(tmp_path / name)

    train, test, model, report = write("train.tsv", 60), write("test.tsv", 20), str(tmp_path / "m"), str(tmp_path / "r")
    assert main(["train", "linear", train, "-o", model, "--quiet", "--threads", "1"]) == 0
    capsys.readouterr()
    assert main(["evaluate", model, test, "--report", report, "--against", train, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["report"] == f"{report}/index.html" and result["accuracy"] > 0.8 and result["brier"] < 0.4
    assert sum(one["n"] for one in result["by_length_characters"]) == 40 and len(result["keeping_99_percent"]) == 2
    shape((tmp_path / "r" / "index.html").read_text("utf-8"))
    assert main(["evaluate", model, test, "--report", report]) == 0
    assert "likely label errors; report:" in capsys.readouterr().out
    assert main(["evaluate", model, test, "--against", train]) == 2
    assert main(["evaluate", model, test, "--report", str(tmp_path)]) == 2
