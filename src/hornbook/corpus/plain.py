"""Documents of plain text: a blank-line block, a line, a title or a file each; guessed from the text where not told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from hornbook.corpus.document import DocumentMode, ReadCounts

GUESS_CHARACTERS = 4_000_000
_BLANK = re.compile(r"\n(?:[^\S\n]*\n)+")
_BLOCKS = re.compile(r"\S[^\S\n]*\n(?:[^\S\n]*\n)+[^\S\n]*\S")
_TITLES = re.compile(r"(?:\A(?:[^\S\n]*\n)?|\n[^\S\n]*\n)[ \t]*= (?!=)[^\n]*[^=\s] =[ \t]*\n[^\S\n]*\n")
_SENTENCE_END = ".!?。！？…\"'”’»)"


class Guess(NamedTuple):
    """How documents are separated, and the sign of it."""

    mode: DocumentMode
    reason: str


def guess_documents(sample: str) -> Guess:
    """The rule for a text whose documents are not declared, from its first four million characters.

    Titles of the form '= Title =' between blank lines start a document. Otherwise blank lines end one. Without blank
    lines, a text wrapped at a fixed width is one document, and any other text has a document on every line.
    """
    titles = len(_TITLES.findall(sample))
    if titles >= 2:
        return Guess("title", f"{titles} lines '= Title =' start a document each")
    if _BLOCKS.search(sample):
        return Guess("blank", "blank lines separate documents")
    lines = [line for line in sample[:200_000].split("\n") if line.strip()]
    if len(lines) < 2:
        return Guess("file", "one line, one document")
    if _wrapped(lines):
        return Guess("file", "lines are wrapped at a fixed width and there are no blank lines: the file is one document")
    return Guess("line", "no blank lines: every line is a document")


def documents(pieces: Iterator[str], mode: DocumentMode, *, largest: int, counts: ReadCounts) -> Iterator[str]:
    """The documents of one file's text; one over `largest` bytes is cut at a line end and counted. Blank ones give nothing."""
    if mode == "line":
        for piece in pieces:
            for line in piece.split("\n"):
                if line and not line.isspace():
                    yield line
        return
    blocks = {"blank": _blank_blocks, "title": _title_blocks, "file": _one_block}[mode](pieces)
    for document, ends in _joined(blocks, largest):
        counts.long_documents += not ends
        if mode == "blank":  # the lines around a block only separate it; otherwise the text stays to the character
            document = _without_blank_ends(document)
        if document and not document.isspace():
            yield document


def sampled(pieces: Iterator[str]) -> tuple[str, Iterator[str]]:
    """The start of a text for guessing, and the whole of it again."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= GUESS_CHARACTERS:
            break
    return "".join(held), chain(held, pieces)


def _blank_blocks(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Parts of documents and whether the document ends with them; a piece may begin or end anywhere between two lines."""
    for piece in pieces:
        first, *others = _BLANK.split("\n" + piece)
        yield first[1:], bool(others)
        for part in islice(others, len(others) - 1 if others else 0):
            yield part, True
        if others:
            yield others[-1], False


def _title_blocks(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Line by line: a title counts when the lines before and after it are blank."""
    before_blank, waiting = True, ""
    part: list[str] = []
    for piece in pieces:
        for line in _lines(piece):
            blank = line.isspace()
            if waiting:
                if blank:
                    yield "".join(part), True
                    part = []
                part.append(waiting)
                waiting = ""
            if before_blank and not blank and _is_title(line):
                waiting = line
            else:
                part.append(line)
            before_blank = blank
        yield "".join(part), False
        part = []
    yield waiting, False


def _one_block(pieces: Iterator[str]) -> Iterator[tuple[str, bool]]:
    for piece in pieces:
        yield piece, False


def _joined(parts: Iterator[tuple[str, bool]], largest: int) -> Iterator[tuple[str, bool]]:
    """Whole documents out of their parts; False with those cut because of their size."""
    held: list[str] = []
    size = 0
    for part, ends in parts:
        if part:
            held.append(part)
            size += len(part) if part.isascii() else len(part.encode("utf-8"))
        if ends and held:
            yield "".join(held), True
            held, size = [], 0
        elif size > largest:
            yield "".join(held), False
            held, size = [], 0
    if held:
        yield "".join(held), True


def _without_blank_ends(block: str) -> str:
    """A block without the blank lines before its first and after its last line."""
    start, end = 0, len(block)
    while (here := block.find("\n", start, end)) >= 0 and not block[start:here].strip():
        start = here + 1
    while (here := block.rfind("\n", start, end)) >= 0 and not block[here + 1 : end].strip():
        end = here
    return block[start:end]


def _lines(piece: str) -> list[str]:
    lines = piece.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _is_title(line: str) -> bool:
    words = line.strip()
    return (
        words.startswith("= ")
        and words.endswith(" =")
        and not words.startswith("= =")
        and not words.endswith("= =")
        and len(words) > 4
    )


def _wrapped(lines: list[str]) -> bool:
    """Whether lines break at a fixed width: most are nearly as long as the longest and few end a sentence."""
    lengths = sorted(len(line.rstrip()) for line in lines)
    width = lengths[int(0.95 * (len(lengths) - 1))]
    full = sum(length >= 0.8 * width for length in lengths)
    ends = sum(line.rstrip()[-1] in _SENTENCE_END for line in lines)
    return len(lines) >= 5 and 30 <= width <= 120 and full >= 0.6 * len(lines) and ends <= 0.5 * len(lines)
