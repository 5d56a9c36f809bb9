import ast
import string
from pathlib import Path

import pytest

import hornbook.corpus
from hornbook.core.zh_corpus_read import MESSAGES
from hornbook.corpus.encoding import _MAGIC
from hornbook.corpus.read import ReadConfig, Reader

FILES = (
    "store",
    "read",
    "encoding",
    "sources",
    "compression",
    "plain",
    "records",
    "lines",
    "clean",
    "prepare",
    "report",
    "demo",
)


def templates():
    for name in FILES:
        tree = ast.parse((Path(hornbook.corpus.__file__).parent / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "").endswith("Error")
                and len(node.keywords)
                and node.args
            ):
                yield ast.literal_eval(node.args[0])


def test_every_error_has_a_chinese_sentence_with_the_same_fields():
    found = set(templates())
    assert len(found) > 25 and found - {"{path} does not exist"} <= set(MESSAGES)
    assert {kind for _, kind in _MAGIC} <= set(MESSAGES)
    for english, chinese in MESSAGES.items():
        fields = [sorted(field for _, field, _, _ in string.Formatter().parse(text) if field) for text in (english, chinese)]
        assert fields[0] == fields[1], english


def test_a_chinese_user_reads_chinese(tmp_path, monkeypatch):
    monkeypatch.setenv("HORNBOOK_LANG", "zh_CN")
    (tmp_path / "bad.txt").write_bytes("Où êtes-vous allé ce matin ?".encode("latin-1"))
    with pytest.raises(Exception, match=r"不是 UTF-8。文本可能是西欧编码"):
        list(Reader([tmp_path / "bad.txt"], ReadConfig(), log=lambda event: None))
