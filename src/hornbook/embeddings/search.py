"""Exact nearest neighbours: matrix products over blocks of rows, so that a mapped matrix of any size is searched in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.embeddings.table import TINY, Key, Query, Vector, unit

if TYPE_CHECKING:
    from hornbook.embeddings.vectors import Neighbours, WordVectors

_BLOCK_BYTES = 16 << 20  # of rows read at a time where nothing else limits it
_MOST_QUERIES = 256  # of a block: enough for the products to run at full speed


def row_blocks(matrix: NDArray[Any], begin: int = 0, end: int | None = None) -> Iterator[slice]:
    """Slices of some MB that cover rows begin..end."""
    end = len(matrix) if end is None else min(end, len(matrix))
    step = max(1, _BLOCK_BYTES // max(1, matrix.shape[1] * matrix.itemsize))
    for first in range(begin, end, step):
        yield slice(first, min(first + step, end))


def row_norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """(V,) lengths of the rows of (V, d)."""
    norms = np.empty(len(matrix), np.float32)
    for block in row_blocks(matrix):
        rows = matrix[block]
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        norms[block] = np.minimum(lengths, np.finfo(np.float32).max)
    return norms


def cosines(vectors: WordVectors, query: Vector, begin: int = 0, end: int | None = None) -> NDArray[np.float32]:
    """(end - begin,) cosine of one vector with the rows; 0 with a zero row."""
    scaled = unit(query)
    parts = [
        vectors.vectors[block] @ scaled / np.maximum(vectors.norms[block], TINY)
        for block in row_blocks(vectors.vectors, begin, end)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def most_similar(
    vectors: WordVectors, queries: Sequence[tuple[Query, float]], topn: int | None, *, begin: int = 0, end: int | None = None
) -> Neighbours | NDArray[np.float32]:
    """See `WordVectors.most_similar`; `queries` are (word or vector, weight)."""
    if topn is not None and topn < 1:
        return []
    if not queries:
        raise UsageError("nothing to compare with: give a word or a vector")
    keys = [key for key, _ in queries]
    mean = vectors.get_mean_vector(keys, [weight for _, weight in queries], post_normalize=True, ignore_missing=False)
    scores = cosines(vectors, mean, begin, end)
    return scores if topn is None else _best_words(vectors, scores, keys, topn, begin)


def most_similar_cosmul(
    vectors: WordVectors, positive: Sequence[Query], negative: Sequence[Query], topn: int | None, *, end: int | None = None
) -> Neighbours | NDArray[np.float32]:
    """See `WordVectors.most_similar_cosmul`: prod (1 + cos)/2 over positive, by the same over negative plus 1e-6."""
    if topn is not None and topn < 1:
        return []
    if not positive:
        raise UsageError("nothing to compare with: give a word or a vector")

    def multiplied(keys: Sequence[Query]) -> NDArray[np.float32]:
        vector = [key if isinstance(key, np.ndarray) else vectors.get_vector(key) for key in keys]
        terms = [(1 + cosines(vectors, one, 0, end)) / 2 for one in vector]
        product: NDArray[np.float32] = np.prod(terms, axis=0, dtype=np.float32)
        return product

    scores = multiplied(positive) / ((multiplied(negative) if negative else np.float32(1)) + np.float32(1e-6))
    return scores if topn is None else _best_words(vectors, scores, [*positive, *negative], topn, 0)


def _best_words(vectors: WordVectors, scores: NDArray[np.float32], keys: Sequence[Query], topn: int, begin: int) -> Neighbours:
    """The `topn` best, those asked for left out; equal scores in order of the vocabulary."""
    asked = {vectors.get_index(key, -1) for key in keys if not isinstance(key, np.ndarray)}
    best = top_of_rows(scores[None], min(topn + len(asked), scores.size))[0]
    found = [(vectors.index_to_key[begin + i], float(scores[i])) for i in best if begin + int(i) not in asked]
    return found[:topn]


def neighbours(
    vectors: WordVectors,
    queries: Sequence[Key] | NDArray[Any],
    topn: int,
    *,
    memory_mb: int = 128,
    end: int | None = None,
) -> list[Neighbours]:
    """See `WordVectors.neighbours`: one list a query, a word itself left out."""
    if isinstance(queries, np.ndarray):
        if queries.ndim != 2 or queries.shape[1] != vectors.vector_size:
            raise UsageError(
                "a query has the shape {shape}, these vectors have {size} dimensions",
                shape=queries.shape,
                size=vectors.vector_size,
            )
        matrix, own = np.asarray(queries, np.float32), np.full(len(queries), -1)
    else:
        matrix, own = vectors[queries], np.array([vectors.get_index(key, -1) for key in queries])
    result: list[Neighbours] = []
    for first in range(0, len(matrix), _MOST_QUERIES):
        part = slice(first, first + _MOST_QUERIES)
        found, scores = top_rows(vectors, matrix[part], topn + 1, memory_mb=memory_mb, end=end)
        for rows, values, itself in zip(found, scores, own[part]):
            kept = [(vectors.index_to_key[i], float(v)) for i, v in zip(rows, values) if i != itself]
            result.append(kept[:topn])
    return result


def top_rows(
    vectors: WordVectors, queries: NDArray[np.float32], count: int, *, memory_mb: int = 128, end: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows (Q, count) of highest cosine with each query of (Q, d), best first, and those cosines.

    Scores are made for as many rows at a time as fit in `memory_mb`; of each block only what beats the best so far is kept.
    """
    total = len(vectors) if end is None else min(end, len(vectors))
    count = min(count, total)
    lengths = np.sqrt(np.einsum("ij,ij->i", queries, queries))
    units = queries / np.maximum(lengths, TINY)[:, None]  # (Q, d)
    # a block's scores, the copy that selecting makes, and row numbers of 8 bytes
    step = max(count, int(memory_mb * 1e6) // (16 * max(1, len(units))))
    best_rows = np.zeros((len(units), 0), np.int64)
    best = np.zeros((len(units), 0), np.float32)
    for first in range(0, total, step):
        block = slice(first, min(first + step, total))
        scores = units @ vectors.vectors[block].T  # (Q, step)
        scores /= np.maximum(vectors.norms[block], TINY)
        chosen = top_of_rows(scores, min(count, scores.shape[1]))
        best_rows = np.concatenate([best_rows, chosen + first], axis=1)
        best = np.concatenate([best, np.take_along_axis(scores, chosen, axis=1)], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :count]
        best_rows, best = np.take_along_axis(best_rows, order, axis=1), np.take_along_axis(best, order, axis=1)
    return best_rows, best


def top_of_rows(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """(Q, count) columns of the highest scores of each row, best first, equal ones by column (those inside the count)."""
    if count < scores.shape[1]:
        chosen = np.sort(np.argpartition(scores, scores.shape[1] - count, axis=1)[:, scores.shape[1] - count :], axis=1)
    else:
        chosen = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1).astype(np.int64)
