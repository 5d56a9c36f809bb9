"""What a race found: one row a model, and what was measured on; written as report.json and read back equal."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass, field
from typing import Any

from hornbook.core.codec import from_json, plain
from hornbook.scoring.long_range import ContextCurve

Interval: typing.TypeAlias = tuple[float, float]
CurvePoint: typing.TypeAlias = tuple[float, int, float]  # training seconds, tokens seen, held-out bits per byte


@dataclass(frozen=True)
class WordMap:
    """Word vectors to look at: frequent words in the plane of most variance, and the nearest neighbours of a few."""

    words: tuple[str, ...]  # commonest first
    places: tuple[tuple[float, float], ...]  # first two principal components, one place a word
    explained: float  # share of the variance that the plane holds, 0 to 1
    neighbours: dict[str, tuple[tuple[str, float], ...]]  # word -> (neighbour, cosine), nearest first


@dataclass(frozen=True)
class RaceRow:
    """One contestant. None means not measured; `rank` is 1 for the best, None where the model has no bits per byte.

    `share_seconds` is the part of the budget the model was given, `train_seconds` what it used. `tied_with` names the
    rows that a paired test on the same text does not tell apart from this one. `behind_best` is bits per byte above the
    best row, with its paired interval. `forecast` and `actual` share keys: tokens, seconds, bits_per_byte, peak_rss_mb,
    size_mb, latency_ms, parameters, tokens_per_second. `model` is the saved folder, relative to the folder of the race.
    """

    name: str
    generation: int  # 1 word vectors, 2 statistical, 3 recurrent, 4 Transformer
    family: str  # ngram, rnn, lstm, gru, gpt, ...
    bits_per_byte: float | None = None
    bits_per_byte_ci95: Interval | None = None
    cloze_accuracy: float | None = None  # 0 to 1
    cloze_accuracy_ci95: Interval | None = None
    cloze_rank: int | None = None  # among all contestants, by paired tests on the questions that all of them answered
    masked_accuracy: float | None = None  # 0 to 1, of hidden tokens guessed from both sides
    masked_accuracy_ci95: Interval | None = None
    task_score: float | None = None
    task_score_ci95: Interval | None = None
    train_seconds: float = 0.0
    share_seconds: float | None = None
    tokens_seen: int = 0
    epochs: float | None = None
    peak_rss_mb: float | None = None
    size_mb: float | None = None
    latency_ms: float | None = None  # milliseconds for one more token of one text
    parameters: int | None = None
    model: str | None = None
    rank: int | None = None
    tied_with: tuple[str, ...] = ()
    behind_best: float | None = None
    behind_best_ci95: Interval | None = None
    forecast: dict[str, float] = field(default_factory=dict)
    actual: dict[str, float] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    masked_curve: tuple[CurvePoint, ...] = ()  # the same with masked accuracy in place of bits per byte
    samples: tuple[str, ...] = ()
    shape: str = ""  # a few words: "4 layers, width 256, context 256"
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    word_map: WordMap | None = None  # of word vectors
    context: ContextCurve | None = None  # of language models: the loss with ever more of what stands before, in nats a token
    too_small_to_judge: bool = False  # the share of the budget was too small for this family to show what it can do


@dataclass(frozen=True)
class SplitSummary:
    """One split of the corpus."""

    documents: int
    bytes: int  # raw UTF-8 of the original text
    tokens: int | None = None


@dataclass(frozen=True)
class CorpusSummary:
    """The text raced on. `facts` are further lines for the reader: name -> value as printed."""

    name: str
    splits: dict[str, SplitSummary] = field(default_factory=dict)  # train, valid, test
    language: str | None = None  # BCP 47 tag ("en", "zh"), for fonts and the lang attribute
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenizerSummary:
    """The tokenizer that every contestant shares."""

    kind: str
    size: int
    bytes_per_token: float | None = None
    fertility: float | None = None  # tokens a word
    unknown_rate: float | None = None  # 0 to 1
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MachineSummary:
    """The machine that ran the race."""

    cpu: str = ""
    cores: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    device: str = "cpu"
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RaceResult:
    """A whole race; `rows` come best first. `best` maps quality, small, cheap to names of rows.

    `interval_unit` says what the bootstrap resamples ("documents" or "blocks of paragraphs") and `interval_units` how many
    there are. `prompts` are the beginnings that every model continued in its `samples`.
    """

    corpus: CorpusSummary
    machine: MachineSummary
    tokenizer: TokenizerSummary
    budget_seconds: float
    seconds: float
    rows: tuple[RaceRow, ...]
    best: dict[str, str] = field(default_factory=dict)
    stage_seconds: dict[str, float] = field(default_factory=dict)
    interval_unit: str = "documents"
    interval_units: int | None = None
    prompts: tuple[str, ...] = ()
    command: str = ""  # how to run the same race again
    folder: str = ""  # where the race was written, as the user named it: "runs/demo"; `model` of a row lies below it
    settings: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    seed: int = 1
    alarms: tuple[str, ...] = ()
    task: str | None = None  # what task_score measures ("news topics, macro F1"); None without labels

    def row(self, name: str) -> RaceRow:
        """The row of that name; KeyError where there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for one line of `--json`; a number that is not finite becomes None."""
        table: dict[str, Any] = plain(self)
        return {"budget_seconds": self.budget_seconds, "seconds": self.seconds} | table

    def to_json(self) -> str:
        """The text of report.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "report.json") -> RaceResult:
        """Read report.json back; ContentError names the file and the key that does not fit."""
        return from_json(text, cls, where=where)
