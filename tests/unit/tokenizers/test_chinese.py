from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.tokenizers.chinese import characters, is_unspaced, narrow, segmenter


def test_width() -> None:
    assert narrow("Ｐｙｔｈｏｎ３，ｶﾞﾗｽ！") == ("Python3，ガラス！", 2)
    assert narrow("Python3，你好。") == ("Python3，你好。", 0)
    assert narrow("plain") == ("plain", 0)


@pytest.mark.parametrize(
    ("text", "unspaced"),
    [
        ("研究人员表示，信息量可能占世界质量的一半。", True),
        ("使用 Python 编程语言 的人 很多很多很多", True),
        ("研究 人员 表示 ， 信息量 可能 占 世界 质量 的 一半 。", False),
        ("张三 李四", False),
        ("プログラミング言語を使う", True),
        ("only words", False),
        ("한국어 문장", False),
        ("", False),
    ],
)
def test_is_unspaced(text: str, unspaced: bool) -> None:
    assert is_unspaced(text) is unspaced


def test_characters_keep_their_marks_and_other_words() -> None:
    assert characters("用Python3, 好") == ["用", "Python3", ", ", "好"]
    assert characters("กี่ครั้ง") == ["กี่", "ค", "รั้", "ง"]
    assert characters("हिन्दी𠀀") == ["हिन्दी", "𠀀"]
    assert characters("か\u3099") == ["か\u3099"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_characters_joined_are_the_text(text: str) -> None:
    assert "".join(characters(text)) == text


def test_rjieba_words() -> None:
    pytest.importorskip("rjieba")
    text = "信息量可能占世界质量的一半，用Python3。"
    for name in ("rjieba", "auto"):
        words = segmenter(name)(text)  # type: ignore[arg-type]
        assert "世界" in words and "Python3" in words and "".join(words) == text


def test_without_rjieba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert segmenter("auto")("世界") == segmenter("characters")("世界") == ["世", "界"]
    with pytest.raises(UsageError, match=r'rjieba is not installed: pip install "hornbook\[zh\]"'):
        segmenter("rjieba")
