"""Kernels that answer analogies: of all vocabulary words, which one scores highest for each question."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def best_sums(
    cosines: NDArray[np.float32],
    questions: NDArray[np.int64],
    classes: NDArray[np.int64],
    first: int,
    best: NDArray[np.float32],
    answers: NDArray[np.int64],
) -> None:
    """3CosAdd over a block of words: raise `best` (Q,) and `answers` (Q,) where cos(b) + cos(c) - cos(a) is higher.

    `cosines` (U, block) of the U words in questions; `questions` (Q, 6): rows a, b, c of it, then their classes; `classes` (V,)
    says which words count as one (spelt alike but for case), `first` is the block's first word. Words alike to a, b or c are
    no answer.
    """
    for q in range(len(questions)):
        a, b, c = questions[q, 0], questions[q, 1], questions[q, 2]
        highest = best[q]
        for j in range(cosines.shape[1]):
            score = cosines[b, j] + cosines[c, j] - cosines[a, j]
            if score > highest and _allowed(classes, first + j, questions[q]):
                highest = score
                answers[q] = first + j
        best[q] = highest


@njit(cache=True, nogil=True)
def best_products(
    cosines: NDArray[np.float32],
    questions: NDArray[np.int64],
    classes: NDArray[np.int64],
    first: int,
    best: NDArray[np.float32],
    answers: NDArray[np.int64],
) -> None:
    """The same for 3CosMul: (1 + cos(b)) (1 + cos(c)) / (1 + cos(a) + 2e-6), which ranks as equation 4 does."""
    for q in range(len(questions)):
        a, b, c = questions[q, 0], questions[q, 1], questions[q, 2]
        highest = best[q]
        for j in range(cosines.shape[1]):
            score = (1 + cosines[b, j]) * (1 + cosines[c, j]) / (1 + cosines[a, j] + np.float32(2e-6))
            if score > highest and _allowed(classes, first + j, questions[q]):
                highest = score
                answers[q] = first + j
        best[q] = highest


@njit(cache=True, nogil=True, inline="always")
def _allowed(classes: NDArray[np.int64], word: int, question: NDArray[np.int64]) -> bool:
    """Question columns 3 to 5 hold the classes of a, b and c."""
    kind = classes[word]
    return bool(kind != question[3] and kind != question[4] and kind != question[5])
