"""Estimation against lmplz on real text: the same n-grams, the same log10 of every word within 1e-4, both ways through ARPA.

lmplz (KenLM 4cb443e) leaves the unigram that it saw new last out of the counts of counts, from which discounts come: one in 657
words of count 4 on the Penn Treebank, 0.0006 in log10. The training texts therefore end in a new word that is too frequent for
the counts of counts to matter.

Set HORNBOOK_KENLM to the folder of lmplz and HORNBOOK_DATA to the data; without them the tests are skipped.
"""

from __future__ import annotations

import gzip
import lzma
import math
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.arpa import write_arpa
from hornbook.statistical.arpa_read import read_arpa
from hornbook.statistical.lines import WordTable, train_on_lines

DATA = Path(os.environ.get("HORNBOOK_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
TEXTS = {
    "ptb": ("ptb/ptb.train.txt.gz", "ptb/ptb.test.txt.gz"),
    "wikitext-2": ("wikitext-2/wiki.train.tokens.gz", "wikitext-2/wiki.test.tokens.gz"),
    "books-en": ("books-en/train.txt.xz", "books-en/test.txt.xz"),
}


def lmplz() -> str:
    found = shutil.which("lmplz", path=os.environ.get("HORNBOOK_KENLM", os.environ.get("PATH")))
    if not found:
        pytest.skip("lmplz is absent: set HORNBOOK_KENLM to the folder of KenLM's programs")
    return found


def plain(path: Path) -> str:
    """One sentence a line, no empty lines; <unk> under a name that lmplz takes for a word."""
    if not path.is_file():
        pytest.skip(f"{path} is absent: set HORNBOOK_DATA")
    data = (gzip if path.suffix == ".gz" else lzma).decompress(path.read_bytes()).decode()
    lines = (" ".join(line.replace("<unk>", "UNKNOWN-WORD").split()) for line in data.split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def log10_of_words(model: NgramLM, text: str) -> np.ndarray:
    return model.score_documents(WordTable.of(model).encode(text.encode()))[0] / math.log(10)


@pytest.mark.slow
@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize("name", TEXTS)
def test_every_word_scores_as_in_the_model_of_lmplz(name: str, order: int, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is in the group `peers`: make peers")
    program = lmplz()
    train, test = (plain(DATA / file) for file in TEXTS[name])
    ending = "".join(f"{word} LAST-NEW-WORD\n" for word in train.split()[:30])
    (tmp_path / "train.txt").write_text(train + ending, "utf-8")
    arpa = tmp_path / "theirs.arpa"
    command = [program, "-o", str(order), "-S", "2G", "-T", str(tmp_path), "--discount_fallback"]
    subprocess.run([*command, "--text", tmp_path / "train.txt", "--arpa", arpa], check=True, capture_output=True)
    model = train_on_lines(tmp_path / "train.txt", NgramConfig(order=order))
    ours = log10_of_words(model, test)
    peer = kenlm.Model(str(arpa))
    theirs = np.array([log for line in test.splitlines() for log, _, _ in peer.full_scores(line)])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    if name != "books-en":
        read = read_arpa(arpa)
        assert read.trie_.rows[1:] == model.trie_.rows[1:]
        np.testing.assert_allclose(log10_of_words(read, test), theirs, atol=1e-4)
        write_arpa(model, arpa)
        again = kenlm.Model(str(arpa))
        sample = test.splitlines()[:200]
        np.testing.assert_allclose([again.score(s) for s in sample], [peer.score(s) for s in sample], atol=1e-3)
