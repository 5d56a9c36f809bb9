"""Gaps filled by both sides: by hand on three words, with every tokenizer, and by a model that guesses hidden tokens."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from bigram_table import SPECIALS, BigramTable, Letters
from hornbook.core.errors import UsageError
from hornbook.scoring.fill import every_word, fill, likely_words, shared_start, whole_texts, words_after
from hornbook.scoring.fill_masked import fill_masked
from hornbook.scoring.gaps import cut_at_gaps
from hornbook.scoring.pieces import Pieces
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

WORDS = "a x y"  # three words; what the table below says of them can be checked by hand
TEXTS = [
    "The cat sat on the mat. The dog sat on the cat. A dog had a mat; the mat had a cat.",
    "猫坐在垫子上。狗坐在垫子上。",
] * 5


class Words:
    """Three words between blanks, one id each after the four special ones and a mask."""

    def __init__(self) -> None:
        self.size, self.specials = 8, {**SPECIALS, "mask": 4}

    def encode(self, text):
        return np.array([5 + WORDS.split().index(word) for word in text.split()], np.int64)

    def encode_batch(self, texts):
        return [self.encode(text) for text in texts]

    def decode(self, ids):
        return " ".join(WORDS.split()[int(one) - 5] for one in ids if one >= 5)


def table() -> np.ndarray:
    """P(next | last) of a, x, y and the end: after a mostly x, but only y is likely before a."""
    rows = np.zeros((8, 8))
    rows[:, 3] = 1.0
    rows[SPECIALS["start"], 5:] = 1, 1, 1
    rows[5, [3, 5, 6, 7]] = 0.1, 0.1, 0.6, 0.2  # after a
    rows[6, [3, 5, 6, 7]] = 0.1, 0.1, 0.4, 0.4  # after x
    rows[7, [3, 5, 6, 7]] = 0.1, 0.7, 0.1, 0.1  # after y
    return rows


def by_hand() -> list[float]:
    """'a _ a': P(a|a) P(a|a) = .01, P(x|a) P(a|x) = .06, P(y|a) P(a|y) = .14; of their sum .21."""
    return [0.01 / 0.21, 0.06 / 0.21, 0.14 / 0.21]


@pytest.mark.parametrize(("propose", "score"), itertools.product((every_word, likely_words), (whole_texts, shared_start)))
def test_three_words_by_hand(propose, score) -> None:
    model = BigramTable(Words(), table())
    filled = fill(model, "a ___ a", top=3, propose=propose, score=score)
    assert [one.word for one in filled.gaps[0]] == ["y", "x", "a"]  # from the left alone x would win
    assert [one.probability for one in filled.gaps[0]] == pytest.approx(sorted(by_hand(), reverse=True), rel=1e-5)
    assert filled.fillings[0].text == "a y a" and filled.candidates == 3


def test_two_gaps_are_filled_together() -> None:
    model = BigramTable(Words(), table())
    filled = fill(model, "a [MASK] <mask> a", top=9, propose=every_word, score=whole_texts)
    logs = model.table
    joint = {(f, s): logs[5, f] * logs[f, s] * logs[s, 5] for f in (5, 6, 7) for s in (5, 6, 7)}
    total = sum(joint.values())
    found = {tuple(5 + WORDS.split().index(word) for word in one.words): one.probability for one in filled.fillings}
    assert found == pytest.approx({words: value / total for words, value in joint.items()}, rel=1e-4)
    first = {one.word: one.probability for one in filled.gaps[0]}
    assert first["x"] == pytest.approx(sum(value for (f, _), value in joint.items() if f == 6) / total, rel=1e-4)


def test_where_nothing_follows_the_left_side_decides() -> None:
    filled = fill(BigramTable(Words(), table()), "a [MASK]", top=3, propose=every_word, score=whole_texts)
    assert filled.gaps[0][0].word == "x"
    assert filled.gaps[0][0].probability == pytest.approx(0.6 / 0.9, rel=1e-5)  # the end is no word


def test_no_gap_is_told() -> None:
    with pytest.raises(UsageError, match="there is no gap in 'a x'"):
        fill(BigramTable(Words(), table()), "a x", propose=every_word, score=whole_texts)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "words", "chars"])
def test_words_of_any_tokenizer(kind) -> None:
    from hornbook.statistical import NgramConfig, NgramLM

    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind=kind, size=600))
    model = NgramLM(tokenizer, NgramConfig(order=4)).fit(tokenizer.encode_batch(TEXTS))
    for text, words in (("The cat sat on the [MASK].", {"mat", "cat"}), ("The ___ sat on the cat.", {"dog", "cat"})):
        for propose, score in ((every_word, whole_texts), (likely_words, shared_start)):
            found = [one.word for one in fill(model, text, propose=propose, score=score).gaps[0]]
            assert words & set(found[:3]), (text, found)
            assert not any(" " in word or not word for word in found)
    chinese = fill(model, "狗坐在[MASK]上。", propose=every_word, score=whole_texts)
    if kind != "wordpiece":  # whose small vocabulary spells Chinese in bytes
        assert any(one.word in ("垫子", "垫", "子") for one in chinese.gaps[0])


def test_a_word_of_several_tokens_is_found_by_the_beam() -> None:
    from hornbook.statistical import NgramConfig, NgramLM

    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="chars"))
    model = NgramLM(tokenizer, NgramConfig(order=6)).fit(tokenizer.encode_batch(TEXTS))
    words = words_after(model, Pieces(tokenizer), "The dog ")
    assert words[0] == "sat"
    assert len(words) == len(set(words))


def test_a_hidden_markov_model_gives_its_posterior() -> None:
    """P(w | both sides) = sum of forward x emission x backward, worked out with the tables of the model."""
    from hornbook.statistical.hmm import HmmConfig, HmmLM

    texts = ["a x a", "a y a", "x y x y", "y a y a x"] * 6
    tokenizer = train_tokenizer(texts, TokenizerConfig(kind="words", closed_vocabulary=True))
    model = HmmLM(tokenizer, HmmConfig(states=3, iterations=5, emission_prior=1.0, threads=1)).fit(
        tokenizer.encode_batch(texts)
    )
    tables = model.tables_
    left, right = (int(tokenizer.encode(word)[0]) for word in ("a", "y"))
    forward = (tables.start * tables.emission[left]) @ tables.transition  # (P,)
    backward = tables.transition @ tables.emission[right]  # (P,)
    expected = {word: float((forward * tables.emission[int(tokenizer.encode(word)[0])] * backward).sum()) for word in "axy"}
    filled = fill(model, "a ___ y", top=10, propose=every_word, score=whole_texts)
    found = {one.word: one.probability for one in filled.gaps[0]}
    for word in "axy":
        assert found[word] / found["a"] == pytest.approx(expected[word] / expected["a"], rel=1e-3)


class Guesser:
    """P(token | neighbours on both sides) from a table of pairs: left and right multiply. Masks as neighbours say nothing."""

    def __init__(self, tokenizer, pairs) -> None:
        self.tokenizer, self.pairs, self.parameters = tokenizer, pairs, pairs.size

    def masked_log_probs(self, rows, places):
        result = np.empty((len(rows), self.tokenizer.size), np.float32)
        mask = self.tokenizer.specials["mask"]
        for number, (row, place) in enumerate(zip(rows, places, strict=True)):
            chance = np.zeros(self.tokenizer.size)
            chance[5:] = 1.0
            if place > 0 and row[place - 1] != mask:
                chance *= self.pairs[row[place - 1]]
            if place + 1 < len(row) and row[place + 1] != mask:
                chance *= self.pairs[:, row[place + 1]]
            with np.errstate(divide="ignore"):
                result[number] = np.log(chance / chance.sum())
        return result

    def pseudo_log_probs(self, documents):
        return [
            np.array([self.masked_log_probs([ids], [place])[0, ids[place]] for place in range(len(ids))], np.float32)
            for ids in documents
        ]


def test_a_masked_model_gives_its_own_probabilities() -> None:
    filled = fill_masked(Guesser(Words(), table()), "a [MASK] a", top=3)
    assert [one.word for one in filled.gaps[0]] == ["y", "x", "a"]
    assert [one.probability for one in filled.gaps[0]] == pytest.approx(sorted(by_hand(), reverse=True), rel=1e-5)


def test_masked_gaps_are_filled_in_order() -> None:
    model = Guesser(Words(), table())
    filled = fill_masked(model, "a ___ ___ a", top=9)
    assert sum(one.probability for one in filled.fillings) == pytest.approx(1)
    first = model.masked_log_probs([[5, 4, 4, 5]], [1])[0]
    second = model.masked_log_probs([[5, 6, 4, 5]], [2])[0]
    scores = {one.words: one.probability for one in filled.fillings}
    third = model.masked_log_probs([[5, 7, 4, 5]], [2])[0]
    ratio = np.exp(first[6] + second[7] - first[7] - third[5])
    assert scores["x", "y"] / scores["y", "a"] == pytest.approx(float(ratio), rel=1e-4)


def test_masked_words_of_several_tokens() -> None:
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="chars"))
    letters = tokenizer.encode_batch(TEXTS)
    pairs = np.full((tokenizer.size, tokenizer.size), 1e-4)
    for ids in letters:
        np.add.at(pairs, (ids[:-1].astype(int), ids[1:].astype(int)), 1.0)
    model = Guesser(tokenizer, pairs / pairs.sum(axis=1, keepdims=True))
    filled = fill_masked(model, "The dog ___ on the cat.", top=20, longest=3)
    assert {len(one.word) for one in filled.gaps[0]} >= {1, 3}
    assert sum(one.probability for one in fill_masked(model, "The dog ___ on", top=10_000, longest=3).gaps[0]) == pytest.approx(
        1
    )


def test_gaps_in_every_spelling() -> None:
    assert cut_at_gaps("a [MASK] b ___ c ____ <mask>", Letters()) == ["a ", " b ", " c ", " ", ""]


def test_words_know_their_tokens() -> None:
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="bpe", size=300))
    pieces = Pieces(tokenizer)
    text = "The cat sat, 垫子"
    numbers = pieces.word_of(tokenizer.encode(text))
    words: dict[int, str] = {}
    for number, one in zip(numbers.tolist(), tokenizer.encode(text).tolist(), strict=True):
        words[number] = words.get(number, "") + tokenizer.decode([one])
    assert [word.strip() for word in words.values()][:3] == ["The", "cat", "sat"]


def test_the_bytes_of_a_character_are_one_word() -> None:
    tokenizer = train_tokenizer(["今天天气很好"] * 9, TokenizerConfig(kind="bpe", size=270))
    text = "龘今naïve 好"
    ids = tokenizer.encode(text)
    numbers = Pieces(tokenizer).word_of(ids)
    words = [tokenizer.decode(ids[numbers == number]) for number in range(numbers[-1] + 1)]
    assert len(ids) > len(text)
    assert words == ["龘", "今", "naïve", " ", "好"]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "chars", "words", "bytes"])
def test_a_gap_beside_letters_is_a_part_of_their_word(kind: str) -> None:
    tokenizer = train_tokenizer([*TEXTS, "unable unstable undoable"] * 3, TokenizerConfig(kind=kind, size=600))
    generator = np.random.default_rng(2)
    for text in ("un[MASK]able", "猫[MASK]在", "The un[MASK] cat", "The [MASK]able"):
        table = generator.dirichlet(np.ones(tokenizer.size), tokenizer.size)
        for filled in (
            fill_masked(Guesser(tokenizer, table), text, top=9, longest=2),
            fill(BigramTable(tokenizer, table), text, top=9, propose=likely_words, score=whole_texts),
        ):
            for one in filled.fillings:
                assert one.words[0] and not re.search(r"\s", one.words[0])
                assert one.text == text.replace("[MASK]", one.words[0])


def test_letters_behind_a_gap_go_on_with_its_word() -> None:
    """Pieces inside a word have ids of their own: what the model reads is the whole word with a mask in it."""
    tokenizer = train_tokenizer([*TEXTS, "unable unstable undoable"] * 3, TokenizerConfig(kind="wordpiece", size=600))
    pieces = Pieces(tokenizer)
    assert tokenizer.decode(np.concatenate([tokenizer.encode("un"), pieces.behind("able cat")])) == "unable cat"
    assert np.array_equal(np.concatenate([tokenizer.encode("x"), pieces.behind("able")]), tokenizer.encode("xable"))
    assert np.array_equal(pieces.behind(" able"), tokenizer.encode(" able"))


def test_a_part_of_a_word_is_refused_where_only_whole_words_are_known() -> None:
    model = BigramTable(Words(), table())
    for text in ("a x___ a", "a ___x a"):
        with pytest.raises(UsageError, match="put blanks around it"):
            fill(model, text, propose=every_word, score=whole_texts)
