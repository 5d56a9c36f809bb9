"""The cloze test for models that guess hidden tokens: both sides of the gap are in sight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hornbook.core.types import Ids, MaskedModel
from hornbook.corpus.masking import require_mask
from hornbook.scoring.cloze import ClozeItem, Scorer
from hornbook.scoring.continuations import shared_length


def masked_scorer(model: MaskedModel) -> Scorer:
    """Scores of candidates by log P(candidate | both sides): UsageError when the tokenizer has no mask.

    A candidate of several tokens is read from left to right, those behind the guessed one hidden too (the order of Kauf and
    Ivanova 2023), and the logs are added.
    """
    mask = require_mask(model.tokenizer.specials)
    return lambda items: _scores(model, mask, items)


def _scores(model: MaskedModel, mask: int, items: Sequence[ClozeItem]) -> NDArray[np.float64]:
    """(items, candidates)."""
    encoded = iter(model.tokenizer.encode_batch([text for item in items for text in item.texts()]))
    rows: list[Ids] = []
    places: list[int] = []
    answers: list[int] = []
    owners: list[int] = []  # candidate of each row, counted over all items
    for number, item in enumerate(items):
        texts = [np.asarray(next(encoded), np.int64) for _ in item.candidates]
        begin, behind = _gap(model, item, texts)
        for candidate, text in enumerate(texts):
            for place in range(begin, len(text) - behind):
                row = text.copy()
                row[place : len(text) - behind] = mask
                rows.append(row)
                places.append(place)
                answers.append(int(text[place]))
                owners.append(number * len(item.candidates) + candidate)
    found = model.masked_log_probs(rows, places)[np.arange(len(rows)), answers].astype(np.float64)
    totals = np.bincount(owners, found, minlength=len(items) * len(items[0].candidates))
    return totals.reshape(len(items), -1).astype(np.float64)


def _gap(model: MaskedModel, item: ClozeItem, texts: Sequence[Ids]) -> tuple[int, int]:
    """How many ids all texts of an item begin with, and end with, so that between them each has one at least.

    One candidate may be the beginning or the end of another (book, book|s): without a token of its own it would cost nothing
    and win, so the one it shares is hidden.
    """
    begin = shared_length(texts)
    behind = shared_length([text[begin:][::-1] for text in texts])
    if begin + behind < min(map(len, texts)):
        return begin, behind
    (left,) = model.tokenizer.encode_batch([item.left.rstrip()])
    return (begin - 1, behind) if begin > len(left) or not behind else (begin, behind - 1)
