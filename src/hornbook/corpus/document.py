"""What reading gives and how it is told to read: documents, settings, and the count of everything unusual on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from hornbook.core.events import Event

Log: TypeAlias = Callable[[Event], None]
DocumentMode: TypeAlias = Literal["auto", "blank", "line", "file", "title"]


class Document(NamedTuple):
    """One text, the file it came from, and its split when the file's name says so ('train', 'valid' or 'test')."""

    text: str
    source: str
    split: str | None = None


@dataclass(frozen=True)
class ReadConfig:
    """How sources become documents.

    `documents`: 'blank' = a document ends at a blank line, 'line' = every line is one, 'file' = every file is one,
    'title' = a line '= Title =' between blank lines starts one (WikiText), 'auto' = guess from the text and say so.
    `encoding`: 'auto' = UTF-8, else detected; or any name Python knows. `on_bad_bytes`: 'skip' leaves the bad bytes out,
    'replace' puts U+FFFD in their place. Lines over `max_line_bytes` are cut at white space, documents over
    `max_document_bytes` at a line end; both are counted. A JSON or CSV record over `max_record_bytes` is an error.
    `train`, `dev`, `test`: files that are that split whatever their name.
    """

    documents: DocumentMode = "auto"
    encoding: str = "auto"
    on_bad_bytes: Literal["stop", "replace", "skip"] = "stop"
    text_field: str = "text"
    max_line_bytes: int = 1_000_000
    max_document_bytes: int = 4_000_000
    max_record_bytes: int = 32_000_000
    max_expansion: float = 200.0
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass
class ReadCounts:
    """What reading met, counted: nothing is dropped or changed without a number here."""

    files: int = 0
    bytes_read: int = 0
    bytes_total: int = 0  # size of the sources on the disk, 0 when one of them is a stream
    text_bytes: int = 0  # after decompression
    documents: int = 0
    bad_bytes: int = 0  # undecodable sequences that were replaced or left out
    first_bad: str = ""
    nul_characters: int = 0
    lone_surrogates: int = 0
    long_lines: int = 0
    long_documents: int = 0
    empty_records: int = 0
    skipped: list[str] = field(default_factory=list)
    encodings: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
