from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.labelled import LabelledSentence, read_labelled

CONLLU = """# sent_id = 1
# text = They can't buy an  ice\u00a0cream.
1\tThey\tthey\tPRON\tPRP\t_\t4\tnsubj\t_\t_
2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_
2\tca\tcan\tAUX\tMD\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\tbuy\tbuy\tVERB\tVB\t_\t0\troot\t_\t_
4.1\tthem\t_\t_\t_\t_\t_\t_\t_\t_
5\tan\ta\tDET\tDT\t_\t6\tdet\t_\t_
6\tice\u00a0cream\tice cream\tNOUN\tNN\t_\t4\tobj\t_\tSpaceAfter=No
7\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\tSpaceAfter=No|Lang=en
2\t!\t!\tPUNCT\t.\t_\t1\tpunct\t_\t_
"""


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_conllu(tmp_path: Path) -> None:
    first, second = read_labelled(written(tmp_path / "a.conllu", CONLLU))
    assert first.tokens == ("They", "ca", "n't", "buy", "an", "ice\u00a0cream", ".")
    assert first.labels == ("PRON", "AUX", "PART", "VERB", "DET", "NOUN", "PUNCT")
    assert first.text == "They can't buy an  ice\u00a0cream." and first.line == 3
    assert [first.text[a:b] for a, b in first.spans] == ["They", "can't", "can't", "buy", "an", "ice\u00a0cream", "."]
    assert second == LabelledSentence(("Yes", "!"), ("INTJ", "PUNCT"), "Yes!", ((0, 3), (3, 4)), 13)
    xpos = list(read_labelled(tmp_path / "a.conllu", column="xpos"))
    assert xpos[1].labels == ("UH", ".")


def test_a_text_that_does_not_spell_the_words_gives_way_to_them(tmp_path: Path) -> None:
    text = CONLLU.replace("an  ice", "some ice")
    first = next(read_labelled(written(tmp_path / "a.conllu", text)))
    assert first.text == "They can't buy an ice\u00a0cream."
    assert [first.text[a:b] for a, b in first.spans][-2:] == ["ice\u00a0cream", "."]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_conll(tmp_path: Path, end: str) -> None:
    text = "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nsaid VBD I-VP O\n\n \t\nPeter NNP I-NP I-PER"
    sentences = list(read_labelled(written(tmp_path / "eng.train", text.replace("\n", end))))
    assert [sentence.tokens for sentence in sentences] == [("EU", "said"), ("Peter",)]
    assert [sentence.labels for sentence in sentences] == [("I-ORG", "O"), ("I-PER",)]
    assert sentences[0].text == "EU said" and sentences[0].spans == ((0, 2), (3, 7))
    assert [sentence.line for sentence in sentences] == [3, 7]
    assert next(read_labelled(tmp_path / "eng.train", column="2")).labels == ("NNP", "VBD")


def test_characters_with_labels(tmp_path: Path) -> None:
    path = tmp_path / "msra.txt.gz"
    path.write_bytes(gzip.compress("中\tB-ORG\n \tO\n共\u2028\tI-ORG\n\n国\tO\n。\tO\n".encode()))
    first, second = read_labelled(path)
    assert first.tokens == ("中", " ", "共\u2028")
    assert second.text == "国。" and second.spans == ((0, 1), (1, 2))


def test_a_byte_order_mark_and_another_encoding(tmp_path: Path) -> None:
    text = "猫\tB\n在\tS\n" * 50
    for encoding in ("utf-8-sig", "utf-16", "gb18030"):
        (tmp_path / "x.txt").write_bytes(text.encode(encoding))
        assert next(read_labelled(tmp_path / "x.txt")).tokens[:2] == ("猫", "在")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.txt", "one A\ntwo\n", 2),
        ("a.txt", "one\n", 1),
        ("a.txt", "one A\n\ntwo X B\n", 3),
        ("a.txt", "one\t\n", 1),
        ("a.conllu", "1\tone\tA\n", 1),
        ("a.conllu", CONLLU.replace("4\tbuy", "5\tbuy"), 7),
        ("a.conllu", CONLLU.replace("2-3\t", "3-4\t"), 4),
        ("a.conllu", CONLLU.replace("2-3\t", "2-9\t"), 11),
        ("a.conllu", CONLLU.replace("7\t.\t", "x\t.\t"), 11),
        ("a.conllu", CONLLU.replace("4\tbuy\t", "4\t\t"), 7),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, name: str, text: str, line: int) -> None:
    with pytest.raises(ContentError, match=rf"{name}, line {line}: .*\Z"):
        list(read_labelled(written(tmp_path / name, text)))


def test_wrong_requests(tmp_path: Path) -> None:
    path = written(tmp_path / "a.conllu", CONLLU)
    with pytest.raises(UsageError, match="Did you mean [ux]pos"):
        read_labelled(path, column="pos")
    with pytest.raises(UsageError, match="from 2"):
        read_labelled(path, form="conll", column="1")
    with pytest.raises(UsageError, match="does not exist"):
        read_labelled(tmp_path / "b.conllu")
    with pytest.raises(ContentError, match="binary|not text|zip"):
        list(read_labelled(written(tmp_path / "c.txt", "PK\x03\x04" + "\0" * 500)))
