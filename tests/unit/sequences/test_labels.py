from __future__ import annotations

import itertools

import numpy as np
import pytest

from hornbook.sequences import legal_chain, span_scores, spans_of
from hornbook.sequences.labels import Span, to_bio, to_bioes


def test_bio_rules() -> None:
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    chain = legal_chain(labels, "bio")
    allowed = {
        (a, b) for a, b in itertools.product(labels, repeat=2) if chain.transition[labels.index(a), labels.index(b)] == 0
    }
    forbidden = {(a, b) for a, b in itertools.product(labels, repeat=2)} - allowed
    assert forbidden == {
        *itertools.product(["O", "B-LOC", "I-LOC"], ["I-PER"]),
        *itertools.product(["O", "B-PER", "I-PER"], ["I-LOC"]),
    }
    np.testing.assert_array_equal(chain.start == 0, [True, True, False, True, False])
    assert (chain.end == 0).all()


def test_bmes_rules_allow_exactly_whole_words() -> None:
    labels = ["B", "M", "E", "S"]
    chain = legal_chain(labels, "bmes")
    for length in range(1, 6):
        legal = set()
        for path in itertools.product(range(4), repeat=length):
            score = chain.start[path[0]] + chain.end[path[-1]] + sum(chain.transition[p] for p in itertools.pairwise(path))
            if score == 0:
                legal.add("".join(labels[i] for i in path))
        cuts = itertools.product([0, 1], repeat=length - 1)
        assert legal == {spelled(cut) for cut in cuts}


def spelled(cut: tuple[int, ...]) -> str:
    """BMES of a text with the given cuts after its characters."""
    words = "".join("x" + "|" * c for c in (*cut, 0)).split("|")
    return "".join("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E" for word in words)


def test_bioes_rules() -> None:
    labels = ["O", "B-X", "I-X", "E-X", "S-X", "E-Y"]
    chain = legal_chain(labels, "bioes")
    assert chain.transition[labels.index("B-X"), labels.index("E-X")] == 0
    assert chain.transition[labels.index("B-X"), labels.index("E-Y")] == -np.inf
    assert chain.transition[labels.index("E-X"), labels.index("I-X")] == -np.inf
    assert chain.end[labels.index("B-X")] == -np.inf and chain.end[labels.index("S-X")] == 0


def test_spans() -> None:
    assert spans_of(["B-A", "I-A", "B-A", "O", "I-B", "I-A"], "bio") == [
        Span(0, 2, "A"),
        Span(2, 3, "A"),
        Span(4, 5, "B"),
        Span(5, 6, "A"),
    ]
    assert spans_of(["I-A", "I-A", "B-A", "I-B", "O"], "iob1") == [Span(0, 2, "A"), Span(2, 3, "A"), Span(3, 4, "B")]
    assert spans_of(["B", "E", "S", "B", "M", "E"], "bmes") == [Span(0, 2, ""), Span(2, 3, ""), Span(3, 6, "")]
    assert spans_of(["S-A", "S-A", "B-B", "E-B", "I-B"], "bioes") == [
        Span(0, 1, "A"),
        Span(1, 2, "A"),
        Span(2, 4, "B"),
        Span(4, 5, "B"),
    ]
    assert spans_of([], "bio") == []
    assert to_bioes(["I-A", "I-A", "B-A", "O", "I-B", "I-B", "I-B"], "iob1") == ["B-A", "E-A", "S-A", "O", "B-B", "I-B", "E-B"]
    assert to_bio(["I-A", "I-A", "B-A", "O"], "iob1") == ["B-A", "I-A", "B-A", "O"]


def test_span_scores() -> None:
    gold = [[Span(0, 2, "A"), Span(3, 4, "B")], [Span(0, 1, "A")]]
    found = [[Span(0, 2, "A"), Span(3, 4, "A")], []]
    assert span_scores(gold, found) == pytest.approx((1 / 2, 1 / 3, 0.4))
    assert span_scores([[]], [[]]) == (0, 0, 0)
    with pytest.raises(ValueError, match="shorter"):
        span_scores([[]], [])


def test_a_label_outside_the_scheme_is_refused() -> None:
    for label, scheme in (("E-A", "bio"), ("X", "bmes"), ("", "bio"), ("PER", "iob1")):
        with pytest.raises(ValueError, match="scheme"):
            legal_chain([label], scheme)
