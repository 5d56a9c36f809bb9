"""Words cut from a text stand where the raw text has them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.embeddings.sentences import WordsConfig, words_like
from hornbook.embeddings.word_places import word_places

LETTERS = st.one_of(st.sampled_from("aAbB eé'’-_.1 猫坐İΣςＡｶﾞ\u0301\u0307"), st.characters(codec="utf-8"))


def placed(text: str, **settings) -> list[str]:
    words = words_like(text, WordsConfig(**settings))(text)
    return [text[begin:end] for begin, end in word_places(text, words).tolist()]


def test_worked_examples() -> None:
    assert placed("The cat's well-known 3.14_m?") == ["The", "cat's", "well-known", "3.14", "m"]
    assert placed("“Don’t” stop") == ["Don’t", "stop"]
    assert placed("I\u0307stanbul cafe\u0301 İZMİR ok") == ["I\u0307stanbul", "cafe\u0301", "İZMİR", "ok"]
    assert placed("ＡＢＣ１２ ok ｶﾞｷﾞ", segment="letters") == ["ＡＢＣ１２", "ok", "ｶﾞｷﾞ"]
    assert placed("ΟΔΟΣ ΟΔΟΣ e\u0301", lowercase=True) == ["ΟΔΟΣ", "ΟΔΟΣ", "e\u0301"]
    assert placed("猫坐在Ｔ恤上", segment="characters")[:3] == ["猫", "坐", "在"]
    assert placed("") == []


@pytest.mark.parametrize("lowercase", [True, False])
@settings(max_examples=150, deadline=None)
@given(text=st.text(LETTERS, max_size=40))
def test_what_stands_there_folds_to_the_word(text, lowercase) -> None:
    words = words_like(text, WordsConfig(segment="characters", lowercase=lowercase))(text)
    places = word_places(text, words)
    assert (places[1:, 0] >= places[:-1, 1]).all() and (places >= 0).all() and (places <= len(text)).all()
    for word, (begin, end) in zip(words, places.tolist(), strict=True):
        if begin == end:
            assert not text.isascii()
            continue
        there = unicodedata.normalize("NFKC", text[begin:end]).casefold()
        wanted = unicodedata.normalize("NFKC", word).casefold()
        assert unicodedata.normalize("NFKC", wanted.replace("'", "’")) in unicodedata.normalize("NFKC", there.replace("'", "’"))
