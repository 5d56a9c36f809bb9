"""Scoring much text at once: a hash table of all n-grams beside the model, a cache line or less for each look-up.

The trie answers by searches, each waiting for the one before. Here a bucket of 16 bytes holds the hash of an n-gram's words,
its log-probability and its back-off weight (KenLM's probing model: Heafield 2011, section 3.1), and the hash of every order
comes from the words alone: the look-ups of all orders of 64 tokens are begun before the first is needed. The table takes
32 bytes an n-gram. Two n-grams with equal 64-bit hashes would be one; with 10^8 n-grams that is expected once in 3000 models.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.types import Ids
from hornbook.statistical.lines import WordTable, sum_documents
from hornbook.statistical.ngram import NgramLM
from hornbook.statistical.query import stored_log
from hornbook.statistical.stream import FlatDocuments, flatten, lay_out

_LOAD = 2.0  # buckets an n-gram: fuller tables search longer for what is not there
_TOGETHER = 64  # tokens whose look-ups are begun together


class FastScorer:
    """An n-gram model made ready to score much text; gives the numbers of `NgramLM.score_documents`."""

    def __init__(self, model: NgramLM, *, threads: int = 1) -> None:
        trie = model.trie_
        self._model, self._threads = model, threads
        self._slots = _aligned(8 * (int(sum(trie.rows[1:]) * _LOAD) // 4 + 2))
        self._unigrams = np.zeros((trie.rows[0], 2), dtype=np.float32)
        hashes = np.zeros(0, dtype=np.uint64)
        starts = trie.starts
        for order in range(1, trie.order + 1):
            first, last = int(starts[order - 1]), int(starts[order])
            own = np.empty(last - first if order < trie.order else 0, dtype=np.uint64)
            parent = int(starts[order - 2]) if order > 1 else 0
            _insert(order, first, last, parent, hashes, own, *trie.kernel_arrays(), self._unigrams, self._slots)
            hashes = own
        self._words: WordTable | None = None

    @property
    def size_mb(self) -> float:
        """Size of the table in MB (10^6 bytes)."""
        return (self._slots.nbytes + self._unigrams.nbytes) / 1e6

    def score_documents(self, documents: Iterable[Ids] | FlatDocuments) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Natural logs of all tokens and ends in one array, and where each document starts in it (documents + 1,)."""
        tokens, starts = flatten(documents)
        offsets = starts + np.arange(starts.size)
        scores = np.empty(int(offsets[-1]), dtype=np.float32)
        cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], self._threads + 1)[1:-1]).tolist()

        def part(first: int, last: int) -> None:
            begin, stop = int(starts[first]), int(starts[last])
            out = scores[offsets[first] : offsets[last]]
            self._score(tokens[begin:stop], starts[first : last + 1] - begin, out)

        pairs = [(first, last) for first, last in itertools.pairwise([0, *cuts, starts.size - 1]) if first < last]
        _side_by_side(part, pairs)
        return scores, offsets

    def score_lines(self, text: bytes) -> NDArray[np.float64]:
        """(lines,) log10 of the probability of every line as a sentence, its end counted: kenlm's `score` of each."""
        if self._words is None:
            self._words = WordTable.of(self._model)
        table = self._words
        cuts = [0, *(text.rfind(b"\n", 0, len(text) * i // self._threads) + 1 for i in range(1, self._threads)), len(text)]

        def part(first: int, last: int) -> NDArray[np.float64]:
            documents = table.encode(memoryview(text)[first:last])
            offsets = documents.starts + np.arange(documents.starts.size)
            scores = np.empty(int(offsets[-1]), dtype=np.float32)
            self._score(documents.tokens, documents.starts, scores)
            totals: NDArray[np.float64] = sum_documents(scores, offsets)
            return totals

        parts = _side_by_side(part, [(first, last) for first, last in itertools.pairwise(cuts) if first < last])
        return np.concatenate([np.zeros(0), *parts]) / math.log(10)

    def _score(self, tokens: Ids, starts: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        trie, end = self._model.trie_, self._model.tokenizer.specials["end"]
        stream = lay_out(tokens, starts, vocabulary_size=trie.vocabulary_size, end=end)
        _score(stream, trie.vocabulary_size, trie.order, self._unigrams, self._slots, self._slots.view(np.float32), scores)


def _side_by_side(job: Callable[[int, int], Any], pairs: Sequence[tuple[int, int]]) -> list[Any]:
    """The results of a job for every pair, a thread each."""
    if len(pairs) < 2:
        return [job(*pair) for pair in pairs]
    with ThreadPoolExecutor(len(pairs)) as pool:
        return list(pool.map(job, *zip(*pairs)))


def _aligned(size: int) -> NDArray[np.uint64]:
    """(size,) zeros that begin at a cache line."""
    raw = np.zeros(size + 8, dtype=np.uint64)
    skip = -raw.ctypes.data % 64 // 8
    return raw[skip : skip + size]


@njit(cache=True, nogil=True, inline="always")
def _first(word: int) -> np.uint64:
    value = (np.uint64(word) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(32))


@njit(cache=True, nogil=True, inline="always")
def _join(before: np.uint64, word: int) -> np.uint64:
    """The hash of words and one more; odd, since 0 marks a free bucket."""
    value = (before ^ (np.uint64(word) + np.uint64(1))) * np.uint64(0xD6E8FEB86659FD93)
    return (value ^ (value >> np.uint64(32))) | np.uint64(1)


@njit(cache=True, nogil=True, inline="always")
def _bucket(key: np.uint64, buckets: np.uint64) -> np.int64:
    """The first of the four buckets of a cache line."""
    return np.int64((((key >> np.uint64(32)) * (buckets >> np.uint64(2))) >> np.uint64(32)) << np.uint64(2))


@njit(cache=True, nogil=True)
def _insert(
    order: int,
    first: int,
    last: int,
    parent: int,
    parent_hashes: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    words: NDArray[np.generic],
    log_probs: NDArray[np.generic],
    table: NDArray[np.float32],
    backoffs: NDArray[np.float32],
    children: NDArray[np.uint32],
    unigrams: NDArray[np.float32],
    slots: NDArray[np.uint64],
) -> None:
    """Put the rows first..last of an order into the table; `parent` is the first row of the order below."""
    if order == 1:
        for row in range(first, last):
            unigrams[row, 0] = stored_log(log_probs, table, order, row)
            unigrams[row, 1] = backoffs[row] if row < backoffs.size else np.float32(0)
            if hashes.size:
                hashes[row] = _first(row)
        return
    floats = slots.view(np.float32)
    buckets = np.uint64(slots.size // 2)
    keys = np.empty(_TOGETHER, dtype=np.uint64)
    taken = np.uint64(0)
    cursor = np.int64(parent)
    for begin in range(first, last, _TOGETHER):
        count = min(_TOGETHER, last - begin)
        for j in range(count):
            while np.int64(children[cursor + 1]) <= begin + j:
                cursor += 1
            keys[j] = _join(parent_hashes[cursor - parent], words[begin + j])
            taken ^= slots[2 * _bucket(keys[j], buckets)]  # fetch the bucket before it is needed
        for j in range(count):
            row = begin + j
            if hashes.size:
                hashes[row - first] = keys[j]
            slot = _bucket(keys[j], buckets)
            while slots[2 * slot]:
                slot += 1
                if slot == np.int64(buckets):
                    slot = 0
            slots[2 * slot] = keys[j]
            floats[4 * slot + 2] = stored_log(log_probs, table, order, row)
            floats[4 * slot + 3] = backoffs[row] if row < backoffs.size else np.float32(0)
    unigrams[0, 1] += np.float32(taken & np.uint64(0))  # so that fetching is not optimised away


@njit(cache=True, nogil=True)
def _score(
    stream: NDArray[np.uint32],
    boundary: int,
    order: int,
    unigrams: NDArray[np.float32],
    slots: NDArray[np.uint64],
    floats: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    """As `query.score_stream`: one natural log for each id of the stream that is not the boundary."""
    chain = np.zeros(order + 1, dtype=np.uint64)  # hash of the last k words
    keys = np.zeros((_TOGETHER, order + 1), dtype=np.uint64)
    found = np.zeros((_TOGETHER, order + 1), dtype=np.uint64)
    longest = np.zeros(_TOGETHER, dtype=np.int64)
    weights = np.zeros(order + 1, dtype=np.float32)  # back-off weight of the last k words, k up to `known`
    own = np.zeros(order + 1, dtype=np.float32)
    since = known = written = 0
    for begin in range(0, stream.size, _TOGETHER):
        count = min(_TOGETHER, stream.size - begin)
        since = _fetch(stream[begin : begin + count], boundary, order, since, chain, slots, keys, found, longest)
        for j in range(count):
            word = np.int64(stream[begin + j])
            if word == boundary:
                weights[1] = unigrams[word, 1]
                known = min(1, order - 1)
                continue
            score = np.float64(unigrams[word, 0])
            own[1] = unigrams[word, 1]
            matched = 1
            while matched < longest[j]:
                slot = _find(keys[j, matched + 1], found[j, matched + 1], slots)
                if slot < 0:
                    break
                matched += 1
                score = np.float64(floats[4 * slot + 2])
                own[matched] = floats[4 * slot + 3]
            for m in range(matched, known + 1):
                score += weights[m]
            scores[written] = score
            written += 1
            known = min(matched, order - 1)
            for m in range(1, known + 1):
                weights[m] = own[m]


@njit(cache=True, nogil=True, inline="always")
def _find(key: np.uint64, here: np.uint64, slots: NDArray[np.uint64]) -> int:
    """The bucket of a key whose first bucket holds `here`; -1 when the table lacks it."""
    buckets = np.uint64(slots.size // 2)
    slot = _bucket(key, buckets)
    while here != key and here != 0:
        slot += 1
        if slot == np.int64(buckets):
            slot = 0
        here = slots[2 * slot]
    return slot if here != 0 else -1


@njit(cache=True, nogil=True)
def _fetch(
    words: NDArray[np.uint32],
    boundary: int,
    order: int,
    since: int,
    chain: NDArray[np.uint64],
    slots: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    found: NDArray[np.uint64],
    longest: NDArray[np.int64],
) -> int:
    """Keys of the n-grams that end in each word, and their first buckets, all asked for before one is needed.

    `since`: words since the boundary before the first; returned for the next block.
    """
    buckets = np.uint64(slots.size // 2)
    for j in range(words.size):
        word = np.int64(words[j])
        if word == boundary:
            since = 0
        longest[j] = min(since + 1, order)
        for k in range(longest[j], 1, -1):
            key = _join(chain[k - 1], word)
            chain[k] = key
            keys[j, k] = key
            found[j, k] = slots[2 * _bucket(key, buckets)]
        chain[1] = _first(word)
        since += 1
    return since
