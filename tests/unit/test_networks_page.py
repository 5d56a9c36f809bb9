"""The examples of docs/networks.md run and print what it shows; its Chinese twin has the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages import blocks, run_page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_page_does_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rjieba", reason="whole words in Chinese are cut by rjieba")
    monkeypatch.setenv("HORNBOOK_LANG", "en")
    assert run_page(DOCS / "networks.md", tmp_path, monkeypatch, capsys) >= 6


def test_both_pages_show_the_same_examples() -> None:
    shown = [
        [(block.kind, block.text, block.runs) for block in blocks(DOCS / page)] for page in ("networks.md", "networks.zh.md")
    ]
    assert shown[0] == shown[1]
