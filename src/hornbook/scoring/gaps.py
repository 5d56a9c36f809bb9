"""Texts with gaps, and what fills them: shared by models that read from left to right and models that guess hidden tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hornbook.core.errors import UsageError
from hornbook.core.types import Tokenizer

OPEN = 8  # ways to fill the gaps so far that are kept while the next gap is filled
_SPELLINGS = ("[MASK]", "<mask>")
_UNDERLINED = "_{3,}"


@dataclass(frozen=True)
class Word:
    """A word for one gap; with several gaps its probability is the sum over the fillings that have it."""

    word: str
    probability: float


@dataclass(frozen=True)
class Filling:
    """One word for every gap, in order, and the text with them."""

    words: tuple[str, ...]
    text: str
    probability: float


@dataclass(frozen=True)
class Filled:
    """What may stand in the gaps of a text. `rule` says in one line what the probabilities are, `candidates` of how many."""

    text: str
    gaps: tuple[tuple[Word, ...], ...]  # the likeliest words of each gap
    fillings: tuple[Filling, ...]  # the likeliest words of all gaps together
    candidates: int
    rule: str


@dataclass(frozen=True)
class Hypothesis:
    """Words for the first gaps, and a natural logarithm that tells which are better."""

    words: tuple[str, ...]
    score: float


def cut_at_gaps(text: str, tokenizer: Tokenizer) -> list[str]:
    """The text around its gaps: one part more than there are gaps. A gap is [MASK], <mask>, ___ or the tokenizer's own mask.

    UsageError when there is none, and when nothing but gaps is there.
    """
    own = (
        tokenizer.tokens([tokenizer.specials["mask"]]) if "mask" in tokenizer.specials and hasattr(tokenizer, "tokens") else []
    )
    spellings = [re.escape(one) for one in (*_SPELLINGS, *own) if one]
    parts = re.split("|".join([*spellings, _UNDERLINED]), text)
    if len(parts) == 1:
        raise UsageError("there is no gap in '{text}': write [MASK], <mask> or ___ where a word is missing", text=_short(text))
    return parts


def joined(parts: Sequence[str], words: Sequence[str]) -> str:
    """The text up to the part behind the last of `words`."""
    return parts[0] + "".join(word + part for word, part in zip(words, parts[1:]))


def best(hypotheses: Sequence[Hypothesis], count: int) -> list[Hypothesis]:
    """The `count` of the highest score, best first; of equals the first."""
    return sorted(hypotheses, key=lambda one: -one.score)[:count]


def result(parts: Sequence[str], hypotheses: Sequence[Hypothesis], *, text: str, top: int, rule: str, share: bool) -> Filled:
    """Probabilities from scores: with `share` they sum to 1 over the hypotheses, else they are what the scores say."""
    scores = np.array([one.score for one in hypotheses], np.float64)
    chances = np.exp(scores - scores.max()) if share else np.exp(scores)
    chances = chances / chances.sum() if share else chances
    order = np.argsort(-chances, kind="stable")
    fillings = [Filling(hypotheses[i].words, joined(parts, hypotheses[i].words), float(chances[i])) for i in order[:top]]
    gaps = []
    for gap in range(len(parts) - 1):
        sums: dict[str, float] = {}
        for one, chance in zip(hypotheses, chances):
            sums[one.words[gap]] = sums.get(one.words[gap], 0.0) + float(chance)
        gaps.append(tuple(Word(*pair) for pair in sorted(sums.items(), key=lambda pair: -pair[1])[:top]))
    return Filled(text, tuple(gaps), tuple(fillings), len(hypotheses), rule)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
