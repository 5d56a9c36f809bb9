"""The demonstration corpus: English that every Python installation carries, nothing downloaded, nothing copied.

Documents are the topics of the language reference (pydoc_data) and, one document a module, the docstrings of the standard
library, read with `ast` and never imported. Prose is kept, one paragraph a line; code, tables and doctests are left out.
A paragraph that was given once is not given again, so that nothing leaks between the splits.
"""

from __future__ import annotations

import ast
import inspect
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from hornbook.corpus.document import Document

_SKIPPED_FOLDERS = frozenset(
    ("test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "pydoc_data", "encodings", "lib2to3")
)
_LEAST_DOCUMENT = 200  # characters
_PARAGRAPHS = re.compile(r"\n[^\S\n]*\n")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")
_UNDERLINE = re.compile(r"^\s*[=\-~^*\"'+#`.]{3,}\s*$")
_ROLE = re.compile(r":[a-z:]+:`([^`]*)`|``([^`]*)``|\*\*([^*]+)\*\*")


def demo_documents() -> Iterator[Document]:
    """About 2 MB of English, the same documents in the same order for the same version of Python."""
    seen: set[str] = set()
    for name, text in _all_texts():
        paragraphs = []
        for paragraph in prose(text):
            key = "".join(paragraph.lower().split())
            if key not in seen:
                seen.add(key)
                paragraphs.append(paragraph)
        document = "\n".join(paragraphs)
        if len(document) >= _LEAST_DOCUMENT:
            yield Document(document, name)


def prose(text: str) -> Iterator[str]:
    """The paragraphs and list items of a reStructuredText-like text that are sentences, each on one line."""
    for block in _PARAGRAPHS.split(text):
        lines = [line for line in block.split("\n") if not _UNDERLINE.match(line)]
        for item in _items(lines):
            joined = " ".join(" ".join(item).split())
            joined = _ROLE.sub(lambda match: next(group for group in match.groups() if group is not None), joined)
            if _is_prose(joined):
                yield joined


def _all_texts() -> Iterator[tuple[str, str]]:
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield f"python reference: {name}", topics[name]
    library = Path(sysconfig.get_paths()["stdlib"])
    modules = {path.relative_to(library).with_suffix("").as_posix().replace("/", "."): path for path in _modules(library)}
    for name in sorted(modules):
        yield f"python library: {name}", _docstrings(modules[name])


def _modules(library: Path) -> Iterator[Path]:
    for path in library.rglob("*.py"):
        inner = path.relative_to(library).parts
        if not any(part in _SKIPPED_FOLDERS or part.startswith(("config-", ".")) for part in inner):
            yield path


def _docstrings(path: Path) -> str:
    """Every docstring of a module in source order; nothing for a file that does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old modules carry invalid escapes
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return ""
    return "\n\n".join(inspect.cleandoc(text) for text in _documented(tree))


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The docstring of a definition, then those of the definitions in it; expressions are not visited."""
    text = ast.get_docstring(node, clean=False)
    if text:
        yield text
    for inner in node.body:
        if isinstance(inner, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _documented(inner)


def _items(lines: list[str]) -> Iterator[list[str]]:
    """A block is one paragraph, or one for every bullet in it."""
    item: list[str] = []
    for line in lines:
        if _BULLET.match(line) and item:
            yield item
            item = []
        item.append(_BULLET.sub("", line))
    if item:
        yield item


def _is_prose(line: str) -> bool:
    """Whether a line reads as a sentence: starts like one, mostly words, no prompt, assignment or call chain."""
    words = line.split()
    if len(words) < 4 or not line.lstrip("*\"'(`")[:1].isalnum() or ">>>" in line or "::=" in line or "\\" in line:
        return False
    plain = sum(word.strip(".,;:!?()\"'`*").replace("-", "").replace("'", "").isalpha() for word in words)
    return plain >= (0.7 if line[-1] in ".:;!?)\"'" else 0.9) * len(words)
