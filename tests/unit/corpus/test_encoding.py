import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.document import ReadConfig, ReadCounts
from hornbook.corpus.encoding import decoded, guess_encoding, known_encoding

SIMPLIFIED = "今天的天气很好，我们一起去公园里走一走。他们说明天会下雨，但是我不相信。这个国家有很多的人。"
TRADITIONAL = "今天的天氣很好，我們一起去公園裡走一走。他們說明天會下雨，但是我不相信。這個國家有很多的人。"
RUSSIAN = "Сегодня хорошая погода, мы идём гулять в парк."
KOREAN = "오늘은 날씨가 좋아서 공원에 산책하러 갑니다. 내일은 비가 온다고 합니다."
JAPANESE = "今日は天気がいいので、公園へ散歩に行きます。明日は雨が降るそうです。"


@pytest.mark.parametrize(
    ("text", "encoding", "guessed"),
    [
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-16-be", "utf-16-be"),
        (TRADITIONAL, "big5", "big5hkscs"),
        (TRADITIONAL, "gbk", "gb18030"),
        ("你好，这个文件很短", "gbk", "gb18030"),
        ("你好，這個文件很短", "big5", "big5hkscs"),
        ("plain words", "utf-16-le", "utf-16-le"),
        ("plain words", "utf-16-be", "utf-16-be"),
        (RUSSIAN, "utf-8", "utf-8"),
        ("", "utf-8", "utf-8"),
    ],
)
def test_encodings_are_told_apart(text, encoding, guessed):
    for start in (0, 1, 2):  # a text may begin with any character
        guess = guess_encoding(text[start:].encode(encoding))
        assert (guess.encoding, guess.binary) == (guessed, ""), guess
        assert bool(guess.reason) == (guessed != "utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (KOREAN, "euc-kr"),
        (JAPANESE, "shift_jis"),
        ("Où êtes-vous ? Là-bas.", "cp1252"),
    ],
)
def test_other_encodings_are_never_taken_for_chinese(text, encoding):
    assert guess_encoding((text * 3).encode(encoding)).encoding == "utf-8"  # decoding will stop and say what to do


@pytest.mark.parametrize(("text", "encoding"), [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5")])
def test_long_texts_cut_inside_a_character_are_told_apart(text, encoding):
    raw = (text * 200).encode(encoding)
    for end in (999, 1000, 1001, 5003):
        assert guess_encoding(raw[:end]).encoding.startswith(encoding)


def test_a_sample_may_end_inside_a_character():
    raw = ("字" * 100_000).encode()
    for end in (200, 201, 202):
        assert guess_encoding(raw[:end]).encoding == "utf-8"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "utf-16", "utf-16-le"])
def test_decoding_does_not_depend_on_the_pieces(size, encoding):
    text = TRADITIONAL + "\r\n𠮷 and ASCII\n" if encoding != "big5" else TRADITIONAL + "\r\nand ASCII\n"
    raw = text.encode(encoding)
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    config = ReadConfig(encoding=encoding)
    assert "".join(decoded(pieces, name="x", config=config, counts=ReadCounts(), log=lambda event: None)) == text


@pytest.mark.parametrize("size", [1, 3, 10, 1000])
def test_the_byte_named_does_not_depend_on_the_pieces(size):
    raw = "字字字 ok \n".encode() + b"\xe5\xad" + b"x" * 40
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    with pytest.raises(ContentError, match="byte 14 "):
        list(decoded(pieces, name="x", config=ReadConfig(encoding="utf-8"), counts=ReadCounts(), log=lambda event: None))


def test_names_of_encodings():
    assert known_encoding("GBK") == known_encoding("gb2312") == "gb18030"
    assert (
        known_encoding("Big5") == "big5hkscs" and known_encoding("UTF8") == "utf-8" and known_encoding("latin1") == "iso8859-1"
    )
    with pytest.raises(UsageError, match="Did you mean gb18030"):
        known_encoding("gb18031")
