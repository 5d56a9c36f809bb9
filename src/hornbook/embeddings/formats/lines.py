"""Rows of decimal text, shared by word2vec's text layout and GloVe's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.embeddings.formats.reading import ReadOptions, decode_words, unique
from hornbook.embeddings.formats.word2vec import require_room
from hornbook.embeddings.vectors import WordVectors


def read_lines(
    path: Path, data: NDArray[np.uint8], position: int, shape: tuple[int, int], options: ReadOptions, *, header: bool
) -> WordVectors:
    """The vectors in lines from `position` on; with a header their number must be right, without one words may hold blanks."""
    from hornbook.embeddings.formats import text_kernels as kernels

    total, size = shape
    require_room(path, total, size, bytes_of_row=2 * size + 2, left=data.size - position)
    rows = total if options.limit is None else min(total, options.limit)
    numbers, bounds = np.empty((rows, size), np.float32), np.empty((rows, 2), np.int64)
    happened, filled, position, found = kernels.parse_rows(data, position, not header, numbers, bounds)
    first_line = 2 if header else 1
    place = filled + first_line
    if happened == kernels.ENDED:
        raise ContentError(
            "{path}: the file ends after line {line}, its first line announces {total} words. It is cut off: get it again.",
            path=path,
            line=place - 1,
            total=total,
        )
    if happened == kernels.WRONG_WIDTH:
        raise ContentError(
            "{path}, line {line}: expected a word and {size} numbers, there are {found} fields. Mend or remove the line.",
            path=path,
            line=place,
            size=size,
            found=len(_line(data, position).split()),
        )
    if happened == kernels.NOT_A_NUMBER:
        raise ContentError(
            "{path}, line {line}: {found!r} is not a number; expected a word and {size} numbers. Mend or remove the line.",
            path=path,
            line=place,
            found=data[position : position + min(found, 30)].tobytes().decode("utf-8", "replace"),
            size=size,
        )
    if happened == kernels.NO_WORD:
        raise ContentError(
            "{path}, line {line}: {size} numbers without a word before them. Mend or remove the line.",
            path=path,
            line=place,
            size=size,
        )
    if header and rows == total and data[position:].tobytes()[:1000].strip():
        raise ContentError(
            "{path}, line {line}: more lines than the {total} words that line 1 announces. Mend line 1 or get the file again.",
            path=path,
            line=total + first_line,
            total=total,
        )
    words = decode_words(path, data, bounds, options, first_line=first_line)
    words, numbers = unique(path, words, numbers, bounds, options, first_line=first_line)
    return WordVectors(words, numbers, facts={"file": path.name, "format": "word2vec-text" if header else "glove"})


def _line(data: NDArray[np.uint8], position: int) -> bytes:
    return data[position : position + (1 << 20)].tobytes().split(b"\n", 1)[0]
