from __future__ import annotations

import errno
import gzip
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, DiskFullError, UsageError
from hornbook.core.events import Event, Note, Progress
from hornbook.embeddings import words as module
from hornbook.embeddings.words import Sentences, Vocabulary, VocabularyConfig, number_again, read_sentences, restrict

ALL = VocabularyConfig(min_count=1)


def quiet(event: Event) -> None:
    """Nobody listens."""


def spelled(vocabulary: Vocabulary, sentences: Sentences) -> list[list[str]]:
    return [[vocabulary.words[number] for number in sentences[index].tolist()] for index in range(len(sentences))]


def expected_words(sentences: list[list[str]], min_count: int) -> list[tuple[str, int]]:
    """The vocabulary by the standard library: `most_common` keeps ties in order of first appearance."""
    counted = Counter(word for sentence in sentences for word in sentence)
    return [(word, count) for word, count in counted.most_common() if count >= min_count]


def same(one: tuple[Vocabulary, Sentences], other: tuple[Vocabulary, Sentences]) -> bool:
    return (
        one[0].words == other[0].words
        and one[0].counts.tolist() == other[0].counts.tolist()
        and one[1].ids.tolist() == other[1].ids.tolist()
        and one[1].starts.tolist() == other[1].starts.tolist()
        and (one[0].total, one[1].total_words) == (other[0].total, other[1].total_words)
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "aa", "ab", "中", "中国", "é", "x" * 70, "\x00", "\x7f"]), max_size=6), max_size=8
    ),
    st.sampled_from([" ", "\t", "  ", "\v", "\f "]),
    st.sampled_from(["\n", "\r\n", "\n\n", " \n"]),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 40),
)
def test_a_text_is_read_as_python_splits_it(
    lists: list[list[str]], blank: str, line_end: str, ended: bool, min_count: int, piece: int
) -> None:
    raw = (line_end.join(blank.join(sentence) for sentence in lists) + (line_end if ended else "")).encode()
    counted = expected_words(lists, min_count)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "text.txt"
        path.write_bytes(raw)
        patch.setattr(module, "chunks", lambda *_, **__: (raw[at : at + piece] for at in range(0, len(raw), piece)))
        if not counted:
            with pytest.raises(ContentError):
                read_sentences(path, VocabularyConfig(min_count), log=quiet)
            return
        read = read_sentences(path, VocabularyConfig(min_count), log=quiet)
    vocabulary, sentences = read
    assert list(zip(vocabulary.words, vocabulary.counts.tolist())) == counted
    kept = [[word for word in sentence if word in vocabulary.index] for sentence in lists]
    assert spelled(vocabulary, sentences) == [sentence for sentence in kept if sentence]
    assert same(read, read_sentences(iter(lists), VocabularyConfig(min_count), log=quiet))


def test_more_words_than_the_first_table_holds(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    lists = [[f"w{number}" for number in rng.integers(0, 200_000, 50)] for _ in range(6000)]
    path = tmp_path / "many.txt"
    path.write_text("\n".join(" ".join(sentence) for sentence in lists))
    read = read_sentences(path, ALL, log=quiet)
    assert list(zip(read[0].words, read[0].counts.tolist())) == expected_words(lists, 1)
    assert len(read[0]) > 100_000
    assert same(read, read_sentences(lists, ALL, log=quiet))


def test_a_byte_order_mark_and_compression(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.txt", tmp_path / "packed.txt.gz"
    plain.write_bytes("\ufeff你好 世界\n世界".encode())
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert spelled(*read_sentences(plain, ALL, log=quiet)) == [["你好", "世界"], ["世界"]]
    assert same(read_sentences(plain, ALL, log=quiet), read_sentences(str(packed), ALL, log=quiet))


def test_any_iterable_of_any_sequences() -> None:
    sentences = (sequence for sequence in (("a", "b"), ["b", ""], np.array(["c"]), {"d": 1}, []))
    vocabulary, read = read_sentences(sentences, ALL, log=quiet)
    assert spelled(vocabulary, read) == [["a", "b"], ["b"], ["c"], ["d"]]
    assert vocabulary.total == 5  # an empty string is no word


def test_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAY", 1)
    said: list[Any] = []
    path = tmp_path / "text.txt"
    path.write_text("a a b")
    read_sentences(path, VocabularyConfig(2), log=said.append)
    assert Progress("read words", 5, 5, "bytes") in said
    assert Note("3 words, 2 different; the vocabulary is 1 of them, 66.7% of the text") in said


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (["hello world", "hello"], r"sentence 0 is the text 'hello world'.*line\.split\(\).*sentences_of"),
        ([["a"], "hello"], "sentence 1 is the text 'hello'"),
        ([b"hello"], "sentence 0 is the text b'hello'"),
        ([3], "sentence 0 is not a list of words but 3"),
        ([[["a"]]], "sentence 0 is not a list of words"),
        ([["a", 5]], "holds 5, which is not a string"),
        ([["a", "\ud800"]], "lone surrogate"),
        ([], "corpus is empty"),
        ([[], [""]], "corpus is empty"),
    ],
)
def test_lists_that_are_refused(corpus: Any, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        read_sentences(corpus, ALL, log=quiet)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n\t\n", "is empty"),
        ("中文 文本".encode("gbk"), r"is not UTF-8: it has the word \\xd6\\xd0"),
        ("some text".encode("utf-16"), r"is not UTF-8.*hornbook corpus"),
    ],
)
def test_texts_that_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(ContentError, match=message):
        read_sentences(path, ALL, log=quiet)


def test_paths_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.txt does not exist"):
        read_sentences(tmp_path / "nowhere.txt", ALL, log=quiet)
    with pytest.raises(UsageError, match="is a folder"):
        read_sentences(tmp_path, ALL, log=quiet)
    with pytest.raises(UsageError, match="min_count must be"):
        VocabularyConfig(min_count=-1)


def test_a_small_memory_gives_the_same_from_a_temporary_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(map(str, rng.zipf(1.4, 30))) for _ in range(2000)))
    here, there = read_sentences(path, ALL, log=quiet), read_sentences(path, ALL, log=quiet, memory_mb=0)
    assert same(here, there)
    assert isinstance(there[1].ids, np.memmap) and not isinstance(here[1].ids, np.memmap)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(DiskFullError, match="temporary file not written"):
        read_sentences([["a"]], ALL, log=quiet, memory_mb=0)


def test_restricting_is_reading_with_a_higher_minimum() -> None:
    rng = np.random.default_rng(3)
    lists = [list(map(str, rng.zipf(1.5, 12))) for _ in range(300)]
    everything = read_sentences(lists, ALL, log=quiet)
    for config in (VocabularyConfig(4), VocabularyConfig(2, max_words=7)):
        assert same(restrict(*everything, config, log=quiet), read_sentences(lists, config, log=quiet))


def test_changed_words_are_numbered_again() -> None:
    vocabulary, sentences = number_again(
        ["rare", "gone", "often"], np.array([2, 0, 2], np.uint32), np.array([0, 1, 3]), total_words=4
    )
    assert (vocabulary.words, vocabulary.counts.tolist(), vocabulary.total) == (("often", "rare"), [2, 1], 4)
    assert (sentences.ids.tolist(), sentences.starts.tolist(), sentences.total_words) == ([0, 1, 0], [0, 1, 3], 4)
    with pytest.raises(IndexError):
        sentences[2]
