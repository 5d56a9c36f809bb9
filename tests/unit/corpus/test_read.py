import json
import os
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Note, Progress
from hornbook.corpus import plain
from hornbook.corpus.document import ReadCounts
from hornbook.corpus.lines import cut_line, whole_lines
from hornbook.corpus.read import ReadConfig, Reader, read_documents
from hornbook.corpus.sources import split_of_name


def silent(event):
    return None


def read(path, **config):
    return [document.text for document in read_documents([path], ReadConfig(**config), log=silent)]


def pieces_of(text, cuts):
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


TEXTS = st.text(alphabet="ab 字\n\r\u2028\x0c", max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=5)


@given(TEXTS, CUTS)
def test_line_ends_do_not_depend_on_the_pieces(text, cuts):
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    found = list(whole_lines(iter(pieces_of(text, cuts)), longest=10_000))
    assert "".join(piece for piece, _ in found) == expected
    assert all(piece.endswith("\n") for piece, _ in found[:-1]) and not any(cut for _, cut in found)


@given(TEXTS, CUTS, st.integers(4, 20))
def test_long_lines_are_cut_and_nothing_is_lost(text, cuts, longest):
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    found = list(whole_lines(iter(pieces_of(text, cuts)), longest=longest))
    result = "".join(piece for piece, _ in found)
    assert result.replace("\n", "") == expected.replace("\n", "")
    assert all(len(line.encode()) <= longest for line in result.split("\n"))
    assert sum(cut for _, cut in found) == sum(len(line.encode()) > longest for line in expected.split("\n"))


def test_a_line_is_cut_behind_white_space_else_between_characters():
    assert (
        cut_line("one two three four", 10) == ["one two ", "three ", "four"]
        or "".join(cut_line("one two three four", 10)) == "one two three four"
    )
    assert all(part.endswith(" ") for part in cut_line("word " * 100, 64)[:-1])
    parts = cut_line("字" * 100, 50)
    assert "".join(parts) == "字" * 100 and all(len(part.encode()) <= 50 for part in parts)


def reference_blocks(text):
    blocks, block = [], []
    for line in [*text.split("\n"), ""]:
        if line and not line.isspace():
            block.append(line)
        elif block:
            blocks.append("\n".join(block))
            block = []
    return blocks


@settings(max_examples=300)
@given(st.text(alphabet="ab \n\n\n\t", max_size=60), CUTS)
def test_blank_line_blocks_equal_a_plain_loop_however_the_text_comes(text, cuts):
    lines = (piece for piece, _ in whole_lines(iter(pieces_of(text, cuts)), longest=10_000))
    found = list(plain.documents(lines, "blank", largest=10_000, counts=ReadCounts()))
    assert found == reference_blocks(text)


def test_titles_start_documents_only_between_blank_lines(tmp_path):
    path = tmp_path / "wiki.tokens"
    path.write_text(" \n = First = \n \n text one \n = = Part = = \n = no title = \n more \n \n = Second = \n \n text two \n")
    notes = []
    documents = list(read_documents([path], ReadConfig(), log=notes.append))
    assert "".join(document.text for document in documents) == path.read_text()[2:]  # the blank line in front
    assert [document.text.strip().split("\n")[0].rstrip() for document in documents] == ["= First =", "= Second ="]
    assert "= no title =" in documents[0].text and "= = Part = =" in documents[0].text
    assert any("'= Title ='" in str(note) for note in notes) and any(
        ".tokens read as plain text" in str(note) for note in notes
    )


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("one\ntwo\n\nthree\nfour\n", "blank"),
        ("one sentence here.\nanother sentence, which is longer than that.\nand a third.\n", "line"),
        ("a single line", "file"),
        ("\n".join(["this is a line of running text that was wrapped at a width by someone"] * 9), "file"),
        ("= A =\n\ntext\n\n= B =\n\ntext\n", "blank"),  # the first title has no blank line before it but the file's start
    ],
)
def test_the_rule_for_documents_is_guessed_and_said(tmp_path, text, mode):
    guess = plain.guess_documents(text)
    assert guess.mode == (mode if not text.startswith("= A") else "title")
    (tmp_path / "a.txt").write_text(text)
    notes = []
    list(read_documents([tmp_path / "a.txt"], ReadConfig(), log=notes.append))
    assert any(guess.reason in str(note) and "--documents" in str(note) for note in notes)


def test_a_file_is_one_document_to_the_character(tmp_path):
    text = "\n\n first \n\n second \n\n\n"
    (tmp_path / "a.txt").write_text(text)
    assert read(tmp_path / "a.txt", documents="file") == [text]
    assert read(tmp_path / "a.txt", documents="line") == [" first ", " second "]
    assert read(tmp_path / "a.txt", documents="blank") == [" first ", " second "]


def test_documents_over_the_limit_are_cut_at_line_ends_and_counted(tmp_path):
    text = "".join(f"line {number}\n" for number in range(300_000))
    (tmp_path / "a.txt").write_text(text)
    reader = Reader([tmp_path / "a.txt"], ReadConfig(documents="file", max_document_bytes=1_000_000), log=silent)
    parts = [document.text for document in reader]
    assert "".join(parts) == text and len(parts) == reader.counts.long_documents + 1 >= 3
    assert all(part.endswith("\n") for part in parts)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.txt", "train"),
        ("wiki.valid.tokens", "valid"),
        ("ptb.test.txt", "test"),
        ("esp.testa", "valid"),
        ("esp.testb", "test"),
        ("dev-1.jsonl", "valid"),
        ("zh_validation.txt", "valid"),
        ("contest.txt", None),
        ("news.txt", None),
    ],
)
def test_splits_by_name(name, split):
    assert split_of_name(name) == split


def test_folders_are_walked_in_order_and_oddments_listed(tmp_path):
    for name in ("train.txt", "dev.txt", "test.txt", "README.md", "LICENSE", ".hidden", "picture.png", "documents.tsv"):
        (tmp_path / name).write_text(f"text of {name}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.text").write_text("more text")
    notes = []
    reader = Reader([tmp_path], ReadConfig(), log=notes.append)
    assert [(os.path.basename(d.source), d.split) for d in reader] == [
        ("more.text", "train"),
        ("train.txt", "train"),
        ("dev.txt", "valid"),
        ("test.txt", "test"),
    ] or sorted((os.path.basename(d.source), d.split) for d in reader) == [
        ("dev.txt", "valid"),
        ("more.text", "train"),
        ("test.txt", "test"),
        ("train.txt", "train"),
    ]
    assert sorted(reader.counts.skipped) == [".hidden", "LICENSE", "README.md", "documents.tsv", "picture.png"]
    assert reader.has_given_splits


def test_names_mean_splits_only_beside_a_train_file(tmp_path):
    (tmp_path / "testament.txt").write_text("in the beginning")
    notes = []
    (document,) = read_documents([tmp_path / "testament.txt"], ReadConfig(), log=notes.append)
    assert document.split is None and any("no file is named train" in str(note) for note in notes)


def test_split_folders_and_declared_splits(tmp_path):
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(folder)
    assert {d.text: d.split for d in read_documents([tmp_path], ReadConfig(), log=silent)} == {"train": "train", "test": "test"}
    (tmp_path / "x.txt").write_text("mine")
    config = ReadConfig(dev=(str(tmp_path / "x.txt"),))
    splits = {d.text: d.split for d in read_documents([tmp_path / "train" / "a.txt"], config, log=silent)}
    assert splits == {"train": "train", "mine": "valid"}


def test_many_files_of_a_folder_are_documents(tmp_path):
    for number in range(25):
        (tmp_path / f"{number:02}.txt").write_text(f"title {number}\n\nparagraph\n\nparagraph")
    assert len(read(tmp_path)) == 25


def test_given_splits_are_guessed_alike(tmp_path):
    (tmp_path / "train.txt").write_text("first\n\nsecond\n")
    (tmp_path / "valid.txt").write_text("no blank\nline here\n")
    assert read(tmp_path) == ["first", "second", "no blank\nline here"]


def test_standard_input(monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, "text from a pipe\n\nand more 字".encode())
    os.close(writing)
    with open(reading, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        assert read("-") == ["text from a pipe", "and more 字"]


def test_json_fields_are_found_or_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "7", "content": "the text", "label": 1}) + "\n" + json.dumps({"content": "b"}))
    notes = []
    assert [d.text for d in read_documents([path], ReadConfig(), log=notes.append)] == ["the text", "b"]
    assert any("'content'" in str(note) for note in notes)
    with pytest.raises(UsageError, match="Did you mean content"):
        read(path, text_field="contents")
    path.write_text('"plain strings"\n"are texts too"\n')
    assert read(path) == ["plain strings", "are texts too"]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", "label,text\n1,good\n", ["good"]),
        ("a.csv", "label;review\n1;good; not bad\n".replace("; not", " not"), ["good not bad"]),
        ("a.csv", "1,a much longer text than the label\n0,another text of some length\n", None),
        ("a.tsv", 'spam\tan "odd quote is a character\nham\tanother line of text\n', None),
        ("a.csv", "only\na column\nof lines\n", ["only", "a column", "of lines"]),
    ],
)
def test_table_columns_are_guessed(tmp_path, name, data, expected):
    (tmp_path / name).write_text(data)
    mark = "\t" if name.endswith("tsv") else ","
    assert read(tmp_path / name) == (expected or [line.split(mark)[1] for line in data.strip().split("\n")])


def test_progress_counts_the_bytes_on_the_disk(tmp_path):
    (tmp_path / "a.txt").write_text("line of text\n" * 3_000_000)
    events = []
    for _ in read_documents([tmp_path / "a.txt"], ReadConfig(documents="line"), log=events.append):
        pass
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress][-1] == progress[-1].total == 39_000_000 and len(progress) == 2
    assert [event for event in events if isinstance(event, Note)] == []


def test_oddities_are_told_in_one_note_each(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\0b\n" + b"x" * 100 + b"\n")
    notes = []
    list(read_documents([tmp_path / "a.txt"], ReadConfig(documents="file", max_line_bytes=50), log=notes.append))
    told = " | ".join(event.text for event in notes if isinstance(event, Note))
    assert "1 NUL characters" in told and "1 lines over 50 bytes" in told


def test_an_empty_source_among_others_is_no_error(tmp_path):
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.txt").write_text("text")
    assert read(tmp_path) == ["text"]
    with pytest.raises(ContentError):
        read(tmp_path / "a.txt")
