"""Labelled texts: every layout is read, what was guessed is said, and what cannot be read is one line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.label_columns import TextColumns
from hornbook.corpus.labelled_texts import LabelledText, files_by_split, read_labelled_texts

ROWS = [("the film is a joy to watch", "good"), ("dull and far too long", "bad"), ("a joy, from end to end", "good")] * 3
ROWS[4] = ("what a bore, what a long bore", "bad")


def read(path: Path, columns: TextColumns | None = None) -> tuple[list[LabelledText], list[str]]:
    events: list[Event] = []
    found = list(read_labelled_texts(path, columns, log=events.append))
    return found, [event.text for event in events if isinstance(event, Note | Alarm)]


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(separator: str, *, header: str = "", flip: bool = False) -> str:
    rows = [(label, text) if flip else (text, label) for text, label in ROWS]
    return (header + "\n" if header else "") + "".join(separator.join(row) + "\n" for row in rows)


def quoted(separator: str) -> str:
    return "".join(f'"{text}"{separator}"{label}"\n' for text, label in ROWS)


LAYOUTS = {
    "header.tsv": (table("\t", header="sentence\tlabel"), "text: 'sentence', label: 'label', header, tab separated"),
    "odd header.tsv": (table("\t", header="zin\toordeel"), "text: 'zin', label: 'oordeel', header, tab separated"),
    "no header.tsv": (table("\t"), "text: column 1, label: column 2, no header, tab separated"),
    "flipped.tsv": (table("\t", flip=True), "text: column 2, label: column 1, no header, tab separated"),
    "quoted.csv": (quoted(","), "text: column 1, label: column 2, no header, comma separated"),
    "semicolon.csv": (quoted(";"), "text: column 1, label: column 2, no header, semicolon separated"),
    "bar.txt": (table("|", flip=True), "text: column 2, label: column 1, no header, separated by |"),
    "SMSSpamCollection": (table("\t", flip=True), "text: column 2, label: column 1, no header, tab separated"),
    "rows.jsonl": (
        "".join(json.dumps({"id": k, "label": label, "text": text}) + "\n" for k, (text, label) in enumerate(ROWS)),
        "text: 'text', label: 'label', JSON lines",
    ),
    "odd names.jsonl": (
        "".join(json.dumps({"id": str(k), "oordeel": label, "zin": text}) + "\n" for k, (text, label) in enumerate(ROWS)),
        "text: 'zin', label: 'oordeel', JSON lines",
    ),
    "fasttext.txt": (
        "".join(f"__label__{label} {text}\n" for text, label in ROWS),
        "text: 'text', label: 'label', fastText's lines",
    ),
    "crlf.tsv": (table("\t").replace("\n", "\r\n"), "text: column 1, label: column 2, no header, tab separated"),
    "mark.tsv": ("\ufeff" + table("\t", header="label\ttext", flip=True), "text: 'text', label: 'label', header"),
    "ids.tsv": (
        "id\tsentence\tlabel\n" + "".join(f"{k}\t{text}\t{label}\n" for k, (text, label) in enumerate(ROWS)),
        "text: 'sentence', label: 'label', header",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("compressed", [False, True])
def test_every_layout_is_read_and_the_guess_is_said(name: str, compressed: bool, tmp_path: Path) -> None:
    text, guess = LAYOUTS[name]
    path = write(tmp_path / (name + ".gz" * compressed), gzip.compress(text.encode()) if compressed else text)
    found, told = read(path)
    assert [(one.text, one.labels) for one in found] == [(text, (label,)) for text, label in ROWS]
    assert told[0].startswith(f"{path}: {guess}") and told[0].endswith("; 9 texts, 2 labels")
    assert "stand there more than once, 0 of them with another label" in told[1]


def test_chinese_in_gb18030_is_found(tmp_path: Path) -> None:
    rows = [("1", "房间很干净，服务态度也很好，下次还会来"), ("0", "房间太小了，设施也很陈旧，不推荐大家来住")] * 30
    path = write(tmp_path / "评论.csv", ("label,review\n" + "".join(f"{a},{b}\n" for a, b in rows)).encode("gb18030"))
    found, told = read(path)
    assert [(one.labels[0], one.text) for one in found] == rows
    assert any("text: 'review', label: 'label', header, comma separated" in line for line in told)


def test_the_users_word_goes_before_the_guess(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "text\tlabel\tnote\tkind\n" + "some words\tx\tother words\ty\n" * 5)
    assert read(path)[0][0] == LabelledText("some words", ("x",), None, 2)
    assert read(path, TextColumns(text="note", label="kind"))[0][0] == LabelledText("other words", ("y",), None, 2)
    assert read(path, TextColumns(text="3", label="4"))[0][0] == LabelledText("other words", ("y",), None, 2)
    with pytest.raises(UsageError, match=r"has no field 'lable'. Did you mean label\?"):
        read(path, TextColumns(label="lable"))


def test_pairs_and_several_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.tsv", "sentence1\tsentence2\tlabel\n" + "a cat\ta dog\tno\nb\tb\tyes\n" * 3)
    found, told = read(path)
    assert found[0] == LabelledText("a cat", ("no",), "a dog", 2) and "second text: 'sentence2'" in told[0]
    path = write(tmp_path / "many.csv", "text,tags\n" + "one,red; blue\ntwo,red;red\nthree,\n" * 2)
    found, told = read(path, TextColumns(separator=";"))
    assert [one.labels for one in found[:2]] == [("red", "blue"), ("red",)]
    assert f"{path}: left out: 0 rows without text, 2 without a label" in told
    path = write(tmp_path / "many.jsonl", '{"text": "one", "labels": ["a", "b"]}\n{"text": "two", "labels": []}\n')
    assert [one.labels for one in read(path)[0]] == [("a", "b")]


def test_quotes_in_tsv_are_characters_unless_a_program_wrote_them(tmp_path: Path) -> None:
    path = write(tmp_path / "plain.tsv", '"Go until the end\tham\nhe said "no" twice\tspam\nall "quoted"\tham\n')
    assert [one.text for one in read(path)[0]] == ['"Go until the end', 'he said "no" twice', 'all "quoted"']
    path = write(tmp_path / "written.tsv", '"he said ""no"" twice"\tspam\nplain words here\tham\n')
    assert [one.text for one in read(path)[0]] == ['he said "no" twice', "plain words here"]
    path = write(tmp_path / "lines.tsv", 'text\tlabel\n"two\nlines"\tspam\nplain words here\tham\n')
    assert [(one.text, one.line) for one in read(path)[0]] == [("two\nlines", 2), ("plain words here", 4)]


def test_contradictions_are_an_alarm_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "same text\tyes\nother text\tno\nsame  text\tno\nother text\tno\n")
    events: list[Event] = []
    list(read_labelled_texts(path, log=events.append))
    alarm = next(event for event in events if isinstance(event, Alarm))
    assert "2 texts stand there more than once, 1 of them with another label" in alarm.text
    assert alarm.remedy == "look at them: lines 1 and 3 are the first pair"


def test_labels_are_texts_and_a_mixture_is_said(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", '{"text": "a b", "label": 1}\n{"text": "c d", "label": "x"}\n{"text": "e", "label": true}\n'
    )
    found, told = read(path)
    assert [one.labels[0] for one in found] == ["1", "x", "true"]
    assert any("labels are texts (line 2) and numbers (line 1)" in line for line in told)


def test_more_separators_than_columns_belong_to_the_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "label,text\n1,good\n0,bad, very bad, and long\n1,fine\n")
    found, told = read(path)
    assert found[1].text == "bad, very bad, and long" and any("1 rows have more separators" in line for line in told)


def test_null_and_na_are_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nnull,NA\nNA,null\nnan,1.0\nNone,1\n")
    assert [(one.text, one.labels[0]) for one in read(path)[0]] == [
        ("null", "NA"),
        ("NA", "null"),
        ("nan", "1.0"),
        ("None", "1"),
    ]


def test_a_folder_for_every_label(tmp_path: Path) -> None:
    for label in ("neg", "pos"):
        (tmp_path / label).mkdir()
        for k in range(2):
            write(tmp_path / label / f"{k}.txt", f"{label} text {k}\nsecond line\n")
    found, told = read(tmp_path)
    assert [(one.text, one.labels) for one in found][2] == ("pos text 0\nsecond line", ("pos",))
    assert "a folder a label; 4 texts, 2 labels" in told[0] and files_by_split(tmp_path) == {"train": [tmp_path]}


def test_files_of_a_folder_are_known_by_their_names(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv.gz", "test.tsv", "README.md", "notes.pdf"):
        write(tmp_path / name, "x")
    splits = {split: [path.name for path in paths] for split, paths in files_by_split(tmp_path).items()}
    assert splits == {"train": ["train.tsv"], "valid": ["dev.tsv.gz"], "test": ["test.tsv"]}


def test_parquet_is_read_by_its_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"label": [0, 1, 0], "review": ["a b c", "d e f", None]}), tmp_path / "a.parquet")
    found, told = read(tmp_path / "a.parquet")
    assert [(one.text, one.labels) for one in found] == [("a b c", ("0",)), ("d e f", ("1",))]
    assert "text: 'review', label: 'label', Parquet; 2 texts" in told[0]


BAD = {
    "empty.tsv": (b"", "is empty"),
    "blank.tsv": (b"\n \n\n", "is empty"),
    "one.tsv": (b"only a text\nand another\n", "no column of"),
    "nothing.tsv": (b"text\tlabel\n\tx\nsome words\t\n", "no row with a text and a label"),
    "ragged.tsv": (b"some text\tx\nother text\tx\nthird\n", "line 3: found 1 columns where 2 are expected"),
    "open.csv": (b'text,label\n"never closed,x\nmore words,y\n', "line 2: this row cannot be read"),
    "damaged.jsonl": (b'{"text": "a", "label": "b"}\n{"text": "a",\n', "line 2 is not a JSON object"),
    "list.jsonl": (b'["a", "b"]\n', "line 1 is not a JSON object: it is list"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "line 1 is not a JSON object"),
    "number.jsonl": (b'{"text": "a", "label": "b"}\n{"text": 5, "label": "b"}\n', "line 2: field 'text' is int, not text"),
    "object.jsonl": (b'{"text": "a", "label": "b"}\n{"text": "a", "label": {"x": 1}}\n', "line 2: a label is dict"),
    "no label.jsonl": (b'{"text": "a"}\n', "no column of labels beside text"),
    "bytes.tsv": (b"some text\tx\n\xff\xfe\xff text\tx\n", "byte"),
    "zip.tsv": (b"PK\x03\x04 more", "zip"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    with pytest.raises(HornbookError) as error:
        read(write(tmp_path / name, content))
    assert message in str(error.value) and name in str(error.value) and "\n" not in str(error.value)


def test_missing_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_labelled_texts(tmp_path / "none.tsv")
    with pytest.raises(ContentError, match="no file of labelled texts"):
        files_by_split(tmp_path)
