"""Cloze questions answered by word vectors: which candidate fits the words around the gap?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.embeddings.table import unit
from hornbook.embeddings.vectors import WordVectors

_WINDOW = 5  # words on either side that count
_RARE = 1e-3  # `a` of the weights a / (a + p(word)) of context words (Arora et al. 2017), as in documents.py


class Question(Protocol):
    """What `hornbook.scoring.ClozeItem` is."""

    @property
    def left(self) -> str:
        """The text before the gap."""
        ...

    @property
    def right(self) -> str:
        """The text after it."""
        ...

    @property
    def candidates(self) -> Sequence[str]:
        """The words to choose from."""
        ...


def cloze_scorer(
    vectors: WordVectors, words_of: Callable[[str], Iterable[str]], *, window: int = _WINDOW
) -> Callable[[Sequence[Question]], NDArray[np.float64]]:
    """A scorer for `hornbook.scoring.cloze_with`: questions -> (questions, candidates), the highest wins.

    `words_of` cuts text into the words that the vectors were trained on, in their case. With the output matrix of a predictive
    model the score is the sum over context words c at distance k of (in(candidate) . out(c) + in(c) . out(candidate)) / k:
    these products estimate how much more often than chance two words stand together, less a constant (Levy and Goldberg 2014,
    Neural Word Embedding as Implicit Matrix Factorization, section 3). Without one it is the cosine with the mean of the
    context, rare words weighing more, near ones too. Unknown candidates get the lowest score.
    """
    weights = np.ones(len(vectors))
    if vectors.counts is not None:
        weights = _RARE / (_RARE + vectors.counts / max(int(vectors.counts.sum()), 1))

    def score(questions: Sequence[Question]) -> NDArray[np.float64]:
        widest = max((len(question.candidates) for question in questions), default=0)
        result = np.full((len(questions), widest), -np.inf)
        for row, question in zip(result, questions):
            ids, distances = _around(vectors, words_of, question, window)
            for place, candidate in enumerate(question.candidates):
                known = [index for word in words_of(candidate) if (index := vectors.get_index(word, -1)) >= 0]
                if known and vectors.context is not None:
                    row[place] = _products(vectors.vectors, vectors.context, np.array(known), ids, distances)
                elif known:
                    row[place] = _cosine(vectors, np.array(known), ids, weights[ids] / distances)
        return result

    return score


def _around(
    vectors: WordVectors, words_of: Callable[[str], Iterable[str]], question: Question, window: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows (n,) of the known words near the gap, and how many words away they are."""
    sides = list(words_of(question.left))[-window:][::-1], list(words_of(question.right))[:window]
    near = [(vectors.get_index(word, -1), distance) for side in sides for distance, word in enumerate(side, start=1)]
    known = [(index, distance) for index, distance in near if index >= 0]
    return np.array([index for index, _ in known], np.int64), np.array([float(distance) for _, distance in known])


def _products(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    words: NDArray[np.int64],
    context: NDArray[np.int64],
    distances: NDArray[np.float64],
) -> float:
    """Both ways, for a candidate of one or several words: the mean over those."""
    both = inputs[words] @ outputs[context].T + outputs[words] @ inputs[context].T  # (words, context)
    return float((both / distances).sum(axis=1).mean())


def _cosine(vectors: WordVectors, words: NDArray[np.int64], context: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    lengths = np.maximum(vectors.norms[context], np.float32(1e-30))
    mean = ((vectors.vectors[context] / lengths[:, None]) * weights[:, None]).sum(axis=0)
    return float(unit(vectors.vectors[words].sum(axis=0)) @ mean)
