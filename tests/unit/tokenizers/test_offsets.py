"""Where tokens stand in their text: every kind of tokenizer, any text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hornbook.tokenizers import TokenizerConfig, train_tokenizer

SAMPLE = [
    "The cat sat on the mat, and the dog's mat was 12 feet away.\n",
    "猫坐在垫子上。一只狗也坐在上面。",
    "Ünïcödé wörds: naïve façade\tİstanbul",
] * 3
KINDS = ["bpe", "wordpiece", "unigram", "chars", "words", "bytes"]
TEXTS = st.text(
    st.one_of(
        st.sampled_from("the cat sat on mat dog's 猫坐在垫子上。 \n\t ünï 12"),
        st.characters(blacklist_categories=()),  # lone surrogates too
    ),
    max_size=60,
)


def closed(lowercase: bool):
    return train_tokenizer(SAMPLE, TokenizerConfig(kind="words", size=0, closed_vocabulary=True, lowercase=lowercase))


@pytest.fixture(scope="module", params=KINDS)
def lossless(request):
    return train_tokenizer(SAMPLE, TokenizerConfig(kind=request.param, size=560))


@pytest.fixture(scope="module", params=[*KINDS, "closed", "closed-lowercase"])
def any_kind(request):
    if request.param.startswith("closed"):
        return closed("lowercase" in request.param)
    return train_tokenizer(SAMPLE, TokenizerConfig(kind=request.param, size=560, lowercase=True))


def check_places(text: str, places: np.ndarray) -> None:
    assert places.dtype == np.int64 and places.shape == (len(places), 2)
    assert (places[:, 0] < places[:, 1]).all() and (places >= 0).all() and (places <= len(text)).all()
    assert (np.diff(places[:, 0]) >= 0).all() and (np.diff(places[:, 1]) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXTS, max_size=4))
def test_tokens_cover_their_text_and_say_what_stands_there(lossless, texts) -> None:
    for text, (ids, places) in zip(texts, lossless.encode_with_offsets(texts), strict=True):
        assert np.array_equal(ids, lossless.encode(text)) and ids.dtype == lossless.dtype
        check_places(text, places)
        covered = {place for begin, end in places.tolist() for place in range(begin, end)}
        assert covered == set(range(len(text)))
        whole = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
        for token, (begin, end) in zip(ids, places.tolist(), strict=True):
            spelled = lossless.decode([token])
            if "\ufffd" not in spelled:  # not a part of a character
                assert whole[begin:end].endswith(spelled)  # a token may begin inside a character that it ends


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_folding_and_closed_vocabularies_keep_places_of_the_raw_text(any_kind, text) -> None:
    assume("<" not in text)  # a closed vocabulary's '<mask>' becomes '<unk>', which stands where the '>' stood
    ((ids, places),) = any_kind.encode_with_offsets([text])
    assert np.array_equal(ids, any_kind.encode(text))
    check_places(text, places)
    inside = {place for begin, end in places.tolist() for place in range(begin, end)}
    assert all(text[place].isspace() or ord(text[place]) < 0x20 for place in set(range(len(text))) - inside)


def test_a_worked_example() -> None:
    tokenizer = train_tokenizer(SAMPLE, TokenizerConfig(kind="words", size=560))
    text = "The cat 猫坐!"
    ((ids, places),) = tokenizer.encode_with_offsets([text])
    assert [text[begin:end] for begin, end in places.tolist()] == ["The", " cat", " ", "猫", "坐", "!"]
    assert tokenizer.decode(ids) == text


def test_what_is_no_text_is_named() -> None:
    with pytest.raises(TypeError, match="text 1 is int"):
        train_tokenizer(SAMPLE, TokenizerConfig(kind="chars", size=300)).encode_with_offsets(["a", 1])
