"""Runs the examples of a documentation page in order: what the page shows is what happens (R19)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_FENCE = re.compile(r"(?P<before><!-- not run: [^\n]*-->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: python, sh, or text for what the block before it prints."""

    kind: str
    text: str
    line: int
    runs: bool


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page; one that a comment `<!-- not run: why -->` stands before is not run."""
    content = page.read_text("utf-8")
    for match in _FENCE.finditer(content):
        yield Block(match["kind"], match["text"], content.count("\n", 0, match.start("kind")) + 1, match["before"] is None)


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> int:
    """Run a page inside `folder`; python blocks share their names. Returns how many outputs were compared.

    A text block right after a python block is its output, to the letter. A command may end in `# exit code 2`.
    """
    from hornbook.cli import main

    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    printed: str | None = None
    compared = 0
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        if block.kind == "text":
            if printed is not None:
                assert printed.rstrip() == block.text.rstrip(), where
                compared += 1
            printed = None
            continue
        printed = None
        if not block.runs:
            continue
        capsys.readouterr()
        if block.kind == "python":
            exec(compile(block.text, where, "exec"), names)
            printed = capsys.readouterr().out
        elif block.kind == "sh":
            for command in block.text.splitlines():
                if command.startswith("hornbook "):
                    _command(command, main, where, capsys)
    return compared


def _command(command: str, main: Any, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = re.search(r"# exit code (\d+)", command)
    code = main(shlex.split(command, comments=True)[1:])
    assert code == int(expected[1] if expected else 0), f"{where}: {command}\n{capsys.readouterr().err}"
