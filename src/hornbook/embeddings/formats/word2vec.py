"""The two layouts of word2vec.c: a line 'words dimensions', then rows of text (fastText's .vec is the same) or of float32."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.embeddings.formats.reading import ReadOptions, decode_words, map_bytes, replacing, unique
from hornbook.embeddings.vectors import WordVectors

_HEADER = re.compile(rb"[ \t]*([+-]?\d+)[ \t]+([+-]?\d+)[ \t]*\r?\n")
_LONGEST_HEADER = 100
_NUMBERS = frozenset(b"0123456789+-.eE \t\rnaifNAIF")  # nan and inf are numbers here: they are refused by name later


def read_header(data: NDArray[np.uint8]) -> tuple[int, int, int] | None:
    """(words, dimensions, position after the line), or None when the first line is not two whole numbers."""
    match = _HEADER.match(data[:_LONGEST_HEADER].tobytes())
    return (int(match[1]), int(match[2]), match.end()) if match else None


def looks_binary(data: NDArray[np.uint8], size: int, position: int) -> bool:
    """Whether what follows the first word is float32 and not a line of decimal numbers."""
    start = re.split(rb"[ \t]+", data[position : position + 4096].tobytes(), maxsplit=1)
    line = start[1].split(b"\n", 1)[0] if len(start) == 2 else b""
    # eight bytes of float32 that all look like digits are not met; shorter lines must have the right number of fields
    return not (_NUMBERS.issuperset(line[:64]) and (len(line) >= 8 or len(line.split()) == size))


def read_text(path: Path, options: ReadOptions) -> WordVectors:
    """Read a text file with its header. ContentError names the line, what was expected and what to do."""
    from hornbook.embeddings.formats.lines import read_lines

    data = map_bytes(path)
    rows, size, position = _require_header(path, data)
    return read_lines(path, data, position, (rows, size), options, header=True)


def read_binary(path: Path, options: ReadOptions) -> WordVectors:
    """Read a binary file. ContentError names the byte, what was expected and what to do."""
    from hornbook.embeddings.formats.text_kernels import ENDED, NO_WORD, copy_rows

    data = map_bytes(path)
    total, size, position = _require_header(path, data)
    require_room(path, total, size, bytes_of_row=4 * size + 2, left=data.size - position)
    rows = total if options.limit is None else min(total, options.limit)
    numbers, bounds = np.empty((rows, size), np.float32), np.empty((rows, 2), np.int64)
    happened, filled, position = copy_rows(data, position, numbers.view(np.uint8), bounds)
    if happened == ENDED:
        raise ContentError(
            "{path}, byte {offset}: the file ends in word {row} of {total}. It is cut off: get it again.",
            path=path,
            offset=position,
            row=filled + 1,
            total=total,
        )
    if happened == NO_WORD:
        raise ContentError(
            "{path}, byte {offset}: word {row} of {total} is empty. The file is damaged: get it again.",
            path=path,
            offset=position,
            row=filled + 1,
            total=total,
        )
    rest = data[position:]
    if rows == total and rest.size and (rest.size > 16 or rest.tobytes().strip(b"\n")):
        raise ContentError(
            "{path}, byte {offset}: {left} bytes follow the {total} words that the first line announces. Get the file again.",
            path=path,
            offset=position,
            left=rest.size,
            total=total,
        )
    words = decode_words(path, data, bounds, options)
    words, numbers = unique(path, words, numbers, bounds, options)
    return WordVectors(words, numbers, facts={"file": path.name, "format": "word2vec-binary"})


def require_room(path: Path, rows: int, size: int, *, bytes_of_row: int, left: int) -> None:
    """ContentError unless counts are positive and that many rows fit in the bytes left, at their shortest."""
    if rows < 1 or size < 1 or rows * bytes_of_row - 1 > left:
        raise ContentError(
            "{path}, line 1: {rows} words of {size} dimensions do not fit in the {left} bytes that follow. Get the file again.",
            path=path,
            rows=rows,
            size=size,
            left=left,
        )


def write_text(vectors: WordVectors, path: Path, *, header: bool) -> None:
    """Write text, numbers with the nine digits that give a float32 back exactly; without a header it is GloVe's layout."""
    _require_plain(vectors)
    line = b"%b " + b" ".join([b"%.9g"] * vectors.vector_size) + b"\n"
    with replacing(path) as file:
        if header:
            file.write(b"%d %d\n" % (len(vectors), vectors.vector_size))
        for word, row in zip(vectors.index_to_key, vectors.vectors):
            file.write(line % (_bytes(word), *row.tolist()))


def write_binary(vectors: WordVectors, path: Path) -> None:
    """Write the binary layout, a newline after every row as word2vec.c does."""
    _require_plain(vectors)
    with replacing(path) as file:
        file.write(b"%d %d\n" % (len(vectors), vectors.vector_size))
        for word, row in zip(vectors.index_to_key, vectors.vectors):
            file.write(_bytes(word) + b" " + row.astype("<f4").tobytes() + b"\n")


def _require_header(path: Path, data: NDArray[np.uint8]) -> tuple[int, int, int]:
    header = read_header(data)
    if header is None:
        raise ContentError(
            "{path}, line 1: {found!r} is not 'words dimensions', e.g. '71000 100'. Without such a line it is a GloVe file.",
            path=path,
            found=data[:40].tobytes().split(b"\n")[0].decode("utf-8", "replace"),
        )
    return header


def _require_plain(vectors: WordVectors) -> None:
    """A word with a blank or line break cannot be told from its neighbours in these files."""
    bad = next((word for word in vectors.index_to_key if not word or any(blank in word for blank in " \t\n\r")), None)
    if bad is not None:
        raise ContentError("the word {word!r} is empty or has a blank: save to a folder, or join it with '_'", word=bad)


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")
