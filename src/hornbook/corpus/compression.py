"""Bytes out of files: .gz .bz2 .xz .zst .zip and plain, in bounded pieces, with damage and decompression bombs named."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from hornbook.core.errors import ContentError, UsageError, needs_extra

CHUNK = 1 << 20
_FREE_EXPANSION = 16_000_000  # bytes any file may expand to, however small it is
_LZMA_MEMORY = 128_000_000


def chunks(
    path: Path, compression: str, *, name: str, member: str = "", max_expansion: float = 200.0, position: Callable[[int], None]
) -> Iterator[bytes]:
    """The decompressed bytes of a file in pieces of about 1 MB; `position` is told the bytes consumed on the disk.

    ContentError when the data are cut off or damaged (with the bytes read so far) or expand beyond `max_expansion`.
    """
    got = 0
    try:
        with ExitStack() as stack:
            raw, size, whole = _open(path, member, stack)
            limit = max(_FREE_EXPANSION, int(max_expansion * size)) if compression else sys.maxsize
            for piece in _coalesce(_decompress(raw, compression)):
                got += len(piece)
                if got > limit:
                    raise ContentError(
                        "{path} expands more than {ratio:g} times: stopped at {got} bytes (see --read.max-expansion)",
                        path=name,
                        ratio=max_expansion,
                        got=got,
                    )
                position(int(got * size / max(whole, got)) if member else raw.tell() if size else got)
                yield piece
    except EOFError as error:
        raise ContentError(
            "{path} is cut off: the {kind} data end after {got} bytes of text. Fetch the file again.",
            path=name,
            kind=compression or "file",
            got=got,
        ) from error
    except IsADirectoryError as error:
        raise UsageError("{path} is a folder", path=name) from error
    except (OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ContentError(
            "{path} is damaged: {error} after {got} bytes of text. Fetch the file again.",
            path=name,
            error=_line(error),
            got=got,
        ) from error


def archive_members(path: Path) -> list[str]:
    """Names of the files in a zip archive, sorted. ContentError for a damaged archive or a name that leaves it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.orig_filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ContentError("{path} is not a whole zip archive: {error}", path=path, error=_line(error)) from error
    for name in names:
        if name.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name) or "\0" in name:
            raise ContentError("{path}: the member {member!r} points outside the archive: refused", path=path, member=name)
    return sorted(names)


def _open(path: Path, member: str, stack: ExitStack) -> tuple[IO[bytes], int, int]:
    """The stream, its bytes on the disk (0: unknown) and, for a member of an archive, its bytes as the archive states them."""
    if str(path) == "-":
        return stack.enter_context(open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)), 0, 0
    if not member:
        return stack.enter_context(open(path, "rb")), path.stat().st_size, 0
    archive = stack.enter_context(zipfile.ZipFile(path))
    info = next(info for info in archive.infolist() if info.orig_filename == member)
    return stack.enter_context(archive.open(info)), info.compress_size, info.file_size


def _decompress(raw: IO[bytes], compression: str) -> Iterator[bytes]:
    if compression == "gzip":
        return _read(gzip.GzipFile(fileobj=raw).read1)
    if compression == "bzip2":
        return _streams(raw, bz2.BZ2Decompressor)
    if compression == "xz":
        return _streams(raw, lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY))
    if compression == "zstd":
        return _zstd(raw)
    return _read(raw.read)


def _read(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while piece := read(CHUNK):
        yield piece


def _streams(raw: IO[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    """Concatenated bzip2 or xz streams, at most CHUNK bytes out at a time, however far the data expand."""
    data = raw.read(1 << 16)
    while data:
        decoder = new()
        while not decoder.eof:
            if decoder.needs_input and not data and not (data := raw.read(1 << 16)):
                raise EOFError
            yield decoder.decompress(data, CHUNK)
            data = b""
        data = (decoder.unused_data or raw.read(1 << 16)).lstrip(b"\0")  # xz pads with zeros between streams


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise needs_extra("zstandard", "text") from error
    factory = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    try:
        data = raw.read(4096)  # small pieces: one of them may expand to thousands of times its size
        while data:
            decoder = factory.decompressobj()
            while not decoder.eof:
                if not data and not (data := raw.read(4096)):
                    raise EOFError
                yield decoder.decompress(data)
                data = b""
            data = decoder.unused_data or raw.read(4096)
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from error


def _coalesce(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces joined to about CHUNK bytes; on damage, what came before it is passed on first."""
    held: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= CHUNK:
                yield b"".join(held)
                held, size = [], 0
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
