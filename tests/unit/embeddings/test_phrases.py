from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Alarm, Note
from hornbook.embeddings import phrases as module
from hornbook.embeddings.phrases import Phrases, PhrasesConfig
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec import Word2Vec
from hornbook.embeddings.words import Sentences, Vocabulary, VocabularyConfig, read_sentences

ALL = VocabularyConfig(min_count=1)
CITY = [["in", "new", "york", "city"], ["new", "york", "city"], ["a", "new", "york"], ["a", "city"]]


def read(sentences: list[list[str]], config: VocabularyConfig = ALL) -> tuple[Vocabulary, Sentences]:
    return read_sentences(sentences, config, log=lambda event: None)


def spelled(vocabulary: Vocabulary, sentences: Sentences) -> list[list[str]]:
    return [[vocabulary.words[number] for number in sentences[index].tolist()] for index in range(len(sentences))]


def test_scores_by_hand() -> None:
    # new 3, york 3, city 3, a 2, in 1: 12 words, 5 different; new york 3, york city 2, in new, a new, a city 1: 5 bigrams
    counts = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit(*read(CITY))
    assert counts.scores_ == [{("new", "york"): (3 - 1) / 9 * 10, ("york", "city"): pytest.approx((2 - 1) / 9 * 10)}]
    npmi = Phrases(PhrasesConfig("npmi", -1, min_count=1)).fit(*read(CITY))
    assert npmi.scores_[0]["new", "york"] == pytest.approx(math.log((3 / 12) / (3 / 12) ** 2) / -math.log(3 / 12))
    assert npmi.scores_[0]["a", "city"] == pytest.approx(math.log((1 / 12) / (2 / 12 * 3 / 12)) / -math.log(1 / 12))
    assert len(npmi.scores_[0]) == 5 and list(npmi.scores_[0].values()) == sorted(npmi.scores_[0].values(), reverse=True)
    assert len(Phrases(PhrasesConfig("npmi", -1, min_count=2)).fit(*read(CITY)).scores_[0]) == 2


def test_joining_goes_from_left_to_right() -> None:
    vocabulary, sentences = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit_transform(*read(CITY))
    assert spelled(vocabulary, sentences) == [
        ["in", "new_york", "city"],
        ["new_york", "city"],
        ["a", "new_york"],
        ["a", "city"],
    ]
    assert vocabulary.words == ("new_york", "city", "a", "in") and vocabulary.counts.tolist() == [3, 3, 2, 1]
    assert vocabulary.total == sentences.total_words == 9


def test_a_second_pass_makes_longer_phrases() -> None:
    phrases = Phrases(PhrasesConfig(min_count=1, threshold=0, passes=2, delimiter="+")).fit(*read(CITY))
    assert phrases.join(["the", "new", "york", "city", "new"]) == ["the", "new+york+city", "new"]
    assert list(phrases.scores_[1]) == [("new+york", "city")]


def test_another_corpus_with_words_that_were_never_seen() -> None:
    phrases = Phrases(PhrasesConfig(min_count=1, threshold=0, passes=2)).fit(*read(CITY))
    other = [["york", "city", "of", "new", "york", "city"], ["old", "york"], ["nothing", "here"]]
    assert spelled(*phrases.transform(*read(other))) == [phrases.join(sentence) for sentence in other]
    assert phrases.join(other[0]) == ["york_city", "of", "new_york_city"]


def test_phrases_do_not_cross_sentences() -> None:
    phrases = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit(*read([["x", "a"], ["b", "y"]] * 9))
    assert set(phrases.scores_[0]) == {("x", "a"), ("b", "y")}


def test_a_phrase_that_is_a_word_already() -> None:
    vocabulary, sentences = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit_transform(
        *read([["a", "b"], ["a", "b"], ["a_b", "c"]])
    )
    assert spelled(vocabulary, sentences) == [["a_b"], ["a_b"], ["a_b", "c"]]
    assert vocabulary.words == ("a_b", "c")


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit(*read(CITY)).scores_
    monkeypatch.setattr(module, "_BLOCK", 2)
    assert Phrases(PhrasesConfig(min_count=1, threshold=0)).fit(*read(CITY)).scores_ == whole


def test_a_corpus_without_its_rare_words_is_an_alarm() -> None:
    said: list[Any] = []
    Phrases().fit(*read(CITY, VocabularyConfig(min_count=2)), log=said.append)
    assert isinstance(said[0], Alarm) and "1 words are gone" in said[0].text
    assert said[1] == Note("phrases, pass 1: 0 found")


def test_saved_and_loaded(tmp_path: Path) -> None:
    phrases = Phrases(PhrasesConfig("npmi", 0.1, min_count=1, passes=2)).fit(*read([["中国", "信息"], *CITY]))
    phrases.save_files(tmp_path)
    loaded = Phrases.load(tmp_path)
    assert (loaded.config, loaded.scores_) == (phrases.config, phrases.scores_)


@pytest.mark.parametrize("text", ["", "[]", '{"config": {}}', '{"config": {}, "passes": [[["a", "b"]]]}', '{"config": 3}'])
def test_damaged_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ContentError, match="damaged"):
        Phrases.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passes": 0}, "must be at least 1"),
        ({"min_count": 0}, "must be at least 1"),
        ({"threshold": -1.0}, "never fits counts scores"),
        ({"scoring": "npmi", "threshold": 10.0}, "never fits npmi scores, which are -1 to 1"),
    ],
)
def test_impossible_configurations(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PhrasesConfig(**options)


def test_nothing_learned() -> None:
    with pytest.raises(UsageError, match="call fit"):
        Phrases().join(["a"])


def test_vectors_keep_the_phrases_of_their_words(tmp_path: Path) -> None:
    corpus = Phrases(PhrasesConfig(min_count=1, threshold=0)).fit_transform(*read(CITY))
    trained = Word2Vec(dimensions=8, min_count=1, epochs=1).fit(corpus).vectors_
    trained.save_files(tmp_path)
    for vectors in (trained, WordVectors.load(tmp_path)):
        assert vectors["new york"].tolist() == vectors["new_york"].tolist()
        assert "new york" in vectors and "york new" not in vectors
        assert "new_york" not in [word for word, _ in vectors.most_similar("new york")]
