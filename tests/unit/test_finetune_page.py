"""The examples of docs/finetune.md and its Chinese twin run and print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages import blocks, run_page

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("finetune.md", "finetune.zh.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_does_what_it_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HORNBOOK_LANG", "zh_CN" if ".zh." in page else "en")
    assert run_page(DOCS / page, tmp_path, monkeypatch, capsys) == 2


def test_both_pages_have_the_same_examples() -> None:
    kinds = [[block.kind for block in blocks(DOCS / page)] for page in PAGES]
    assert kinds[0] == kinds[1]
