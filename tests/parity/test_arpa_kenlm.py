"""kenlm opens our ARPA files and gives our scores; files in kenlm's manner (its own, and pruned ones) give us kenlm's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.arpa import write_arpa
from hornbook.statistical.arpa_read import read_arpa
from hornbook.tokenizers.closed import closed_tokenizer

kenlm = pytest.importorskip("kenlm", reason="kenlm is in the group `peers`: make peers")


def sentences(seed: int, number: int, types: int = 60) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(f"w{i % types}" for i in random.zipf(1.3, size=random.integers(1, 15))) for _ in range(number)]


def model_of(texts: list[str], **config: object) -> NgramLM:
    tokenizer = closed_tokenizer(sorted({word for text in texts for word in text.split()}))
    return NgramLM(tokenizer, NgramConfig(**config)).fit(tokenizer.encode_batch(texts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "config",
    [
        {"order": 2},
        {"order": 3, "smoothing": "katz"},
        {"order": 4, "smoothing": "witten-bell", "minimum_counts": (1, 1, 2)},
        {"order": 5, "prune_entropy": 1e-4},
        {"order": 3, "bits": 8},
        {"order": 6, "smoothing": "absolute"},
        {"order": 3, "smoothing": "stupid-backoff"},
    ],
    ids=str,
)
def test_kenlm_scores_our_file_as_we_do(config: dict[str, object], tmp_path: Path) -> None:
    model = model_of(sentences(1, 300), **config)
    write_arpa(model, tmp_path / "m.arpa")
    peer = kenlm.Model(str(tmp_path / "m.arpa"))
    again = read_arpa(tmp_path / "m.arpa")
    for text in [*sentences(2, 40, 80), "unheard w1 unheard"]:
        for bos in (True, False):
            for eos in (True, False):
                expected = peer.score(text, bos=bos, eos=eos)
                assert model.score(text, bos=bos, eos=eos) == pytest.approx(expected, abs=2e-5)
                assert again.score(text, bos=bos, eos=eos) == pytest.approx(expected, abs=2e-5)


def test_a_file_with_gaps_scores_as_kenlm_scores_it(tmp_path: Path) -> None:
    """Drop bigrams that longer n-grams end with, as entropy pruning elsewhere does."""
    model = model_of(sentences(3, 200), order=3)
    write_arpa(model, tmp_path / "whole.arpa")
    lines = (tmp_path / "whole.arpa").read_text().splitlines()
    first = lines.index("\\2-grams:") + 1
    last = lines.index("\\3-grams:") - 1
    bigrams = lines[first:last]
    prefixes = {" ".join(line.split()[1:3]) for line in lines[last + 2 :] if line.startswith("-")}
    kept = [line for i, line in enumerate(bigrams) if i % 3 or " ".join(line.split()[1:3]) in prefixes]
    assert len(kept) < len(bigrams)
    lines = [*lines[:first], *kept, *lines[last:]]
    lines[2] = f"ngram 2={len(kept)}"
    (tmp_path / "gaps.arpa").write_text("\n".join(lines) + "\n")
    peer, ours = kenlm.Model(str(tmp_path / "gaps.arpa")), read_arpa(tmp_path / "gaps.arpa")
    for text in sentences(4, 60):
        assert ours.score(text) == pytest.approx(peer.score(text), abs=2e-5)
