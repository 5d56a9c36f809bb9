"""Fill gaps with any language model that reads from left to right, by both sides: P(word | left) P(right | left, word).

Such a model gives a whole text its probability, so the words for a gap are compared by the texts they make. Which words are
compared is a passed function (`propose`): every word of the vocabulary, or the likely ones where texts are dear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, translate
from hornbook.core.types import Ids, LanguageModel
from hornbook.scoring.continuations import by_steps, shared_length
from hornbook.scoring.gaps import OPEN, Filled, Hypothesis, best, cut_at_gaps, joined, result
from hornbook.scoring.pieces import Pieces

Propose: TypeAlias = Callable[[LanguageModel[Any], Pieces, str, str], list[str]]
"""Words that may stand between two texts: (model, pieces, before, after) -> words, each once."""
Score: TypeAlias = Callable[[LanguageModel[Any], Sequence[Ids]], NDArray[np.float64]]
"""(n,) natural logs of texts, up to a number that is the same for all; `end` left out."""

LIKELY = 200  # words that the left side proposes where not every word is tried
_FREQUENT = 100  # words likely anywhere in the text, which the right side may want
_PREFIXES = 16  # places of the text that say which words are frequent
_KEPT = 1_000  # words of the whole vocabulary that are scored in the whole text
_BEAMS = 64  # beginnings of words that are lengthened side by side
_LONGEST = 12  # tokens of a word
_LEFT, _RIGHT = 32, 16  # tokens on either side that choose among all words of the vocabulary
_ROWS = 128  # texts that step side by side


def fill(model: LanguageModel[Any], text: str, *, top: int = 5, propose: Propose, score: Score) -> Filled:
    """The likeliest words for the gaps of a text; with several gaps, the likeliest words together.

    Whole texts are scored, without their `end`; where nothing follows the gap, the word must be over there. Beside letters a
    gap is a part of their word. Probabilities are over the candidates (`Filled.candidates`). UsageError without a gap, or for a
    part of a word when the model knows whole words only; ContentError when no word can stand in one.
    """
    pieces = Pieces(model.tokenizer)
    parts = cut_at_gaps(text, model.tokenizer)
    pieces.require_parts(parts)
    hypotheses = [Hypothesis((), 0.0)]
    for gap, part in enumerate(parts[1:], start=1):
        after = part.rstrip()
        words = [
            (*one.words, word)
            for one in (hypotheses if gap == 1 else best(hypotheses, OPEN))
            for word in propose(model, pieces, joined(parts, one.words), after)
        ]
        if not words:
            raise ContentError("no word of the vocabulary can stand in gap {gap} of the text", gap=gap)
        texts = model.tokenizer.encode_batch([joined(parts[:gap], some[:-1]) + some[-1] + after for some in words])
        scores = score(model, texts)
        if not after:
            scores += _over(model, pieces, texts)
        hypotheses = [Hypothesis(some, float(value)) for some, value in zip(words, scores)]
    rule = translate("P(text with the word) among {count} candidates, both sides of the gap counted")
    return result(parts, hypotheses, text=text, top=top, rule=rule.format(count=len(hypotheses)), share=True)


def whole_texts(model: LanguageModel[Any], texts: Sequence[Ids]) -> NDArray[np.float64]:
    """A `Score` that reads every text whole: for models that are looked up."""
    shared = shared_length(texts)
    return np.array([row[shared:-1].sum(dtype=np.float64) for row in model.log_probs(texts)])


def shared_start(model: LanguageModel[Any], texts: Sequence[Ids]) -> NDArray[np.float64]:
    """A `Score` that reads what the texts begin with once: for networks."""
    shared = shared_length(texts)
    scores = np.zeros(len(texts))
    order = sorted((row for row in range(len(texts)) if len(texts[row]) > shared), key=lambda row: len(texts[row]))
    for first in range(0, len(order), _ROWS):
        rows = order[first : first + _ROWS]
        rests = [np.asarray(texts[row])[shared:] for row in rows]
        scores[rows] = by_steps(model, [texts[rows[0]][:shared]], [0] * len(rows), rests)
    return scores


def every_word(model: LanguageModel[Any], pieces: Pieces, before: str, after: str) -> list[str]:
    """A `Propose` that tries every word that is one token, a few tokens on either side being read, and likely longer ones."""
    read, begins = pieces.opening(before)
    left, right = pieces.tokenizer.encode(read)[-_LEFT:], pieces.tokenizer.encode(after)[:_RIGHT]
    ids = np.flatnonzero(begins)
    scores = model.log_probs([np.concatenate([left, [one], right]).astype(np.int64) for one in ids])
    values = np.array([row[len(left) : -1].sum(dtype=np.float64) for row in scores])
    chosen = ids[np.argsort(-values, kind="stable")[:_KEPT]]
    return list(dict.fromkeys([*(pieces.word([one]) for one in chosen), *words_after(model, pieces, before)]))


def likely_words(model: LanguageModel[Any], pieces: Pieces, before: str, after: str) -> list[str]:
    """A `Propose` of the words that are likely after the left side, and of words that are likely anywhere in the text."""
    read, begins = pieces.opening(before)
    ids = pieces.tokenizer.encode(read + after)
    places = np.unique(np.linspace(0, len(ids), _PREFIXES).astype(int))
    scores, _ = model.start([ids[:place] for place in places])
    chances = np.exp(scores[:, : begins.size].astype(np.float64)).mean(axis=0) * begins  # (V,)
    frequent = [one for one in np.argsort(-chances, kind="stable")[:_FREQUENT] if begins[one]]
    return list(dict.fromkeys([*words_after(model, pieces, before), *(pieces.word([one]) for one in frequent)]))


def words_after(model: LanguageModel[Any], pieces: Pieces, before: str, *, count: int = LIKELY) -> list[str]:
    """The likeliest words after a text, of one token or several, found by a beam; the likeliest first.

    A word is worth P(its tokens) P(it is over then); the search ends when no longer word can still be among the best.
    """
    read, begins = pieces.opening(before)
    size = begins.size
    scores, state = model.start([pieces.tokenizer.encode(read)])
    first = np.where(begins, scores[0, :size].astype(np.float64), -np.inf)
    ids = np.argsort(-first, kind="stable")[: min(count, int(begins.sum()))]
    if not len(ids):
        return []
    state = model.select(state, [0] * len(ids))
    spelled, values = [(int(one),) for one in ids], first[ids]
    found: dict[str, float] = {}
    for length in range(1, _LONGEST + 1):
        lasts = [one[-1] for one in spelled]
        scores, state = model.step(state, np.array(lasts))
        going = pieces.going_on(lasts)  # (n, V)
        follows = np.where(going, scores[:, :size].astype(np.float64), -np.inf)
        for one, value in zip(spelled, values + _ended(follows, pieces.may_go_on(lasts))):
            word = pieces.word(one)
            found[word] = max(found.get(word, -np.inf), float(value))
        longer = (values[:, None] + follows).ravel()
        chosen = np.argsort(-longer, kind="stable")[:_BEAMS]
        chosen = chosen[np.isfinite(longer[chosen])]
        limit = sorted(found.values(), reverse=True)[:count][-1] if len(found) >= count else -np.inf
        if not len(chosen) or longer[chosen[0]] <= limit or length == _LONGEST:
            break
        rows, ids = np.divmod(chosen, size)
        spelled, values = [(*spelled[row], int(one)) for row, one in zip(rows, ids)], longer[chosen]
        state = model.select(state, rows.tolist())
    return sorted(found, key=lambda word: -found[word])[:count]


def _over(model: LanguageModel[Any], pieces: Pieces, texts: Sequence[Ids]) -> NDArray[np.float64]:
    """(n,) natural logs of the chance that the last word of each text goes no further."""
    result = np.zeros(len(texts))
    for first in range(0, len(texts), _ROWS):
        part = texts[first : first + _ROWS]
        lasts = [int(ids[-1]) for ids in part]
        scores, _ = model.start(part)
        going = pieces.going_on(lasts)
        follows = np.where(going, scores[:, : going.shape[1]].astype(np.float64), -np.inf)
        result[first : first + _ROWS] = _ended(follows, pieces.may_go_on(lasts))
    return result


def _ended(follows: NDArray[np.float64], may_go_on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) natural logs of 1 - P(the word goes on), from (n, V) of which only tokens that go on are finite; 0 in Chinese."""
    ended = 1 - np.exp(follows).sum(axis=1)
    return np.where(may_go_on, np.log(np.clip(ended, 1e-12, 1)), 0.0)
