"""Vectors of documents: the mean of their words' vectors, and SIF, a weighted mean that strong baselines were beaten by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings.table import TINY
from hornbook.embeddings.vectors import WordVectors

_WORDS_AT_ONCE = 1 << 17
Document = Sequence[str]


def mean_vectors(vectors: WordVectors, documents: Iterable[Document], *, normalise: bool = False) -> NDArray[np.float32]:
    """(n, d) mean of each document's word vectors (of length 1 with `normalise`); zeros for one without a known word."""
    scale = 1 / np.maximum(vectors.norms, TINY) if normalise else np.ones(len(vectors), np.float32)
    parts = [means for means, _ in _batched_means(vectors, documents, scale.astype(np.float32), normalise=normalise)]
    return np.concatenate(parts) if parts else np.zeros((0, vectors.vector_size), np.float32)


@dataclass(frozen=True)
class SifConfig:
    """`a` of the weights a / (a + p(word)); how many principal `components` are taken out (0: weights only)."""

    a: float = 1e-3
    components: int = 1

    def __post_init__(self) -> None:
        if self.a <= 0 or self.components < 0:
            raise UsageError(
                "SIF with a = {a} and {components} components: a must be above 0, components 0 or more",
                a=self.a,
                components=self.components,
            )


class Sif:
    """Smooth inverse frequency (Arora, Liang and Ma 2017, algorithm 1): weigh each word, average, take out what all share.

    `fit` learns word frequencies (from the vectors' counts where they have them, else from the documents) and the first
    principal components of the documents' vectors; `transform` applies both to any text, so that new documents are
    comparable with the old.
    """

    def __init__(self, vectors: WordVectors, config: SifConfig | None = None) -> None:
        self.vectors, self.config = vectors, config or SifConfig()
        self.weights_: NDArray[np.float32] = np.zeros(0, np.float32)  # (V,)
        self.components_: NDArray[np.float32] = np.zeros((0, vectors.vector_size), np.float32)  # (components, d)

    def fit(self, documents: Iterable[Document]) -> Self:
        """Learn from documents, read twice where the vectors have no counts. ContentError when none has a known word."""
        kept = documents if isinstance(documents, Sequence) or self.vectors.counts is not None else list(documents)
        counts = self.vectors.counts
        if counts is None:
            counts = np.zeros(len(self.vectors), np.int64)
            for rows, _ in _batches(self.vectors, kept):
                counts += np.bincount(rows[rows >= 0], minlength=counts.size)
        chances = counts / max(int(counts.sum()), 1)
        self.weights_ = (self.config.a / (self.config.a + chances)).astype(np.float32)
        squares, seen = np.zeros((self.vectors.vector_size,) * 2), 0
        for means, known in _batched_means(self.vectors, kept, self.weights_):
            chosen = means[known].astype(np.float64)
            squares += chosen.T @ chosen
            seen += len(chosen)
        if not seen:
            raise ContentError("SIF learns from documents: none of those given has a known word")
        # the right singular vectors of the (uncentred) matrix of documents are the eigenvectors of its squares
        _, directions = np.linalg.eigh(squares)
        self.components_ = directions[:, ::-1][:, : self.config.components].T.astype(np.float32)
        return self

    def transform(self, documents: Iterable[Document]) -> NDArray[np.float32]:
        """(n, d) of documents; zeros for one without a known word. UsageError before `fit`."""
        if not self.weights_.size:
            raise UsageError("this SIF is not fitted: call fit with documents first")
        parts = []
        for means, _ in _batched_means(self.vectors, documents, self.weights_):
            parts.append(means - (means @ self.components_.T) @ self.components_)
        return np.concatenate(parts) if parts else np.zeros((0, self.vectors.vector_size), np.float32)


def _batches(vectors: WordVectors, documents: Iterable[Document]) -> Iterator[tuple[NDArray[np.int64], list[Document]]]:
    """Documents in groups of about as many words, with the rows of those, -1 for unknown ones, one document after the other."""
    group: list[Document] = []
    rows: list[int] = []
    index = vectors.key_to_index
    for document in documents:
        if isinstance(document, str):
            raise ContentError("a document is a list of words, not a text: split '{text}' first", text=document[:40])
        group.append(document)
        rows += [index.get(word, -1) for word in document]
        if len(rows) >= _WORDS_AT_ONCE:
            yield np.array(rows, np.int64), group
            group, rows = [], []
    if group:
        yield np.array(rows, np.int64), group


def _batched_means(
    vectors: WordVectors, documents: Iterable[Document], weights: NDArray[np.float32], *, normalise: bool = False
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """((n, d) weighted means, (n,) whether a document has a known word) of groups of documents.

    A word that has a vector from its subwords alone weighs 1, as one never seen.
    """
    for rows, group in _batches(vectors, documents):
        lengths = np.array([len(document) for document in group])
        owners = np.repeat(np.arange(len(group)), lengths)
        known = rows >= 0
        sums = np.zeros((len(group), vectors.vector_size), np.float32)
        scaled = vectors.vectors[rows[known]] * weights[rows[known], None]  # (words, d)
        found = owners[known]
        if found.size:
            firsts = np.flatnonzero(np.diff(found, prepend=-1))
            sums[found[firsts]] = np.add.reduceat(scaled, firsts, axis=0)
        counts = np.bincount(found, minlength=len(group))
        if vectors.subwords is not None and not known.all():
            words = [word for document in group for word in document]
            for at in np.flatnonzero(~known):
                if words[at] in vectors:
                    sums[owners[at]] += vectors.get_vector(words[at], norm=normalise)
                    counts[owners[at]] += 1
        yield sums / np.maximum(counts, 1).astype(np.float32)[:, None], counts > 0
