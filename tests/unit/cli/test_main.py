from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hornbook.cli import VERBS, main


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-c", "import sys; from hornbook.cli import main; sys.exit(main())", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last, last


def test_help_and_version_load_neither_torch_nor_numba() -> None:
    code = "import sys; from hornbook.cli import main; main(['--help']); sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in VERBS)
    assert run("--version").stdout.startswith("hornbook ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rase", "x", "-o", "y"), ("rase", "race")),
        (("race", "x.txt", "-o", "y", "--budgte", "3m"), ("--budgte", "--budget")),
        (("race", "x.txt", "-o", "y", "--budget", "10 minuts"), ("10 minuts", "90s, 10m or 2h")),
        (("race", "-o", "y"), ("--demo",)),
        (("race", "--demo", "-o", "y", "--budget", "1s"), ("too short", "3m")),
        (("race", "x.txt", "-o", "y", "--contestants", "lstmm"), ("lstmm", "lstm")),
        (("train", "gtp", "x.txt", "-o", "y"), ("gtp", "gpt")),
        (("train", "gpt", "x.txt", "-o", "y", "--model.widht", "3"), ("--model.widht", "--model.width")),
        (("train", "ngram", "x.txt", "-o", "y", "--tokenizer", "bpee"), ("bpee", "bpe")),
        (("train", "ngram", "nowhere.txt", "-o", "y"), ("nowhere.txt",)),
        (("evaluate", "nomodel", __file__), ("nomodel",)),
        (("generate", "nomodel"), ("nomodel",)),
        (("info", "nofolder"), ("nofolder",)),
    ],
)
def test_a_users_error_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one_line(run(*arguments), 2, *words)
    assert list(tmp_path.iterdir()) == [], "nothing may be written before the arguments are right"


def test_a_missing_path_fails_fast(tmp_path: Path) -> None:
    import time

    main(["info", str(tmp_path / "warm-up")])
    begin = time.process_time()
    assert main(["race", str(tmp_path / "nowhere.txt"), "-o", str(tmp_path / "out")]) == 2
    assert time.process_time() - begin < 1


def test_chinese_locale_gives_chinese_errors() -> None:
    done = run("info", "nofolder", HORNBOOK_LANG="zh_CN.UTF-8")
    assert done.returncode == 2 and done.stderr.splitlines()[-1].endswith("nofolder 不存在"), done.stderr


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in run("info", "nofolder", "--debug").stderr


def test_a_users_folder_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("".join(f"note {number} on something\n" for number in range(50)))
    for command in (["train", "ngram"], ["corpus"], ["race"]):
        code = main([*command, str(tmp_path / "mine" / "notes.txt"), "-o", str(tmp_path / "mine"), "--quiet"])
        assert code == 2
        assert "mine is not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_standard_input_is_a_source(tmp_path: Path) -> None:
    text = "".join(f"line {number} says something of its own\n" for number in range(200))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from hornbook.cli import main; sys.exit(main())",
            "corpus",
            "-",
            "-o",
            "c",
            "--raw",
            "--documents",
            "line",
            "--json",
        ],
        input=text,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    import json

    assert sum(split["documents"] for split in json.loads(done.stdout)["splits"]) == 200
