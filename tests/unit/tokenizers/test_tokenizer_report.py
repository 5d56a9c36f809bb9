"""The report's numbers on texts that can be counted by hand, and what is refused."""

import pytest

from hornbook.core.errors import ContentError
from hornbook.tokenizers import KINDS, TextTokenizer, TokenizerConfig, refuse_flooded, tokenizer_report, train_tokenizer

ENGLISH = ["the cat sat on the mat and the dog ran after the cat\n"] * 300
CHINESE = ["自然语言处理是人工智能的一个方向，我们训练语言模型。\n"] * 300


def test_numbers_that_can_be_counted_by_hand() -> None:
    tokenizer = train_tokenizer(["the cat sat\n"], TokenizerConfig("words"))
    report = tokenizer_report(tokenizer, ["the cat ran\n", "我 cat\n"])
    # the| cat| |r|a|n|\n and three bytes of a character | cat|\n: " ran" (4 bytes) and the character (3) are spelled
    assert (report.documents, report.words, report.bytes) == (2, 5, 20)
    assert report.tokens == 1 + 1 + 4 + 1 + 3 + 1 + 1
    assert report.fertility == report.tokens / 5 and report.bytes_per_token == 20 / report.tokens
    assert report.unknown_rate == 7 / 20 and report.lost_rate == 0
    assert report.used == len({*tokenizer.encode("the cat ran\n").tolist(), *tokenizer.encode("我 cat\n").tolist()})
    assert report.unused_rate == pytest.approx(1 - report.used / tokenizer.size)
    assert ("the", ("the",)) in report.examples


def test_han_characters_count_as_words() -> None:
    report = tokenizer_report(train_tokenizer(CHINESE, TokenizerConfig("chars")), ["语言 model，"])
    assert report.words == 3  # two characters, and what stands between spaces: "model，"


def test_a_closed_vocabulary_loses_what_it_does_not_know() -> None:
    tokenizer = train_tokenizer(["a bb <unk>"], TokenizerConfig("words", closed_vocabulary=True))
    report = tokenizer_report(tokenizer, ["a ccc <unk> bb"])
    assert report.lost_rate == report.unknown_rate == 3 / 14  # the literal <unk> is a word like any other
    with pytest.raises(ContentError, match=r"21% of the text is unknown to the words-closed tokenizer"):
        refuse_flooded(report)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_other_language_floods(kind: str) -> None:
    tokenizer = train_tokenizer(ENGLISH, TokenizerConfig(kind))
    refuse_flooded(tokenizer_report(tokenizer, ENGLISH))
    other = tokenizer_report(tokenizer, CHINESE)
    if kind == "bytes":
        refuse_flooded(other)
        assert other.unknown_rate == 0
    else:
        with pytest.raises(ContentError, match="byte by byte"):
            refuse_flooded(other)


@pytest.mark.parametrize("kind", KINDS)
def test_four_lines_are_not_refused(kind: str) -> None:
    lines = ["你好，世界。\n", "我爱北京。\n", "天气很好。\n", "再见。\n"]
    report = tokenizer_report(train_tokenizer(lines, TokenizerConfig(kind)), lines)
    refuse_flooded(report)
    assert report.documents == 4 and report.lost_rate == 0


def test_reading_stops_at_the_limit(tokenizer: TextTokenizer) -> None:
    report = tokenizer_report(tokenizer, (text for text in CHINESE * 100), limit=10_000)
    assert 9_990 < report.bytes <= 10_000 and report.documents < 200


def test_an_empty_text_has_a_report(tokenizer: TextTokenizer) -> None:
    report = tokenizer_report(tokenizer, [])
    assert (report.tokens, report.bytes, report.fertility, report.unknown_rate) == (0, 0, 0, 0)
    refuse_flooded(report)
