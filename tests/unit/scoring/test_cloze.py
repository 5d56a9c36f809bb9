import dataclasses
import time
from collections import Counter

import numpy as np
import pytest

from bigram_table import BigramTable, Letters, random_table
from hornbook.core.errors import ContentError
from hornbook.scoring.cloze import (
    ClozeItem,
    build_cloze,
    cloze_accuracy,
    cloze_with,
    load_cloze,
    save_cloze,
    score_shared,
    score_whole,
)
from hornbook.scoring.words import TokenWords, shape, spans

WORDS = [a + b + c for a in "bcdfg" for b in "aeiou" for c in "lmnrst"]


def english(sentences, seed):
    """Zipfian nonsense with capitals at the beginning of sentences."""
    generator = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(WORDS) + 1)
    lines = []
    for _ in range(sentences):
        words = generator.choice(WORDS, 12, p=weights / weights.sum())
        lines.append(" ".join(words).capitalize() + ".")
    return lines


def chinese(count, seed):
    generator = np.random.default_rng(seed)
    letters = [chr(0x4E00 + i) for i in range(200)]
    weights = 1 / np.arange(1, 201)
    return ["".join(generator.choice(letters, 60, p=weights / weights.sum())) + "。" for _ in range(count)]


@pytest.fixture(scope="module")
def items():
    return build_cloze(english(3000, 1), english(800, 2), count=200, seed=3)


def test_items_are_the_held_out_text(items):
    text = "\n".join(english(800, 2))
    assert len(items) == 200
    for item in items:
        assert item.left + item.candidates[item.answer] + item.right in text
        assert 10 - 1 <= len(item.left) <= 80 and len(item.right) <= 25
        assert not item.left[0].isspace()


def test_distractors_match_in_frequency_and_shape(items):
    counts = Counter(word for line in english(3000, 1) for word in line.rstrip(".").split())
    for item in items:
        answer = item.candidates[item.answer]
        assert len(set(item.candidates)) == 10
        for candidate in item.candidates:
            assert shape(candidate) == shape(answer)
            assert 0.5 <= counts[candidate] / counts[answer] <= 2.0


def test_frequency_alone_does_not_help():
    """Neither the most frequent candidate nor the middle one may be right more often than chance, which is 10 %."""
    counts = Counter(word for line in english(3000, 1) for word in line.rstrip(".").split())
    items = build_cloze(english(3000, 1), english(2000, 2), count=1000)

    def place(rank):
        def scorer(part):
            order = [np.argsort(np.argsort([-counts[word] for word in item.candidates])) for item in part]
            return -np.abs(np.array(order) - rank)

        return cloze_with(scorer, items)

    for rank in range(10):
        assert 0.05 < place(rank).accuracy < 0.16
    assert place(0).chance == pytest.approx(0.1)


def test_answers_are_spread(items):
    assert max(Counter(item.candidates[item.answer] for item in items).values()) <= 6  # 3 % of 200
    places = Counter(item.answer for item in items)
    assert len(places) == 10 and max(places.values()) < 45


def test_same_seed_same_items(items):
    assert build_cloze(english(3000, 1), english(800, 2), count=200, seed=3) == items
    assert build_cloze(english(3000, 1), english(800, 2), count=200, seed=4) != items


def test_chinese_characters_and_segmented_words():
    items = build_cloze(chinese(1000, 1), chinese(200, 2), count=50)
    assert len(items) == 50
    assert all(len(candidate) == 1 for item in items for candidate in item.candidates)

    def pairs(text):
        return [text[i : i + 2] for i in range(0, len(text), 2)]

    items = build_cloze(chinese(3000, 1), chinese(200, 2), count=50, segment=pairs)
    assert items and all(shape(candidate) == "2 characters" for item in items for candidate in item.candidates)


def test_words():
    text = "Don't stop: 北京 café x2 かな"
    assert [text[a:b] for a, b in spans(text, None)] == ["Don't", "stop", "北", "京", "café", "x", "か", "な"]
    assert [shape(word) for word in ("the", "The", "THE", "I", "McDonald", "北京", "ไทย")] == [
        "lower",
        "title",
        "upper",
        "capital",
        "mixed",
        "2 characters",
        "uncased",
    ]


def test_words_of_chinese_by_the_tokens_of_a_tokenizer():
    words = TokenWords(Tokens(["北京", "大学", "人"]))
    text = "The 北京大学 has 人人, 北京?人"
    assert list(words(text)) == ["The", "北京", "大学", "has", "人", "人", "北京", "人"]
    assert [text[a:b] for a, b in spans(text, words)] == list(words(text))


def test_small_texts_give_fewer_items():
    assert build_cloze(["one word"], ["another"]) == []
    with pytest.raises(ContentError, match="no cloze questions"):
        cloze_with(lambda part: np.zeros((len(part), 10)), [])


def test_saved_items_come_back(tmp_path, items):
    save_cloze(items, tmp_path / "cloze.json")
    assert load_cloze(tmp_path / "cloze.json") == items
    (tmp_path / "bad.json").write_text('{"items": [{"left": "a"}]}')
    with pytest.raises(ContentError, match=r"bad\.json"):
        load_cloze(tmp_path / "bad.json")
    save_cloze([dataclasses.replace(items[0], answer=10)], tmp_path / "range.json")
    with pytest.raises(ContentError, match="out of range"):
        load_cloze(tmp_path / "range.json")


def letters_item(left, right, answer):
    return ClozeItem(left, right, tuple("abcdefghij"), "abcdefghij".index(answer))


def test_a_bigram_answers_by_hand():
    """P(a x b) is largest for the letter that the table sends from a and to b."""
    table = np.full((14, 14), 0.01)
    table[4, 7] = table[7, 5] = 1.0  # a -> d -> b
    model = BigramTable(Letters("abcdefghij"), table)
    score = cloze_accuracy(model, [letters_item("a", "b", "d"), letters_item("a", "b", "c")])
    assert score.correct.tolist() == [1, 0] and score.accuracy == 0.5
    assert (score.items, score.offered) == (2, 2)


def test_both_ways_give_the_same_numbers():
    model = BigramTable(Letters("abcdefghij"), random_table(10, 1))
    generator = np.random.default_rng(2)
    questions = [
        ClozeItem("".join(generator.choice(list("abc"), 5)), right, ("a", "bb", "ccc", "d", "e", "ff", "g", "h", "i", "ba"), 0)
        for right in ("", "j", "jig", "aab")
    ]
    whole = score_whole(model, questions)
    np.testing.assert_allclose(score_shared(model, questions), whole, atol=1e-5)
    by_hand = [[model.log_probs([model.tokenizer.encode(text)])[0][:-1].sum() for text in item.texts()] for item in questions]
    np.testing.assert_allclose(whole - whole[:, :1], np.array(by_hand) - np.array(by_hand)[:, :1], atol=1e-4)


def test_a_time_limit_shortens_the_test_and_says_so(items):
    def slow(part):
        time.sleep(0.02)
        return np.array([np.arange(10) for _ in part])

    said = []
    score = cloze_with(slow, items, seconds=0.1, log=said.append)
    assert 8 <= score.items <= 48 and score.offered == 200
    assert f"{score.items} of 200" in score.notes[0] == said[0].text
    assert len(score.correct) == len(score.units) == score.items
    assert cloze_with(slow, items[:9], seconds=0.0).items == 8  # one batch at least


def test_ties_and_nonsense_are_wrong_answers(items):
    assert cloze_with(lambda part: np.zeros((len(part), 10)), items).accuracy == 0
    assert cloze_with(lambda part: np.full((len(part), 10), np.nan), items).accuracy == 0


class Tokens:
    """Greedy from the left over a list of tokens."""

    def __init__(self, tokens):
        self.tokens = tokens

    def encode_batch(self, texts):
        return [np.array(list(self._ids(text))) for text in texts]

    def decode(self, ids):
        return "".join(self.tokens[number] for number in ids)

    def _ids(self, text):
        while text:
            number = next(i for i, token in enumerate(self.tokens) if text.startswith(token))
            yield number
            text = text[len(self.tokens[number]) :]
