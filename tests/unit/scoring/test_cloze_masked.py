"""The cloze test by both sides, on a model whose every answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from hornbook.core.errors import UsageError
from hornbook.scoring.cloze import ClozeItem
from hornbook.scoring.cloze_masked import masked_scorer

WORDS = ["pad", "unknown", "start", "end", "mask", "a", "b", "c", "d", "s"]
MASK = 4


class Words:
    """Words between spaces."""

    def __init__(self, **specials: int) -> None:
        self.specials = specials

    def encode_batch(self, texts):
        return [np.array([WORDS.index(word) for word in text.split()], np.int64) for text in texts]


class Fake:
    """Log P is -1 for a word beside an equal one, -2 else, less 10 for each further mask in the row; keeps the questions."""

    def __init__(self) -> None:
        self.tokenizer = Words(mask=MASK)
        self.asked: list[tuple[list[int], int]] = []

    def masked_log_probs(self, rows, places):
        scores = np.full((len(rows), len(WORDS)), -2.0, np.float32)
        for number, (row, place) in enumerate(zip(rows, places, strict=True)):
            assert row[place] == MASK
            self.asked.append((row.tolist(), place))
            for near in (place - 1, place + 1):
                if 0 <= near < len(row) and row[near] != MASK:
                    scores[number, row[near]] = -1.0
            scores[number] -= 10 * (np.count_nonzero(row == MASK) - 1)
        return scores


def ids(text: str) -> list[int]:
    return [WORDS.index(word) for word in text.split()]


def test_both_sides_are_seen_and_each_item_has_its_own_row() -> None:
    model = Fake()
    found = masked_scorer(model)([ClozeItem("a ", " b", ("a", "b", "c"), 0), ClozeItem("d ", " d", ("a", "d", "c"), 1)])
    assert found.tolist() == [[-1, -1, -2], [-2, -1, -2]]
    assert model.asked == [(ids("a mask b"), 1)] * 3 + [(ids("d mask d"), 1)] * 3


def test_a_word_of_several_tokens_is_read_from_left_to_right() -> None:
    model = Fake()
    found = masked_scorer(model)([ClozeItem("d ", " d", ("a b", "c"), 0)])
    assert model.asked == [(ids("d mask mask d"), 1), (ids("d a mask d"), 2), (ids("d mask d"), 1)]
    assert found.tolist() == [[-12 - 2, -2]]


def test_a_candidate_that_is_the_beginning_of_another_is_not_free() -> None:
    """Without a token of its own its score would be log 1: it would always win."""
    for candidates in (("c", "c s"), ("c", "s c")):
        model = Fake()
        (short, long), *_ = masked_scorer(model)([ClozeItem("d ", " b", candidates, 0)])
        assert short == -2 and long < short
        assert (ids("d mask b"), 1) in model.asked
    model = Fake()
    assert (masked_scorer(model)([ClozeItem("", " b", ("c", "s c"), 0)]) < 0).all()


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    model = Fake()
    model.tokenizer = Words()
    with pytest.raises(UsageError, match="no mask token"):
        masked_scorer(model)
