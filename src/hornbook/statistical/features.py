"""Texts as sparse vectors: hashed n-grams of words and of characters, weighted by tf-idf. One pass, no vocabulary of strings.

Words are runs of letters and digits, and runs of marks between blanks ("!!"). Character n-grams stay inside what stands between
two blanks, and see the blanks. In scripts written without spaces (Chinese, Japanese, Thai, ...) a run of characters has
character n-grams only, which count as words do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError

_CHARACTERS_PER_BLOCK = 1 << 20
_CODE_POINTS = 0x110000
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x303F),  # Han radicals, marks
    (0x3040, 0x31FF),  # Kana, Bopomofo
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),  # full-width forms
    (0x20000, 0x323AF),
)
_TERMS = ("count", "binary", "log")


@dataclass(frozen=True)
class FeatureConfig:
    """Which n-grams, how many buckets, which weights.

    words, characters, unspaced: the longest n-gram of words, of characters between blanks, of characters in scripts without
        spaces; 0 for none.
    bits: 2^bits buckets.
    term: a count c weighs c, 1 or 1 + log c.
    idf: times log((1 + n) / (1 + df)) + 1 of the training texts (Salton and Buckley 1988, smoothed as scikit-learn does).
    norm: 'l2' scales words to length 1, characters inside words to `character_weight`, and the whole to 1.
    """

    words: int = 2
    characters: int = 5
    unspaced: int = 3
    bits: int = 22
    lowercase: bool = True
    term: Literal["count", "binary", "log"] = "log"
    idf: bool = True
    norm: Literal["l2", "none"] = "l2"
    character_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("words", "characters", "unspaced"):
            if not 0 <= getattr(self, name) <= 8:
                raise UsageError("features.{name} = {value}: choose 0 to 8", name=name, value=getattr(self, name))
        if not self.words + self.characters:
            raise UsageError("features.words and features.characters are both 0: keep one of them")
        if not 0 < self.character_weight <= 100:
            raise UsageError("{name} = {value}: choose a number above 0", name="character_weight", value=self.character_weight)
        if not 8 <= self.bits <= 26:
            raise UsageError("features.bits = {bits}: choose 8 to 26", bits=self.bits)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """n sparse vectors of `width` numbers: those of row i are values[starts[i]:starts[i + 1]], in the columns beside them."""

    starts: NDArray[np.int64]  # (n + 1,)
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return self.starts.size - 1

    def select(self, rows: NDArray[np.int64]) -> SparseRows:
        """A copy of the given rows in their order."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return SparseRows(starts, self.columns[places], self.values[places], self.width)


class HashedFeatures:
    """Learns which buckets the training texts fill and what each weighs; n-grams in other buckets are passed over.

    Learned: `buckets_` (F,) int32, rising: the bucket of each column; `idf_` (F,) float32.
    """

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.config = config or FeatureConfig()
        self.buckets_: NDArray[np.int32] = np.zeros(0, np.int32)
        self.idf_: NDArray[np.float32] = np.zeros(0, np.float32)
        self._columns_of: NDArray[np.int32] | None = None

    @property
    def width(self) -> int:
        """F, the number of columns."""
        return self.buckets_.size

    @classmethod
    def restored(cls, config: FeatureConfig, buckets: NDArray[np.int32], idf: NDArray[np.float32]) -> Self:
        """The features that learned these arrays."""
        features = cls(config)
        features.buckets_, features.idf_ = buckets, idf
        return features

    def fit_transform(self, texts: Sequence[str]) -> SparseRows:
        """Learn from the texts and give their vectors. TypeError names the index of what is not a str."""
        rows, buckets, counts = self._scan(texts)
        frequency = np.bincount(buckets, minlength=1 << self.config.bits)
        self.buckets_ = np.flatnonzero(frequency).astype(np.int32)
        self._columns_of = None
        if self.config.idf:
            self.idf_ = (np.log((1 + len(texts)) / (1 + frequency[self.buckets_])) + 1).astype(np.float32)
        else:
            self.idf_ = np.ones(self.buckets_.size, np.float32)
        return self._weigh(rows, buckets, counts)

    def transform(self, texts: Sequence[str]) -> SparseRows:
        """The vectors of texts; one without known n-grams is empty. TypeError names the index of what is not a str."""
        return self._weigh(*self._scan(texts))

    def _scan(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Row ends, buckets and counts of all texts."""
        from hornbook.statistical.feature_kernels import most_ngrams, scan

        config = self.config
        sizes = (config.words, config.characters, config.unspaced)
        rows = [np.zeros(1, np.int64)]
        buckets, counts = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
        for codes, ends in _blocks(texts, lowercase=config.lowercase):
            room = most_ngrams(codes.size, *sizes)
            block_rows = np.zeros(ends.size + 1, np.int64)
            block_buckets, block_counts = np.empty(room, np.int32), np.empty(room, np.float32)
            scan(codes, ends, classes(codes), *sizes, config.bits, block_rows, block_buckets, block_counts)
            rows.append(block_rows[1:] + rows[-1][-1])
            buckets.append(block_buckets[: block_rows[-1]].copy())
            counts.append(block_counts[: block_rows[-1]].copy())
        return np.concatenate(rows), np.concatenate(buckets), np.concatenate(counts)

    def _weigh(self, rows: NDArray[np.int64], buckets: NDArray[np.int32], counts: NDArray[np.float32]) -> SparseRows:
        from hornbook.statistical.feature_kernels import weigh

        if self._columns_of is None:
            self._columns_of = np.full(1 << self.config.bits, -1, np.int32)
            self._columns_of[self.buckets_] = np.arange(self.buckets_.size, dtype=np.int32)
        families = int(np.searchsorted(self.buckets_, 1 << (self.config.bits - 1)))
        term, weight = _TERMS.index(self.config.term), self.config.character_weight if self.config.norm == "l2" else 0.0
        weigh(rows, buckets, counts, self._columns_of, self.idf_, families, term, weight)
        return SparseRows(rows, buckets[: rows[-1]].copy(), counts[: rows[-1]].copy(), self.width)


def check_texts(texts: Sequence[str]) -> None:
    """TypeError naming the index of the first that is not a str, or saying that one str is no list of texts."""
    if isinstance(texts, str):
        raise TypeError("texts is one str: give a list of them")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {index} is {type(text).__name__}, not str")


def classes(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """(0x110000,) what each code point that occurs is to the scanner; others are 0. Looks only at those that occur."""
    from hornbook.statistical.feature_kernels import MARK, SPACE, UNSPACED, WORD

    there = np.zeros(_CODE_POINTS, dtype=np.bool_)
    there[codes] = True
    kinds = np.zeros(_CODE_POINTS, dtype=np.uint8)
    for code in np.flatnonzero(there):
        character = chr(code)
        if character.isspace() or unicodedata.category(character) == "Cc":
            kinds[code] = SPACE
        elif any(first <= code <= last for first, last in _UNSPACED):
            kinds[code] = UNSPACED
        else:
            kinds[code] = WORD if character.isalnum() or unicodedata.category(character)[0] == "M" else MARK
    return kinds


def _blocks(texts: Sequence[str], *, lowercase: bool) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
    """Code points of about a million characters of whole texts at a time, and where each text ends."""
    check_texts(texts)
    held: list[str] = []
    ends: list[int] = []
    size = 0
    for text in texts:
        folded = text.lower() if lowercase else text
        held.append(folded)
        size += len(folded)
        ends.append(size)
        if size >= _CHARACTERS_PER_BLOCK:
            yield code_points("".join(held)), np.array(ends)
            held, ends, size = [], [], 0
    if ends:
        yield code_points("".join(held)), np.array(ends)


def code_points(text: str) -> NDArray[np.uint32]:
    """(n,) the code points of a text; lone surrogates, which no file can hold, become '?'."""
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")
