"""What a user can get wrong at the command line: one line, the right exit code, nothing lost (P20)."""

from __future__ import annotations

import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hornbook.cli import main

pytestmark = pytest.mark.faults
RUN = [sys.executable, "-c", "import sys; from hornbook.cli import main; sys.exit(main())"]


def english(lines: int) -> str:
    """Made-up sentences over a small vocabulary, a blank line after every eight."""
    generator = random.Random(7)
    words = "the a small large old new cat dog bird house river sees finds likes near under with and".split()  # noqa: SIM905
    rows = (" ".join(generator.choices(words, k=generator.randint(5, 14))) + "." for _ in range(lines))
    return "".join(row + ("\n\n" if number % 8 == 7 else "\n") for number, row in enumerate(rows))


def chinese(sentences: int, *, traditional: bool = False) -> str:
    """Made-up Chinese sentences, a blank line after every four."""
    generator = random.Random(7)
    parts = ("我們 他們 老師 學生們", "在圖書館 在公園裡 在學校 在家裡", "看書。 做飯。 說話。 寫報告。")
    if not traditional:
        parts = ("我们 他们 老师 学生们", "在图书馆 在公园里 在学校 在家里", "看书。 做饭。 说话。 写报告。")
    rows = ["".join(generator.choice(part.split()) for part in parts) for _ in range(sentences)]
    return "".join(row + ("\n\n" if number % 4 == 3 else "\n") for number, row in enumerate(rows))


def train(capsys: pytest.CaptureFixture[str], source: Path, *more: str) -> tuple[int, str]:
    code = main(["train", "ngram", str(source), "-o", str(source.parent / "model"), "--quiet", *more])
    return code, capsys.readouterr().err


Writer = Callable[[Path], None]

GOOD: dict[str, Writer] = {
    "utf-8": lambda path: path.write_text(english(400), "utf-8"),
    "byte order mark": lambda path: path.write_bytes(b"\xef\xbb\xbf" + english(400).encode()),
    "carriage returns": lambda path: path.write_bytes(english(400).replace("\n", "\r\n").encode()),
    "utf-16": lambda path: path.write_text(english(400), "utf-16"),
    "gb18030": lambda path: path.write_bytes(chinese(600).encode("gb18030")),
    "big5": lambda path: path.write_bytes(chinese(600, traditional=True).encode("big5")),
    "four lines": lambda path: path.write_text("one line here\nand a second line\nthen a third\nand the last\n"),
    "empty lines": lambda path: path.write_text("\n\n\n" + english(100) + "\n" * 500 + english(100)),
    "no end of line": lambda path: path.write_text(english(100).rstrip()),
}


@pytest.mark.parametrize("kind", GOOD)
def test_odd_but_sound_text_trains(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "text.txt"
    GOOD[kind](source)
    code, errors = train(capsys, source, "--raw")
    assert code == 0, errors
    assert main(["generate", str(tmp_path / "model"), "", "--max-tokens", "5"]) == 0
    assert main(["evaluate", str(tmp_path / "model"), str(source), "--json"]) == 0


BAD: dict[str, tuple[Writer, str]] = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "only white space": (lambda path: path.write_bytes(b" \n\n \t\n"), "empty"),
    "one word": (lambda path: path.write_text("hello"), "held-out"),
    "one sentence": (lambda path: path.write_text("This is the only sentence there is."), "held-out"),
    "binary": (lambda path: path.write_bytes(random.Random(1).randbytes(20_000)), "text.txt"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(5000)), "text.txt"),
    "bad byte": (lambda path: path.write_bytes(b"good text\n" * 300 + b"\xff\xfe\xff bad\n" + b"good\n" * 300), "text.txt"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_text_is_one_line_naming_the_file(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "text.txt"
    write, word = BAD[kind]
    write(source)
    code, errors = train(capsys, source)
    assert code == 1, errors
    lines = [line for line in errors.splitlines() if line.startswith("hornbook:")]
    assert len(lines) == 1
    assert word in lines[0]
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


def test_truncated_archive_says_how_far_it_got(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "text.txt.gz"
    whole = gzip.compress(english(4000).encode())
    source.write_bytes(whole[: len(whole) // 2])
    code, errors = train(capsys, source)
    assert code == 1
    assert "text.txt.gz" in errors.splitlines()[-1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text(english(400))
    assert main(["train", "ngram", str(folder / "text.txt"), "-o", str(folder / "model"), "--quiet", "--raw"]) == 0
    return folder / "model"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "manifest.json"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone", "empty"])
def test_a_damaged_model_is_one_line(
    name: str, how: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    content = (copy / name).read_bytes()
    match how:
        case "flip":
            (copy / name).write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])
        case "cut":
            (copy / name).write_bytes(content[: len(content) // 2])
        case "gone":
            (copy / name).unlink()
        case "empty":
            (copy / name).write_bytes(b"")
    capsys.readouterr()
    if (name, how) == ("manifest.json", "gone"):  # then it is a folder of another library: read strictly, without sums
        assert main(["generate", str(copy), "", "--max-tokens", "3"]) == 0
        return
    assert main(["generate", str(copy), ""]) in (1, 2)
    errors = capsys.readouterr().err
    assert len(errors.splitlines()) == 1
    assert name in errors


def test_full_disk_is_exit_code_28_and_leaves_the_old_model(model: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))

    done = subprocess.run(
        [*RUN, "train", "ngram", str(model.parent / "text.txt"), "-o", str(model), "--quiet", "--raw"],
        capture_output=True,
        text=True,
        preexec_fn=small_files,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert done.returncode == 28, done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before


TINY = ("--model.layers", "1", "--model.width", "32", "--training.rows", "2", "--training.length", "32", "--training.precision")


@pytest.mark.parametrize("recipe", ["gpt", "lstm"])
def test_control_c_saves_says_how_and_resumes(recipe: str, tmp_path: Path) -> None:
    source, output = tmp_path / "text.txt", tmp_path / "model"
    source.write_text(english(400))
    command = [*RUN, "train", recipe, str(source), "-o", str(output), *TINY, "float32", "--threads", "1", "--raw"]
    command += ["--training.steps", "3000", "--training.evaluations", "3"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    record = tmp_path / "model.work" / "metrics.jsonl"
    deadline = time.monotonic() + 300
    while not (record.is_file() and '"step"' in record.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=300)
    assert child.returncode == 130, errors
    assert "--resume" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert not output.exists()
    done = subprocess.run([*command[:-4], "--training.steps", "3000", "--resume"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "resumed" in done.stderr
    assert (output / "model.safetensors").is_file()
