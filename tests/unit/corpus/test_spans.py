"""Labelled spans of every format become the same examples, and their offsets slice the raw text."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.core.errors import HornbookError
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.span_tokens import flat, labelled, tokens_of
from hornbook.corpus.spans import read_spans
from hornbook.sequences.labels import Span, guess_scheme, spans_of

TEXT = "Ann Lee lives in Ulm."
SPANS = [(0, 7, "PER"), (17, 20, "LOC")]
BIO = ("B-PER", "I-PER", "O", "O", "B-LOC", "O")


def read(path: Path, content: str, **options: object) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], list[Event]]:
    path.write_text(content, "utf-8")
    events: list[Event] = []
    found = read_spans(path, log=events.append, **options)  # type: ignore[arg-type]
    for sentence in found.sentences:
        assert [sentence.text[a:b] for a, b in sentence.spans] == list(sentence.tokens)
    return [one.tokens for one in found.sentences], [one.labels for one in found.sentences], events


CONLL = {
    "bio": "Ann B-PER\nLee I-PER\nlives O\nin O\nUlm B-LOC\n. O\n",
    "iob1": "Ann I-PER\nLee I-PER\nlives O\nin O\nUlm I-LOC\n. O\n",
    "bioes": "Ann B-PER\nLee E-PER\nlives O\nin O\nUlm S-LOC\n. O\n",
    "bilou": "Ann B-PER\nLee L-PER\nlives O\nin O\nUlm U-LOC\n. O\n",
    "bmes": "Ann B-PER\nLee E-PER\nlives O\nin O\nUlm S-LOC\n. O\n\nA B-PER\nB M-PER\nC E-PER\n",
}


@pytest.mark.parametrize("scheme", CONLL)
def test_schemes_of_columns_become_bio(tmp_path: Path, scheme: str) -> None:
    tokens, labels, events = read(tmp_path / "a.conll", CONLL[scheme])
    assert tokens[0] == ("Ann", "Lee", "lives", "in", "Ulm", ".")
    assert labels[0] == BIO
    assert {"bilou": "BIOES"}.get(scheme, scheme.upper()) in str(events[0])


RECORDS = {
    "doccano": {"text": TEXT, "label": [[0, 7, "PER"], [17, 20, "LOC"]]},
    "doccano 2": {
        "id": 1,
        "text": TEXT,
        "entities": [{"id": 1, "label": kind, "start_offset": a, "end_offset": b} for a, b, kind in SPANS],
        "relations": [],
    },
    "prodigy": {"text": TEXT, "spans": [{"start": a, "end": b, "label": kind, "token_start": 0} for a, b, kind in SPANS]},
    "pipeline": {"text": TEXT, "entities": [{"start": 0, "end": 7, "entity_group": "PER", "word": "Ann Lee"}, [17, 20, "LOC"]]},
    "cluener": {"text": TEXT, "label": {"PER": {"Ann Lee": [[0, 6]]}, "LOC": {"Ulm": [[17, 19]]}}},
    "tokens": {"tokens": ["Ann", "Lee", "lives", "in", "Ulm", "."], "ner_tags": list(BIO)},
    "a blank too many": {"text": TEXT, "spans": [{"start": 0, "end": 8, "label": "PER"}, [16, 20, "LOC"]]},
    "nested": {"text": TEXT, "label": [[0, 3, "PER"], [0, 7, "PER"], [17, 20, "LOC"], [4, 7, "PER"]]},
}


@pytest.mark.parametrize("kind", RECORDS)
def test_records_of_other_programs(tmp_path: Path, kind: str) -> None:
    _, labels, events = read(tmp_path / "a.jsonl", json.dumps(RECORDS[kind]) + "\n")
    assert labels == [BIO]
    assert any("JSON, BIO; 1 texts, 6 tokens" in str(event) for event in events)
    assert ("2 spans lie in" in str(events)) == (kind == "nested")
    assert ("white space at the ends of 2 spans" in str(events)) == (kind == "a blank too many")
    listed = [RECORDS[kind]] if kind != "doccano" else [[TEXT, {"entities": RECORDS[kind]["label"]}]]
    _, again, _ = read(tmp_path / "b.json", json.dumps(listed, indent=1))
    assert again == [BIO]


def test_brat_alone_in_a_folder_and_with_line_ends_that_count(tmp_path: Path) -> None:
    text = "Ann\r\nLee lives in Ulm."
    (tmp_path / "one.txt").write_bytes(text.encode())
    lines = ["T1\tPER 0 8\tAnn  Lee", "T2\tLOC 18 21\tUlm", "R1\tLives Arg1:T1 Arg2:T2", "T3\tX 0 3;18 21\tAnn Ulm"]
    (tmp_path / "one.ann").write_text("\n".join(lines) + "\n")
    (tmp_path / "two.txt").write_text("Nobody.")
    (tmp_path / "two.ann").write_text("")
    events: list[Event] = []
    found = read_spans(tmp_path, log=events.append)
    assert [one.labels for one in found.sentences] == [BIO, ("O", "O")]
    assert found.sentences[0].text == text
    assert "1 spans in several pieces" in str(events)
    assert read_spans(tmp_path / "one.txt", log=events.append).sentences == found.sentences[:1]


def test_positions_behind_characters_are_no_characters(tmp_path: Path) -> None:
    tokens, labels, events = read(tmp_path / "w.train", "科0\tB-PER\n技1\tI-PER\n10\tO\n全0\tO\n")
    assert tokens == [("科", "技", "1", "全")]
    assert labels == [("B-PER", "I-PER", "O", "O")]
    assert "its place in a word" in str(events)
    assert read(tmp_path / "a", "A1 B-PER\nB2 O\n")[0] == [("A1", "B2")]


def test_parts_of_speech_stay(tmp_path: Path) -> None:
    _, labels, events = read(tmp_path / "a", "the DT\ncat NN\n")
    assert labels == [("DT", "NN")]
    assert "no scheme of spans" in str(events)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.jsonl", '{"text": "abc", "spans": [[0, 9, "X"]]}\n', "record 1: the span 0 to 9"),
        ("a.jsonl", '{"text": "abc", "spans": [[2, 2, "X"]]}\n', "record 1: the span 2 to 2"),
        ("a.jsonl", '{"text": "abc", "spans": [["0", 2, "X"]]}\n', "a span is"),
        ("a.jsonl", '{"text": "abc", "spans": [[0, 2, 7]]}\n', "a span is"),
        ("a.jsonl", '{"text": "abc", "spans": [{"start": 0, "end": 2, "label": "X", "word": "bc"}]}\n', "its span says 'bc'"),
        ("a.jsonl", '{"text": "abc"}\n', '"text" and "spans"'),
        ("a.jsonl", '{"tokens": ["a"], "tags": [3]}\n', "numbers"),
        ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}\n', "as many"),
        ("a.jsonl", '{"text": "abc", "label": {"X": {"abc": [[0, 3]]}}}\n', "another length"),
        ("a.jsonl", '{"text": "abc", "label": {"X": 3}}\n', "its spans are not"),
        ("a.jsonl", "{oops\n", "line 1"),
        ("a.json", "[\n{oops\n", "JSON list"),
        ("a.jsonl", '{"text": "  ", "spans": []}\n', "no labelled text"),
        ("a.conll", "", "no labelled text"),
        ("a.conll", "a B-X\nb\n", "line 2"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, name: str, content: str, what: str) -> None:
    with pytest.raises(HornbookError) as caught:
        read(tmp_path / name, content)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_brat_that_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tPER 0 3\tBob\n")
    with pytest.raises(HornbookError, match=r"a\.txt is missing"):
        read_spans(tmp_path, log=lambda event: None)
    (tmp_path / "a.txt").write_text("Ann")
    with pytest.raises(HornbookError, match="are 'Ann', the line says 'Bob'"):
        read_spans(tmp_path, log=lambda event: None)


def test_tokens_of_texts() -> None:
    def tokens(text: str) -> list[str]:
        return [text[a:b] for a, b in tokens_of(text)]

    assert tokens("Japan's U.N. envoy, 1996-08-22: 3.5 % (Asia-based).") == [
        *("Japan", "'s", "U.N.", "envoy", ",", "1996-08-22", ":", "3.5", "%", "(", "Asia-based", ")", "."),
    ]
    assert tokens("O'Brien doesn't say it's 3.5m") == ["O'Brien", "does", "n't", "say", "it", "'s", "3.5", "m"]
    assert tokens("我在IBM工作") == ["我", "在", "IBM", "工", "作"]
    assert [a for a, _ in tokens_of("I B\tM", "characters")] == [0, 2, 4]


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.sampled_from("XY")), max_size=8))
def test_spans_come_back_from_labels(text: str, drawn: list[tuple[int, int, str]]) -> None:
    spans = [Span(a, a + n, kind) for a, n, kind in drawn if a + n <= len(text)]
    spans = [one for one in spans if text[one.first : one.last].strip() == text[one.first : one.last] != ""]
    kept = flat(spans).spans
    assert len(kept) + flat(spans).left_out == len(set(spans))
    assert all(a.last <= b.first for a, b in pairwise(kept))
    sentence = labelled(text, kept, line=1)
    assert [text[a:b] for a, b in sentence.spans] == list(sentence.tokens)
    assert "".join(sentence.tokens) == "".join(text.split())
    places = [(sentence.spans[a][0], sentence.spans[b - 1][1], kind) for a, b, kind in spans_of(sentence.labels, "bio")]
    assert places == kept


def test_guessed_schemes() -> None:
    assert guess_scheme([["B", "E"], ["S"]]) == "bmes"
    assert guess_scheme([["O", "I-X"]]) == "iob1"
    assert guess_scheme([["B-X", "I-Y"]]) == "iob1"
    assert guess_scheme([["B-X", "I-X", "O"]]) == "bio"
    assert guess_scheme([["B-X", "E-X", "O"]]) == "bioes"
    assert guess_scheme([["B-X", "M-X", "O"]]) == "bmes"
    assert guess_scheme([["BX", "O"]]) == "none"
    assert guess_scheme([["O", "O"]]) == "none"


def test_the_alarm_of_nested_spans_says_what_to_do(tmp_path: Path) -> None:
    _, _, events = read(tmp_path / "a.jsonl", json.dumps(RECORDS["nested"]) + "\n")
    alarm = next(event for event in events if isinstance(event, Alarm))
    assert "one model for each" in alarm.remedy
    assert isinstance(events[-1], Note)
