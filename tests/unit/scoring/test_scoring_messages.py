import ast
import string
from pathlib import Path

import hornbook
from hornbook.core.messages_zh import MESSAGES as ALL
from hornbook.core.zh_scoring import MESSAGES


def sentences():
    """Every string constant of decoding and scoring that is raised or translated, directly or as `template`/`note`."""
    root = Path(hornbook.__file__).parent
    for path in [*(root / "decoding").glob("*.py"), *(root / "scoring").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("UsageError", "ContentError", "translate"):
                first = node.args[0]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("template", "note"):
                first = node.value
            else:
                continue
            if isinstance(first, ast.Constant):
                yield first.value


def fields(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_sentence_has_chinese_with_the_same_fields():
    found = set(sentences())
    assert len(found) > 8
    assert found <= set(ALL), "without Chinese"
    assert set(MESSAGES) <= found, "translated in vain"
    for english, chinese in MESSAGES.items():
        assert fields(english) == fields(chinese)
