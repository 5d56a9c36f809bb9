"""Documents out of records: JSON lines, CSV, TSV and parquet. Texts stay texts: 'null' and 'NA' are words."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hornbook.core.errors import ContentError, UsageError, nearest, needs_extra, translate
from hornbook.core.events import Note
from hornbook.corpus.document import Log, ReadConfig, ReadCounts

_NAMES = (
    "text",
    "content",
    "contents",
    "body",
    "article",
    "document",
    "passage",
    "paragraph",
    "sentence",
    "review",
    "raw",
    "正文",
    "内容",
    "文本",
)
_PREVIEW = 100  # rows looked at before a column is chosen


def json_texts(lines: Iterator[str], *, name: str, config: ReadConfig, counts: ReadCounts, log: Log) -> Iterator[str]:
    """The text of every JSON object, one object a line. ContentError names the line that is not one."""
    field = ""
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise ContentError(
                "{path}: line {line} is not a JSON object: {error}. Write one object a line.",
                path=name,
                line=number,
                error=reason,
            ) from error
        if isinstance(record, str):
            yield record
            continue
        if not isinstance(record, dict):
            raise ContentError(
                "{path}: line {line} is not a JSON object: {error}. Write one object a line.",
                path=name,
                line=number,
                error=f"it is {_kind(record)}",
            )
        if not field:
            field = _choose_field(record, name, config, log)
        text = record.get(field)
        if text is None and field in record:
            counts.empty_records += 1
        elif not isinstance(text, str):
            raise ContentError(
                "{path}: line {line}: field '{field}' is {kind}, not text",
                path=name,
                line=number,
                field=field,
                kind=_kind(text) if field in record else translate("missing"),
            )
        else:
            yield text


def table_texts(lines: Iterator[str], *, separator: str, name: str, config: ReadConfig, log: Log) -> Iterator[str]:
    """The text column of CSV (separator guessed among , ; and tab; quotes understood) or TSV (a quote is a character).

    A first row that names the column, or whose cells are all short words unlike the rows below, is a header.
    """
    csv.field_size_limit(config.max_record_bytes)
    preview: list[str] = []
    for line in lines:
        preview.append(line + "\n")
        if len(preview) >= _PREVIEW:
            break
    if not preview:
        return
    if separator == ",":
        separator = max(",;\t", key=lambda mark: (preview[0].count(mark), mark == ","))
    quoting: Any = csv.QUOTE_NONE if separator == "\t" and name.lower().find(".tsv") >= 0 else csv.QUOTE_MINIMAL

    def rows(source: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(source, delimiter=separator, quoting=quoting, strict=True)

    def everything() -> Iterator[str]:
        yield from preview
        for line in lines:
            yield line + "\n"

    column = -1
    header = False
    number = 0
    reader = rows(everything())
    try:
        head = _peek(rows(iter(preview)))
        column, header = _choose_column(head, name, config, log)
        for number, row in enumerate(reader, start=1):
            if (number == 1 and header) or not row:
                continue
            if len(row) <= column:
                raise ContentError(
                    "{path}: row {row} has {found} columns, the text is in column {column}",
                    path=name,
                    row=number,
                    found=len(row),
                    column=column + 1,
                )
            yield row[column]
    except csv.Error as error:
        raise ContentError("{path}: row {row} is not a table row: {error}", path=name, row=number + 1, error=error) from error


def parquet_texts(path: Path, *, name: str, config: ReadConfig, counts: ReadCounts, log: Log) -> Iterator[str]:
    """The text column of a parquet file, a thousand rows at a time. Needs pyarrow (extra text)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise needs_extra("pyarrow", "text") from error
    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=False, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            texts = [field.name for field in schema if field.type in (pyarrow.string(), pyarrow.large_string())]
            column = _choose_name(texts, schema.names, name, config, log)
            for batch in file.iter_batches(batch_size=1000, columns=[column], use_threads=False):
                for text in batch.column(0).to_pylist():
                    if text is None:
                        counts.empty_records += 1
                    else:
                        yield text
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContentError("{path} is not a whole parquet file: {error}", path=name, error=reason) from error


def _choose_field(record: dict[str, Any], name: str, config: ReadConfig, log: Log) -> str:
    texts = [key for key, value in record.items() if isinstance(value, str)]
    known = [key for key in _NAMES if key in texts]
    longest = max(texts, key=lambda key: len(record[key]), default="")
    return _choose_name(known or [longest] * bool(longest), list(record), name, config, log)


def _choose_name(candidates: Sequence[str], names: Sequence[str], name: str, config: ReadConfig, log: Log) -> str:
    """The declared field when it exists; where none was declared, the best candidate, said aloud."""
    if config.text_field in names:
        return config.text_field
    if config.text_field != "text":
        raise UsageError(
            "{path} has no field '{field}'.{hint}", path=name, field=config.text_field, hint=nearest(config.text_field, names)
        )
    candidates = sorted(candidates, key=lambda one: _NAMES.index(one.lower()) if one.lower() in _NAMES else len(_NAMES))
    if not candidates:
        raise ContentError(
            "{path} has no text field among {names}: name it with --read.text-field", path=name, names=", ".join(names)
        )
    log(Note(f"{name}: the text is taken from the field '{candidates[0]}' (read.text-field changes it)"))
    return candidates[0]


def _peek(rows: Iterator[list[str]]) -> list[list[str]]:
    """The first whole rows; a quoted cell that goes on beyond the preview ends it."""
    head: list[list[str]] = []
    try:
        for row in rows:
            head.append(row)
    except csv.Error:
        pass
    return head or [[""]]


def _choose_column(rows: list[list[str]], name: str, config: ReadConfig, log: Log) -> tuple[int, bool]:
    """Index of the text column and whether the first row is a header."""
    first, width = [cell.strip() for cell in rows[0]], len(rows[0])
    if config.text_field in first:
        return first.index(config.text_field), True
    if config.text_field.isdigit() and 1 <= int(config.text_field) <= width:
        return int(config.text_field) - 1, False
    if config.text_field != "text":
        raise UsageError(
            "{path} has no field '{field}'.{hint}", path=name, field=config.text_field, hint=nearest(config.text_field, first)
        )
    known = [first.index(cell) for key in _NAMES for cell in first if cell.lower() == key]
    body = rows[1:] or rows
    means = [sum(len(row[index]) for row in body if len(row) > index) / len(body) for index in range(width)]
    column = known[0] if known else means.index(max(means))
    short = all(0 < len(cell) <= 30 and not cell.replace(".", "").isdigit() for cell in first)
    header = bool(known) or (len(rows) > 1 and width > 1 and short and len(first[column]) < 0.3 * means[column])
    named = f"'{first[column]}'" if header else f"{column + 1} of {width}"
    log(Note(f"{name}: the text is taken from column {named}, {'the first row is a header' if header else 'no header'}"))
    return column, header


def _kind(value: object) -> str:
    name = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), "null"
    )
    return translate(name)
