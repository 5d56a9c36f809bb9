"""Fill gaps with a model that guesses hidden tokens: what BERT was trained for, with words of several tokens on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.types import Ids, MaskedModel
from hornbook.scoring.gaps import OPEN, Filled, Hypothesis, best, cut_at_gaps, joined, result
from hornbook.scoring.pieces import Pieces

_KEPT = 200  # words of one token that are candidates
_BEAMS = 16  # beginnings of words of several tokens that are lengthened


@dataclass(frozen=True)
class _Gap:
    """Ids on either side of a gap, later gaps masked, and which ids may begin a word there."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    begins: NDArray[np.bool_]  # (V,)


def fill_masked(model: MaskedModel, text: str, *, top: int = 5, longest: int = 1) -> Filled:
    """The likeliest words of up to `longest` tokens for the gaps of a text.

    One gap and one token: P(token | text) over the whole vocabulary. A word of n tokens stands in n masks, which are filled
    from left to right; its score is the mean over its tokens of log P(token | text, tokens before it), the tokens behind it
    masked (the order of Kauf and Ivanova 2023; the mean, as more masks make each guess harder and no model says how many there
    should be), and probabilities are shares of exp(score) among the candidates. Several gaps: in order, those to come masked.
    Beside letters a gap is a part of their word. UsageError without a gap or a mask token, or for a part of a word when the
    model knows whole words only; ContentError when no word can stand in a gap.
    """
    if "mask" not in model.tokenizer.specials:
        raise UsageError("the tokenizer of this model has no mask token: gaps cannot be filled")
    pieces = Pieces(model.tokenizer)
    parts = cut_at_gaps(text, model.tokenizer)
    pieces.require_parts(parts)
    hypotheses = [Hypothesis((), 0.0)]
    for number in range(1, len(parts)):
        kept = best(hypotheses, OPEN)
        gaps = [_gap(model, pieces, joined(parts, one.words), parts[number:]) for one in kept]
        hypotheses = []
        for one, found in zip(kept, _words(model, pieces, gaps, longest)):
            hypotheses += [Hypothesis((*one.words, word), one.score + score) for word, score in found.items()]
        if not hypotheses:
            raise ContentError("no word of the vocabulary can stand in gap {gap} of the text", gap=number)
    exact = longest == 1 and len(parts) == 2
    if exact:
        rule = translate("P(token | both sides) over the whole vocabulary")
    else:
        template = "share of exp(mean log P a token, masks filled from left to right) among {count} candidates"
        rule = translate(template).format(count=len(hypotheses))
    return result(parts, hypotheses, text=text, top=top, rule=rule, share=not exact)


def _gap(model: MaskedModel, pieces: Pieces, before: str, after: Sequence[str]) -> _Gap:
    read, begins = pieces.opening(before)
    mask = [model.tokenizer.specials["mask"]]
    right: list[Ids] = [pieces.behind(after[0] if len(after) == 1 else pieces.opening(after[0])[0])]
    for number, part in enumerate(after[1:], start=2):
        right += [np.array(mask), pieces.behind(part if number == len(after) else pieces.opening(part)[0])]
    left = np.asarray(model.tokenizer.encode(read), np.int64)
    return _Gap(left, np.concatenate(right).astype(np.int64), begins)


def _words(model: MaskedModel, pieces: Pieces, gaps: Sequence[_Gap], longest: int) -> list[dict[str, float]]:
    """For each gap its words and their scores; of two ways to spell a word, the better."""
    found: list[dict[str, float]] = [{} for _ in gaps]
    for length in range(1, longest + 1):
        spelled: list[tuple[int, tuple[int, ...], float]] = [(gap, (), 0.0) for gap in range(len(gaps))]
        for place in range(length):
            count = _KEPT if length == 1 else _BEAMS
            spelled = _lengthened(model, pieces, gaps, spelled, masks=length - place, count=count)
        for gap, ids, score in spelled:
            word = pieces.word(ids)
            found[gap][word] = max(found[gap].get(word, -np.inf), score / length)
    return found


def _lengthened(
    model: MaskedModel,
    pieces: Pieces,
    gaps: Sequence[_Gap],
    spelled: Sequence[tuple[int, tuple[int, ...], float]],
    *,
    masks: int,
    count: int,
) -> list[tuple[int, tuple[int, ...], float]]:
    """(gap, ids, sum of logs) with one token more, the best `count` of each gap; `masks` are still open."""
    if not spelled:
        return []
    hidden = np.full(masks, model.tokenizer.specials["mask"], np.int64)
    rows = [np.concatenate([gaps[gap].left, ids, hidden, gaps[gap].right]).astype(np.int64) for gap, ids, _ in spelled]
    scores = model.masked_log_probs(rows, [len(gaps[gap].left) + len(ids) for gap, ids, _ in spelled])  # (n, V)
    grown: list[list[tuple[int, tuple[int, ...], float]]] = [[] for _ in gaps]
    for (gap, ids, so_far), row in zip(spelled, scores):
        allowed = pieces.going_on(ids[-1:])[0] if ids else gaps[gap].begins
        values = np.where(allowed, row[: allowed.size].astype(np.float64), -np.inf)
        chosen = np.argsort(-values, kind="stable")[: min(count, int(allowed.sum()))]
        grown[gap] += [(gap, (*ids, int(one)), so_far + float(values[one])) for one in chosen]
    return [one for each in grown for one in sorted(each, key=lambda entry: -entry[2])[:count]]
