"""Rows of JSON lines, tables between commas or tabs, fastText's lines, Parquet and folders, with their line numbers.

A table between tabs is one row a line, and a quote in it is a character, unless every quote there stands as a program that
quotes would have put it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from hornbook.core.errors import ContentError, needs_extra

SAMPLE = 1_000  # lines looked at before a layout is chosen
FASTTEXT_MARK = "__label__"
_SEPARATORS = ",\t;|"


class Row(NamedTuple):
    """The cells of a row: a list of texts, or a record; and where it stands in its file, counted from 1."""

    line: int
    cells: Any


class Table(NamedTuple):
    """Rows, and how they are parted, in words for the reader."""

    rows: Iterator[Row]
    form: str
    records: bool  # cells are records with names
    separator: str = ""


def json_rows(lines: Iterator[str], *, path: str) -> Iterator[Row]:
    """An object a line. ContentError names the line that is not one."""
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise _no_object(path, number, reason) from None
        if not isinstance(record, dict):
            raise _no_object(path, number, f"it is {type(record).__name__}")
        yield Row(number, record)


def fasttext_rows(lines: Iterator[str], *, path: str) -> Iterator[Row]:
    """`__label__a __label__b the text`: records of labels and text."""
    for number, line in enumerate(lines, start=1):
        words = line.split(" ")
        marks = 0
        while marks < len(words) and words[marks].startswith(FASTTEXT_MARK):
            marks += 1
        labels = [word[len(FASTTEXT_MARK) :] for word in words[:marks]]
        if line and not line.isspace():
            yield Row(number, {"label": labels, "text": " ".join(words[marks:])})


def table_of_lines(lines: Iterator[str], *, separators: str = _SEPARATORS) -> Table:
    """Cells between the one of `separators` that parts the first lines most evenly. ContentError for an open quote."""
    head = list(islice(lines, SAMPLE))
    separator = max(separators, key=lambda mark: _evenness(head, mark))
    everything = chain(head, lines)
    form = {",": "comma separated", "\t": "tab separated", ";": "semicolon separated", "|": "separated by |"}[separator]
    if separator != "\t":
        return Table(_quoted_rows(everything, separator), form, records=False, separator=separator)
    widths = {line.count("\t") for line in head if line.strip()}
    if len(widths) > 1 and len({len(row.cells) for row in _sampled(head, separator)}) == 1:
        return Table(
            _quoted_rows(everything, separator), form, records=False, separator=separator
        )  # cells hold line ends: a program wrote them
    cells = [cell for line in head for cell in line.split("\t") if '"' in cell]
    clean = _unquoted if cells and all(_is_quoted(cell) for cell in cells) else str
    return Table(_line_rows(everything, clean), form, records=False, separator=separator)


def parquet_rows(path: Path) -> Iterator[Row]:
    """Records of a Parquet file, a thousand at a time. Needs pyarrow (extra text)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise needs_extra("pyarrow", "text") from error
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=False, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=1000, use_threads=False):
                for record in batch.to_pylist():
                    number += 1
                    yield Row(number, record)
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContentError("{path} is not a whole parquet file: {error}", path=path, error=reason) from error


def folder_rows(folder: Path, read: Callable[[Path], Iterator[str]]) -> Iterator[Row]:
    """A text a file; its label is the folder it lies in."""
    number = 0
    for path in sorted(folder.glob("*/**/*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            number += 1
            yield Row(number, {"label": path.relative_to(folder).parts[0], "text": "\n".join(read(path))})


def _sampled(head: Sequence[str], separator: str) -> list[Row]:
    """The whole rows of a sample; a quoted cell that goes on beyond it ends them."""
    rows: list[Row] = []
    try:
        for row in _quoted_rows(iter(head), separator):
            rows.append(row)
    except ContentError:
        pass
    return rows


def _evenness(head: Sequence[str], separator: str) -> tuple[float, int]:
    """The share of sample rows that have the commonest number of cells, two at least; and that number."""
    counts = Counter(len(row.cells) for row in _sampled(head, separator))
    width, rows = max(counts.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
    return (rows / counts.total(), -width) if width > 1 else (0.0, 0)


def _quoted_rows(lines: Iterator[str], separator: str) -> Iterator[Row]:
    csv.field_size_limit(1 << 30)
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    begin = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ContentError(
                "line {line}: this row cannot be read: {error}. A quote inside a quoted cell is written twice.",
                line=begin,
                error=error,
            ) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield Row(begin, cells)
        begin = reader.line_num + 1


def _line_rows(lines: Iterator[str], clean: Callable[[str], str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            yield Row(number, [clean(cell) for cell in line.split("\t")])


def _is_quoted(cell: str) -> bool:
    return len(cell) >= 2 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _is_quoted(cell) else cell


def _no_object(path: str, line: int, reason: str) -> ContentError:
    return ContentError(
        "{path}: line {line} is not a JSON object: {error}. Write one object a line.", path=path, line=line, error=reason
    )
