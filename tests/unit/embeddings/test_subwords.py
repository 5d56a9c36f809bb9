from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Note
from hornbook.embeddings.subwords import END_OF_SENTENCE, SubwordConfig, Subwords, ngram_rows


def hashed(ngram: str, buckets: int) -> int:
    """Dictionary::hash of fastText: FNV-1a of 32 bits, each byte taken as signed."""
    value = 2166136261
    for byte in ngram.encode():
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value % buckets


def rows_of(word: str, config: SubwordConfig) -> list[int]:
    """Dictionary::computeSubwords of fastText, over characters; its end of sentence has no n-grams."""
    if word == END_OF_SENTENCE:
        return []
    text, result = f"<{word}>", []
    for first in range(len(text)):
        for length in range(config.min_n, config.max_n + 1):
            last = first + length
            if last <= len(text) and not (length == 1 and (first == 0 or last == len(text))):
                result.append(hashed(text[first:last], config.buckets))
    return result


@settings(max_examples=200, deadline=None)
@example(["</s>", "ab"], 1, 2, 7)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=5),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 2**31 - 1),
)
def test_the_rows_are_those_of_fasttext(words: list[str], min_n: int, more: int, buckets: int) -> None:
    config = SubwordConfig(min_n, min_n + more, buckets)
    rows, starts = ngram_rows(words, config)
    assert [rows[begin:end].tolist() for begin, end in pairwise(starts)] == [rows_of(word, config) for word in words]
    assert rows.dtype == np.int32 and starts.dtype == np.int64


def test_known_hashes() -> None:
    # FNV-1a of "a" is 0xE40C292C (the reference table of Noll); "é" is two bytes above 127, so the sign matters
    assert hashed("a", 2**32) == 0xE40C292C
    rows, _ = ngram_rows(["a", "é"], SubwordConfig(1, 1, 2**31 - 1))
    assert rows.tolist() == [0xE40C292C % (2**31 - 1), hashed("é", 2**31 - 1)]


def test_a_byte_that_is_no_utf8_keeps_its_hash() -> None:
    rows, _ = ngram_rows(["\udcff"], SubwordConfig(1, 1, 2**31 - 1))  # byte 0xFF as os.fsdecode and fastText files give it
    assert rows.tolist() == [((2166136261 ^ 0xFFFFFFFF) * 16777619 & 0xFFFFFFFF) % (2**31 - 1)]


def test_the_end_of_sentence_and_no_ngrams_at_all() -> None:
    assert ngram_rows(["</s>", ""], SubwordConfig(3, 6))[1].tolist() == [0, 0, 0]
    assert ngram_rows(["word"], SubwordConfig(0, 0))[0].size == 0
    assert ngram_rows([], SubwordConfig())[1].tolist() == [0]


def test_a_vector_is_the_mean_of_its_rows() -> None:
    config = SubwordConfig(2, 3, 50)
    buckets = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    subwords = Subwords(config, buckets)
    rows = rows_of("中国", config)  # <中 <中国 中国 中国> 国>
    assert len(rows) == 5
    assert subwords.vector("中国") == pytest.approx(buckets[rows].mean(0), abs=1e-6)
    own = np.ones(4, np.float32)
    assert subwords.vector("中国", row=own) == pytest.approx((buckets[rows].sum(0) + 1) / 6, abs=1e-6)
    assert subwords.vectors(["中国", "中"]) == pytest.approx(
        np.stack([subwords.vector("中国"), buckets[rows_of("中", config)].mean(0)]), abs=1e-6
    )
    assert subwords.dimensions == 4


def test_a_word_without_ngrams() -> None:
    subwords = Subwords(SubwordConfig(5, 6, 10), np.ones((10, 3), np.float32))
    assert subwords.vector("ab").tolist() == [0, 0, 0]
    assert subwords.vector("ab", row=np.full(3, 2, np.float32)).tolist() == [2, 2, 2]


def test_pruned_buckets_do_not_count() -> None:
    config = SubwordConfig(2, 2, 20)
    rows = rows_of("ab", config)  # <a ab b>
    places = np.full(20, -1, np.int32)
    places[rows[0]], places[rows[2]] = 0, 1
    pruned = Subwords(config, np.array([[2.0], [6.0]], np.float32), places=places)
    assert len(set(rows)) == 3 and pruned.vector("ab").tolist() == [4.0]


@pytest.mark.parametrize("numbers", [(0, 3, 10), (4, 3, 10), (3, 6, 0), (3, 6, 2**31)])
def test_impossible_configurations(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="give 1 <= min_n <= max_n"):
        SubwordConfig(*numbers)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ContentError, match="does not hold the rows of 20 buckets"):
        Subwords(SubwordConfig(3, 6, 20), np.zeros((19, 4), np.float32))
    with pytest.raises(ContentError, match="lone surrogate"):
        ngram_rows(["\ud800"], SubwordConfig())


def test_short_words_get_short_ngrams() -> None:
    said: list[Event] = []
    assert SubwordConfig.for_words(["中国", "的", "信息量"], log=said.append) == SubwordConfig(1, 3)
    assert isinstance(said[0], Note) and "2 characters" in said[0].text
    assert SubwordConfig.for_words(["word", "of", "text"], log=said.append, buckets=7) == SubwordConfig(3, 6, 7)
    assert len(said) == 1
