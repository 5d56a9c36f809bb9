"""What a user can get wrong with segmenters, taggers, classifiers and ARPA files: one line, the right exit code (P8, P20)."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from hornbook.cli import main

pytestmark = pytest.mark.faults

CONLL = "the\tDET\ncat\tNOUN\n\n" * 20


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    (folder / "words.txt").write_text("他们 在 学校 说话 。\n我们 在 家里 做饭 。\n" * 12, "utf-8")
    (folder / "tags.conll").write_text(CONLL)
    (folder / "empty").write_text("")
    (folder / "blank").write_text("\n \n\n")
    (folder / "prose.txt").write_text("This is a line of prose.\nAnd this is another, longer one than that.\n")
    (folder / "unsegmented.txt").write_text("他们在学校说话。\n我们在家里做饭。\n", "utf-8")
    (folder / "bad.conllu").write_text("1\tthe\tthe\tDET\n")
    (folder / "binary").write_bytes(bytes(range(256)) * 40)
    (folder / "broken.arpa").write_text("\\data\\\nngram 1=99\n\n\\1-grams:\n-1 the\n")
    (folder / "empty.arpa").write_text("")
    (folder / "cut.arpa.gz").write_bytes(gzip.compress(b"\\data\\\nngram 1=3\n" * 1000)[:40])
    assert main(["train", "segmenter", str(folder / "words.txt"), "-o", str(folder / "segmenter"), "--quiet"]) == 0
    assert main(["train", "tagger", str(folder / "tags.conll"), "-o", str(folder / "tagger"), "--quiet"]) == 0
    return folder


CASES = [
    (2, "nowhere", ("segment", "nowhere", "x")),
    (2, "HmmTagger", ("segment", "tagger", "x")),
    (2, "nodictionary", ("segment", "segmenter", "x", "--dictionary", "nodictionary")),
    (2, "nowhere", ("predict", "nowhere", "x")),
    (2, "nowhere.txt", ("train", "segmenter", "nowhere.txt", "-o", "new")),
    (2, "nodev.txt", ("train", "segmenter", "words.txt", "-o", "new", "--dev", "nodev.txt")),
    (2, "pair_weight", ("train", "segmenter", "words.txt", "-o", "new", "--pair-weight", "0")),
    (2, "--piar-weight", ("train", "segmenter", "words.txt", "-o", "new", "--piar-weight", "1")),
    (1, "no segmented sentence", ("train", "segmenter", "empty", "-o", "new")),
    (1, "no segmented sentence", ("train", "segmenter", "unsegmented.txt", "-o", "new")),
    (2, "nowhere.conll", ("train", "tagger", "nowhere.conll", "-o", "new")),
    (1, "no labelled sentence", ("train", "tagger", "empty", "-o", "new")),
    (1, "no labelled sentence", ("train", "tagger", "blank", "-o", "new")),
    (1, "line 2", ("train", "tagger", "prose.txt", "-o", "new")),
    (1, "line 1", ("train", "tagger", "bad.conllu", "-o", "new")),
    (1, "binary", ("train", "tagger", "binary", "-o", "new")),
    (1, "4 are expected", ("train", "tagger", "tags.conll", "-o", "new", "--column", "4")),
    (2, "column", ("train", "tagger", "tags.conll", "-o", "new", "--column", "upos")),
    (2, "--crf.*", ("train", "tagger", "tags.conll", "-o", "new", "--crf.l1", "1")),
    (2, "--method", ("train", "tagger", "tags.conll", "-o", "new", "--method", "svm")),
    (1, "bio", ("train", "tagger", "tags.conll", "-o", "new", "--hmm.scheme", "bio")),
    (2, "tags.conll", ("train", "tagger", "tags.conll", "-o", "tags.conll")),
    (2, "n-gram", ("export", "segmenter", "--to", "arpa", "-o", "out.arpa")),
    (2, "n-gram", ("info", "tagger", "--context", "the")),
    (2, "nowhere.arpa", ("evaluate", "nowhere.arpa", "prose.txt")),
    (2, "nowhere.arpa", ("info", "nowhere.arpa")),
    (1, "broken.arpa", ("generate", "broken.arpa", "the")),
    (1, "empty.arpa", ("info", "empty.arpa")),
    (1, "cut.arpa.gz", ("evaluate", "cut.arpa.gz", "prose.txt")),
    (2, "not a language model", ("generate", "tagger", "the")),
]


@pytest.mark.parametrize(("code", "word", "arguments"), CASES, ids=[f"{case[1]}-{case[2][0]}" for case in CASES])
def test_a_users_error_is_one_line(
    code: int,
    word: str,
    arguments: tuple[str, ...],
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place)
    assert main(arguments) == code, capsys.readouterr().err
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("hornbook:")]
    assert len(lines) == 1 and word in lines[0] and "fault of hornbook's" not in captured.err, captured.err
    assert not captured.out and not (place / "new").exists() and not (place / "out.arpa").exists()


@pytest.mark.parametrize(
    "line", ["{broken", '{"other": 1}', '{"text": null}', '{"tokens": ["a", 3]}', '{"text": 5}', "[" * 100_000]
)
def test_a_line_that_is_no_input_is_named(
    line: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.dumps({"text": "the cat"}) + "\n" + line + "\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode()), "utf-8"))
    assert main(["predict", str(place / "tagger")]) == 1
    errors = capsys.readouterr().err
    assert "line 2" in errors and "fault of hornbook's" not in errors and len(errors.splitlines()) == 1


def test_nothing_in_nothing_out(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for verb, model in (("segment", "segmenter"), ("predict", "tagger")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b""), "utf-8"))
        assert main([verb, str(place / model)]) == 0
        assert capsys.readouterr().out == ""


def test_few_sentences_train_and_say_that_nothing_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "few.txt").write_text("他们 在 学校\n我们 在 家里\n", "utf-8")
    assert main(["train", "segmenter", str(tmp_path / "few.txt"), "-o", str(tmp_path / "model")]) == 0
    captured = capsys.readouterr()
    assert "not measured" in captured.out and "too few sentences" in captured.err
    assert main(["segment", str(tmp_path / "model"), "他们在家里"]) == 0
    assert capsys.readouterr().out == "他们 在 家里\n"
