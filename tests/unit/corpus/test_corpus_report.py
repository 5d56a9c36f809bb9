import io
import math
import random

import pytest
from rich.console import Console

from hornbook.corpus.report import CorpusReport
from hornbook.corpus.scripts import ScriptCounter
from hornbook.corpus.statistics import WINDOW_BYTES, WINDOWS, describe, heaps_exponent, windows, zipf_slope
from hornbook.corpus.store import TextStore, TextStoreWriter


def store_of(folder, texts):
    with TextStoreWriter(folder) as writer:
        for text in texts:
            writer.add("train", text)
    return TextStore.open(folder).split("train")


def test_scripts_are_shares_of_letters():
    counter = ScriptCounter()
    counter.add("abcd 1234 !!! 中文中文")
    counter.add("эй" + "ᠮᠣ")
    assert counter.shares() == {"Latin": 1 / 3, "Han": 1 / 3, "Cyrillic": 1 / 6, "Mongolian": 1 / 6}
    assert counter.different == len(set("abcd 1234 !!! 中文中文эйᠮᠣ"))
    assert ScriptCounter().shares() == {}


def test_zipf_slope_of_a_text_made_with_a_known_one():
    for slope in (-0.8, -1.0, -1.3):
        assert zipf_slope([round(1e6 * rank**slope) for rank in range(1, 2000)]) == pytest.approx(slope, abs=0.01)
    assert zipf_slope([5, 4, 3]) is None


def test_vocabulary_growth_of_a_text_made_with_a_known_one():
    points = [(words, round(30 * words**0.6)) for words in range(1000, 100_000, 1000)]
    assert heaps_exponent(points) == pytest.approx(0.6, abs=0.01)
    assert heaps_exponent([(1, 1)]) is None


def test_a_small_split_is_measured_whole(tmp_path):
    split = store_of(tmp_path / "a", ["The cat and the dog.", "中文 text", "x" * 300])
    found = describe(split)
    assert (found.documents, found.bytes, found.sample_bytes) == (3, split.total_bytes, split.total_bytes)
    assert found.lengths == {"shortest": 11, "p5": 11, "median": 20, "p95": 300, "longest": 300}
    assert found.words == 9 and found.vocabulary == 8 and found.commonest[0] == ("the", 2) and found.once == 7
    assert found.languages is None and found.zipf_slope is None
    empty = describe(store_of(tmp_path / "b", []))
    assert (empty.documents, empty.words, empty.lengths, empty.scripts) == (0, 0, {}, {})


def test_a_large_split_is_sampled_evenly_in_bounded_size(tmp_path):
    generator = random.Random(1)
    texts = (" ".join(f"w{generator.randrange(5000)}" for _ in range(2000)) for _ in range(1200))
    split = store_of(tmp_path / "a", texts)
    assert split.total_bytes > WINDOWS * WINDOW_BYTES
    sample = list(windows(split))
    assert len(sample) == WINDOWS and {sum(map(len, window)) for window in sample} == {WINDOW_BYTES}
    found = describe(split, identify=lambda text: "en" if text.startswith("w") or " w" in text else "??")
    assert found.sample_bytes == WINDOWS * WINDOW_BYTES and found.languages == {"en": 1.0}
    assert 5000 <= found.vocabulary < 6500, "words cut at the ends of windows are few"


def report_of(split):
    return CorpusReport(
        sources=["a.txt"],
        reading={"documents": 2, "files": 1},
        cleaning={"control": {"documents": 1, "places": 2, "characters": 2, "samples": [["a\x00b|`", "ab|"]]}},
        emptied=1,
        other_language=0,
        duplicates={
            "bytes": 100,
            "exact": 1,
            "near": 1,
            "exact_bytes": 5,
            "near_bytes": 5,
            "shown": [["kept", "removed", 0.9]],
        },
        leaks={"valid": {"leaked": 2, "leaked_but_for_case": 1, "near": 0, "leaked_paragraphs": 5}},
        splits=[split],
        notes=["a note"],
        alarms=["an alarm: do this"],
    )


def test_the_page_says_everything_once(tmp_path):
    report = report_of(describe(store_of(tmp_path / "a", ["[bold]text[/bold] 中文", "more"])))
    page = report.markdown()
    for words in (
        "rule control: 2 places in 1 documents",
        "1 exact, 1 near (10.0% of the bytes)",
        "a\\x00b",
        "a note",
        "an alarm",
    ):
        assert page.count(words) == 1, words
    assert "3 documents and 5 paragraphs of valid stand in train as well" in page and "1 documents had nothing left" in page
    stream = io.StringIO()
    report.print(Console(file=stream, width=100, force_terminal=False))
    assert "documents" in stream.getvalue() and "an alarm" in stream.getvalue() and "Latin" in stream.getvalue()
    report.save(tmp_path)
    assert (tmp_path / "report.md").read_text("utf-8") == page and math.isfinite(len(page))
