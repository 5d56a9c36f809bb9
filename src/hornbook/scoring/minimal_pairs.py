"""Minimal pairs: of two sentences that differ in one point of grammar, does the model prefer the right one?

BLiMP (Warstadt et al. 2020) and SLING (Song et al. 2022) have a thousand such pairs for each of their paradigms; the figure is
the mean over paradigms. A tie counts half, so that chance is 50 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Ids, LanguageModel, MaskedModel
from hornbook.scoring.pieces import Pieces
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio

Judge: TypeAlias = Callable[[Sequence[str]], NDArray[np.float64]]
"""(n,) natural logs of sentences, the larger the better."""

_TIE = 1e-6  # nats: the same words in another order add up to the same number, up to rounding
_SENTENCES = 8_192  # scored at one time
_ROWS = 256  # whose scores of a whole vocabulary exist at one time
_RESAMPLES = 1_000


@dataclass(frozen=True)
class MinimalPair:
    """A sentence that is right, one that is not, and what kind of difference it is."""

    good: str
    bad: str
    paradigm: str = "pairs"
    field: str = ""


@dataclass(frozen=True)
class Share:
    """Right answers among pairs, 0 to 1."""

    accuracy: float
    ci95: Interval
    pairs: int


@dataclass(frozen=True, eq=False)
class PairScore:
    """`overall` is the mean over paradigms, the official figure; `right` follows the pairs: 1, 0, or 1/2 for a tie."""

    overall: Share
    paradigms: dict[str, Share]
    fields: dict[str, Share]  # means over their paradigms
    right: NDArray[np.float64]
    ties: int
    seconds: float


def minimal_pair_accuracy(judge: Judge, pairs: Sequence[MinimalPair], *, seed: int = 1) -> PairScore:
    """Ask a judge; every sentence is scored once. Intervals: pairs drawn anew, of all paradigms. ContentError without pairs."""
    if not pairs:
        raise ContentError("there are no minimal pairs to judge")
    began = time.perf_counter()
    sentences = list(dict.fromkeys(text for pair in pairs for text in (pair.good, pair.bad)))
    sentences.sort(key=len)  # alike in length side by side: little padding
    scores: dict[str, float] = {}
    for first in range(0, len(sentences), _SENTENCES):
        part = sentences[first : first + _SENTENCES]
        scores |= dict(zip(part, judge(part).tolist(), strict=True))
    gaps = np.array([scores[pair.good] - scores[pair.bad] for pair in pairs])
    if np.isnan(gaps).any():
        raise ContentError("the model gives sentences of minimal pairs no number")
    right = np.where(np.abs(gaps) < _TIE, 0.5, (gaps > 0).astype(np.float64))
    seconds = time.perf_counter() - began
    names = np.array([pair.paradigm for pair in pairs])
    paradigms = {name: _share(right[names == name], names[names == name], seed) for name in dict.fromkeys(names.tolist())}
    fields = np.array([pair.field for pair in pairs])
    known = [name for name in dict.fromkeys(fields.tolist()) if name]
    by_field = {name: _share(right[fields == name], names[fields == name], seed) for name in known}
    return PairScore(_share(right, names, seed), paradigms, by_field, right, int((right == 0.5).sum()), seconds)


def sample_pairs(pairs: Sequence[MinimalPair], per_paradigm: int, *, seed: int = 1) -> list[MinimalPair]:
    """At most so many pairs of each paradigm, drawn at random, in their order; 0 is all."""
    if not per_paradigm:
        return list(pairs)
    kept: list[int] = []
    members: dict[str, list[int]] = {}
    for index, pair in enumerate(pairs):
        members.setdefault(pair.paradigm, []).append(index)
    for number, indices in enumerate(members.values()):
        generator = np.random.default_rng([seed, number])
        kept += sorted(generator.permutation(indices)[:per_paradigm].tolist())
    return [pairs[index] for index in kept]


def sentence_judge(model: LanguageModel[Any], *, per_byte: bool = False) -> Judge:
    """log P of the whole sentence, its `end` left out: a text of training rarely ends behind its first sentence.

    `per_byte` divides by the UTF-8 bytes of the sentence, for pairs of unequal length.
    """

    def judge(sentences: Sequence[str]) -> NDArray[np.float64]:
        scores = model.log_probs(model.tokenizer.encode_batch(sentences))
        totals = np.array([row[:-1].sum(dtype=np.float64) for row in scores])
        return totals / np.array([max(1, len(one.encode())) for one in sentences]) if per_byte else totals

    return judge


def pseudo_judge(model: MaskedModel) -> Judge:
    """Pseudo-log-likelihood: the sum of log P(token | all others), one hidden at a time (Salazar et al. 2020, equation 1)."""

    def judge(sentences: Sequence[str]) -> NDArray[np.float64]:
        scores = model.pseudo_log_probs(model.tokenizer.encode_batch(sentences))
        return np.array([row.sum(dtype=np.float64) for row in scores])

    return judge


def word_judge(model: MaskedModel) -> Judge:
    """Pseudo-log-likelihood with the later tokens of a word hidden too (PLL-word-l2r of Kauf and Ivanova 2023, section 3).

    With plain PLL the pieces of a rare word give each other away. UsageError when the tokenizer has no mask.
    """
    if "mask" not in model.tokenizer.specials:
        raise UsageError("the tokenizer of this model has no mask token: gaps cannot be filled")
    pieces, mask = Pieces(model.tokenizer), model.tokenizer.specials["mask"]

    def judge(sentences: Sequence[str]) -> NDArray[np.float64]:
        documents = [np.asarray(ids, np.int64) for ids in model.tokenizer.encode_batch(sentences)]
        scores = [row.astype(np.float64) for row in model.pseudo_log_probs(documents)]
        broken: list[tuple[int, int, Ids]] = []  # tokens with more of their word behind them
        for number, ids in enumerate(documents):
            words = pieces.word_of(ids)
            for place in np.flatnonzero(words[1:] == words[:-1]).tolist():
                hidden = ids.copy()
                hidden[place:][words[place:] == words[place]] = mask
                broken.append((number, place, hidden))
        for first in range(0, len(broken), _ROWS):
            part = broken[first : first + _ROWS]
            found = model.masked_log_probs([ids for _, _, ids in part], [place for _, place, _ in part])  # (n, V)
            for (number, place, _), row in zip(part, found):
                scores[number][place] = row[int(documents[number][place])]
        return np.array([row.sum() for row in scores])

    return judge


def _share(right: NDArray[np.float64], paradigms: NDArray[Any], seed: int) -> Share:
    """The mean over paradigms, whose pairs weigh the less the more of them there are."""
    _, of_each, counts = np.unique(paradigms, return_inverse=True, return_counts=True)
    weights = 1 / counts[of_each]
    units = Units(right * weights, weights)
    return Share(units.ratio, bootstrap_ratio(units, resamples=_RESAMPLES, seed=seed), len(right))
