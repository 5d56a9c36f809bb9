"""MinHash: which texts overlap, from 256 bytes a text. Imports numba; import it lazily.

A text is the set of its 5-grams, over words where words are spaced and over characters where they are not (Chinese,
Japanese, Thai ...), after NFKC and case folding, punctuation ignored. The share of equal entries in two signatures
estimates the Jaccard overlap of two sets with standard error sqrt(J (1 - J) / permutations), 0.035 at J = 0.8 with 128
(Broder 1997, section 3). Signatures are built by fast similarity sketching (Dahlgaard, Knudsen, Thorup 2017, section 2):
one hash a 5-gram for long texts where 128 permutations would need 128, and the same variance.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.corpus.batch_kernels import derive_key, mix

SLICE = 1 << 20
"""Characters sketched at once; the few 5-grams across the seams of longer texts are left out."""

_EMPTY = np.uint64(2**64 - 1)
_ENOUGH = 1 << 16  # distinct 5-grams after which one round fills every bin: more are not kept
_PRIME = np.uint64(0x100000001B3)
_ROLL = np.uint64(0xD6E8FEB86659FD93)
_32, _48 = np.uint64(32), np.uint64(48)
_LOW = np.uint64(0xFFFFFFFF)
_BREAK, _LETTER, _ALONE, _SPACE = 0, 1, 2, 3
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Thai, Lao, Burmese, Khmer, kana, Han: scripts that do not put spaces between words."""


class MinHasher:
    """Signatures of texts. Deterministic: the same text and settings give the same signature on every machine."""

    def __init__(self, *, permutations: int = 128, ngram: int = 5) -> None:
        """`permutations` entries a signature, 2 bytes each; `ngram` units a shingle."""
        self.permutations, self.ngram = permutations, ngram
        self._classes = _character_classes()
        self._keys = np.array([derive_key(round_, 5) for round_ in range(2 * permutations)], np.uint64)

    def signatures(self, texts: Sequence[str]) -> NDArray[np.uint16]:
        """(texts, permutations): one row a text. Memory: 12 bytes a character of all texts but the long ones."""
        result = np.empty((len(texts), self.permutations), np.uint16)
        short = [index for index, text in enumerate(texts) if len(text) <= SLICE]
        codes = [_codes(texts[index]) for index in short]
        ends = np.cumsum([0, *(code.size for code in codes)], dtype=np.int64)
        joined = np.concatenate([np.empty(0, np.uint32), *codes])
        buffer = np.empty(1 + max([code.size for code in codes], default=0), np.uint64)
        rows = np.asarray(short, dtype=np.int64)
        _sketch_all(joined, ends, self._classes, self.ngram, self._keys, buffer, rows, result)
        for index, text in enumerate(texts):
            if len(text) > SLICE:
                result[index] = self._long(text)
        return result

    def _long(self, text: str) -> NDArray[np.uint16]:
        values = np.full(self.permutations, _EMPTY)
        distinct = np.empty(0, np.uint64)
        for begin in range(0, len(text), SLICE):
            codes = _codes(text[begin : begin + SLICE])
            buffer = np.empty(codes.size + 1, np.uint64)
            shingles = buffer[: _shingles(codes, 0, codes.size, self._classes, self.ngram, buffer)]
            _rounds(shingles, self._keys, 0, 1, values)
            if distinct.size < _ENOUGH:
                distinct = np.union1d(distinct, shingles)[:_ENOUGH]
        _rounds(distinct, self._keys, 1, self._keys.size, values)
        signature = np.empty(self.permutations, np.uint16)
        _compress(values, signature)
        return signature


def exact_jaccard(first: str, second: str, *, ngram: int = 5) -> float:
    """The overlap that signatures estimate, by counting: shared 5-grams over all 5-grams of two texts."""
    classes = _character_classes()
    sets = []
    for text in (first, second):
        codes = _codes(text)
        buffer = np.empty(codes.size + 1, np.uint64)
        sets.append(set(buffer[: _shingles(codes, 0, codes.size, classes, ngram, buffer)].tolist()))
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def choose_bands(permutations: int, threshold: float) -> tuple[int, int]:
    """(bands, rows a band): the longest rows with which a pair at the threshold still meets in a band 9 times out of 10.

    A pair of overlap J meets with probability 1 - (1 - J^rows)^bands (Leskovec, Rajaraman, Ullman, section 3.4.2).
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= 0.9:
            return bands, rows
    return permutations, 1


def similarity(first: NDArray[np.uint16], second: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Estimated Jaccard overlap of signatures (..., permutations) -> (...)."""
    return np.asarray((first == second).mean(axis=-1))


@njit(cache=True, nogil=True)
def band_keys(signatures: Any, bands: Any, rows: Any, keys: Any) -> None:
    """Fill keys (bands, texts) uint64: equal keys in a band mean equal entries (up to 64-bit chance)."""
    for text in range(signatures.shape[0]):
        for band in range(bands):
            key = np.uint64(band)
            for entry in range(band * rows, (band + 1) * rows):
                key = mix(key ^ np.uint64(signatures[text, entry]))
            keys[band, text] = key


@njit(cache=True, nogil=True)
def _shingles(codes: Any, begin: Any, end: Any, classes: Any, ngram: Any, out: Any) -> Any:
    """Hash every n-gram of units of codes[begin:end] into `out`; how many there are, at least 1."""
    recent = np.zeros(ngram, np.uint64)
    leaving = np.uint64(1)
    for _ in range(ngram):
        leaving = leaving * _ROLL
    rolling, word, inside = np.uint64(0), np.uint64(0), False
    units, count = np.int64(0), np.int64(0)
    for place in range(begin, end + 1):
        kind = _BREAK if place == end else classes[codes[place]]
        if kind == _LETTER:
            word = (word ^ np.uint64(codes[place])) * _PRIME
            inside = True
            continue
        for turn in range(2):  # a word that ends here, then a character that is a unit by itself
            if turn == 0 and inside:
                unit = mix(word)
                word, inside = np.uint64(0), False
            elif turn == 1 and kind == _ALONE:
                unit = mix(np.uint64(codes[place]) ^ _ROLL)
            else:
                continue
            rolling = rolling * _ROLL + unit - recent[units % ngram] * leaving
            recent[units % ngram] = unit
            units += 1
            if units >= ngram:
                out[count] = mix(rolling)
                count += 1
    if units == 0:  # nothing but punctuation: equal only to itself
        for place in range(begin, end):
            if classes[codes[place]] == _SPACE:
                continue
            rolling = (rolling ^ np.uint64(codes[place])) * _PRIME
    if count == 0:
        out[0] = mix(rolling)
    return max(count, 1)


@njit(cache=True, nogil=True)
def _rounds(shingles: Any, keys: Any, first: Any, last: Any, values: Any) -> None:
    """Rounds first..last - 1 of the sketch, until every bin has a value: the smallest (round, hash) that fell into it."""
    bins = values.size
    for number in range(first, last):
        free = 0
        for place in range(bins):
            free += values[place] == _EMPTY
        if free == 0:
            break
        early = np.uint64(number) << _32
        for shingle in shingles:
            hashed = mix(shingle ^ keys[number])
            chosen = np.int64(((hashed >> _32) * np.uint64(bins)) >> _32) if number < bins else np.int64(number - bins)
            value = early | (hashed & _LOW)
            if value < values[chosen]:
                values[chosen] = value


@njit(cache=True, nogil=True)
def _compress(values: Any, signature: Any) -> None:
    for place in range(values.size):  # 16 bits of each: chance equality of 1.5e-5 (Li, König 2010)
        signature[place] = np.uint16(mix(values[place]) >> _48)


@njit(cache=True, nogil=True)
def _sketch_all(codes: Any, ends: Any, classes: Any, ngram: Any, keys: Any, buffer: Any, rows: Any, result: Any) -> None:
    values = np.empty(result.shape[1], np.uint64)
    for text in range(rows.size):
        count = _shingles(codes, ends[text], ends[text + 1], classes, ngram, buffer)
        values[:] = _EMPTY
        _rounds(buffer[:count], keys, 0, keys.size, values)
        _compress(values, result[rows[text]])


def _codes(text: str) -> NDArray[np.uint32]:
    """Code points after NFKC and case folding."""
    done = text.isascii() or unicodedata.is_normalized("NFKC", text)
    plain = text if done else unicodedata.normalize("NFKC", text)
    return np.frombuffer(plain.casefold().encode("utf-32-le", "replace"), np.uint32)


@cache
def _character_classes() -> NDArray[np.uint8]:
    """(0x110000,) what each code point is: a break, a letter (or digit or mark) of a word, a unit by itself, a space."""
    classes = np.zeros(0x110000, np.uint8)
    for code in range(0x20000):
        if unicodedata.category(chr(code))[0] in "LMN":
            classes[code] = _LETTER
        elif chr(code).isspace():
            classes[code] = _SPACE
    for first, last in _UNSPACED:
        part = classes[first : last + 1]
        part[(part == _LETTER) | (first >= 0x20000)] = _ALONE
    return classes
