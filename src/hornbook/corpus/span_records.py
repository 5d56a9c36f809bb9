"""Records of texts with labelled spans: doccano, prodigy, spaCy, CLUENER, and tokens with labels. JSON lines or a JSON list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hornbook.core.errors import ContentError
from hornbook.corpus.document import Log, ReadConfig
from hornbook.corpus.labelled import LabelledSentence, text_lines
from hornbook.corpus.table_rows import Row, json_rows
from hornbook.sequences.labels import Span

_SPAN_FIELDS = ("spans", "entities", "label", "labels", "ner", "annotations")
_FIRST = ("start", "start_offset", "start_char", "begin", "from", "start_idx")
_LAST = ("end", "end_offset", "end_char", "to", "end_idx")
_KIND = ("label", "type", "entity_group", "entity", "kind", "tag", "category")
_SURFACE = ("word", "surface", "mention")
_TAG_FIELDS = ("ner_tags", "tags", "labels", "ner", "label")


class SpanText(NamedTuple):
    """A text and the spans of it as its file gives them, which may overlap; and the line it stands in."""

    text: str
    spans: list[Span]
    line: int


def json_texts(path: Path, *, log: Log) -> Iterator[SpanText | LabelledSentence]:
    """The texts of a file of JSON lines, or of one JSON list. ContentError names the line of a record that does not fit."""
    lines = text_lines(path, ReadConfig(), log=log)
    name = str(path)
    for row in _rows(lines, name):
        record = row.cells
        if isinstance(record.get("tokens"), list):
            yield _tokens(record, row.line, name)
        else:
            yield _text(record, row.line, name)


def _rows(lines: Iterator[str], name: str) -> Iterator[Row]:
    first = next((line for line in lines if line.strip()), "")
    if not first.lstrip().startswith("["):
        yield from json_rows(_again(first, lines), path=name)
        return
    try:
        table = json.loads("\n".join([first, *lines]))
    except (ValueError, RecursionError):
        raise ContentError("{path} begins as a JSON list and is none: one object a line is read too", path=name) from None
    for number, record in enumerate(table, start=1):
        if isinstance(record, list) and len(record) == 2 and isinstance(record[1], dict):  # spaCy: [text, {"entities": ..}]
            record = {"text": record[0], **record[1]}
        if not isinstance(record, dict):
            raise _wrong(name, number, "it is no object")
        yield Row(number, record)


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _text(record: Mapping[str, Any], line: int, name: str) -> SpanText:
    text = next((record[key] for key in ("text", "content", "sentence", "data") if isinstance(record.get(key), str)), None)
    found = next((record[key] for key in _SPAN_FIELDS if isinstance(record.get(key), list | dict)), None)
    if text is None or found is None:
        raise _wrong(name, line, 'an object with "text" and "spans", "entities" or "label" is expected')
    spans = _by_kind(found, line, name) if isinstance(found, dict) else [_span(one, text, line, name) for one in found]
    for span in spans:
        if not 0 <= span.first < span.last <= len(text):
            raise _wrong(name, line, f"the span {span.first} to {span.last} is not in its {len(text)} characters")
    return SpanText(text, spans, line)


def _by_kind(table: Mapping[str, Any], line: int, name: str) -> list[Span]:
    """CLUENER: {kind: {surface: [[first, last included], ...]}}."""
    spans = []
    try:
        for kind, surfaces in table.items():
            for surface, places in surfaces.items():
                for first, last in places:
                    if not isinstance(first, int) or not isinstance(last, int) or last - first + 1 != len(surface):
                        raise _wrong(name, line, f"the span of '{surface}' has another length")
                    spans.append(Span(first, last + 1, str(kind)))
    except (AttributeError, TypeError, ValueError):
        raise _wrong(name, line, "its spans are not {kind: {text: [[first, last]]}}") from None
    return spans


def _span(one: Any, text: str, line: int, name: str) -> Span:
    if isinstance(one, list) and len(one) >= 3:
        first, last, kind, surface = one[0], one[1], one[2], None
    elif isinstance(one, dict):
        first, last, kind = (_of(one, keys) for keys in (_FIRST, _LAST, _KIND))
        surface = _of(one, _SURFACE)
        kind = kind[0] if isinstance(kind, list) and len(kind) == 1 else kind
    else:
        raise _wrong(name, line, "a span is [first, last, label] or an object with start, end and label")
    whole = isinstance(first, int) and isinstance(last, int) and not isinstance(first, bool) and not isinstance(last, bool)
    if not whole or not isinstance(kind, str) or not kind.strip():
        raise _wrong(name, line, "a span is [first, last, label] or an object with start, end and label")
    if isinstance(surface, str) and text[first:last] != surface:
        raise _wrong(name, line, f"characters {first} to {last} are '{text[first:last]}', its span says '{surface}'")
    return Span(first, last, kind.strip())


def _of(one: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((one[key] for key in keys if one.get(key) is not None), None)


def _tokens(record: Mapping[str, Any], line: int, name: str) -> LabelledSentence:
    """Tokens and a label each, as data sets of Hugging Face have them."""
    from hornbook.corpus.labelled import joined

    tokens = record["tokens"]
    labels = next((record[key] for key in _TAG_FIELDS if isinstance(record.get(key), list)), None)
    if labels is None or len(labels) != len(tokens) or not all(isinstance(token, str) and token for token in tokens):
        raise _wrong(name, line, '"tokens" and as many "tags" are expected')
    if not all(isinstance(label, str) and label for label in labels):
        raise _wrong(name, line, "its tags are numbers: write the names of the labels")
    text, spans = joined(tokens)
    return LabelledSentence(tuple(tokens), tuple(labels), text, spans, line)


def _wrong(name: str, line: int, what: str) -> ContentError:
    return ContentError("{path}, record {line}: {what}", path=name, line=line, what=what)
