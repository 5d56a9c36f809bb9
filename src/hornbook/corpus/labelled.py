r"""Labelled sentences: CoNLL (a token a line, columns between white space) and CoNLL-U (Universal Dependencies).

Compressed or not, in any encoding, line ends \n, \r\n or \r. Nothing of a token is changed: only blanks and tabs separate
columns (only tabs where a line has one), so a no-break space or U+2028 stays inside its token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from hornbook.core.errors import ContentError, UsageError, nearest
from hornbook.corpus.compression import chunks
from hornbook.corpus.document import Log, ReadConfig, ReadCounts
from hornbook.corpus.encoding import decoded
from hornbook.corpus.lines import whole_lines
from hornbook.corpus.sources import COMPRESSIONS

LabelledFormat: TypeAlias = Literal["auto", "conll", "conllu"]

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")
_WORD_ID = re.compile(r"[1-9][0-9]*\Z")
_RANGE_ID = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)\Z")
_EMPTY_ID = re.compile(r"[0-9]+\.[1-9][0-9]*\Z")


@dataclass(frozen=True)
class LabelledSentence:
    """Tokens, a label each, and where each token stands in the text: text[first:last] of `spans`.

    The text is that of the source where it is given (CoNLL-U); else the tokens joined by blanks, or by nothing where every
    token is one character (Chinese). Words that share one surface form (CoNLL-U 'can' + 'not' in "can't") share its span.
    """

    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    text: str
    spans: tuple[tuple[int, int], ...]
    line: int  # of the first token, counted from 1


class _Form(NamedTuple):
    """A token as it stands in the text."""

    text: str
    words: int  # it stands for
    blank: bool  # follows it


def read_labelled(
    path: Path, *, form: LabelledFormat = "auto", column: str = "auto", config: ReadConfig | None = None, log: Log | None = None
) -> Iterator[LabelledSentence]:
    """The sentences of one file, in order. 'auto': .conllu (before .gz etc.) is CoNLL-U, anything else CoNLL.

    `column`: which holds the label; its name in CoNLL-U ('auto' is upos), its number from 1 in CoNLL ('auto' is the last).
    Raises UsageError for a missing file or an unknown column, ContentError naming the line for one that does not fit.
    """
    require_file(path)
    endings = [ending.lower() for ending in path.suffixes]
    inner = endings[:-1] if endings and endings[-1] in COMPRESSIONS else endings
    rows = _rows(text_lines(path, config or ReadConfig(), log=log or (lambda event: None)))
    if form == "conllu" or (form == "auto" and inner[-1:] == [".conllu"]):
        return _conllu(rows, str(path), _conllu_column(column))
    return _conll(rows, str(path), _conll_column(column))


def require_file(path: Path) -> None:
    """UsageError when there is no such file."""
    if not path.is_file():
        raise UsageError("{path} does not exist", path=path)


def text_lines(path: Path, config: ReadConfig, *, log: Log) -> Iterator[str]:
    """The lines of a text file without their ends, decompressed by its ending, in the encoding found."""
    name, compression = str(path), COMPRESSIONS.get(path.suffix.lower(), "")
    pieces = chunks(path, compression, name=name, max_expansion=config.max_expansion, position=lambda done: None)
    number = 0
    text = decoded(pieces, name=name, config=config, counts=ReadCounts(), log=log)
    for piece, cut in whole_lines(text, longest=config.max_record_bytes):
        if cut:
            raise ContentError(
                "{path}: a record near line {line} is longer than {limit} bytes (read.max-record-bytes raises the limit)",
                path=name,
                line=number + 1,
                limit=config.max_record_bytes,
            )
        lines = piece.split("\n")
        if not lines[-1]:
            lines.pop()
        number += len(lines)
        yield from lines


def _rows(lines: Iterator[str]) -> Iterator[list[tuple[int, str]]]:
    """Blocks of numbered lines between blank ones."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _conll(blocks: Iterator[list[tuple[int, str]]], name: str, column: int) -> Iterator[LabelledSentence]:
    """Token first, label in `column` (from 1; 0 is the last). Every line of a file has the same number of columns."""
    width = 0
    for block in blocks:
        tokens, labels = [], []
        for number, line in block:
            if line.startswith(_DOCUMENT):
                continue
            fields = line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))
            width = width or len(fields)
            if len(fields) != width or width < max(column, 2) or not fields[0] or not fields[column - 1]:
                raise ContentError(
                    "{path}, line {line}: found {found} columns where {expected} are expected, none of them empty",
                    path=name,
                    line=number,
                    found=len([field for field in fields if field]),
                    expected=max(width, column, 2),
                )
            tokens.append(fields[0])
            labels.append(fields[column - 1])
        if tokens:
            text, spans = joined(tokens)
            yield LabelledSentence(tuple(tokens), tuple(labels), text, spans, block[0][0])


def _conllu(blocks: Iterator[list[tuple[int, str]]], name: str, column: int) -> Iterator[LabelledSentence]:
    """Words with their labels; ranges (1-2) give the surface form of their words, empty nodes (1.1) are passed over."""
    for block in blocks:
        words: list[str] = []
        labels: list[str] = []
        surface: list[_Form] = []
        text, inside, first_line = None, 0, 0
        for number, line in block:
            if line.startswith("#"):
                key, _, value = line[1:].partition("=")
                text = value.strip() if key.strip() == "text" else text
                continue
            fields = line.split("\t")
            if len(fields) != len(CONLLU_COLUMNS) or not fields[1]:
                raise ContentError(
                    "{path}, line {line}: found {found} columns where {expected} are expected, none of them empty",
                    path=name,
                    line=number,
                    found=len([field for field in fields if field]),
                    expected=len(CONLLU_COLUMNS),
                )
            blank = "SpaceAfter=No" not in fields[9].split("|")
            if _EMPTY_ID.match(fields[0]):
                continue
            if span := _RANGE_ID.match(fields[0]):
                inside = int(span[2])
                size = inside - len(words)
                surface.append(_Form(fields[1], size, blank))
                wrong = int(span[1]) != len(words) + 1 or size < 1
            else:
                words.append(fields[1])
                labels.append(fields[column])
                wrong = not _WORD_ID.match(fields[0]) or int(fields[0]) != len(words)
                first_line = first_line or number
                if len(words) > inside:
                    surface.append(_Form(fields[1], 1, blank))
            if wrong:
                raise ContentError(
                    "{path}, line {line}: '{id}' does not follow the words before it", path=name, line=number, id=fields[0]
                )
        if inside > len(words):
            raise ContentError(
                "{path}, line {line}: '{id}' does not follow the words before it", path=name, line=block[-1][0], id=inside
            )
        if words:
            located = None if text is None else _found(surface, text)
            shown, spans = _joined(surface) if located is None else (str(text), located)
            yield LabelledSentence(tuple(words), tuple(labels), shown, spans, first_line)


def _found(surface: Sequence[_Form], text: str) -> tuple[tuple[int, int], ...] | None:
    """The span of every word in the text of the source; None where that text does not spell the forms."""
    spans: list[tuple[int, int]] = []
    place = 0
    for form in surface:
        while text[place : place + 1].isspace():
            place += 1
        if not text.startswith(form.text, place):
            return None
        spans += [(place, place + len(form.text))] * form.words
        place += len(form.text)
    return tuple(spans)


def joined(tokens: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Tokens as a text, and the span of each: between blanks, or in a row where every one is a single character."""
    blank = any(len(token) > 1 for token in tokens)
    return _joined([_Form(token, 1, blank) for token in tokens])


def _joined(surface: Sequence[_Form]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The forms in a row, with a blank after those that have one, and the span of every word."""
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    place = 0
    for form in surface:
        spans += [(place, place + len(form.text))] * form.words
        parts += [form.text, " " * form.blank]
        place += len(form.text) + form.blank
    return "".join(parts)[: place if not spans else spans[-1][1]], tuple(spans)


def _conllu_column(column: str) -> int:
    name = "upos" if column == "auto" else column.lower()
    if name not in CONLLU_COLUMNS:
        raise UsageError("'{column}' is no column of CoNLL-U.{hint}", column=column, hint=nearest(name, CONLLU_COLUMNS))
    return CONLLU_COLUMNS.index(name)


def _conll_column(column: str) -> int:
    if column == "auto":
        return 0
    if not column.isdecimal() or int(column) < 2:
        raise UsageError("column = {column}: give the number of the label's column, from 2", column=column)
    return int(column)
