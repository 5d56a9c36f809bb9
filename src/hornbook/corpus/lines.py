r"""Lines of a stream of text: \n, \r\n and \r end a line, nothing else does; lines without end are cut, never dropped."""

from __future__ import annotations

from collections.abc import Iterator

_UTF8_WIDEST = 4
_BREAKS = (b" ", b"\t", "\u3000".encode(), "。".encode())


def whole_lines(texts: Iterator[str], *, longest: int) -> Iterator[tuple[str, int]]:
    r"""Pieces of text that end at a line end, with the number of lines longer than `longest` bytes that were cut in them.

    Only \n stands in the result. A cut puts a \n after white space, or between two characters of unspaced text.
    """
    held: list[str] = []  # a line whose end has not come yet
    held_size = 0
    in_long_line = False
    for text in _newlines(texts):
        end = text.rfind("\n") + 1
        if not end and held_size + len(text) <= longest // _UTF8_WIDEST:
            held.append(text)
            held_size += len(text)
            continue
        piece, rest = "".join(held) + text[:end], text[end:]
        cut = 0
        if not end:
            *parts, rest = cut_line(piece + rest, longest)
            piece = "".join(part + "\n" for part in parts)
            cut, in_long_line = int(bool(parts) and not in_long_line), in_long_line or bool(parts)
        else:
            counted = in_long_line and _begins_long(piece, longest)
            piece, cut = _cut_long_lines(piece, longest)
            cut, in_long_line = cut - counted, False
        held, held_size = [rest], len(rest)
        if piece:
            yield piece, cut
    if last := "".join(held):
        counted = in_long_line and _begins_long(last, longest)
        piece, cut = _cut_long_lines(last, longest)
        yield piece, cut - counted


def _begins_long(piece: str, longest: int) -> bool:
    """Whether the first line, the rest of one that was cut and counted before, is cut once more."""
    end = piece.find("\n")
    return len(piece[: len(piece) if end < 0 else end].encode("utf-8", "surrogatepass")) > longest


def cut_line(line: str, longest: int) -> list[str]:
    """A line in parts of at most `longest` bytes, cut after white space where there is some, else between characters."""
    raw = line.encode("utf-8", "surrogatepass")
    parts: list[str] = []
    start = 0
    while len(raw) - start > longest:
        end = start + longest
        best = max(raw.rfind(mark, start + longest // 2, end - len(mark)) + len(mark) for mark in _BREAKS)
        if best > start + longest // 2:
            end = best
        else:
            while raw[end] & 0xC0 == 0x80:  # inside a character
                end -= 1
        parts.append(raw[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return [*parts, raw[start:].decode("utf-8", "surrogatepass")]


def _newlines(texts: Iterator[str]) -> Iterator[str]:
    r"""The same text with \r\n and \r as \n, also where a pair falls between two pieces."""
    held = ""
    for text in texts:
        if held:
            text, held = held + text, ""
        if "\r" in text:
            if text[-1] == "\r":
                text, held = text[:-1], "\r"
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        yield text
    if held:
        yield "\n"


def _cut_long_lines(piece: str, longest: int) -> tuple[str, int]:
    """A piece with its over-long lines cut, and how many there were. Jumps from line end to line end, seldom looking."""
    step = longest if piece.isascii() else longest // _UTF8_WIDEST  # so many characters are never more bytes than allowed
    start, size, cut = 0, len(piece), 0
    parts: list[str] = []
    kept = 0
    while size - start > step:
        if (end := piece.rfind("\n", start, start + step + 1)) < 0:
            end = piece.find("\n", start)
            end = size if end < 0 else end
            pieces = cut_line(piece[start:end], longest)
            if len(pieces) > 1:
                parts += [piece[kept:start], "\n".join(pieces)]
                kept, cut = end, cut + 1
        start = end + 1
    return "".join(parts) + piece[kept:] if parts else piece, cut
