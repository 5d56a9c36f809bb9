"""From a vocabulary and sentences to what the kernels read: subsampling, the distribution of negatives, chunks of text."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.embeddings.kernels import InputRows, Noise, Text
from hornbook.embeddings.words import Sentences

MAX_SENTENCE = 10_000  # words; longer ones are cut, as in word2vec.c and gensim
_TOP = 2**32 - 1
_ROUND = 1 << 17  # words that all threads read between two merges, at most
_ROUNDS = 16  # an epoch has at least so many rounds, while there is text for them
_FIRST_ROUND = 1 << 11
_GROWTH = 64  # a round is no longer than this part of the text before it, for vectors change most when they know least
_LEAST_CHUNK = 256


def chunk_bounds(tokens: int, threads: int) -> NDArray[np.int64]:
    """(C + 1,) words at which chunks begin, and the end; as many chunks as threads, one after the other, are a round.

    Threads see each other's changes when a round ends. Rounds grow with the text that was read, so that they are short while
    every vector is still near nothing and moves far; a small text has short rounds only.
    """
    least = _LEAST_CHUNK * threads
    most = max(least, min(_ROUND, tokens // _ROUNDS))
    bounds = [0]
    while (begin := bounds[-1]) < tokens:
        length = min(most, max(least, _FIRST_ROUND, begin // _GROWTH))
        bounds += [begin + length * (thread + 1) // threads for thread in range(threads)]
    return np.unique(np.minimum(bounds, tokens)).astype(np.int64)


def cut_text(sentences: Sentences, keep: NDArray[np.float64], bounds: NDArray[np.int64]) -> Text:
    """Sentences with their chunks, which begin with the first sentence from each of `bounds` on; `keep` (V,) probabilities."""
    starts = np.asarray(sentences.starts, dtype=np.int64)
    lengths = np.diff(starts)
    if lengths.size and lengths.max() > MAX_SENTENCE:
        long = np.flatnonzero(lengths > MAX_SENTENCE)
        cuts = [np.arange(starts[i] + MAX_SENTENCE, starts[i + 1], MAX_SENTENCE) for i in long]
        starts = np.sort(np.concatenate([starts, *cuts]))
    chunks = np.unique(np.searchsorted(starts, bounds))
    ids = np.require(sentences.ids, np.uint32, ["C", "W"])
    return Text(ids, starts, chunks.astype(np.int64), np.minimum(keep * _TOP, _TOP).astype(np.uint32))


def keep_probabilities(counts: NDArray[np.int64], total: int, sample: float) -> NDArray[np.float64]:
    """(V,) share of a word's occurrences that stays: (sqrt(f / sample) + 1) * sample / f, at most 1, as word2vec.c; 0: all.

    f is the word's share of `total`, the occurrences of all words of the vocabulary.
    """
    if sample <= 0:
        return np.ones(counts.size)
    ratio = np.maximum(counts, 1) / max(total, 1) / sample
    return np.minimum(1.0, (np.sqrt(ratio) + 1) / ratio)


def alias_table(counts: NDArray[np.int64], power: float) -> Noise:
    """The table that draws words in proportion to count ** power in two looks (Walker 1977; Vose 1991)."""
    shares = np.maximum(counts, 1).astype(np.float64) ** power
    threshold, other = np.empty(counts.size), np.arange(counts.size, dtype=np.uint32)
    _fill_alias(shares * (counts.size / shares.sum()), threshold, other)
    return Noise(np.minimum(threshold * _TOP, _TOP).astype(np.uint32), other)


def word_rows(size: int) -> InputRows:
    """One row a word."""
    return InputRows(np.arange(size, dtype=np.int32), np.arange(size + 1, dtype=np.int64))


def most_rows(text: Text, words: InputRows) -> int:
    """Most input rows that the words of one chunk have together: what a thread's overlay must hold."""
    return int(_most_rows(text.ids, text.sentences[text.chunks], words.starts))


@njit(cache=True, nogil=True)
def _fill_alias(shares: NDArray[np.float64], threshold: NDArray[np.float64], other: NDArray[np.uint32]) -> None:
    """Slots below the mean are filled up by one word above it, which gives away that part of its share."""
    small, large = np.empty(shares.size, np.int64), np.empty(shares.size, np.int64)
    smalls = larges = 0
    for word in range(shares.size):
        if shares[word] < 1:
            small[smalls] = word
            smalls += 1
        else:
            large[larges] = word
            larges += 1
    while smalls > 0 and larges > 0:
        smalls -= 1
        low, high = small[smalls], large[larges - 1]
        threshold[low], other[low] = shares[low], high
        shares[high] -= 1 - shares[low]
        if shares[high] < 1:
            larges -= 1
            small[smalls] = high
            smalls += 1
    for place in range(smalls):  # what rounding left over
        threshold[small[place]] = 1
    for place in range(larges):
        threshold[large[place]] = 1


@njit(cache=True, nogil=True)
def _most_rows(ids: NDArray[np.uint32], chunks: NDArray[np.int64], starts: NDArray[np.int64]) -> int:
    last_seen = np.full(starts.size - 1, -1, dtype=np.int64)
    most = 0
    for chunk in range(chunks.size - 1):
        rows = 0
        for token in range(chunks[chunk], chunks[chunk + 1]):
            word = np.int64(ids[token])
            if last_seen[word] != chunk:
                last_seen[word] = chunk
                rows += starts[word + 1] - starts[word]
        most = max(most, rows)
    return most
