"""Beam search over any language model, batched over prompts; the order of the results is a passed rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.types import Ids, LanguageModel
from hornbook.decoding.filters import Suppress
from hornbook.decoding.generate import encode_prompts
from hornbook.decoding.text import TextStream


class Ranker(Protocol):
    """The value of a hypothesis: larger is better."""

    def __call__(self, log_prob: float, length: int) -> float:
        """Value of `length` tokens (`end` counted) of this natural log-probability."""
        ...

    def bound(self, log_prob: float, length: int, longest: int) -> float:
        """The largest value that a hypothesis can still reach when it grows from `length` to at most `longest` tokens."""
        ...


@dataclass(frozen=True)
class LengthNormalised:
    """log P / length ** alpha: 0 is the plain probability (which prefers short texts), 1 the mean per token."""

    alpha: float = 1.0

    def __call__(self, log_prob: float, length: int) -> float:
        """See the class."""
        return log_prob / float(max(1, length) ** self.alpha)

    def bound(self, log_prob: float, length: int, longest: int) -> float:
        """As if every token to come had probability 1; log P is at most 0, so the best length is an end of the range."""
        return max(self(log_prob, length + 1), self(log_prob, longest))


@dataclass(frozen=True)
class BeamConfig:
    """How to search. `results` hypotheses are returned for each prompt, best first."""

    beams: int = 5
    results: int = 1
    max_tokens: int = 200
    length_penalty: float = 1.0  # alpha of LengthNormalised
    stop: tuple[str, ...] = ()  # the text of a result is cut before the first of these

    def __post_init__(self) -> None:
        for name, value in (("beams", self.beams), ("results", self.results), ("max-tokens", self.max_tokens)):
            if value < 1:
                raise UsageError("{name} must be {expected}, not {value}", name=name, value=value, expected="at least 1")
        if self.results > self.beams:
            raise UsageError(
                "{results} results need at least {results} beams, not {beams}", results=self.results, beams=self.beams
            )


@dataclass(frozen=True)
class Beam:
    """One hypothesis. `score` is the ranker's value, `log_prob` the natural log-probability (`end` counted if reached)."""

    text: str
    ids: tuple[int, ...]  # without `end`
    log_prob: float
    score: float
    reason: Literal["end", "length"]


@dataclass
class _Search:
    """One prompt: its open hypotheses (rows of the state, in order) and the finished ones."""

    prompt: list[int]
    open: list[tuple[float, tuple[int, ...]]]  # (log probability, ids)
    finished: list[tuple[float, float, tuple[int, ...], Literal["end", "length"]]] = field(default_factory=list)

    def extend(self, scores: NDArray[np.float64], end: int, rank: Ranker, config: BeamConfig) -> list[tuple[int, int]]:
        """Grow every open hypothesis by the best next ids; returns (row of this search, id) of those that stay open.

        Of the 2 x beams best extensions at most `beams` are `end`, so `beams` of them can go on.
        """
        total = scores + np.array([log_prob for log_prob, _ in self.open])[:, None]  # (K, V)
        flat = total.ravel()
        count = min(2 * config.beams, flat.size)
        best = np.argpartition(-flat, count - 1)[:count] if count < flat.size else np.arange(flat.size)
        best = best[np.lexsort((best, -flat[best]))]
        kept: list[tuple[int, int]] = []
        grown: list[tuple[float, tuple[int, ...]]] = []
        for place in best:
            row, number = divmod(int(place), scores.shape[1])
            log_prob, ids = float(flat[place]), self.open[row][1]
            if log_prob == -np.inf:
                break
            if number == end:
                self.finished.append((rank(log_prob, len(ids) + 1), log_prob, ids, "end"))
            elif len(grown) < config.beams:
                grown.append((log_prob, (*ids, number)))
                kept.append((row, number))
        self.open = grown
        self.finished = sorted(self.finished, key=lambda item: -item[0])[: config.beams]
        return [] if self._settled(rank, config) else kept

    def _settled(self, rank: Ranker, config: BeamConfig) -> bool:
        """Whether nothing open can still enter the results; at the last token the open ones are finished as they are."""
        if not self.open:
            return True
        length = len(self.open[0][1])
        if length >= config.max_tokens:
            self.finished += [(rank(log_prob, length), log_prob, ids, "length") for log_prob, ids in self.open]
            self.finished = sorted(self.finished, key=lambda item: -item[0])[: config.beams]
            return True
        hope = max(rank.bound(log_prob, length, config.max_tokens) for log_prob, _ in self.open)
        return len(self.finished) >= config.results and hope <= self.finished[config.results - 1][0]


def beam_search(
    model: LanguageModel[Any],
    prompts: Sequence[str] | Sequence[Ids],
    config: BeamConfig,
    *,
    ranker: Ranker | None = None,
) -> list[list[Beam]]:
    """The best continuations of every prompt, best first; all prompts are searched together.

    A hypothesis ends with `end` or at `max_tokens`. The search of a prompt stops when no open hypothesis can still enter
    its results, so with enough beams the result is the exact best. Special tokens other than `end` are never written.
    """
    rank = ranker or LengthNormalised(config.length_penalty)
    end = model.tokenizer.specials["end"]
    suppress = Suppress.specials(model.tokenizer)
    prefixes = encode_prompts(model, prompts)
    searches = [_Search([int(number) for number in prefix], [(0.0, ())]) for prefix in prefixes]
    if not searches:
        return []
    scores, state = model.start(prefixes)
    alive = searches
    while True:
        allowed = suppress(scores.astype(np.float64), [])  # (rows of all searches, V)
        first, rows, ids, going = 0, [], [], []
        for search in alive:
            size = len(search.open)
            kept = search.extend(allowed[first : first + size], end, rank, config)
            rows += [first + row for row, _ in kept]
            ids += [number for _, number in kept]
            going += [search] if kept else []
            first += size
        if not going:
            break
        alive = going
        scores, state = model.step(model.select(state, rows), np.array(ids))
    return [_results(model, search, config) for search in searches]


def _results(model: LanguageModel[Any], search: _Search, config: BeamConfig) -> list[Beam]:
    results = []
    for score, log_prob, ids, reason in search.finished[: config.results]:
        text = TextStream(model.tokenizer, search.prompt, config.stop)
        for number in ids:
            text.push(number)
        text.finish()
        results.append(Beam(text.text, ids, log_prob, score, reason))
    return results
