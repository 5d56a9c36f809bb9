"""What every reader of a foreign file shares: a mapped file, a cursor that checks sizes first, words that must be unique."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, disk_errors
from hornbook.core.events import Event
from hornbook.embeddings.search import row_blocks

Duplicates: TypeAlias = Literal["refuse", "first"]
Log: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file: the first `limit` words only, their encoding, what to do about a word that is there twice."""

    limit: int | None = None
    encoding: str = "utf8"
    unicode_errors: str = "strict"
    on_duplicates: Duplicates = "refuse"


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file, mapped read-only. UsageError when it is not there, ContentError when it is empty."""
    try:
        with open(path, "rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except FileNotFoundError:
        raise UsageError("{path} does not exist", path=path) from None
    except IsADirectoryError:
        raise UsageError("{path} is a folder without config.json: give a file of vectors", path=path) from None
    except (ValueError, OSError) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise ContentError("{path} is empty: expected word vectors", path=path) from None
        raise UsageError("{path} cannot be read: {error}", path=path, error=error) from None


class Cursor:
    """Reads numbers of a binary file in turn; what does not fit in the bytes left is refused before it is allocated."""

    def __init__(self, path: Path, data: NDArray[np.uint8]) -> None:
        self.path, self.data, self.position = path, data, 0

    @property
    def left(self) -> int:
        """Bytes after the cursor."""
        return self.data.size - self.position

    def require(self, need: int, what: str) -> None:
        """ContentError unless `need` more bytes are there."""
        if need > self.left:
            raise ContentError(
                "{path}, byte {offset}: {what} needs {need} bytes, {left} are left. The file is cut off: get it again.",
                path=self.path,
                offset=self.position,
                what=what,
                need=need,
                left=self.left,
            )

    def number(self, code: Literal["i", "q", "d"], what: str) -> Any:
        """An int32, int64 or float64, little endian."""
        size = struct.calcsize(code)
        self.require(size, what)
        (value,) = struct.unpack(f"<{code}", self.data[self.position : self.position + size].tobytes())
        self.position += size
        return value

    def count(self, code: Literal["i", "q"], what: str, lowest: int, highest: int) -> int:
        """A whole number between two bounds."""
        value = int(self.number(code, what))
        if not lowest <= value <= highest:
            raise self.wrong(what, value, f"{lowest} to {highest}", back=struct.calcsize(code))
        return value

    def flag(self, what: str) -> bool:
        """One byte, 0 or 1."""
        self.require(1, what)
        value = int(self.data[self.position])
        if value > 1:
            raise self.wrong(what, value, "0 or 1")
        self.position += 1
        return bool(value)

    def array(self, kind: str, shape: tuple[int, ...], what: str) -> NDArray[Any]:
        """A mapped array, not copied; it may lie unaligned."""
        need = int(np.dtype(kind).itemsize)
        for number in shape:
            need *= number
        self.require(need, what)
        flat = self.data[self.position : self.position + need]
        self.position += need
        return flat.view(kind).reshape(shape)

    def wrong(self, what: str, found: object, expected: object, *, back: int = 0) -> ContentError:
        """The error for a value that cannot be, which was read `back` bytes ago."""
        return ContentError(
            "{path}, byte {offset}: {what} is {found}, expected {expected}. The file is damaged: get it again.",
            path=self.path,
            offset=self.position - back,
            what=what,
            found=found,
            expected=expected,
        )


def decode_words(
    path: Path, data: NDArray[np.uint8], bounds: NDArray[np.int64], options: ReadOptions, *, first_line: int | None = None
) -> list[str]:
    """Words from their (V, 2) bounds; ContentError names the line (or byte) of one that is not text."""
    raw = memoryview(data)  # type: ignore[arg-type]
    words = []
    for row, (begin, end) in enumerate(bounds.tolist()):
        try:
            words.append(str(raw[begin:end], options.encoding, options.unicode_errors))
        except UnicodeDecodeError as error:
            raise ContentError(
                "{path}, {place}: the word is not {encoding} ({error}). Say its encoding, or unicode_errors='replace'.",
                path=path,
                place=_place(row, begin, first_line),
                encoding=options.encoding,
                error=error.reason,
            ) from None
        except LookupError:
            raise UsageError(
                "'{encoding}' is not an encoding: try utf8, gb18030 or latin-1", encoding=options.encoding
            ) from None
    return words


def unique(
    path: Path,
    words: list[str],
    numbers: NDArray[np.float32],
    bounds: NDArray[np.int64],
    options: ReadOptions,
    *,
    first_line: int | None = None,
) -> tuple[list[str], NDArray[np.float32]]:
    """Refuse a word that is there twice, or keep its first row; refuse numbers that are not finite."""
    for block in row_blocks(numbers):
        bad = ~np.isfinite(numbers[block]).all(axis=1)
        if bad.any():
            row = int(np.argmax(bad)) + block.start
            raise ContentError(
                "{path}, {place}: the vector of {word!r} has a number that is not finite. Get the file again.",
                path=path,
                place=_place(row, int(bounds[row, 0]), first_line),
                word=words[row],
            )
    index = dict(zip(reversed(words), range(len(words) - 1, -1, -1)))
    if len(index) == len(words):
        return words, numbers
    if options.on_duplicates == "first":
        kept = [row for row, word in enumerate(words) if index[word] == row]
        return [words[row] for row in kept], numbers[kept]
    row = next(row for row, word in enumerate(words) if index[word] != row)
    raise ContentError(
        "{path}, {place}: the word {word!r} is there twice, first at {earlier}. on_duplicates='first' keeps the first.",
        path=path,
        place=_place(row, int(bounds[row, 0]), first_line),
        word=words[row],
        earlier=_place(index[words[row]], int(bounds[index[words[row]], 0]), first_line),
    )


def _place(row: int, offset: int, first_line: int | None) -> str:
    return f"byte {offset}" if first_line is None else f"line {first_line + row}"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name whole, when the block has ended well. Raises DiskFullError."""
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors(path.name, path.parent):
        try:
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
