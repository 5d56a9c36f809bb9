from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from hornbook.statistical import counts
from hornbook.statistical.stream import flatten, lay_out

BOUNDARY = 30


def expected_counts(documents: list[np.ndarray], order: int) -> list[dict[tuple[int, ...], int]]:
    """Adjusted counts with dictionaries: occurrences at the top and after the boundary, left neighbours elsewhere."""
    padded = [[BOUNDARY, *document.tolist(), 3] for document in documents]
    occurrences = [
        Counter(tuple(text[i : i + k]) for text in padded for i in range(len(text) - k + 1)) for k in range(1, order + 1)
    ]
    result: list[dict[tuple[int, ...], int]] = []
    for k in range(1, order):
        neighbours: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for gram in occurrences[k]:
            neighbours[gram[1:]].add(gram[0])
        result.append({gram: len(neighbours[gram]) if gram[0] != BOUNDARY else n for gram, n in occurrences[k - 1].items()})
    return [*result, dict(occurrences[-1])]


def grams(levels: list[counts.Level]) -> list[list[tuple[int, ...]]]:
    """Spell out the rows of every order by following the children."""
    result: list[list[tuple[int, ...]]] = [[(int(word),) for word in levels[0].words]]
    for level in levels[1:]:
        result.append(
            [
                (*context, int(level.words[row]))
                for i, context in enumerate(result[-1])
                for row in range(level.children[i], level.children[i + 1])
            ]
        )
    return result


@pytest.mark.parametrize("bucket_bits", [0, 2, 30])  # one bucket, a few, one a context
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_counts_equal_dictionaries(
    skewed_documents: list[np.ndarray], order: int, bucket_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_BUCKET_BITS", bucket_bits)
    stream = lay_out(*flatten(skewed_documents), vocabulary_size=BOUNDARY, end=3)
    levels = counts.count_levels(stream, BOUNDARY, order)
    counts.count_left_neighbours(levels)
    for k, (level, rows, expected) in enumerate(zip(levels, grams(levels), expected_counts(skewed_documents, order)), start=1):
        if k > 1:
            assert rows == sorted(expected)  # every n-gram once, in order
        for row, gram in enumerate(rows):
            assert level.counts[row] == expected.get(gram, 0), gram
    spelled = grams(levels)
    for k in range(2, order + 1):
        for row, gram in enumerate(spelled[k - 1]):
            assert spelled[k - 2][levels[k - 1].suffixes[row]] == gram[1:]


def test_pruning_marks_rare_ngrams_by_occurrences(skewed_documents: list[np.ndarray]) -> None:
    stream = lay_out(*flatten(skewed_documents), vocabulary_size=BOUNDARY, end=3)
    levels = counts.count_levels(stream, BOUNDARY, 3)
    counts.mark_rare(levels, (1, 2, 3))
    counts.count_left_neighbours(levels)
    padded = [[BOUNDARY, *document.tolist(), 3] for document in skewed_documents]
    for k, fewest in ((2, 2), (3, 3)):
        occurrences = Counter(tuple(text[i : i + k]) for text in padded for i in range(len(text) - k + 1))
        for row, gram in enumerate(grams(levels)[k - 1]):
            assert levels[k - 1].keep[row] == (occurrences[gram] >= fewest)
