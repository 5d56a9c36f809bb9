from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from hornbook.core.errors import UsageError, nearest
from hornbook.core.messages_zh import MESSAGES

SOURCE = Path(__file__).parents[3] / "src" / "hornbook"
ERRORS = {"HornbookError", "ContentError", "UsageError", "DiskFullError", "Interrupted"}


def templates() -> list[tuple[str, str]]:
    """Every literal template that is raised anywhere in the package, with its place."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
                template = node.args[0]
                if ast.unparse(template) in ("error.template", "_INTERRUPTED"):  # passed on, or a constant of the file
                    continue
                where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                assert isinstance(template, ast.Constant), f"{where}: an error's template is a literal, its values are fields"
                found.append((where, str(template.value)))
    return found


def test_every_error_has_a_chinese_sentence_with_the_same_fields() -> None:
    import string

    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    missing = [f"{where}: {text}" for where, text in templates() if text not in MESSAGES]
    assert not missing, "\n".join(missing)
    assert not [text for text, chinese in MESSAGES.items() if fields(text) != fields(chinese)]


def test_no_sentence_is_translated_in_vain() -> None:
    said = {
        node.value
        for path in SOURCE.rglob("*.py")
        if not path.name.startswith("zh_")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not set(MESSAGES) - said


def test_errors_speak_the_language_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORNBOOK_LANG", "zh_CN.UTF-8")
    assert "不是时间" in str(UsageError("'{text}' is not a time: write it like 90s, 10m or 2h", text="x"))
    monkeypatch.setenv("HORNBOOK_LANG", "en_GB")
    assert "is not a time" in str(UsageError("'{text}' is not a time: write it like 90s, 10m or 2h", text="x"))


def test_nearest_name_or_the_choices() -> None:
    assert nearest("lstmm", ["lstm", "gru"]) == " Did you mean lstm?"
    assert nearest("zzz", ["lstm", "gru"]) == " Choose from: gru, lstm."


@pytest.mark.parametrize("module", ["hornbook", "hornbook.cli", "hornbook.core.config", "hornbook.catalog", "hornbook.api"])
def test_importing_loads_neither_torch_nor_numba(module: str) -> None:
    code = f"import {module}, sys; sys.exit(bool({{'torch', 'numba'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("room", ["tokenizers", "corpus", "statistical"])
def test_rooms_without_torch(room: str) -> None:
    code = (
        "import importlib, pkgutil, sys, hornbook\n"
        f"package = importlib.import_module('hornbook.{room}')\n"
        "for info in pkgutil.walk_packages(package.__path__, package.__name__ + '.'): importlib.import_module(info.name)\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_pickle_no_code_from_files() -> None:
    banned_modules = {"pickle", "joblib", "dill", "shelve", "marshal", "yaml", "cloudpickle"}
    banned_calls = {("torch", "load"), ("torch", "save"), (None, "eval"), (None, "exec")}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name.split(".")[0] for alias in node.names] if isinstance(node, ast.Import) else []
            names += [(node.module or "").split(".")[0]] if isinstance(node, ast.ImportFrom) else []
            assert not banned_modules & set(names), f"{path}: {names}"
            if isinstance(node, ast.Call):
                function = node.func
                owner = (
                    function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else None
                )
                if isinstance(function, ast.Attribute) and owner is None:
                    continue  # a method, such as module.eval()
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
                assert (owner if owner in (None, "torch") else "", name) not in banned_calls, f"{path}:{node.lineno}"
                assert not [
                    word for word in node.keywords if word.arg == "allow_pickle" and getattr(word.value, "value", True)
                ], path
