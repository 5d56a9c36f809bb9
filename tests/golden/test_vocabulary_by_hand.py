"""A vocabulary counted by hand.

    the cat sat on the mat
    a cat and a dog sat
    the dog

the 3; cat, sat, a, dog 2 each; on, mat, and 1 each: 14 words, 8 different. Ties stand in order of first appearance: cat before
sat before a before dog. With min_count 2 five words stay, ids 0 the, 1 cat, 2 sat, 3 a, 4 dog, and the sentences become

    the cat sat the          0 1 2 0          on and mat are gone
    a cat a dog sat          3 1 3 4 2        and is gone
    the dog                  0 4

11 ids, sentences starting at 0, 4 and 9. With min_count 3 only `the` stays: the second sentence keeps no word and is gone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hornbook.core.errors import ContentError
from hornbook.embeddings.words import VocabularyConfig, read_sentences

TEXT = "the cat sat on the mat\na cat and a dog sat\nthe dog\n"


@pytest.fixture(params=["text", "lists"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    if request.param == "lists":
        return [line.split() for line in TEXT.splitlines()]
    (tmp_path / "corpus.txt").write_text(TEXT)
    return tmp_path / "corpus.txt"


def read(source: object, config: VocabularyConfig) -> tuple[object, ...]:
    vocabulary, sentences = read_sentences(source, config, log=lambda event: None)  # type: ignore[arg-type]
    assert vocabulary.total == sentences.total_words == 14
    assert len(sentences) == sentences.starts.size - 1
    return vocabulary.words, vocabulary.counts.tolist(), sentences.ids.tolist(), sentences.starts.tolist()


def test_every_word(source: object) -> None:
    words, counts, ids, starts = read(source, VocabularyConfig(min_count=1))
    assert words == ("the", "cat", "sat", "a", "dog", "on", "mat", "and")
    assert counts == [3, 2, 2, 2, 2, 1, 1, 1]
    assert ids == [0, 1, 2, 5, 0, 6, 3, 1, 7, 3, 4, 2, 0, 4]
    assert starts == [0, 6, 12, 14]


def test_words_that_occur_twice(source: object) -> None:
    words, counts, ids, starts = read(source, VocabularyConfig(min_count=2))
    assert words == ("the", "cat", "sat", "a", "dog")
    assert counts == [3, 2, 2, 2, 2]
    assert ids == [0, 1, 2, 0, 3, 1, 3, 4, 2, 0, 4]
    assert starts == [0, 4, 9, 11]


def test_a_limit_cuts_ties_by_first_appearance(source: object) -> None:
    words, _, ids, starts = read(source, VocabularyConfig(min_count=1, max_words=3))
    assert words == ("the", "cat", "sat")
    assert (ids, starts) == ([0, 1, 2, 0, 1, 2, 0], [0, 4, 6, 7])


def test_a_sentence_without_words_is_gone(source: object) -> None:
    words, _, ids, starts = read(source, VocabularyConfig(min_count=3))
    assert (words, ids, starts) == (("the",), [0, 0, 0], [0, 2, 3])


def test_too_high_a_minimum_says_what_a_lower_one_keeps(source: object) -> None:
    with pytest.raises(ContentError, match=r"no word occurs 5 times in the 14 words read.* keeps: 3: 1, 2: 5, 1: 8$"):
        read(source, VocabularyConfig())
