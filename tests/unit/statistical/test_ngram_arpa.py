from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hornbook.core.errors import ContentError, UsageError
from hornbook.statistical import NgramConfig, NgramLM, arpa
from hornbook.statistical.arpa import export_arpa, write_arpa
from hornbook.statistical.arpa_read import read_arpa
from hornbook.tokenizers import TextTokenizer, TokenizerConfig, train_tokenizer
from ids_only import IdsOnly

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog sat", "语言 模型 学习 语言", "the cat <unk>"] * 3
SMALL = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.30103
-0.4\t</s>
-0.5\ta\t-0.2
-0.6\tb\t-0.1

\\2-grams:
-0.3\t<s> a
-0.2\ta b
-0.1\tb </s>

\\end\\
"""


def words(texts: list[str] = TEXTS) -> TextTokenizer:
    return train_tokenizer(texts, TokenizerConfig(kind="words", closed_vocabulary=True))


def trained(smoothing: str = "modified-kneser-ney", order: int = 3, **config: object) -> NgramLM:
    tokenizer = words()
    model = NgramLM(tokenizer, NgramConfig(order=order, smoothing=smoothing, **config))  # type: ignore[arg-type]
    return model.fit(tokenizer.encode_batch(TEXTS))


@pytest.mark.parametrize("smoothing", ["modified-kneser-ney", "katz", "witten-bell", "lidstone"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_written_model_reads_back_equal(smoothing: str, order: int, tmp_path: Path) -> None:
    model = trained(smoothing, order)
    write_arpa(model, tmp_path / "m.arpa")
    assert [path.name for path in tmp_path.iterdir()] == ["m.arpa"]
    again = read_arpa(tmp_path / "m.arpa")
    test = ["the cat sat on the log", "a bird sat", ""]
    for text in test:
        assert again.score(text) == pytest.approx(model.score(text), abs=2e-6)
    same = read_arpa(tmp_path / "m.arpa", tokenizer=model.tokenizer)
    assert same.trie_.rows == model.trie_.rows
    for name in ("words", "children"):
        np.testing.assert_array_equal(getattr(same.trie_, name), getattr(model.trie_, name))
    scores, _ = same.start([model.tokenizer.encode("the cat")])
    np.testing.assert_allclose(scores, model.start([model.tokenizer.encode("the cat")])[0], atol=1e-5)


def test_the_text_of_a_model_of_bytes_is_exchanged_with_its_tokenizer(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(kind="chars"))
    model = NgramLM(tokenizer, NgramConfig(order=4)).fit(tokenizer.encode_batch(TEXTS))
    assert export_arpa(model, tmp_path / "m.arpa", tokenizer.encode_batch(TEXTS[:4])) < 1e-6
    assert read_arpa(tmp_path / "m.arpa", tokenizer=tokenizer).log_probs([tokenizer.encode("the 猫")])[0].size > 5


def test_an_export_that_differs_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arpa, "TOLERANCE", -1.0)
    model = trained()
    with pytest.raises(ContentError, match="differs"):
        export_arpa(model, tmp_path / "m.arpa", [model.tokenizer.encode("the cat")])
    assert not list(tmp_path.iterdir())


def test_numbers_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "small.arpa"
    for text in (
        SMALL,
        SMALL.replace("\n", "\r\n"),
        SMALL.replace("\t", " "),
        "\n\n" + SMALL,
        SMALL.replace("-0.5\t", "-5E-1\t"),
    ):
        path.write_bytes(text.encode())
        model = read_arpa(path)
        assert model.score("a b") == pytest.approx(-0.3 - 0.2 - 0.1, abs=1e-6)
        assert model.score("b a") == pytest.approx((-0.30103 - 0.6) + (-0.1 - 0.5) + (-0.2 - 0.4), abs=1e-6)
        assert model.score("zzz", eos=False) == pytest.approx(-0.30103 - 1, abs=1e-6)
        assert model.score("zzz", bos=False, eos=False, base=math.e) == pytest.approx(-math.log(10), abs=1e-6)
        assert model.trie_.count(0) is None


def test_missing_suffixes_and_prefixes_are_put_in(tmp_path: Path) -> None:
    """A pruned file: <s> a b without a b, and b a b whose prefix b a is missing too."""
    text = SMALL.replace("ngram 2=3", "ngram 2=2\nngram 3=2").replace("-0.2\ta b\n", "")
    text = text.replace("\\end\\", "\\3-grams:\n-0.05\t<s> a b\n-0.07\tb a b\n\n\\end\\")
    (tmp_path / "m.arpa").write_text(text)
    model = read_arpa(tmp_path / "m.arpa")
    assert model.trie_.rows[1:] == (4, 2)
    assert model.score("a b", eos=False) == pytest.approx(-0.3 - 0.05, abs=1e-6)
    assert model.score("a b", bos=False, eos=False) == pytest.approx(-0.5 - 0.2 - 0.6, abs=1e-6)
    assert model.score("b a b", bos=False, eos=False) == pytest.approx(-0.6 + (-0.1 - 0.5) - 0.07, abs=1e-6)


def test_a_file_without_unknown_gives_what_kenlm_gives(tmp_path: Path) -> None:
    (tmp_path / "m.arpa").write_text(SMALL.replace("-1.0\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4"))
    assert read_arpa(tmp_path / "m.arpa").score("zzz", bos=False, eos=False) == pytest.approx(-100)


WRONG = {
    "no header": ("\\data\\", "data"),
    "more announced than there is": ("ngram 2=3", "ngram 2=4000000000"),
    "a negative number": ("ngram 2=3", "ngram 2=-4"),
    "orders out of order": ("ngram 2=3", "ngram 3=3"),
    "one n-gram too few": ("ngram 2=3", "ngram 2=4"),
    "one n-gram too many": ("ngram 2=3", "ngram 2=2"),
    "a word twice": ("-0.6\tb", "-0.6\ta"),
    "an n-gram twice": ("-0.2\ta b", "-0.2\t<s> a"),
    "an unknown word": ("-0.2\ta b", "-0.2\ta c"),
    "not a number": ("-0.2\ta b", "nan\ta b"),
    "infinite": ("-0.2\ta b", "-inf\ta b"),
    "overflow": ("-0.2\ta b", "-1e999\ta b"),
    "above 0": ("-0.2\ta b", "0.2\ta b"),
    "a backoff too large": ("b\t-0.1", "b\t1e30"),
    "a backoff that is text": ("b\t-0.1", "b\tx"),
    "text after the backoff": ("b\t-0.1", "b\t-0.1 7"),
    "too few words": ("-0.2\ta b", "-0.2\ta"),
    "no end": ("\\end\\", ""),
    "start inside": ("-0.2\ta b", "-0.2\ta <s>"),
    "no </s>": ("</s>", "x"),
    "no <s>": ("<s>", "x"),
    "title missing": ("\\2-grams:", "\\3-grams:"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_malformed_file_is_refused_in_one_line(change: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bad.arpa"
    path.write_text(SMALL.replace(*change))
    with pytest.raises(ContentError) as caught:
        read_arpa(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_arpa(tmp_path / "none.arpa")
    for content in (b"", b"\x00" * 100, SMALL.encode().replace(b"a", b"\xff"), SMALL.encode("utf-16")):
        (tmp_path / "bad.arpa").write_bytes(content)
        with pytest.raises(ContentError):
            read_arpa(tmp_path / "bad.arpa")


def test_tokenizers_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "m.arpa").write_text(SMALL)
    with pytest.raises(ContentError, match="no token 'b'"):
        read_arpa(tmp_path / "m.arpa", tokenizer=words(["a"]))
    model = NgramLM(IdsOnly(9), NgramConfig(order=2)).fit([np.array([6, 7])])
    with pytest.raises(ContentError, match="does not name"):
        write_arpa(model, tmp_path / "x.arpa")
    assert not (tmp_path / "x.arpa").exists()


def test_a_model_from_arpa_is_saved_and_loaded(tmp_path: Path) -> None:
    (tmp_path / "m.arpa").write_text(SMALL)
    model = read_arpa(tmp_path / "m.arpa")
    (tmp_path / "saved").mkdir()
    model.save_files(tmp_path / "saved")
    assert NgramLM.load(tmp_path / "saved").score("a b") == model.score("a b")
