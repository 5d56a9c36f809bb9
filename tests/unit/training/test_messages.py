"""Every sentence that training says has a Chinese one with the same fields."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import hornbook.training
from hornbook.core.zh_core import MESSAGES as CORE
from hornbook.core.zh_training import MESSAGES

SPEAKERS = {"UsageError", "ContentError", "DiskFullError", "Interrupted", "translate"}


def templates() -> set[str]:
    found: set[str] = set()
    for path in Path(hornbook.training.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAKERS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_is_translated() -> None:
    said = templates()
    assert len(said) > 40
    assert not said - MESSAGES.keys() - CORE.keys()
    for english, chinese in MESSAGES.items():
        assert fields(english) == fields(chinese), english
