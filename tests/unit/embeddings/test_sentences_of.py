from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hornbook.core.errors import UsageError
from hornbook.embeddings.sentences import WordsConfig, sentences_of


def cut(text: str, **options: Any) -> list[list[str]]:
    return list(sentences_of(text, WordsConfig(**options)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three! Four? Five", [["one", "two"], ["three"], ["four"], ["five"]]),
        ('He said "no." Then (he left.) Good', [["he", "said", "no"], ["then", "he", "left"], ["good"]]),
        ("line one\nline two\r\n\n  \nline three", [["line", "one"], ["line", "two"], ["line", "three"]]),
        ("Version 3.14 of 1,000 files.txt", [["version", "3.14", "of", "1,000", "files", "txt"]]),
        ("Don’t 'stop' well-known rock'n'roll - -x-", [["don't", "stop", "well-known", "rock'n'roll", "x"]]),
        ("snake_case and _emphasis_", [["snake", "case", "and", "emphasis"]]),
        ("Straße E\u0301LAN naïve Ελλάδα", [["straße", "élan", "naïve", "ελλάδα"]]),
        ("नमस्ते दुनिया। می‌روم", [["नमस्ते", "दुनिया"], ["می\u200cروم"]]),
        ("한국어 문장입니다.", [["한국어", "문장입니다"]]),
        ("\U0001e922\U0001e944\U0001e945 x", [["\U0001e922\U0001e944\U0001e945", "x"]]),
        ("... ?! --", []),
        ("", []),
    ],
)
def test_words_of_scripts_with_spaces(text: str, expected: list[list[str]]) -> None:
    assert cut(text) == expected


def test_capitals_may_stay() -> None:
    assert cut("New York. The", lowercase=False) == [["New", "York"], ["The"]]


def test_text_that_is_cut_already() -> None:
    assert cut("The cat , sat .\n\nOn 3 mats !", segment="spaces") == [
        ["the", "cat", ",", "sat", "."],
        ["on", "3", "mats", "!"],
    ]


def test_chinese_words_of_rjieba() -> None:
    pytest.importorskip("rjieba")
    assert cut("研究人员表示，到２２４５年信息量可能占世界质量的一半！用Python编程，买T恤。", segment="rjieba") == [
        ["研究", "人员", "表示", "到", "2245", "年", "信息量", "可能", "占", "世界", "质量", "的", "一半"],
        ["用", "python", "编程", "买", "t恤"],
    ]


def test_chinese_characters_and_whole_runs() -> None:
    text = "世界质量。Python 3很well-known"
    assert cut(text, segment="characters") == [["世", "界", "质", "量"], ["python", "3", "很", "well", "known"]]
    assert cut(text, segment="letters") == [["世界质量"], ["python", "3很well-known"]]


def test_auto_looks_at_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    assert list(sentences_of("研究 人员 表示", log=said.append)) == [["研究", "人员", "表示"]]
    assert "cut by spaces" in said.pop().text
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert list(sentences_of("世界很大", log=said.append)) == [["世", "界", "很", "大"]]
    assert 'pip install "hornbook[zh]"' in said.pop().text
    assert list(sentences_of("ครั้ง ๆ", log=said.append)) == [["ค", "รั้", "ง", "ๆ"]]
    assert "characters are the words" in said.pop().text
    assert list(sentences_of("plain words", log=said.append)) == [["plain", "words"]] and not said
    with pytest.raises(UsageError, match="rjieba is not installed"):
        list(sentences_of("世界", WordsConfig("rjieba")))


def test_documents_are_read_as_they_are_needed() -> None:
    read: list[int] = []

    def documents() -> Iterator[str]:
        for number in range(9):
            read.append(number)
            yield "word " * 50_000 + ". end"

    sentences = sentences_of(documents())
    assert len(next(sentences)) == 50_000 and read == [0]
    assert len(list(sentences)) == 17 and read == list(range(9))
