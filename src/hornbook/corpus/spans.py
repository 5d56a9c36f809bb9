"""Labelled spans in any usual format as one kind of example: tokens, where each stands in the text, and a BIO label each.

CoNLL and CoNLL-U with labels in BIO, IOB1, BIOES (BILOU) or BMES; JSON of spans or of tokens; brat. What was guessed is told in
one line. Spans are flat: of overlapping ones the longest is kept, and the others are counted. Labels that mark no spans (parts
of speech) stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Note
from hornbook.corpus.document import Log, ReadConfig
from hornbook.corpus.labelled import LabelledFormat, LabelledSentence, joined, read_labelled, require_file, text_lines
from hornbook.corpus.span_files import brat_texts, is_brat
from hornbook.corpus.span_records import SpanText, json_texts
from hornbook.corpus.span_tokens import flat, labelled
from hornbook.sequences.labels import Span, guess_scheme, spans_of, to_bio

SpanFormat: TypeAlias = Literal["auto", "conll", "conllu", "json", "brat"]
_SHOWN = {"conll": "CoNLL", "conllu": "CoNLL-U", "json": "JSON", "brat": "brat"}
_NAMED = 12  # labels told in one line
_PLACED = re.compile(
    r"[^\x00-\x7F]{1,2}[0-9]+|[\x21-\x7E][0-9]{1,3}"
)  # with its place in a word; two: half of a surrogate pair


@dataclass(frozen=True)
class LabelledSpans:
    """The examples of a file; `scheme` is 'bio', or 'none' where labels mark no spans."""

    sentences: list[LabelledSentence]
    scheme: Literal["bio", "none"]


def read_spans(path: Path, *, form: SpanFormat = "auto", column: str = "auto", log: Log) -> LabelledSpans:
    """Read a file, or a folder of brat, and tell what was guessed and found.

    Raises UsageError for a missing file, ContentError naming the line of what does not fit, or where nothing is labelled.
    """
    found = _guess(path, log) if form == "auto" else form
    if found in ("json", "brat"):
        sentences = _from_offsets(path, found, log)
    else:
        if path.is_dir():
            raise UsageError("{path} is a folder without .ann files: give one file of labelled sentences", path=path)
        given: LabelledFormat = "conllu" if found == "conllu" else "conll"
        sentences = _without_positions(list(read_labelled(path, form=given, column=column, log=log)), path, log)
    sentences = [sentence for sentence in sentences if sentence.tokens]
    if not sentences:
        raise ContentError("{path} has no labelled text: CoNLL, CoNLL-U, JSON lines of spans or brat is expected", path=path)
    return _in_bio(sentences, path, found, log)


def _guess(path: Path, log: Log) -> Literal["conll", "conllu", "json", "brat"]:
    if is_brat(path):
        return "brat"
    if path.is_dir():
        return "conll"
    require_file(path)
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if ".conllu" in endings:
        return "conllu"
    first = next((line for line in text_lines(path, ReadConfig(), log=lambda event: None) if line.strip()), "")
    return (
        "json" if first.startswith("{") or (first.startswith("[") and not first.split()[1:]) or ".jsonl" in endings else "conll"
    )


def _from_offsets(path: Path, form: str, log: Log) -> list[LabelledSentence]:
    """Texts with spans in characters as tokens with labels; counts what had to be changed for that."""
    left_out = in_pieces = trimmed = 0
    sentences: list[LabelledSentence] = []
    texts: Iterable[SpanText | LabelledSentence]
    if form == "brat":
        pairs = list(brat_texts(path))
        in_pieces, texts = sum(pair.in_pieces for pair in pairs), [pair.text for pair in pairs]
    else:
        require_file(path)
        texts = json_texts(path, log=log)
    for one in texts:
        if isinstance(one, LabelledSentence):
            sentences.append(one)
            continue
        spans = [_trimmed(one.text, span) for span in one.spans]
        trimmed += sum(a != b for a, b in zip(spans, one.spans))
        kept = flat([span for span in spans if span.first < span.last])
        left_out += kept.left_out
        sentences.append(labelled(one.text, kept.spans, line=one.line))
    if left_out:
        text = translate("{path}: {count} spans lie in or across longer ones and are left out: labels are flat")
        log(Alarm(text.format(path=path, count=left_out), translate("leave out one kind of span, or train one model for each")))
    if in_pieces:
        text = translate("{path}: {count} spans in several pieces are left out")
        log(Note(text.format(path=path, count=in_pieces)))
    if trimmed:
        log(Note(translate("{path}: white space at the ends of {count} spans is left out").format(path=path, count=trimmed)))
    return sentences


def _trimmed(text: str, span: Span) -> Span:
    surface = text[span.first : span.last]
    first = span.first + len(surface) - len(surface.lstrip())
    return Span(first, max(first, span.last - len(surface) + len(surface.rstrip())), span.kind)


def _without_positions(sentences: list[LabelledSentence], path: Path, log: Log) -> list[LabelledSentence]:
    """中0 国1 as 中 国: a digit behind every single character is its place in a word."""
    tokens = [token for sentence in sentences for token in sentence.tokens]
    if not all(map(_PLACED.fullmatch, tokens)) or not any(not token.isascii() for token in tokens):
        return sentences
    log(Note(translate("{path}: a digit behind every character, its place in a word, is left out").format(path=path)))
    result = []
    for sentence in sentences:
        bare = tuple(token[0] for token in sentence.tokens)
        text, places = joined(bare)
        result.append(replace(sentence, tokens=bare, text=text, spans=places))
    return result


def _in_bio(sentences: list[LabelledSentence], path: Path, form: str, log: Log) -> LabelledSpans:
    lines = _ends_as_bioes([sentence.labels for sentence in sentences])
    scheme = guess_scheme(lines)
    if scheme == "none":
        _tell(path, form, translate("no scheme of spans"), sentences, Counter(label for line in lines for label in line), log)
        return LabelledSpans(sentences, "none")
    lines = [to_bio(line, scheme) for line in lines]
    kinds = Counter(span.kind for line in lines for span in spans_of(line, "bio"))
    _tell(path, form, scheme.upper(), sentences, kinds, log)
    return LabelledSpans([replace(one, labels=tuple(line)) for one, line in zip(sentences, lines)], "bio")


def _ends_as_bioes(lines: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """BILOU's last (L) and only (U) tokens as BIOES spells them."""
    names = {label for line in lines for label in line}
    if not all(name == "O" or name[:2] in ("B-", "I-", "L-", "U-") for name in names) or not any(
        name[0] in "LU" for name in names
    ):
        return lines
    return [[{"L": "E", "U": "S"}.get(label[0], label[0]) + label[1:] for label in line] for line in lines]


def _tell(path: Path, form: str, scheme: str, sentences: list[LabelledSentence], kinds: Counter[str], log: Log) -> None:
    most = kinds.most_common(_NAMED)
    shown = ", ".join(f"{kind or '-'} {count:,}" for kind, count in most) + (", ..." if len(kinds) > len(most) else "")
    text = translate("{path}: {form}, {scheme}; {sentences:,} texts, {tokens:,} tokens, labels: {kinds}")
    tokens = sum(len(sentence.tokens) for sentence in sentences)
    numbers = {"sentences": len(sentences), "tokens": tokens}
    log(Note(text.format(path=path, form=_SHOWN[form], scheme=scheme, kinds=shown, **numbers)))
