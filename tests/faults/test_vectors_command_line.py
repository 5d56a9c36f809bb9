"""What a user can get wrong with word vectors: one line saying what, where and what to do; nothing half written (P8, P20)."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hornbook.cli import main

pytestmark = pytest.mark.faults


def english(lines: int) -> str:
    generator = random.Random(7)
    words = "the a small large old new cat dog bird house river sees finds likes near under with and".split()  # noqa: SIM905
    rows = (" ".join(generator.choices(words, k=generator.randint(5, 14))) + "." for _ in range(lines))
    return "".join(row + ("\n\n" if number % 8 == 7 else "\n") for number, row in enumerate(rows))


def chinese(count: int) -> str:
    generator = random.Random(7)
    parts = ("我们 他们 老师 学生们", "在图书馆 在公园里 在学校 在家里", "看书。 做饭。 说话。 写报告。")
    rows = ["".join(generator.choice(part.split()) for part in parts) for _ in range(count)]
    return "".join(row + ("\n\n" if number % 4 == 3 else "\n") for number, row in enumerate(rows))


def train(capsys: pytest.CaptureFixture[str], source: Path, *more: str, recipe: str = "word2vec") -> tuple[int, str]:
    command = ["train", recipe, str(source), "-o", str(source.parent / "model"), "--dimensions", "8", "--epochs", "1", *more]
    code = main([*command, "--quiet", "--threads", "1"])
    return code, capsys.readouterr().err


def one_line(errors: str, *words: str) -> None:
    lines = [line for line in errors.splitlines() if line.startswith("hornbook:")]
    assert len(lines) == 1 and "Traceback" not in errors and "fault of hornbook's" not in errors, errors
    for word in words:
        assert word in lines[0], lines[0]


Writer = Callable[[Path], object]

GOOD: dict[str, Writer] = {
    "gb18030": lambda path: path.write_bytes(chinese(600).encode("gb18030")),
    "gbk of a few words": lambda path: path.write_bytes(("自然语言处理很有意思。\n机器学习也很有意思。\n" * 30).encode("gbk")),
    "utf-16": lambda path: path.write_text(english(400), "utf-16"),
    "byte order mark": lambda path: path.write_bytes(b"\xef\xbb\xbf" + english(400).encode()),
    "carriage returns": lambda path: path.write_bytes(english(400).replace("\n", "\r\n").encode()),
    "no end of line": lambda path: path.write_text(english(100).rstrip()),
}


@pytest.mark.parametrize("kind", GOOD)
def test_odd_but_sound_text_trains(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    GOOD[kind](tmp_path / "text.txt")
    code, errors = train(capsys, tmp_path / "text.txt", "--raw")
    assert code == 0, errors
    words = (tmp_path / "model" / "words.txt").read_text("utf-8")
    assert "\ufeff" not in words and "\ufffd" not in words
    if "gb" in kind:
        assert "有意思" in words or "图书馆" in words


def test_one_sentence_trains_and_the_alarm_says_what_it_cannot_learn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("hello world python\n")
    code, errors = train(capsys, tmp_path / "text.txt", "--min-count", "1", "--raw")
    assert code == 0, errors
    assert "alarm" in errors


BAD: dict[str, tuple[Writer, int, tuple[str, ...]]] = {
    "missing": (lambda path: None, 2, ("text.txt", "does not exist")),
    "empty": (lambda path: path.write_bytes(b""), 1, ("empty",)),
    "only white space": (lambda path: path.write_bytes(b" \n\n \t\n"), 1, ("empty",)),
    "one word": (lambda path: path.write_text("hello " * 50), 1, ("word",)),
    "nothing often enough": (lambda path: path.write_text("every word stands here just once.\n"), 1, ("min_count",)),
    "binary": (lambda path: path.write_bytes(random.Random(1).randbytes(20_000)), 1, ("text.txt",)),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(5000)), 1, ("text.txt",)),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("recipe", ["word2vec", "fasttext", "glove"])
def test_bad_text_is_one_line(kind: str, recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write, expected, words = BAD[kind]
    write(tmp_path / "text.txt")
    code, errors = train(capsys, tmp_path / "text.txt", "--raw", recipe=recipe)
    assert code == expected, errors
    one_line(errors, *words)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--dimension", "20"), ("--dimension", "--dimensions")),
        (("--windwo", "3"), ("--windwo", "--window")),
        (("--dimensions", "0"), ("dimensions",)),
        (("--window", "-2"), ("window",)),
        (("--model", "skipgramm"), ("skipgramm", "skipgram")),
        (("--budget", "soon"), ("soon", "90s, 10m or 2h")),
        (("--init", "nowhere.bin"), ("nowhere.bin", "does not exist")),
    ],
)
def test_a_wrong_flag_is_one_line(
    flags: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text(english(50))
    code = main(["train", "word2vec", str(tmp_path / "text.txt"), "-o", str(tmp_path / "model"), "--quiet", *flags])
    assert code == 2
    one_line(capsys.readouterr().err, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text(english(400))
    flags = ["--dimensions", "8", "--epochs", "1", "--raw", "--quiet", "--threads", "1"]
    assert main(["train", "word2vec", str(folder / "text.txt"), "-o", str(folder / "model"), *flags]) == 0
    return folder / "model"


def test_an_unknown_word_is_answered_with_near_spellings(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neighbours", str(model), "hoose"]) == 2
    one_line(capsys.readouterr().err, "hoose", "house")
    assert main(["analogy", str(model), "cat", "dog", "rivver"]) == 2
    one_line(capsys.readouterr().err, "rivver", "river")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "words.txt", "manifest.json"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone", "empty"])
def test_a_damaged_folder_is_one_line(
    name: str, how: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    content = (copy / name).read_bytes()
    damage: dict[str, Callable[[], object]] = {
        "flip": lambda: (copy / name).write_bytes(content[:9] + bytes([content[9] ^ 255]) + content[10:]),
        "cut": lambda: (copy / name).write_bytes(content[: len(content) // 2]),
        "gone": lambda: (copy / name).unlink(),
        "empty": lambda: (copy / name).write_bytes(b""),
    }
    damage[how]()
    code = main(["neighbours", str(copy), "cat"])
    if (name, how) == ("manifest.json", "gone"):
        assert code == 0
        return
    assert code in (1, 2)
    one_line(capsys.readouterr().err, name)


@pytest.mark.parametrize("how", ["cut", "huge header", "a text", "a picture"])
def test_a_damaged_file_is_one_line(how: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vectors.bin"
    assert main(["export", str(model), "--to", "word2vec", "-o", str(path)]) == 0
    content = path.read_bytes()
    contents = {
        "cut": content[: len(content) // 2],
        "huge header": b"2000000000 300\n" + content.split(b"\n", 1)[1],
        "a text": english(20).encode(),
        "a picture": b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(5000),
    }
    path.write_bytes(contents[how])
    capsys.readouterr()
    assert main(["neighbours", str(path), "cat"]) == 1
    one_line(capsys.readouterr().err, "vectors.bin")


def test_a_language_model_is_no_word_vectors(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "ngram", str(model.parent / "text.txt"), "-o", str(tmp_path / "lm"), "--raw", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["neighbours", str(tmp_path / "lm"), "cat"]) in (1, 2)
    one_line(capsys.readouterr().err, "hornbook-ngram")
    assert main(["generate", str(model), "cat"]) in (1, 2)
    one_line(capsys.readouterr().err)


@pytest.mark.slow
def test_control_c_says_how_to_go_on_and_the_end_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(english(3000))
    run = [sys.executable, "-c", "import sys; from hornbook.cli import main; sys.exit(main())"]
    flags = ["--dimensions", "16", "--epochs", "1200", "--raw", "--threads", "1"]

    def command(output: str) -> list[str]:
        return [*run, "train", "word2vec", str(tmp_path / "text.txt"), "-o", str(tmp_path / output), *flags]

    child = subprocess.Popen(command("broken"), stderr=subprocess.PIPE, text=True)
    checkpoints = tmp_path / "broken.work" / "checkpoints"
    deadline = time.monotonic() + 300
    while not list(checkpoints.glob("round-*")) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=300)
    assert child.returncode == 130 and "--resume" in errors.splitlines()[-1] and "Traceback" not in errors, errors
    assert not (tmp_path / "broken").exists()
    for more in (["broken", "--resume"], ["whole"]):
        done = subprocess.run([*command(more[0]), *more[1:]], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    broken, whole = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("broken", "whole"))
    assert broken == whole
