"""Text with one sentence a line and words between blanks, straight from bytes to ids: training and scoring as KenLM does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.events import Event
from hornbook.embeddings.words import VocabularyConfig, read_sentences
from hornbook.statistical.ngram import NgramLM
from hornbook.statistical.ngram_config import NgramConfig
from hornbook.tokenizers.closed import closed_tokenizer


@dataclass(frozen=True, eq=False)
class LineDocuments:
    """Every line a document."""

    tokens: NDArray[np.uint32]  # (n,) ids
    starts: NDArray[np.int64]  # (lines + 1,)


def train_on_lines(path: Path, config: NgramConfig, *, log: Callable[[Event], None] = lambda event: None) -> NgramLM:
    """A model of a text file whose words are a closed vocabulary; lines without words are left out.

    Raises what `embeddings.words.read_sentences` and `NgramLM.fit` raise.
    """
    vocabulary, sentences = read_sentences(path, VocabularyConfig(min_count=1), log=log)
    tokenizer = closed_tokenizer(vocabulary.words)
    known = tokenizer.backend.get_vocab()
    numbers = np.array([known[word] for word in vocabulary.words], dtype=np.uint32)  # the text's own <unk>, <s> are not new
    in_order = np.array_equal(numbers, numbers[0] + np.arange(numbers.size))
    ids = sentences.ids + numbers[0] if in_order else numbers[sentences.ids]
    return NgramLM(tokenizer, config).fit(LineDocuments(ids, sentences.starts), log=log)


class WordTable:
    """Words to ids for whole texts at once, words of the closed vocabulary only; all others are `unknown`.

    Words are told apart by 64-bit hashes, as KenLM does it: a word outside a vocabulary of a million is taken for one inside
    once in 10^13 times.
    """

    def __init__(self, words: Sequence[str], *, unknown: int) -> None:
        encoded = [word.encode() for word in words]
        starts = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(word) for word in encoded], out=starts[1:])
        self._unknown = unknown
        self._slots = np.zeros(2 << max(2 * len(encoded), 4).bit_length(), dtype=np.uint64)  # hash, id of each slot
        _fill(np.frombuffer(b"".join(encoded) + b"\0", dtype=np.uint8), starts, self._slots)

    @classmethod
    def of(cls, model: NgramLM) -> Self:
        """The words of a model with a closed vocabulary."""
        names = model.tokenizer.tokens(range(model.tokenizer.size))  # type: ignore[attr-defined]
        return cls(names, unknown=names.index("<unk>"))

    def encode(self, text: bytes | memoryview) -> LineDocuments:
        """Every line of a text, empty ones too, as ids. A last line end ends a line and does not begin one."""
        data = np.frombuffer(text, dtype=np.uint8)
        tokens = np.empty(data.size // 2 + 1, dtype=np.uint32)
        starts = np.empty(int(np.count_nonzero(data == 10)) + 2, dtype=np.int64)
        words, lines = _encode(data, self._slots, self._unknown, tokens, starts)
        return LineDocuments(tokens[:words], starts[: lines + 1])


def score_lines(model: NgramLM, text: bytes, *, table: WordTable | None = None) -> NDArray[np.float64]:
    """(lines,) log10 of the probability of every line as a sentence, its end counted: kenlm's `score` of each.

    `table` saves making the table of words again for the next text.
    """
    totals: NDArray[np.float64] = sum_documents(*model.score_documents((table or WordTable.of(model)).encode(text)))
    return totals / math.log(10)


@njit(cache=True, nogil=True)
def sum_documents(scores: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(documents,) sums of the scores of each document; `starts`: (documents + 1,)."""
    totals = np.zeros(starts.size - 1)
    for i in range(totals.size):
        for place in range(starts[i], starts[i + 1]):
            totals[i] += scores[place]
    return totals


@njit(cache=True, nogil=True, inline="always")
def _finish(value: np.uint64) -> np.uint64:
    """Never 0, which marks a free slot."""
    return value ^ (value >> np.uint64(32)) | np.uint64(1)


@njit(cache=True, nogil=True)
def _fill(blob: NDArray[np.uint8], starts: NDArray[np.int64], slots: NDArray[np.uint64]) -> None:
    mask = np.uint64(slots.size // 2 - 1)
    for word in range(starts.size - 1):
        value = np.uint64(14695981039346656037)
        for i in range(starts[word], starts[word + 1]):
            value = (value ^ np.uint64(blob[i])) * np.uint64(1099511628211)
        value = _finish(value)
        at = (value >> np.uint64(20)) & mask
        while slots[2 * at]:
            at = (at + np.uint64(1)) & mask
        slots[2 * at] = value
        slots[2 * at + 1] = word


@njit(cache=True, nogil=True)
def _encode(
    data: NDArray[np.uint8],
    slots: NDArray[np.uint64],
    unknown: int,
    tokens: NDArray[np.uint32],
    starts: NDArray[np.int64],
) -> tuple[int, int]:
    """Fill tokens and line starts; returns how many of both."""
    mask = np.uint64(slots.size // 2 - 1)
    words = 0
    lines = 0
    starts[0] = 0
    value = np.uint64(14695981039346656037)
    inside = False
    for at in range(data.size + 1):
        byte = data[at] if at < data.size else np.uint8(32)
        if byte != 32 and not 9 <= byte <= 13:
            value = (value ^ np.uint64(byte)) * np.uint64(1099511628211)
            inside = True
            continue
        if inside:
            value = _finish(value)
            slot = (value >> np.uint64(20)) & mask
            while slots[2 * slot] != value and slots[2 * slot] != 0:
                slot = (slot + np.uint64(1)) & mask
            tokens[words] = slots[2 * slot + 1] if slots[2 * slot] else unknown
            words += 1
            value = np.uint64(14695981039346656037)
            inside = False
        if byte == 10:
            lines += 1
            starts[lines] = words
    if data.size and data[data.size - 1] != 10:
        lines += 1
        starts[lines] = words
    return words, lines
