"""Text with one sentence a line and words between blanks, straight from bytes to ids: training and scoring as KenLM does it."""

from __future__ import annotations

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
    """Words to ids for whole texts at once, words of the closed vocabulary only; all others are `unknown`."""

    def __init__(self, words: Sequence[str], *, unknown: int) -> None:
        encoded = [word.encode() for word in words]
        self._unknown = unknown
        self._blob = np.frombuffer(b"".join(encoded) + b"\0", dtype=np.uint8)
        self._starts = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(word) for word in encoded], out=self._starts[1:])
        self._hashes = np.zeros(1 << max(2 * len(encoded), 4).bit_length(), dtype=np.uint64)
        self._ids = np.full(self._hashes.size, -1, dtype=np.int32)
        _fill(self._blob, self._starts, self._hashes, self._ids)

    @classmethod
    def of(cls, model: NgramLM) -> Self:
        """The words of a model with a closed vocabulary."""
        names = model.tokenizer.tokens(range(model.tokenizer.size))  # type: ignore[attr-defined]
        return cls(names, unknown=names.index("<unk>"))

    def encode(self, text: bytes) -> LineDocuments:
        """Every line of a text, empty ones too, as ids. A last line end ends a line and does not begin one."""
        data = np.frombuffer(text, dtype=np.uint8)
        tokens = np.empty(data.size // 2 + 1, dtype=np.uint32)
        starts = np.empty(int(np.count_nonzero(data == 10)) + 2, dtype=np.int64)
        words, lines = _encode(data, self._blob, self._starts, self._hashes, self._ids, self._unknown, tokens, starts)
        return LineDocuments(tokens[:words], starts[: lines + 1])


def score_lines(model: NgramLM, text: bytes, *, table: WordTable | None = None) -> NDArray[np.float64]:
    """(lines,) log10 of the probability of every line as a sentence, its end counted: kenlm's `score` of each.

    `table` saves making the table of words again for the next text.
    """
    documents = (table or WordTable.of(model)).encode(text)
    if documents.starts.size == 1:
        return np.zeros(0)
    scores, starts = model.score_documents(documents)
    totals: NDArray[np.float64] = np.add.reduceat(scores, starts[:-1], dtype=np.float64) / np.log(10)
    return totals


@njit(cache=True, nogil=True)
def _hash(data: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    value = np.uint64(14695981039346656037)
    for i in range(begin, end):
        value = (value ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return value ^ (value >> np.uint64(32)) | np.uint64(1)


@njit(cache=True, nogil=True)
def _fill(blob: NDArray[np.uint8], starts: NDArray[np.int64], hashes: NDArray[np.uint64], ids: NDArray[np.int32]) -> None:
    mask = np.uint64(hashes.size - 1)
    for word in range(starts.size - 1):
        value = _hash(blob, starts[word], starts[word + 1])
        at = value >> np.uint64(20) & mask
        while ids[at] >= 0:
            at = (at + np.uint64(1)) & mask
        hashes[at] = value
        ids[at] = word


@njit(cache=True, nogil=True)
def _encode(
    data: NDArray[np.uint8],
    blob: NDArray[np.uint8],
    word_starts: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    ids: NDArray[np.int32],
    unknown: int,
    tokens: NDArray[np.uint32],
    starts: NDArray[np.int64],
) -> tuple[int, int]:
    """Fill tokens and line starts; returns how many of both. Hashes are compared first, then the bytes of the word."""
    mask = np.uint64(hashes.size - 1)
    words = 0
    lines = 0
    starts[0] = 0
    at = 0
    while at < data.size:
        byte = data[at]
        if byte == 10:
            lines += 1
            starts[lines] = words
            at += 1
            continue
        if byte == 32 or 9 <= byte <= 13:
            at += 1
            continue
        begin = at
        value = np.uint64(14695981039346656037)
        while at < data.size and data[at] != 32 and not 9 <= data[at] <= 13:
            value = (value ^ np.uint64(data[at])) * np.uint64(1099511628211)
            at += 1
        value = value ^ (value >> np.uint64(32)) | np.uint64(1)
        slot = value >> np.uint64(20) & mask
        found = unknown
        while ids[slot] >= 0:
            if hashes[slot] == value:
                low = word_starts[ids[slot]]
                length = word_starts[ids[slot] + 1] - low
                if length == at - begin:
                    i = 0
                    while i < length and blob[low + i] == data[begin + i]:
                        i += 1
                    if i == length:
                        found = ids[slot]
                        break
            slot = (slot + np.uint64(1)) & mask
        tokens[words] = found
        words += 1
    if data.size and data[data.size - 1] != 10:
        lines += 1
        starts[lines] = words
    return words, lines
