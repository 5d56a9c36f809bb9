"""Files of word vectors: guesses, limits, decimals read exactly, and what each damage is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings import WordVectors, load_vectors, save_vectors
from hornbook.embeddings.formats import FORMATS, guess_format
from hornbook.embeddings.formats.text_kernels import parse_decimal

TEXT = "3 2\nthe 0.5 -1\ncat 1e-3 +2.5\n字 .25 4.\n"


def write(folder: Path, content: str | bytes, name: str = "vectors.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_text_is_read(tmp_path: Path) -> None:
    vectors = load_vectors(write(tmp_path, TEXT))
    assert vectors.index_to_key == ["the", "cat", "字"]
    np.testing.assert_array_equal(vectors.vectors, np.float32([[0.5, -1], [1e-3, 2.5], [0.25, 4]]))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_guessed_and_read_back(format: str, tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(30, 7)).astype(np.float32)
    vectors = WordVectors([f"w{i}" for i in range(30)], matrix)
    save_vectors(vectors, tmp_path / "file", format)
    notes = []
    back = load_vectors(tmp_path / "file", log=notes.append)
    assert guess_format(tmp_path / "file") == format
    assert notes[0].text == f"{tmp_path / 'file'} read as {format}: 30 words, 7 dimensions"
    np.testing.assert_array_equal(back.vectors, matrix)
    if format != "folder":
        assert load_vectors(tmp_path / "file", limit=4).index_to_key == vectors.index_to_key[:4]
        assert not list(tmp_path.glob(".tmp*"))


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("\n", " \n"), (" ", "\t"), (" ", "  ")])
def test_harmless_differences_of_layout(change: tuple[str, str], tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        load_vectors(write(tmp_path, TEXT.replace(*change))).vectors, load_vectors(write(tmp_path, TEXT)).vectors
    )


REFUSED = {
    "empty": (b"", "is empty: expected word vectors"),
    "gzip": (b"\x1f\x8b\x08rest", "gzip data: unpack it with gunzip first"),
    "pickle": (b"\x80\x04\x95rest", "a pickle, which can run code: open it in gensim and call save_word2vec_format"),
    "prose": ("Once upon a time\nthere was a text\n", "holds no word vectors"),
    "fewer lines": (TEXT.rsplit("\n", 2)[0] + "\n", "do not fit in the|ends after line 3, its first line announces 3 words"),
    "more lines": (TEXT + "more 1 2\n", "line 5: more lines than the 3 words that line 1 announces"),
    "number missing": (TEXT.replace(" +2.5", ""), "line 3: expected a word and 2 numbers, there are 2 fields"),
    "number too many": (TEXT.replace("+2.5", "2 5"), "line 3: expected a word and 2 numbers, there are 4 fields"),
    "no number": (TEXT.replace("2.5", "2.5x"), r"line 3: '\+2.5x' is not a number"),
    "nan": (TEXT.replace("+2.5", "nan"), "line 3: 'nan' is not a number"),
    "too large": (TEXT.replace("+2.5", "1e39"), "line 3: the vector of 'cat' has a number that is not finite"),
    "word missing": (TEXT.replace("cat ", " "), "line 3: 2 numbers without a word|line 3: expected a word and 2 numbers"),
    "word twice": (TEXT.replace("cat", "the"), "line 3: the word 'the' is there twice, first at line 2. on_duplicates='first'"),
    "not UTF-8": (TEXT.encode("gb18030"), "line 4: the word is not utf8 .* Say its encoding"),
    "negative": ("-3 2\nthe 1 2\n", "line 1: -3 words of 2 dimensions do not fit"),
    "huge": ("2000000000 300\nthe 1 2\n", "line 1: 2000000000 words of 300 dimensions do not fit in the 8 bytes"),
    "huge dimensions": ("3 2000000000\nthe 1 2\n", "line 1: 3 words of 2000000000 dimensions do not fit"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_bad_file_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    path = write(tmp_path, content)
    with pytest.raises(ContentError, match=message) as caught:
        load_vectors(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_can_be_asked_for(tmp_path: Path) -> None:
    twice = write(tmp_path, TEXT.replace("cat", "the"))
    vectors = load_vectors(twice, on_duplicates="first")
    assert vectors.index_to_key == ["the", "字"]
    np.testing.assert_array_equal(vectors["the"], np.float32([0.5, -1]))
    assert load_vectors(write(tmp_path, TEXT.encode("gb18030")), encoding="gb18030").index_to_key[2] == "字"
    with pytest.raises(UsageError, match="'klingon' is not an encoding"):
        load_vectors(twice, encoding="klingon")
    with pytest.raises(UsageError, match=r"unknown format 'glov'. Did you mean glove\?"):
        load_vectors(twice, "glov")
    with pytest.raises(UsageError, match="does not exist"):
        load_vectors(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is a folder without config.json"):
        load_vectors(tmp_path)
    with pytest.raises(UsageError, match="read at least one word"):
        load_vectors(twice, limit=0)


def test_words_with_blanks_in_a_glove_file(tmp_path: Path) -> None:
    vectors = load_vectors(write(tmp_path, "the 1 2 3\nat name@domain.com 4 5 6\n. . . 7 8 9\n2008 1 1 1\ncat 0 0 1\n"))
    assert vectors.index_to_key == ["the", "at name@domain.com", ". . .", "2008", "cat"]
    with pytest.raises(ContentError, match="has a blank: save to a folder, or join it with '_'"):
        vectors.save_word2vec_format(tmp_path / "out")
    vectors.save_files(tmp_path)
    assert WordVectors.load(tmp_path).index_to_key == vectors.index_to_key


def test_binary_rows_with_and_without_line_breaks(tmp_path: Path) -> None:
    rows = np.float32([[1, 2], [3, 4]])
    for end in (b"\n", b""):
        content = b"2 2\n" + b"".join(word + b" " + row.tobytes() + end for word, row in zip((b"a", b"b"), rows))
        np.testing.assert_array_equal(load_vectors(write(tmp_path, content), "word2vec-binary").vectors, rows)
    with pytest.raises(ContentError, match="byte 24: 3 bytes follow the 2 words"):
        load_vectors(write(tmp_path, content + b"xyz"), "word2vec-binary")
    with pytest.raises(ContentError, match="byte 14: the file ends in word 2 of 2"):
        load_vectors(write(tmp_path, content[:-1]), "word2vec-binary")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(["%.9g", "%.17g", "%.6f", "%r", "%.30e"]))
@settings(max_examples=300, deadline=None)
def test_decimals_are_read_as_python_reads_them(number: float, template: str) -> None:
    text = template % number
    known, value = parse_decimal(np.frombuffer(text.encode(), np.uint8), 0, len(text))
    assert known
    expected = np.float32(float(text))
    if template == "%.30e":  # more digits than 64 bits hold: off by one at most
        assert expected in (np.float32(value), *np.nextafter(np.float32(value), np.float32([-np.inf, np.inf])))
    else:
        assert np.float32(value) == expected


@pytest.mark.parametrize(
    "text", ["", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1_0", "--1", "1 ", "inf", "nan", "1,5"]
)
def test_what_is_no_decimal(text: str) -> None:
    assert not parse_decimal(np.frombuffer(text.encode() + b"\0", np.uint8), 0, len(text))[0]


@pytest.mark.parametrize("text", ["1" * 400, "0." + "0" * 400 + "1", "1e-999999999999", "123456789012345678901234567890e-20"])
def test_extreme_decimals(text: str) -> None:
    known, value = parse_decimal(np.frombuffer(text.encode(), np.uint8), 0, len(text))
    assert known and value == pytest.approx(float(text), rel=1e-15)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    from hornbook.core.errors import DiskFullError

    path = write(tmp_path, "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="the disk is full"):
        WordVectors(["a"], np.ones((1, 2))).save_word2vec_format(path)
    assert path.read_text() == "old" and [entry.name for entry in tmp_path.iterdir()] == [path.name]
