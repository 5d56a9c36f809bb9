"""Forty bad and odd files through six readers: a defined result or one line with the right exit code, nothing lost (P11)."""

import bz2
import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import zipfile

import pytest

from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.corpus.read import ReadConfig, Reader

pytestmark = pytest.mark.faults

CHINESE = "今天的天气很好，我们一起去公园里走一走。这是一个很大的国家，有很多的人。\n他们说明天会下雨，但是我不相信。\n" * 3
TRADITIONAL = "今天的天氣很好，我們一起去公園裡走一走。這是一個很大的國家，有很多的人。\n他們說明天會下雨，但是我不相信。\n" * 3
ENGLISH = "The first line of a text.\nThe second line, a little longer than the first one.\n"
CHINESE_LINES = CHINESE.strip().split("\n")
TRADITIONAL_LINES = TRADITIONAL.strip().split("\n")
ENGLISH_LINES = ENGLISH.strip().split("\n")


class Fails(str):
    """What the one line of the error has to contain."""


# name -> (bytes, lines expected in order, or the words of the error)
FILES = {
    "plain": (ENGLISH.encode(), ENGLISH_LINES),
    "no-newline-at-end": (ENGLISH.strip().encode(), ENGLISH_LINES),
    "one-word": (b"word", ["word"]),
    "one-character": ("字".encode(), ["字"]),
    "one-sentence": (b"Only one sentence.\n", ["Only one sentence."]),
    "empty": (b"", Fails("is empty")),
    "only-newlines": (b"\n\n\r\n\n", Fails("is empty")),
    "only-spaces": (b"   \n\t \n", Fails("is empty")),
    "only-bom": (b"\xef\xbb\xbf", Fails("is empty")),
    "bom": (b"\xef\xbb\xbf" + ENGLISH.encode(), ENGLISH_LINES),
    "crlf": (ENGLISH.replace("\n", "\r\n").encode(), ENGLISH_LINES),
    "cr": (ENGLISH.replace("\n", "\r").encode(), ENGLISH_LINES),
    "mixed-line-ends": (b"one line\r\ntwo lines\rthree lines\nfour", ["one line", "two lines", "three lines", "four"]),
    "line-separators-inside": ("a\u2028b\x0bc\x0cd\x85e\x1cf\nsecond".encode(), ["a\u2028b\x0bc\x0cd\x85e\x1cf", "second"]),
    "nul-inside": (b"some\0text with a zero\nsecond line\n", ["some\0text with a zero", "second line"]),
    "gb18030": (CHINESE.encode("gb18030"), CHINESE_LINES),
    "gbk-after-ascii": (b"x" * 300_000 + b"\n" + CHINESE.encode("gbk"), ["x" * 300_000, *CHINESE_LINES]),
    "gb18030-four-byte": ((CHINESE + "𠮷㐂\n").encode("gb18030"), [*CHINESE_LINES, "𠮷㐂"]),
    "big5": (TRADITIONAL.encode("big5"), TRADITIONAL_LINES),
    "utf-16-bom-le": (b"\xff\xfe" + CHINESE.encode("utf-16-le"), CHINESE_LINES),
    "utf-16-bom-be": (b"\xfe\xff" + CHINESE.encode("utf-16-be"), CHINESE_LINES),
    "utf-16-le": (ENGLISH.encode("utf-16-le"), ENGLISH_LINES),
    "utf-16-be": (ENGLISH.encode("utf-16-be"), ENGLISH_LINES),
    "utf-16-chinese": (CHINESE.encode("utf-16-le"), CHINESE_LINES),
    "utf-32": (b"\xff\xfe\0\0" + ENGLISH.encode("utf-32-le"), ENGLISH_LINES),
    "utf-16-odd-byte": (b"\xff\xfe" + CHINESE.encode("utf-16-le") + b"x", Fails("byte 326 (0x78) is not UTF-16-LE. Try")),
    "utf-8-chinese": (CHINESE.encode(), CHINESE_LINES),
    "utf-8-four-byte": ("𠮷 😀 text\nmore 𝄞".encode(), ["𠮷 😀 text", "more 𝄞"]),
    "one-bad-byte": (ENGLISH.encode() + b"bad \xff byte\n", Fails(f"byte {len(ENGLISH) + 4} (0xFF) is not UTF-8")),
    "bad-byte-in-chinese": (CHINESE.encode() * 20 + b"\xe4\xbd" + CHINESE.encode(), Fails("is not UTF-8")),
    "cut-off-character": (CHINESE.encode()[:-3], Fails("is not UTF-8")),
    "latin-1": ("Le café était fermé, où êtes-vous allé ?\n".encode("latin-1"), Fails("cp1252")),
    "surrogate-bytes": (b"lone \xed\xa0\x80 surrogate\n", Fails("byte 5")),
    "overlong": (b"overlong \xc0\xaf slash\n", Fails("byte 9")),
    "zeros": (b"\0" * 5000, Fails("not text")),
    "random-bytes": (bytes((i * i * 31 + i * 7 + (i >> 3)) % 256 for i in range(5000)), Fails("not text")),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(200), Fails("a picture")),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Fails("a PDF")),
    "gzip-under-another-name": (gzip.compress(b"text" * 100), Fails("gzip data")),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(100), Fails("a program")),
    "deep-blank-lines": (b"\n" * 3 + b"first\n\n\n \t\nsecond\n\n", ["first", "second"]),
    "long-word": (b"a" * 3_000_000 + b"\nend\n", ["a" * 3_000_000, "end"]),
}
assert len(FILES) >= 40


def _zip(data, name):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return target.getvalue()


def _xz(data):
    return lzma.compress(data, preset=0)


def _zstd(data):
    return pytest.importorskip("zstandard").ZstdCompressor().compress(data)


READERS = {
    "txt": lambda data: data,
    "txt.gz": gzip.compress,
    "txt.bz2": bz2.compress,
    "txt.xz": lzma.compress,
    "txt.zst": _zstd,
    "zip": lambda data: _zip(data, "inner.txt"),
}


def lines_of(reader):
    return [line for document in reader for line in document.text.split("\n") if line.strip()]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FILES)
def test_every_file_through_every_reader(tmp_path, name, reader):
    data, expected = FILES[name]
    path = tmp_path / f"corpus.{reader}"
    path.write_bytes(READERS[reader](data))
    config = ReadConfig(max_expansion=1e9)  # a file of one letter repeated is not the fault looked for here
    notes = []
    if isinstance(expected, Fails):
        with pytest.raises(HornbookError) as error:
            lines_of(Reader([path], config, log=notes.append))
        message = str(error.value)
        assert "\n" not in message and str(path) in message and expected in message, message
        assert error.value.exit_code == 1
        return
    found = Reader([path], config, log=notes.append)
    lines = lines_of(found)
    if name == "long-word":
        assert "".join(lines) == "".join(expected) and found.counts.long_lines == 1 and max(map(len, lines)) <= 1_000_000
    else:
        assert lines == expected
    if name.startswith(("gb", "big5", "utf-16", "utf-32")):
        assert any("read as" in str(note) for note in notes), "a guessed encoding is said aloud"
    assert found.counts.nul_characters == sum(line.count("\0") for line in expected)


@pytest.mark.parametrize("mode", ["replace", "skip"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_bad_bytes_are_counted_and_placed(tmp_path, mode, encoding):
    path = tmp_path / "corpus.txt"
    good = (CHINESE * 50).encode(encoding)
    path.write_bytes(good + b"bad \xff here\n" + b"and \xff\xff there\n" + good)
    notes = []
    reader = Reader([path], ReadConfig(on_bad_bytes=mode, documents="file", encoding=encoding), log=notes.append)
    (document,) = reader
    mark = "\ufffd" if mode == "replace" else ""
    assert document.text == CHINESE * 50 + f"bad {mark} here\nand {mark * 2} there\n" + CHINESE * 50
    assert reader.counts.bad_bytes == 3 and reader.counts.first_bad.endswith(f"byte {len(good) + 4}")
    assert any("3 bad bytes" in str(note) for note in notes)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_cut_off_data_stop_with_the_bytes_read(tmp_path, kind):
    text = "".join(f"{number} {number * number}\n" for number in range(200_000)).encode()
    whole = {"gz": gzip.compress, "bz2": bz2.compress, "xz": _xz, "zst": _zstd}[kind](text)
    path = tmp_path / f"corpus.txt.{kind}"
    for end in (len(whole) // 2, len(whole) - 3, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(ContentError) as error:
            list(Reader([path], ReadConfig(), log=lambda event: None))
        assert "cut off" in str(error.value) and "bytes of text" in str(error.value) and "\n" not in str(error.value)
        read = int(re.search(r"after (\d+) bytes of text", str(error.value))[1])
        assert read <= len(text) and (read > len(text) // 4 or end < len(whole) // 2)
    path.write_bytes(whole[: len(whole) // 2] + b"\x55" * 40 + whole[len(whole) // 2 + 40 :])
    with pytest.raises(ContentError, match="damaged|cut off"):
        list(Reader([path], ReadConfig(), log=lambda event: None))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_joined_streams_are_read_to_the_end(tmp_path, kind):
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _zstd}[kind]
    path = tmp_path / f"corpus.txt.{kind}"
    path.write_bytes(pack(b"first stream\n") + pack(b"second stream\n"))
    assert lines_of(Reader([path], ReadConfig(), log=lambda event: None)) == ["first stream", "second stream"]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst", "zip"])
def test_a_decompression_bomb_is_stopped(tmp_path, kind):
    bomb = b"0" * 60_000_000
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": _xz, "zst": _zstd, "zip": lambda b: _zip(b, "a.txt")}[kind]
    path = tmp_path / (f"corpus.txt.{kind}" if kind != "zip" else "corpus.zip")
    path.write_bytes(pack(bomb))
    with pytest.raises(ContentError, match="expands more than 200 times"):
        list(Reader([path], ReadConfig(), log=lambda event: None))
    assert (
        sum(len(d.text) for d in Reader([path], ReadConfig(max_expansion=1e6, documents="file"), log=lambda event: None))
        >= 60_000_000
    )


@pytest.mark.parametrize("member", ["../escape.txt", "/etc/cron.txt", "a/../../b.txt", "..\\up.txt", "C:\\x.txt"])
def test_a_zip_member_outside_the_archive_is_refused(tmp_path, member):
    path = tmp_path / "corpus.zip"
    path.write_bytes(_zip(b"text", member))
    with pytest.raises(ContentError, match="outside the archive"):
        Reader([path], ReadConfig(), log=lambda event: None)


@pytest.mark.parametrize("member", ["inner.zip", "inner.tar", "inner.txt.gz", "inner.7z"])
def test_an_archive_in_an_archive_is_refused(tmp_path, member):
    path = tmp_path / "corpus.zip"
    path.write_bytes(_zip(b"text", member))
    with pytest.raises(ContentError, match="archive inside an archive"):
        Reader([path], ReadConfig(), log=lambda event: None)


@pytest.mark.parametrize("name", ["corpus.tar", "corpus.tar.gz", "corpus.tgz", "corpus.7z"])
def test_other_archives_are_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UsageError, match="unpack it"):
        Reader([tmp_path / name], ReadConfig(), log=lambda event: None)


def test_damaged_and_encrypted_zip(tmp_path):
    whole = _zip(b"text " * 1000, "a.txt")
    path = tmp_path / "corpus.zip"
    path.write_bytes(whole[:-30])
    with pytest.raises(ContentError, match="not a whole zip"):
        Reader([path], ReadConfig(), log=lambda event: None)
    broken = bytearray(whole)
    broken[45] ^= 0xFF
    path.write_bytes(bytes(broken))
    with pytest.raises(ContentError, match="damaged"):
        list(Reader([path], ReadConfig(), log=lambda event: None))


JSON_FAULTS = {
    "not-json": (b'{"text": "a"}\nnot json\n', "line 2 is not a JSON object"),
    "cut": (b'{"text": "a"}\n{"text": "b', "line 2 is not a JSON object"),
    "number": (b'{"text": 3}\n', "line 1: field 'text' is a number"),
    "later-number": (b'{"text": "a"}\n{"text": 1.5}\n', "line 2: field 'text' is a number"),
    "missing-later": (b'{"text": "a"}\n{"other": "b"}\n', "line 2: field 'text' is missing"),
    "array": (b"[1, 2]\n", "it is a list"),
    "no-text": (b'{"label": 1}\n', "no text field"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
    "empty": (b"", "is empty"),
    "all-empty": (b'{"text": ""}\n{"text": null}\n', "is empty"),
}


@pytest.mark.parametrize("name", JSON_FAULTS)
def test_json_faults_name_the_line(tmp_path, name):
    data, words = JSON_FAULTS[name]
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(data)
    with pytest.raises(ContentError) as error:
        list(Reader([path], ReadConfig(), log=lambda event: None))
    assert words in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_json_oddities_are_kept_or_counted(tmp_path):
    path = tmp_path / "corpus.jsonl"
    rows = [{"text": "NA"}, {"text": "null"}, {"text": "  "}, {"text": "a\r\nb\x00"}, {"text": "x\ud800y"}, {"text": "\u2028z"}]
    path.write_bytes("\r\n".join(json.dumps(row) for row in rows).encode() + b"\r\n\r\n")
    reader = Reader([path], ReadConfig(), log=lambda event: None)
    assert [document.text for document in reader] == ["NA", "null", "a\nb\0", "x\ufffdy", "\u2028z"]
    counts = reader.counts
    assert (counts.lone_surrogates, counts.nul_characters, counts.empty_records) == (1, 1, 1)


def test_a_record_without_end_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "' + "a" * 3_000_000 + '"}\n')
    with pytest.raises(ContentError, match="longer than 1000000 bytes"):
        list(Reader([path], ReadConfig(max_record_bytes=1_000_000), log=lambda event: None))
    path = tmp_path / "corpus.csv"
    path.write_text('text\n"' + "a line of an open quote\n" * 100_000)
    with pytest.raises(ContentError, match="row 2"):
        list(Reader([path], ReadConfig(max_record_bytes=1_000_000), log=lambda event: None))


def test_csv_keeps_null_and_na_as_text(tmp_path):
    path = tmp_path / "corpus.csv"
    path.write_text('label,text\n1,"a, b\nc"\n2,null\n3,NA\n4,"say ""yes"""\n', "utf-8")
    assert [d.text for d in Reader([path], ReadConfig(), log=lambda event: None)] == ["a, b\nc", "null", "NA", 'say "yes"']
    path.write_text("label,text\n1,a\n2\n", "utf-8")
    with pytest.raises(ContentError, match="row 3 has 1 columns"):
        list(Reader([path], ReadConfig(), log=lambda event: None))


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "corpus.parquet"
    table = pyarrow.table({"label": [1, 2, 3, 4], "text": ["one", None, "NA", "three\r\nlines"]})
    parquet.write_table(table, path)
    reader = Reader([path], ReadConfig(), log=lambda event: None)
    assert [d.text for d in reader] == ["one", "NA", "three\nlines"] and reader.counts.empty_records == 1
    with pytest.raises(UsageError, match="Did you mean text"):
        list(Reader([path], ReadConfig(text_field="txt"), log=lambda event: None))
    whole = path.read_bytes()
    for damaged in (whole[:-20], b"text", b""):
        path.write_bytes(damaged)
        with pytest.raises(ContentError) as error:
            list(Reader([path], ReadConfig(), log=lambda event: None))
        assert "\n" not in str(error.value) and str(path) in str(error.value)
    parquet.write_table(pyarrow.table({"label": [1]}), path)
    with pytest.raises(ContentError, match="no text field"):
        list(Reader([path], ReadConfig(), log=lambda event: None))


def test_paths_and_flags_are_usage_errors(tmp_path):
    (tmp_path / "corpus.txt").write_text("text")
    for sources, config in (
        ([tmp_path / "missing.txt"], ReadConfig()),
        ([], ReadConfig()),
        ([tmp_path / "corpus.txt"], ReadConfig(encoding="utf-9")),
        ([tmp_path / "corpus.txt"], ReadConfig(encoding="rot13")),
        ([tmp_path / "corpus.txt"], ReadConfig(test=(str(tmp_path / "none.txt"),))),
    ):
        with pytest.raises(UsageError) as error:
            list(Reader(sources, config, log=lambda event: None))
        assert error.value.exit_code == 2 and "\n" not in str(error.value)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("nothing to read")
    with pytest.raises(ContentError, match="no file to read"):
        Reader([tmp_path / "empty"], ReadConfig(), log=lambda event: None)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("text")
    path.chmod(0)
    with pytest.raises(UsageError, match="no permission"):
        Reader([path], ReadConfig(), log=lambda event: None)


CHILD = """
import sys
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.read import ReadConfig, Reader
reader = Reader([sys.argv[1]], ReadConfig(), log=lambda event: None)
size = sum(len(document.text) for document in reader)
print(size, reader.counts.long_lines, round(peak_rss_mb()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", ["word and ", "字"])
def test_a_line_of_100_megabytes_in_bounded_memory(tmp_path, words):
    path = tmp_path / "corpus.txt"
    count = 100_000_000 // len(words.encode())
    path.write_text(words * count, "utf-8")
    result = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    size, long_lines, peak = map(int, result.stdout.split())
    assert size >= count * len(words) and long_lines == 1
    assert peak < 300
