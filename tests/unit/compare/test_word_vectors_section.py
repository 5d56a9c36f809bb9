"""The map of words and their neighbours in the report, and how a map is built from vectors."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hornbook.compare.report import render
from hornbook.compare.results import RaceResult, RaceRow, WordMap
from hornbook.compare.word_map import build_word_map
from hornbook.embeddings import WordVectors

NEAR = {"king": (("queen", 0.81), ("prince", 0.7)), "<b>": (("&amp", 0.5),)}


def with_vectors(race: RaceResult, shown: WordMap) -> RaceResult:
    row = RaceRow(
        "word2vec",
        1,
        "word2vec",
        cloze_accuracy=0.43,
        train_seconds=9.0,
        tokens_seen=5_000_000,
        word_map=shown,
        model="models/word2vec",
    )
    return replace(race, rows=(*race.rows, row))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_map_and_neighbours_are_shown(english_race: RaceResult, language: str) -> None:
    places = ((0.0, 0.0), (1.0, 1.0), (-1.0, 0.5), (0.001, 0.001))
    shown = WordMap(("king", "<b>", "国王", "hidden"), places, 0.31, NEAR)
    text = render(with_vectors(english_race, shown), language=language)
    section = text[text.index('id="vectors"') : text.index('id="forecast"')]
    assert "<b>" not in section and "&lt;b&gt;" in section
    assert ">国王</text>" in section and "31\u00a0%" in section and "queen" in section and "0.81" in section
    assert ">hidden</text>" not in section  # it would cover the commoner word: a dot with a tooltip
    assert "<title>hidden</title>" in section
    assert "models/word2vec king</code>" in text
    inside = [float(x) for x in re.findall(r'<text x="([\d.]+)"', section)]
    assert inside and all(0 <= x <= 1000 for x in inside)


def test_no_section_without_vectors(english_race: RaceResult) -> None:
    assert 'id="vectors"' not in render(english_race)


def test_report_reads_back_equal(english_race: RaceResult) -> None:
    result = with_vectors(english_race, WordMap(("a", "b", "c"), ((0.0, 1.0), (1.0, 0.0), (2.0, 2.0)), 0.5, NEAR))
    assert RaceResult.from_json(result.to_json()) == result


def test_map_keeps_groups_apart() -> None:
    random = np.random.default_rng(3)
    centres = np.eye(2, 20) * 5
    rows = np.concatenate([centre + 0.1 * random.standard_normal((10, 20)) for centre in centres]).astype(np.float32)
    words = [f"{kind}{chr(97 + number)}" for kind in ("left", "right") for number in range(10)]
    found = build_word_map(WordVectors(words, rows))
    assert found is not None and found.words == tuple(words)
    across = np.array([x for x, _ in found.places])
    assert np.sign(across[:10]).tolist() == [np.sign(across[0])] * 10 == (-np.sign(across[10:])).tolist()
    assert found.explained > 0.9
    assert all(other.startswith(word[:4]) for word, near in found.neighbours.items() for other, _ in near)


def test_too_few_words_make_no_map() -> None:
    assert build_word_map(WordVectors(["one", "two"], np.ones((2, 3), dtype=np.float32))) is None
