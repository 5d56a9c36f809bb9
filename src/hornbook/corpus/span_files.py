"""brat standoff: a text in NAME.txt, its spans in NAME.ann (`T1<TAB>PER 0 5<TAB>surface`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.span_records import SpanText
from hornbook.sequences.labels import Span

_SPAN = re.compile(r"(T\S*)\t(\S+) (\d+) (\d+)((?:;\d+ \d+)*)(?:\t(.*))?\Z")
_BLANK = re.compile(r"\s+")


class BratText(NamedTuple):
    """A text with its spans, and how many were in several pieces and so left out."""

    text: SpanText
    in_pieces: int


def is_brat(path: Path) -> bool:
    """Whether a path is a folder of .ann files, or one of a pair."""
    if path.is_dir():
        return any(path.glob("*.ann"))
    return path.suffix == ".ann" or (path.suffix == ".txt" and path.with_suffix(".ann").is_file())


def brat_texts(path: Path) -> Iterator[BratText]:
    """The texts of a folder in order of their names, or one. UsageError for an .ann without text, ContentError by line."""
    for standoff in sorted(path.glob("*.ann")) if path.is_dir() else [path.with_suffix(".ann")]:
        source = standoff.with_suffix(".txt")
        if not source.is_file():
            raise UsageError("{path} has no text beside it: {source} is missing", path=standoff, source=source.name)
        yield _read(_decoded(source), _decoded(standoff), str(standoff))


def _read(text: str, standoff: str, name: str) -> BratText:
    spans: list[Span] = []
    in_pieces = 0
    for number, line in enumerate(standoff.replace("\r\n", "\n").split("\n"), start=1):
        if not line.startswith("T"):
            continue  # relations, events, attributes, notes
        match = _SPAN.match(line)
        if match is None:
            raise ContentError("{path}, line {line}: no span of brat: T1<TAB>KIND 0 5<TAB>text", path=name, line=number)
        _, kind, first, last, more, surface = match.groups()
        if more:
            in_pieces += 1
            continue
        span = Span(int(first), int(last), kind)
        found = text[span.first : span.last]
        if not found or span.last > len(text) or (surface is not None and _even(found) != _even(surface)):
            raise ContentError(
                "{path}, line {line}: characters {first} to {last} of the text are '{found}', the line says '{surface}'",
                path=name,
                line=number,
                first=first,
                last=last,
                found=found[:60],
                surface=surface,
            )
        spans.append(span)
    return BratText(SpanText(text, spans, 1), in_pieces)


def _even(text: str) -> str:
    return _BLANK.sub(" ", text).strip()


def _decoded(path: Path) -> str:
    """The text as it is, line ends too: offsets count them."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError("{path} is not UTF-8: {error}", path=path, error=error) from None
