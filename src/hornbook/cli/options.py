"""Flags that mean the same in every verb, and the optional mirror of a configuration class."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hornbook.core.codec import plain


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Flags of every verb."""

    json: bool = False
    "Print one JSON object as the last line of standard output."
    quiet: bool = False
    "No progress, only alarms and the result."
    debug: bool = False
    "Show the traceback of an error."


@Parameter(name="*")
@dataclass(frozen=True)
class Machine:
    """Flags of verbs that compute."""

    seed: int = 1
    "Seed of every random choice."
    device: str = "auto"
    "auto, cpu, cuda, cuda:1, mps."
    threads: int = 0
    "CPU threads; 0 takes every core."


Output = Annotated[str, Parameter(name=["--output", "-o"], help="Folder to write.")]


@functools.cache
def optional(cls: type[Any], *, prefix: str, without: tuple[str, ...] = ()) -> type[Any]:
    """A mirror of a config class whose every field may be left out: only what the user typed overrides the recipe.

    `without` names fields that a flag of every verb sets.
    """
    hints = typing.get_type_hints(cls, include_extras=False)
    fields: list[tuple[str, Any, Any]] = []
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind) or field.name in without:
            continue
        fields.append((field.name, kind | None, dataclasses.field(default=None)))
    mirror = dataclasses.make_dataclass(f"Optional{cls.__name__}", fields, frozen=True)
    mirror.__doc__ = f"{prefix} options."
    mirror.__module__ = __name__  # make_dataclass says "types", and cyclopts does not look into the standard library's classes
    return mirror


def flat(options: type[Any]) -> type[Any]:
    """Options as plain flags, without the name of their group: `--window`, not `--model.window`."""
    return Parameter(name="*")(options)


def given(**groups: Any) -> dict[str, Any]:
    """Dotted overrides of what was typed: given(model=..., training=...) -> {'model.width': 256}."""
    overrides: dict[str, Any] = {}
    for group, values in groups.items():
        if values is None:
            continue
        for field in dataclasses.fields(values):
            value = getattr(values, field.name)
            if value is not None:
                overrides[f"{group}.{field.name}"] = value
    return overrides


def print_json(result: Mapping[str, Any]) -> None:
    """The machine-readable last line of standard output."""
    sys.stdout.write(json.dumps(plain(result), ensure_ascii=False) + "\n")


@Parameter(name="*")
@dataclass(frozen=True)
class TextFlags:
    """How text is read and split."""

    documents: Literal["auto", "blank", "line", "file"] = "auto"
    "Where a document ends: at blank lines, at every line, or with the file."
    encoding: str = "auto"
    "Encoding of the text; auto detects UTF-8, UTF-16, GB18030 and Big5."
    on_bad_bytes: Literal["stop", "replace", "skip"] = "stop"
    "What to do with bytes that are not text."
    text_field: str = ""
    "Field of JSONL, CSV or Parquet that holds the text; guessed when left out."
    split: str = ""
    "What is held out: 0.1, last:0.1 or folds:10. Given splits (train*, valid*, test*) stay as they are."
    raw: bool = False
    "No cleaning and no deduplication."
    train: tuple[str, ...] = ()
    "Files that are the training split, when their names do not say so."
    dev: tuple[str, ...] = ()
    "Files that are the validation split."
    test: tuple[str, ...] = ()
    "Files that are the test split."


def sources_of(values: tuple[str, ...]) -> list[str]:
    """The sources that were typed, with '-' for standard input again."""
    from hornbook.cli import STANDARD_INPUT

    return ["-" if value == STANDARD_INPUT else value for value in values]


def tokenizer_of(kind: str, size: int, *, closed: bool = False) -> Any:
    """What `--tokenizer` and `--vocabulary` mean: a folder, a kind whose size follows the corpus, or a configuration."""
    from hornbook.core.errors import UsageError, nearest
    from hornbook.tokenizers import KINDS, TokenizerConfig

    if kind not in KINDS and Path(kind).exists():
        return Path(kind)
    if kind not in KINDS:
        raise UsageError("unknown tokenizer '{kind}'.{hint}", kind=kind, hint=nearest(kind, KINDS))
    if closed:
        return TokenizerConfig(kind=kind, size=size, closed_vocabulary=True)
    return TokenizerConfig(kind=kind, size=size) if size else kind


def corpus_config(text: TextFlags, *, seed: int = 1) -> Any:
    """The corpus configuration that the text flags ask for."""
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.read import ReadConfig
    from hornbook.corpus.split import SplitConfig

    read = ReadConfig(
        documents=text.documents,
        encoding=text.encoding,
        on_bad_bytes=text.on_bad_bytes,
        train=text.train,
        dev=text.dev,
        test=text.test,
        text_field=text.text_field or ReadConfig.text_field,
    )
    return CorpusConfig(read=read, split=SplitConfig(how=text.split or SplitConfig.how, seed=seed), raw=text.raw)
