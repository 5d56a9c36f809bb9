"""GloVe's text layout: lines 'word number ... number' without a first line that counts them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.embeddings.formats.lines import read_lines
from hornbook.embeddings.formats.reading import ReadOptions, map_bytes
from hornbook.embeddings.vectors import WordVectors

_SAMPLED_BYTES = 1 << 22
_SAMPLED_LINES = 1000
_COUNTED_AT_ONCE = 1 << 26


def read_glove(path: Path, options: ReadOptions) -> WordVectors:
    """Read the lines; the dimensions are those of most of the first lines, since some words in such files hold blanks."""
    data = map_bytes(path)
    size = dimensions(data)
    if size is None:
        raise ContentError(
            "{path}, line 1: {found!r} is not a word and its numbers. Is this a file of word vectors?",
            path=path,
            found=data[:40].tobytes().split(b"\n")[0].decode("utf-8", "replace"),
        )
    return read_lines(path, data, 0, (_count_lines(data), size), options, header=False)  # blank lines at the end do not count


def dimensions(data: NDArray[np.uint8]) -> int | None:
    """Numbers after the word in most of the first lines; None when the last field of the first line is not a number."""
    sample = data[:_SAMPLED_BYTES].tobytes()
    lines = sample.split(b"\n")[:_SAMPLED_LINES]
    if len(lines) > 1 and len(sample) < data.size:
        lines.pop()  # may be cut
    widths = Counter(len(line.split()) - 1 for line in lines if line.strip())
    if not widths or not _is_number(lines[0].split()[-1:]):
        return None
    size = widths.most_common(1)[0][0]
    return size if size >= 2 else None


def _is_number(fields: list[bytes]) -> bool:
    try:
        return bool(fields) and float(fields[0]) == float(fields[0])
    except ValueError:
        return False


def _count_lines(data: NDArray[np.uint8]) -> int:
    end = data.size
    while end and data[end - 1] in b" \t\r\n":
        end -= 1
    return 1 + sum(
        int(np.count_nonzero(data[first : min(first + _COUNTED_AT_ONCE, end)] == 10))
        for first in range(0, end, _COUNTED_AT_ONCE)
    )
