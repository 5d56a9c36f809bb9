"""Labelled texts, one at a time: from JSON lines, TSV, CSV, fastText's lines, Parquet, or a folder with a folder a label.

Compressed or not, in any encoding. Which columns hold what is guessed, and said when the file ends; the user's word overrides.
A label is a text: 1 becomes "1". A row without text or without label is left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Note
from hornbook.corpus.dedup import content_hash
from hornbook.corpus.document import Log, ReadConfig
from hornbook.corpus.label_columns import Layout, TextColumns, layout_of_records, layout_of_table
from hornbook.corpus.labelled import text_lines
from hornbook.corpus.sources import COMPRESSIONS, FORMATS, split_of_name
from hornbook.corpus.table_rows import (
    FASTTEXT_MARK,
    SAMPLE,
    Row,
    Table,
    fasttext_rows,
    folder_rows,
    json_rows,
    parquet_rows,
    table_of_lines,
)


@dataclass(frozen=True)
class LabelledText:
    """A text with its labels (one, or several where a separator or a list says so), and a second text in sets of pairs."""

    text: str
    labels: tuple[str, ...]
    pair: str | None
    line: int  # of its file, counted from 1; of a Parquet file or a folder the number of the text


def read_labelled_texts(
    path: Path, columns: TextColumns | None = None, *, config: ReadConfig | None = None, log: Log | None = None
) -> Iterator[LabelledText]:
    """The labelled texts of one file or one folder of label folders, in order; what was guessed and counted is logged last.

    Raises UsageError for a path or column that does not exist, ContentError naming the line of a row that does not fit, or
    for a file without any labelled text.
    """
    if not path.exists():
        raise UsageError("{path} does not exist", path=path)
    return _texts(path, columns or TextColumns(), config or ReadConfig(), log or (lambda event: None))


def files_by_split(path: Path) -> dict[str, list[Path]]:
    """The files of a data set by split ('train', 'valid', 'test'): those of a folder by their names, or the file alone.

    A folder with a folder for every label is one source. ContentError for a folder without labelled texts.
    """
    if not path.exists():
        raise UsageError("{path} does not exist", path=path)
    if path.is_file():
        return {"train": [path]}
    inside = [one for one in sorted(path.iterdir()) if not one.name.lower().startswith((".", "readme", "licen"))]
    splits: dict[str, list[Path]] = {}
    for one in inside:
        split = split_of_name(one.name)
        if (one.is_file() and _inner_ending(one) in FORMATS) or (one.is_dir() and split):
            splits.setdefault(split or "train", []).append(one)
    if not splits and any(one.is_dir() for one in inside):
        return {"train": [path]}
    if not splits:
        raise ContentError("{path} has no file of labelled texts (train.jsonl, data.tsv, ...)", path=path)
    return splits


def _texts(path: Path, columns: TextColumns, config: ReadConfig, log: Log) -> Iterator[LabelledText]:
    table = _table(path, columns, config, log)
    sample = list(islice(table.rows, SAMPLE))
    if not sample:
        raise ContentError("{paths} is empty: there is no text to read", paths=path)
    guess = layout_of_records if table.records else layout_of_table
    layout = guess([row.cells for row in sample], columns, path=str(path))
    counts = _Counts()
    rows = chain(sample, table.rows)
    if layout.header:
        next(rows)
    for found in _labelled(rows, layout, table, columns.separator, counts, str(path)):
        counts.see(found)
        yield found
    if not counts.texts:
        raise ContentError("{path} has no row with a text and a label", path=path)
    counts.tell(path, layout, table, log)


def _table(path: Path, columns: TextColumns, config: ReadConfig, log: Log) -> Table:
    """The rows of a file by its ending; of one with another ending by its first line."""
    name = str(path)
    if path.is_dir():
        rows = folder_rows(path, lambda one: text_lines(one, config, log=log))
        return Table(rows, translate("a folder a label"), records=True)
    ending = FORMATS.get(_inner_ending(path), "text")
    if ending == "parquet":
        return Table(parquet_rows(path), "Parquet", records=True)
    lines: Iterator[str] = text_lines(path, config, log=log)
    head = list(islice(lines, SAMPLE))
    lines = chain(head, lines)
    first = next((line.lstrip() for line in head if line.strip()), "")
    if ending == "jsonl" or (ending == "text" and first.startswith("{")):
        return Table(json_rows(lines, path=name), translate("JSON lines"), records=True)
    if ending == "text" and first.startswith(FASTTEXT_MARK):
        return Table(fasttext_rows(lines, path=name), translate("fastText's lines"), records=True)
    try:
        table = table_of_lines(lines, separators="\t" if ending == "tsv" else ",\t;|")
    except ContentError as error:
        raise ContentError("{path}, {what}", path=name, what=error) from None
    return table._replace(rows=_named(table.rows, name), form=translate(table.form))


def _named(rows: Iterator[Row], path: str) -> Iterator[Row]:
    """The same rows; an error inside names the file."""
    try:
        yield from rows
    except ContentError as error:
        raise ContentError("{path}, {what}", path=path, what=error) from None


def _labelled(
    rows: Iterator[Row], layout: Layout, table: Table, separator: str, counts: _Counts, path: str
) -> Iterator[LabelledText]:
    """The rows that have a text and a label."""
    width = len(layout.names)
    for row in rows:
        cells = row.cells
        if isinstance(cells, list):
            width = width or len(cells)
            cells = _fitted(row, width, layout, table, counts, path)
        text = _text(cells, layout.text, row.line, layout, path)
        pair = None if layout.pair is None else _text(cells, layout.pair, row.line, layout, path)
        labels = _labels(_value(cells, layout.label), separator, counts, row.line, path)
        counts.rows += 1
        counts.without_text += not text.strip()
        counts.without_label += bool(text.strip()) and not labels
        if text.strip() and labels:
            yield LabelledText(text, labels, pair, row.line)


def _fitted(row: Row, width: int, layout: Layout, table: Table, counts: _Counts, path: str) -> list[str]:
    """The cells of a table row. More separators than columns belong to the text where it is the last column."""
    cells: list[str] = row.cells
    if len(cells) > width and width - 1 == layout.text:
        counts.joined += 1
        return [*cells[: width - 1], table.separator.join(cells[width - 1 :])]
    if len(cells) != width:
        raise ContentError(
            "{path}, line {line}: found {found} columns where {expected} are expected",
            path=path,
            line=row.line,
            found=len(cells),
            expected=width,
        )
    return cells


def _value(cells: Any, key: Any) -> Any:
    return cells[key] if isinstance(key, int) else cells.get(key)


def _text(cells: Any, key: Any, line: int, layout: Layout, path: str) -> str:
    value = _value(cells, key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ContentError(
            "{path}: line {line}: field '{field}' is {kind}, not text",
            path=path,
            line=line,
            field=layout.shown(key).strip("'"),
            kind=type(value).__name__,
        )
    return value


def _labels(value: Any, separator: str, counts: _Counts, line: int, path: str) -> tuple[str, ...]:
    """The labels in a cell: texts without blanks around, each once."""
    values = value if isinstance(value, list | tuple) else [value]
    found: list[str] = []
    for one in values:
        if isinstance(one, dict | list):
            raise ContentError("{path}: line {line}: a label is {kind}", path=path, line=line, kind=type(one).__name__)
        if one is None:
            continue
        if isinstance(one, str) and separator:
            found += one.split(separator)
        else:
            found.append(one if isinstance(one, str) else json.dumps(one))
        counts.kinds.setdefault("text" if isinstance(one, str) else "number", line)
    return tuple(dict.fromkeys(label for raw in found if (label := raw.strip())))


class _Counts:
    """What reading met, said at its end."""

    def __init__(self) -> None:
        self.rows = self.texts = self.without_text = self.without_label = self.joined = self.again = 0
        self.labels: Counter[str] = Counter()
        self.kinds: dict[str, int] = {}  # of labels -> the first line of each
        self._seen: dict[bytes, tuple[tuple[str, ...], int]] = {}  # 16 bytes of a text -> its labels and line
        self.contradictions: list[tuple[int, int]] = []

    def see(self, one: LabelledText) -> None:
        """Count a text, and whether it stood there before."""
        self.texts += 1
        self.labels.update(one.labels)
        key = content_hash(one.text) if one.pair is None else content_hash(one.text) + content_hash(one.pair)
        labels, line = self._seen.setdefault(key, (one.labels, one.line))
        if line != one.line:
            self.again += 1
            if labels != one.labels:
                self.contradictions.append((line, one.line))

    def tell(self, path: Path, layout: Layout, table: Table, log: Log) -> None:
        """One line of what was guessed and read; then what is odd, a line each."""
        form = [table.form] if table.records else [translate("header" if layout.header else "no header"), table.form]
        pair = "" if layout.pair is None else translate(", second text: {column}").format(column=layout.shown(layout.pair))
        text = translate("{path}: text: {text}, label: {label}{pair}, {form}; {texts:,} texts, {labels:,} labels")
        names = {"text": layout.shown(layout.text), "label": layout.shown(layout.label)}
        counts = {"texts": self.texts, "labels": len(self.labels)}
        log(Note(text.format(path=path, **names, pair=pair, form=", ".join(form), **counts)))
        if self.without_text or self.without_label:
            text = translate("{path}: left out: {texts} rows without text, {labels} without a label")
            log(Note(text.format(path=path, texts=self.without_text, labels=self.without_label)))
        if self.joined:
            text = translate("{path}: {count} rows have more separators than columns: the text goes on to the end of the row")
            log(Note(text.format(path=path, count=self.joined)))
        if len(self.kinds) > 1:
            text = translate("{path}: labels are texts (line {text}) and numbers (line {number}): 1 and '1' are one label")
            log(Note(text.format(path=path, text=self.kinds["text"], number=self.kinds["number"])))
        if self.again:
            text = translate("{path}: {again:,} texts stand there more than once, {wrong:,} of them with another label")
            text = text.format(path=path, again=self.again, wrong=len(self.contradictions))
            if self.contradictions:
                first, second = self.contradictions[0]
                remedy = translate("look at them: lines {first} and {second} are the first pair")
                log(Alarm(text, remedy.format(first=first, second=second)))
            else:
                log(Note(text))


def _inner_ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    inner = endings[:-1] if endings and endings[-1] in COMPRESSIONS else endings
    return inner[-1] if inner else ""
