"""Continuing prompts with any language model: greedy or sampled, whole or as a stream of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hornbook.core.errors import UsageError
from hornbook.core.types import Ids, LanguageModel, NextScores
from hornbook.decoding.choose import Chooser, Greedy, Sampler, random_stream
from hornbook.decoding.filters import Filter, RepetitionPenalty, Suppress, Temperature, TopK, TopP
from hornbook.decoding.text import TextStream

Reason = Literal["end", "stop", "length"]


@dataclass(frozen=True)
class GenerationConfig:
    """How to continue a prompt. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 keep every token."""

    max_tokens: int = 200
    samples: int = 1  # continuations of each prompt
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0  # above 1: tokens already in the text are less likely
    stop: tuple[str, ...] = ()  # the text ends before the first of these strings
    seed: int = 1
    batch_rows: int = 32  # continuations computed together; does not change the results

    def __post_init__(self) -> None:
        checks = (
            ("max-tokens", self.max_tokens, self.max_tokens >= 1, "at least 1"),
            ("samples", self.samples, self.samples >= 1, "at least 1"),
            ("temperature", self.temperature, 0 <= self.temperature < float("inf"), "0 or more"),
            ("top-k", self.top_k, self.top_k >= 0, "0 or more"),
            ("top-p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("repetition-penalty", self.repetition_penalty, 0 < self.repetition_penalty < float("inf"), "above 0"),
            ("seed", self.seed, self.seed >= 0, "0 or more"),
            ("batch-rows", self.batch_rows, self.batch_rows >= 1, "at least 1"),
        )
        for name, value, fine, expected in checks:
            if not fine:
                raise UsageError("{name} must be {expected}, not {value}", name=name, value=value, expected=expected)


@dataclass(frozen=True)
class Generation:
    """One continuation. `log_prob` is what the model itself gives the ids (`end` included), whatever the filters did."""

    prompt: int  # index of the prompt
    sample: int  # 0 .. samples - 1
    text: str  # the continuation alone, without the stop string
    ids: tuple[int, ...]  # without `end`
    log_prob: float  # natural log
    reason: Reason


@dataclass
class _Row:
    prompt: int
    sample: int
    history: list[int]
    written: TextStream
    stream: np.random.Generator
    begin: int
    log_prob: float = 0.0
    reason: Reason | None = field(default=None)

    def take(self, number: int, log_prob: float, *, end: int, max_tokens: int) -> str:
        """Accept an id; return the text that became certain."""
        self.log_prob += log_prob
        if number == end:
            self.reason = "end"
            return self.written.finish()
        self.history.append(number)
        piece = self.written.push(number)
        if not self.written.stopped and len(self.history) - self.begin < max_tokens:
            return piece
        piece += self.written.finish()
        self.reason = "stop" if self.written.stopped else "length"
        return piece

    def result(self) -> Generation:
        assert self.reason is not None
        return Generation(
            self.prompt, self.sample, self.written.text, tuple(self.history[self.begin :]), self.log_prob, self.reason
        )


def generate(model: LanguageModel[Any], prompts: Sequence[str] | Sequence[Ids], config: GenerationConfig) -> list[Generation]:
    """Continue every prompt `config.samples` times; results in prompt order, samples of a prompt side by side.

    A sampled text is a function of (seed, prompt, sample number): other prompts and `batch_rows` do not change it.
    """
    ids = encode_prompts(model, prompts)
    rows = [_row(model, ids[prompt], prompt, sample, config) for prompt in range(len(ids)) for sample in range(config.samples)]
    for first in range(0, len(rows), config.batch_rows):
        for _ in _continue(model, ids, rows[first : first + config.batch_rows], config):
            pass
    return [row.result() for row in rows]


def stream(model: LanguageModel[Any], prompt: str | Ids, config: GenerationConfig) -> Iterator[str]:
    """The text of one continuation in pieces, as it is written; no piece splits a character or holds a stop string."""
    ids = encode_prompts(model, [prompt])  # type: ignore[arg-type]
    row = _row(model, ids[0], 0, 0, config)
    yield from (piece for piece in _continue(model, ids, [row], config) if piece)


def encode_prompts(model: LanguageModel[Any], prompts: Sequence[str] | Sequence[Ids]) -> list[Ids]:
    """Prompts as arrays of ids."""
    return [model.tokenizer.encode(prompt) if isinstance(prompt, str) else np.asarray(prompt) for prompt in prompts]


def policy(model: LanguageModel[Any], config: GenerationConfig) -> tuple[list[Filter], Chooser]:
    """The filters, in the order in which they apply, and the chooser that a configuration asks for."""
    filters: list[Filter] = [Suppress.specials(model.tokenizer)]
    if config.repetition_penalty != 1:
        filters.append(RepetitionPenalty(config.repetition_penalty))
    if config.temperature == 0:
        return filters, Greedy()
    if config.temperature != 1:
        filters.append(Temperature(config.temperature))
    if config.top_k:
        filters.append(TopK(config.top_k))
    if config.top_p < 1:
        filters.append(TopP(config.top_p))
    return filters, Sampler()


def _row(model: LanguageModel[Any], ids: Ids, prompt: int, sample: int, config: GenerationConfig) -> _Row:
    history = [int(number) for number in ids]
    written = TextStream(model.tokenizer, history, config.stop)
    return _Row(prompt, sample, history, written, random_stream(config.seed, history, sample), len(history))


def _continue(model: LanguageModel[Any], prompts: list[Ids], rows: list[_Row], config: GenerationConfig) -> Iterator[str]:
    """Write all rows to their ends; yields what the first of them wrote at each step."""
    filters, choose = policy(model, config)
    end = model.tokenizer.specials["end"]
    used = sorted({row.prompt for row in rows})
    scores: NextScores
    scores, state = model.start([prompts[number] for number in used])  # each prompt is read once, however many samples
    where = [used.index(row.prompt) for row in rows]
    if where != list(range(len(used))):
        scores, state = scores[where], model.select(state, where)
    alive = list(rows)
    while True:
        filtered = scores.astype(np.float64)  # (B, V)
        for apply in filters:
            filtered = apply(filtered, [row.history for row in alive])
        chosen = choose(filtered, [row.stream for row in alive])
        kept = []
        for at, row in enumerate(alive):
            number = int(chosen[at])
            piece = row.take(number, float(scores[at, number]), end=end, max_tokens=config.max_tokens)
            if row is rows[0]:
                yield piece
            if row.reason is None:
                kept.append(at)
        if not kept:
            return
        if len(kept) < len(alive):  # finished rows cost nothing more
            state = model.select(state, kept)
            alive = [alive[at] for at in kept]
        scores, state = model.step(state, chosen[kept])
