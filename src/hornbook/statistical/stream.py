"""Documents as one flat stream of ids: boundary, tokens, end, boundary, tokens, end, ...

The boundary is one id above the vocabulary, so it is never confused with a token, sorts after every token, and stands for
the start of a document whether or not the tokenizer has a `start` token of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.types import Ids


@runtime_checkable
class FlatDocuments(Protocol):
    """A split of a corpus on disk: all tokens in one array and where each document starts."""

    @property
    def tokens(self) -> Ids:
        """(n,) ids of all documents, one after the other."""
        ...

    @property
    def starts(self) -> NDArray[np.int64]:
        """(documents + 1,) offsets into `tokens`."""
        ...


def flatten(documents: Iterable[Ids] | FlatDocuments) -> tuple[Ids, NDArray[np.int64]]:
    """All tokens (n,) and the start of each document (documents + 1,)."""
    if isinstance(documents, FlatDocuments):
        return documents.tokens, np.asarray(documents.starts, dtype=np.int64)
    arrays = [np.asarray(document) for document in documents]
    arrays = [array if array.dtype.kind in "iu" else array.astype(np.int64) for array in arrays]
    starts = np.zeros(len(arrays) + 1, dtype=np.int64)
    np.cumsum([array.size for array in arrays], out=starts[1:])
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64), starts


def lay_out(tokens: Ids, starts: NDArray[np.int64], *, vocabulary_size: int, end: int) -> NDArray[np.uint32]:
    """(n + 2 documents,) the stream; the boundary is id `vocabulary_size`. ContentError on an id outside the vocabulary."""
    length = tokens.size + 2 * (starts.size - 1)
    return lay_out_part(tokens, starts, 0, length, vocabulary_size=vocabulary_size, end=end)


def lay_out_part(
    tokens: Ids, starts: NDArray[np.int64], first: int, last: int, *, vocabulary_size: int, end: int
) -> NDArray[np.uint32]:
    """Positions first..last of the stream alone, (last - first,)."""
    shift = 2 * np.arange(starts.size - 1)
    boundaries, ends = starts[:-1] + shift, starts[1:] + shift + 1  # where they stand in the whole stream
    before = [int(np.searchsorted(marks, (first, last)[i])) for i in (0, 1) for marks in (boundaries, ends)]
    body = np.ones(last - first, dtype=bool)
    boundaries, ends = boundaries[before[0] : before[2]] - first, ends[before[1] : before[3]] - first
    body[boundaries] = False
    body[ends] = False
    part = tokens[first - before[0] - before[1] : last - before[2] - before[3]]
    check_ids(part, vocabulary_size)
    stream = np.empty(body.size, dtype=np.uint32)
    stream[body] = part
    stream[boundaries] = vocabulary_size
    stream[ends] = end
    return stream


def check_ids(ids: Ids, vocabulary_size: int) -> Ids:
    """The ids; ContentError when one is negative or not below the vocabulary size: kernels index with it unchecked."""
    if ids.size and (int(ids.max()) >= vocabulary_size or int(ids.min()) < 0):
        wrong = int(ids.max()) if int(ids.max()) >= vocabulary_size else int(ids.min())
        raise ContentError(
            "token id {id} is outside the vocabulary of {size}: encode the text with this model's own tokenizer",
            id=wrong,
            size=vocabulary_size,
        )
    return ids
