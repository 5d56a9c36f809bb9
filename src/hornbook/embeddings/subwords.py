"""fastText's subwords: a word is the sum of its character n-grams, so no word is out of vocabulary (R5).

Bojanowski, Grave, Joulin and Mikolov 2017, Enriching Word Vectors with Subword Information, section 3.2: a word between < and >
is cut into all its n-grams of min_n to max_n characters, and each n-gram is hashed to one of `buckets` rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note

END_OF_SENTENCE = "</s>"  # fastText's own word, the only one that has no n-grams there
_SHORT = 2  # characters: of words so short, n-grams of three and more are mostly the word itself
_AT_ONCE = 100_000  # words hashed together


@dataclass(frozen=True)
class SubwordConfig:
    """N-grams of `min_n` to `max_n` Unicode characters, < and > included, hashed to `buckets` rows. max_n 0: no n-grams."""

    min_n: int = 3
    max_n: int = 6
    buckets: int = 2_000_000

    def __post_init__(self) -> None:
        fits = (1 <= self.min_n <= self.max_n or self.max_n == 0 <= self.min_n) and 1 <= self.buckets < 2**31
        if not fits:
            raise UsageError(
                "subwords of {min_n} to {max_n} characters in {buckets} buckets: give 1 <= min_n <= max_n and 1 to "
                "2147483647 buckets; max_n = 0 for none",
                min_n=self.min_n,
                max_n=self.max_n,
                buckets=self.buckets,
            )

    @classmethod
    def for_words(cls, words: Sequence[str], *, log: Callable[[Event], None], buckets: int = 2_000_000) -> SubwordConfig:
        """3 to 6 characters as in fastText; 1 to 3 where most words have two characters or fewer, as in Chinese."""
        typical = median(map(len, words)) if words else 0
        if not words or typical > _SHORT:
            return cls(buckets=buckets)
        text = translate("half of the words have {length:g} characters or fewer: subwords of 1 to 3 characters, not 3 to 6")
        log(Note(text.format(length=typical)))
        return cls(min_n=1, max_n=3, buckets=buckets)


def ngram_rows(words: Sequence[str], config: SubwordConfig) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Bucket numbers of the n-grams of all words, (r,), and where each word's begin, (V + 1,).

    Exactly fastText's, in its order; repeated n-grams stay repeated. ContentError for a word that is not valid text.
    """
    from hornbook.embeddings.subword_kernels import hash_ngrams

    parts: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = []
    for first in range(0, len(words), _AT_ONCE):
        encoded = [_bounded(word) for word in words[first : first + _AT_ONCE]]
        ends = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=ends[1:])
        text = np.frombuffer(b"".join(encoded), np.uint8)
        most = text.size * max(config.max_n - config.min_n + 1, 0)
        rows, starts = np.empty(most, np.int32), np.empty(ends.size, np.int64)
        hash_ngrams(text, ends, config.min_n, config.max_n, config.buckets, rows, starts)
        parts.append(rows[: starts[-1]].copy())
        lengths.append(np.diff(starts))
    starts = np.zeros(len(words) + 1, np.int64)
    if lengths:
        np.cumsum(np.concatenate(lengths), out=starts[1:])
    return np.concatenate(parts) if parts else np.zeros(0, np.int32), starts


def _bounded(word: str) -> bytes:
    if word == END_OF_SENTENCE:
        return b""
    try:
        return f"<{word}>".encode("utf-8", "surrogateescape")  # bytes of a file that are no UTF-8 keep their hash
    except UnicodeEncodeError as error:
        raise ContentError("{word} is not valid text (a lone surrogate)", word=ascii(word)) from error


class Subwords:
    """Rows of character n-grams, and with them a vector for any word.

    `buckets` is float32 (B, d), B = config.buckets. Where buckets were pruned (fastText's .ftz), `places` int32 (B,) says which
    row of a smaller matrix a bucket has, -1 for none: such n-grams do not count, as in fastText.
    """

    def __init__(self, config: SubwordConfig, buckets: NDArray[np.float32], *, places: NDArray[np.int32] | None = None) -> None:
        expected = config.buckets if places is None else int(places.max(initial=-1)) + 1
        if buckets.ndim != 2 or buckets.shape[0] < expected or (places is not None and places.shape != (config.buckets,)):
            raise ContentError(
                "a matrix of shape {shape} does not hold the rows of {buckets} buckets",
                shape=buckets.shape,
                buckets=config.buckets,
            )
        self.config = config
        self.buckets = np.asarray(buckets, np.float32)
        self.places = np.zeros(0, np.int32) if places is None else np.asarray(places, np.int32)

    @property
    def dimensions(self) -> int:
        """d."""
        return int(self.buckets.shape[1])

    def vector(self, word: str, *, row: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """(d,) the vector of any word: the mean of its n-gram rows and, for a known word, of its own `row` (d,).

        Zeros for a word without n-grams and without a row, as in fastText.
        """
        result: NDArray[np.float32] = self.vectors([word], rows=None if row is None else row[None])[0]
        return result

    def vectors(self, words: Sequence[str], *, rows: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """(n, d) the vectors of many words, with `rows` (n, d) their own rows when they are known words."""
        from hornbook.embeddings.subword_kernels import add_rows

        sums = np.zeros((len(words), self.dimensions), np.float32)
        if rows is not None:
            sums[:] = rows
        sizes = np.full(len(words), 0 if rows is None else 1, np.int64)
        add_rows(*ngram_rows(words, self.config), self.places, self.buckets, sums, sizes)
        sums /= np.maximum(sizes, 1).astype(np.float32)[:, None]
        return sums
