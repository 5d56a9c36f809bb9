"""Bits per byte and perplexity of a language model on held-out documents, with intervals."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, translate
from hornbook.core.types import Ids, LanguageModel, Tokenizer, TokenScores
from hornbook.scoring.blocks import Blocks, paragraph_blocks, token_blocks
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio

FEW_DOCUMENTS = 30  # below this, blocks of the documents are resampled in their place
_BLOCKS = 100  # wanted
_BLOCK_BYTES = 2_048  # at least
_ARRAYS = ("unit_nats", "unit_bytes", "unit_tokens")


class HeldOut(Protocol):
    """Documents as ids and how many bytes the original text of each had; `corpus.shards.ShardSplit` is one."""

    @property
    def raw_bytes(self) -> NDArray[np.int64]:
        """(documents,) UTF-8 bytes."""
        ...

    def __len__(self) -> int: ...

    def document(self, index: int) -> Ids:
        """The ids of one document, no specials among them."""
        ...


@dataclass(frozen=True, eq=False)
class LanguageScore:
    """What a language model costs a text. `bits_per_byte` is None where bytes mean nothing; `notes` says why.

    The arrays have one entry a unit of the bootstrap: a document, or a block where documents are few (`unit_kind`).
    """

    bits_per_byte: float | None
    bits_per_byte_ci95: Interval | None
    perplexity: float  # per token, `end` counted
    perplexity_ci95: Interval
    tokens: int  # `end` of each document counted
    bytes: int  # raw UTF-8 of the original text
    documents: int
    unit_kind: str  # "documents", "blocks of paragraphs" or "blocks of N tokens"
    unit_nats: NDArray[np.float64]
    unit_bytes: NDArray[np.float64]
    unit_tokens: NDArray[np.float64]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> Units:
        """Bits and bytes of each unit, for paired tests; nats and tokens where bits per byte is not reported."""
        if self.bits_per_byte is None:
            return Units(self.unit_nats, self.unit_tokens)
        return Units(self.unit_nats / math.log(2), self.unit_bytes)

    def facts(self) -> dict[str, Any]:
        """What `hornbook train --json` says of it."""
        return {
            "bits_per_byte": self.bits_per_byte,
            "bits_per_byte_ci95": self.bits_per_byte_ci95,
            "perplexity": self.perplexity,
            "nats_per_token": math.log(self.perplexity),
            "held_out_tokens": self.tokens,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        table = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return table | {name: table[name].tolist() for name in _ARRAYS} | {"notes": list(self.notes)}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> LanguageScore:
        """A score from the values that `to_dict` gave."""
        values = dict(table) | {name: np.array(table[name], np.float64) for name in _ARRAYS} | {"notes": tuple(table["notes"])}
        for name in ("bits_per_byte_ci95", "perplexity_ci95"):
            values[name] = None if table[name] is None else tuple(table[name])
        return cls(**values)


def bits_per_byte(
    model: LanguageModel[Any],
    split: HeldOut,
    *,
    documents: int | None = None,
    group_tokens: int = 65_536,
    resamples: int = 2_000,
    seed: int = 1,
) -> LanguageScore:
    """Score a split (or its first `documents`): -sum of log2 P over the raw bytes of the original text.

    Every document is scored from a fresh state and pays for its `end`. Documents pass through in groups of about
    `group_tokens` tokens, so memory does not grow with the split. ContentError when there is nothing to score or the model
    gives a text probability 0.
    """
    count = len(split) if documents is None else min(documents, len(split))
    raw_bytes = np.asarray(split.raw_bytes[:count], np.int64)
    if not count or not raw_bytes.sum():
        raise ContentError("the held-out split is empty: nothing to score")
    began = time.perf_counter()
    cutter = _Cutter(model, raw_bytes) if count < FEW_DOCUMENTS else None
    whole: list[tuple[float, float, float]] = []  # nats, bytes, tokens of each document
    unknown, unknown_id = 0, model.tokenizer.specials.get("unknown", -1)
    for index, ids, scores in _scored(model, split, count, group_tokens):
        nats = -scores.astype(np.float64)
        if not np.isfinite(nats).all():
            raise ContentError("document {index} has probability 0 or not a number under the model", index=index + 1)
        whole.append((float(nats.sum()), float(raw_bytes[index]), float(len(nats))))
        unknown += int(np.count_nonzero(np.asarray(ids) == unknown_id))
        if cutter:
            cutter.add(ids, nats, int(raw_bytes[index]))
    seconds = time.perf_counter() - began
    table, kind = np.array(whole), "documents"
    notes: list[str] = []
    if cutter and (cut := cutter.result()) and len(cut[0]) > count:
        table, kind, notes = cut
    if reason := _no_bytes(model.tokenizer, unknown):
        notes.append(reason)
    elif not getattr(model.tokenizer, "lossless", True):
        notes.append(translate("the tokenizer does not keep the text exactly: what it drops costs nothing here"))
    return _score(table, count, kind, seconds, tuple(notes), resamples, seed, bytes_count=not reason)


def _score(
    table: NDArray[np.float64],
    documents: int,
    kind: str,
    seconds: float,
    notes: tuple[str, ...],
    resamples: int,
    seed: int,
    *,
    bytes_count: bool,
) -> LanguageScore:
    nats, size, tokens = table.T.copy()  # (units,) each
    per_byte = Units(nats / math.log(2), size)
    per_token = Units(nats, tokens)
    low, high = bootstrap_ratio(per_token, resamples=resamples, seed=seed)
    return LanguageScore(
        bits_per_byte=per_byte.ratio if bytes_count else None,
        bits_per_byte_ci95=bootstrap_ratio(per_byte, resamples=resamples, seed=seed) if bytes_count else None,
        perplexity=_exp(per_token.ratio),
        perplexity_ci95=(_exp(low), _exp(high)),
        tokens=int(tokens.sum()),
        bytes=round(size.sum()),
        documents=documents,
        unit_kind=kind,
        unit_nats=nats,
        unit_bytes=size,
        unit_tokens=tokens,
        seconds=seconds,
        notes=notes,
    )


def _scored(model: LanguageModel[Any], split: HeldOut, count: int, group_tokens: int) -> Iterator[tuple[int, Ids, TokenScores]]:
    """(index, ids, scores) of every document, in order."""
    group: list[Ids] = []
    held = 0
    for index in range(count):
        group.append(split.document(index))
        held += len(group[-1]) + 1
        if held >= group_tokens or index == count - 1:
            scores = model.log_probs(group)
            first = index + 1 - len(group)
            for offset, (ids, values) in enumerate(zip(group, scores, strict=True)):
                if len(values) != len(ids) + 1:
                    raise ValueError(f"{len(values)} scores for {len(ids)} tokens and their end")
                yield first + offset, ids, values
            group, held = [], 0


class _Cutter:
    """Collects blocks of few documents: of paragraphs, and of tokens in case there are too few paragraphs."""

    def __init__(self, model: LanguageModel[Any], raw_bytes: NDArray[np.int64]) -> None:
        self._tokenizer = model.tokenizer
        self._target = max(_BLOCK_BYTES, int(raw_bytes.sum()) // _BLOCKS)
        self._paragraphs: list[NDArray[np.float64]] | None = []
        self._tokens: list[NDArray[np.float64]] = []
        self._length: int | None = None
        self._inexact = False

    def add(self, ids: Ids, nats: NDArray[np.float64], raw_bytes: int) -> None:
        """Cut one document."""
        if self._length is None and len(ids):  # tokens that hold about the wanted bytes, by the first document
            self._length = max(1, round(self._target * len(ids) / max(1, raw_bytes)))
        if self._paragraphs is not None:
            blocks = paragraph_blocks(self._tokenizer, ids, raw_bytes, target=self._target)
            if blocks is None:
                self._paragraphs = None
            else:
                self._inexact |= blocks.decoded != raw_bytes
                self._paragraphs.append(_columns(blocks, nats))
        by_tokens = token_blocks(self._tokenizer, ids, raw_bytes, length=self._length or 1)
        self._tokens.append(_columns(by_tokens, nats))

    def result(self) -> tuple[NDArray[np.float64], str, list[str]] | None:
        """(blocks, 3) nats, bytes and tokens; the name of the unit; remarks."""
        by_tokens = np.concatenate(self._tokens)
        by_lines = np.concatenate(self._paragraphs) if self._paragraphs else None
        if by_lines is not None and (len(by_lines) >= FEW_DOCUMENTS or len(by_lines) >= len(by_tokens)):
            note = "bytes of each block scaled: decoded tokens do not give back the original bytes"
            return by_lines, "blocks of paragraphs", [translate(note)] if self._inexact else []
        return by_tokens, f"blocks of {self._length} tokens", []


def _columns(blocks: Blocks, nats: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([blocks.sums(nats), blocks.bytes, blocks.sums(np.ones_like(nats))], axis=1)


def _no_bytes(tokenizer: Tokenizer, unknown: int) -> str:
    """Why bits per byte would mislead, '' when it does not."""
    if getattr(tokenizer, "kind", "") == "words-closed":
        return translate("closed vocabulary: unknown words do not pay for their spelling, so bits per byte is not reported")
    if unknown:
        template = "{count} unknown tokens do not pay for their spelling, so bits per byte is not reported"
        return translate(template).format(count=unknown)
    return ""


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf if value == value else math.nan


def same_units(scores: Sequence[LanguageScore]) -> bool:
    """Whether scores are over the same units, so that paired tests between them are possible."""
    first = scores[0].units.weights
    return all(len(score.units) == len(first) and np.allclose(score.units.weights, first) for score in scores)
