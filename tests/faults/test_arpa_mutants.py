"""Damaged ARPA files (P8): refused in one line, or read and queried within bounds. For model files see test_saving.py."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from hornbook.core.errors import ContentError
from hornbook.statistical import NgramConfig, NgramLM
from hornbook.statistical.arpa import write_arpa
from hornbook.statistical.arpa_read import read_arpa
from hornbook.tokenizers.closed import closed_tokenizer
from mutants import mutants


@pytest.mark.faults
def test_mutants_are_refused_or_usable(tmp_path: Path) -> None:
    number = 2000
    random = np.random.default_rng(4)
    texts = [" ".join(f"w{i % 30}" for i in random.zipf(1.4, size=8)) for _ in range(60)]
    tokenizer = closed_tokenizer(sorted({word for text in texts for word in text.split()}))
    model = NgramLM(tokenizer, NgramConfig(order=3)).fit(tokenizer.encode_batch(texts))
    path = tmp_path / "m.arpa"
    write_arpa(model, path)
    whole = path.read_bytes()
    refused = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in mutants(whole, number, seed=3):
        path.write_bytes(data)
        try:
            mutant = read_arpa(path)
        except ContentError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
            continue
        scores, _ = mutant.start([mutant.tokenizer.encode(texts[0])])
        assert np.isfinite(scores).all() and np.isfinite([mutant.score(text) for text in texts[:3]]).all()
    assert refused > number / 2
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    )  # kB: no count of a header is believed unchecked
