"""Sixty odd inputs to every kind of predictor: a defined answer or one line, and alone the same as among others (P12)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hornbook import api
from hornbook.cli import main
from hornbook.core import artifact
from hornbook.statistical.bayes import BayesConfig, LanguageModelClassifier
from hornbook.statistical.crf import CrfTagger
from hornbook.statistical.hmm_segmenter import HmmSegmenter
from hornbook.statistical.hmm_tagger import HmmTagger
from hornbook.statistical.linear import LinearClassifier, LinearConfig

KINDS = ("linear", "bayes", "hmm", "crf", "segmenter")
ANSWERED = [
    *("a", "我", "!", "0", "-1", "3.14", "1e400", "NaN", "null", "None", "true", "A" * 5_000, "我" * 5_000, "a b " * 3_000),
    *(
        "😀",
        "👨‍👩‍👧‍👦",
        "🇨🇳" * 50,
        "e\u0301",
        "\u0301",
        "שלום עולם",
        "مرحبا",
        "\u202eabc\u202c",
        "a\u200bb",
        "\ufeffa",
        "a\u00a0b",
    ),
    *(
        "a\x00b",
        "\x00",
        "\x07\x1b[31m",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "a\u2028b",
        "a\u0085b",
        "�",
        "\ud800",
        "a\udfffb",
        "\ud83d\ude00",
    ),
    *(
        "ﬁne ﬂoor",
        "ＦＵＬＬ",
        "𝔘𝔫𝔦",
        "ไทยไม่มีช่องว่าง",
        "ひらがな",
        "한국어",
        "Ünïcödé",
        "İstanbul",
        "ß",
        "ŉ",
        "𠮷野家",
        "\U0010ffff",
    ),
    *(
        "<b>html</b>",
        "[MASK]",
        "<unk>",
        "{}",
        '{"text": 1}',
        "http://a.b/c?d=e",
        "don't",
        "''''",
        "---",
        "％＄＃",
        "C:\\x",
        "__label__x",
    ),
]
EMPTY = ["", " ", "\n", "\t \r\n", "\u3000", "\u00a0\u2003"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    texts, labels = ["a fine and lovely film", "a dull and awful film", "很好 的 电影", "很差 的 电影"] * 4, ["1", "0"] * 8
    sentences = [(("the", "cat", "sees", "Paris", "."), ("D", "N", "V", "P", "."))] * 6
    models: dict[str, Any] = {
        "linear": LinearClassifier(LinearConfig(threads=1)).fit(texts, labels),
        "bayes": LanguageModelClassifier(BayesConfig(folds=0)).fit(texts, labels),
        "hmm": HmmTagger().fit(sentences),
        "crf": CrfTagger().fit([tokens for tokens, _ in sentences], [tags for _, tags in sentences]),
        "segmenter": HmmSegmenter().fit([["我们", "喜欢", "北京"], ["他们", "在", "北京"]] * 4),
    }
    for name, model in models.items():
        with artifact.writing(folder / name) as temporary:
            model.save_files(temporary)
    return folder


def check(kind: str, text: str, record: dict[str, Any]) -> None:
    """What every answer must be."""
    if kind in ("linear", "bayes"):
        assert record["label"] in ("0", "1") and 0.5 <= record["probability"] <= 1
    elif kind == "segmenter":
        assert "".join(record["words"]) == "".join("".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).split())
    else:
        assert len(record["tokens"]) == len(record["labels"])


@pytest.mark.parametrize("kind", KINDS)
def test_odd_texts_have_answers_the_same_alone_and_together(kind: str, place: Path) -> None:
    texts = [*ANSWERED, *EMPTY]
    assert len(texts) >= 60
    together = list(api.predict(place / kind, texts))
    alone = list(api.predict(place / kind, texts, together=1))
    assert len(together) == len(alone) == len(texts)
    for text, record, other in zip(texts, together, alone):
        json.dumps(record, allow_nan=False)
        assert record.keys() == other.keys()
        if text in EMPTY:
            assert record.pop("reason") == "empty" and set(record.values()) == {None}
            continue
        check(kind, text, record)
        assert record.get("replaced", 0) == sum("\ud800" <= character <= "\udfff" for character in text)
        if kind in ("linear", "bayes"):
            assert record["label"] == other["label"] and record["probability"] == pytest.approx(other["probability"], abs=1e-5)
        else:
            assert record == other


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ["word ", "x", "我"])
def test_a_text_beyond_the_limit_is_cut_and_told(kind: str, unit: str, place: Path) -> None:
    text = unit * (1_200_000 // len(unit))
    record = next(api.predict(place / kind, [text]))
    assert (record["truncated"], record["characters_used"], record["characters_total"]) == (True, 1_000_000, len(text))
    check(kind, text[:1_000_000], record)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "odd",
    [None, 5, 1.5, b"bytes", {"text": "a"}, ["a", 1], [None], object()],
    ids=["None", "int", "float", "bytes", "dict", "mixed", "list of None", "object"],
)
def test_what_is_no_text_is_a_type_error_after_the_answers_before(kind: str, odd: Any, place: Path) -> None:
    answers = api.predict(place / kind, ["a cat", odd, "never"])
    assert next(answers)
    with pytest.raises(TypeError, match="input 1"):
        next(answers)


LINES = {  # a line of JSONL, and what is said of it; '' where it has an answer
    '{"text": "a"}': "",
    '{"text": "\\ud800 a"}': "",
    '{"text": "a\\u0000b", "id": 7, "more": {"deep": []}}': "",
    '{"tokens": ["the", "cat"]}': "",
    '{"tokens": []}': "",
    '["the", "cat"]': "",
    '""': "",
    '{"text": ""}': "",
    '  {"text": "a"}  ': "",
    '{"text": 5}': "has no input",
    '{"text": null}': "has no input",
    '{"text": {"text": "a"}}': "has no input",
    '{"text": ["a", 1]}': "has no input",
    '{"label": "a"}': "has no input",
    "{}": "has no input",
    "17": "has no input",
    "true": "has no input",
    "null": "has no input",
    "[[]]": "has no input",
    '{"text": "a"': "is not JSON",
    "{'text': 'a'}": "is not JSON",
    '{"text": "a"} {"text": "b"}': "is not JSON",
    "plain": "is not JSON",
    "[" * 50_000: "is not JSON",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:24])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_odd_lines_of_json(
    kind: str, line: str, ends: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(("\ufeff" + ends.join(['{"text": "a cat"}', line, ""])).encode())
    code = main(["predict", str(place / kind), str(path)])
    captured = capsys.readouterr()
    assert code == (1 if LINES[line] else 0), captured.err
    assert len(captured.out.splitlines()) == (1 if LINES[line] else 2)
    if LINES[line]:
        assert len(captured.err.splitlines()) == 1 and f"line 2 {LINES[line]}" in captured.err
