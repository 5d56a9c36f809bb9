"""F1 of spans is what conlleval and seqeval give for the same labels, legal or not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from hornbook.sequences.labels import span_scores, spans_of

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def drawn(seed: int, *, legal: bool) -> tuple[list[list[str]], list[list[str]]]:
    draw = random.Random(seed)
    gold, found = [], []
    for _ in range(30):
        for lines in (gold, found):
            line: list[str] = []
            for _ in range(draw.randrange(12) + 1 if lines is gold else len(gold[-1])):
                before = line[-1] if line else "O"
                allowed = [one for one in LABELS if not legal or one[0] != "I" or before[1:] == one[1:]]
                line.append(draw.choice(allowed))
            lines.append(line)
        if draw.random() < 0.5:  # half of the answers are nearly right
            found[-1] = [draw.choice(LABELS) if draw.random() < 0.1 and not legal else label for label in gold[-1]]
    return gold, found


def conlleval(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> tuple[float, float, float]:
    """The counting of conlleval (Tjong Kim Sang, 2002-2004): one pass over tokens, spans open and close on both sides."""

    def split(label: str) -> tuple[str, str]:
        return (label[0], label[2:]) if label != "O" else ("O", "")

    def ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
        (tag, kind), (next_tag, next_kind) = before, now
        return tag != "O" and (next_tag in "BO" or kind != next_kind)

    def begins(before: tuple[str, str], now: tuple[str, str]) -> bool:
        (tag, kind), (next_tag, next_kind) = before, now
        return next_tag == "B" or (next_tag != "O" and (tag == "O" or kind != next_kind))

    right = wanted = answered = 0
    inside = False
    before = ("O", ""), ("O", "")
    for truth, answer in zip(gold, found, strict=True):
        for pair in [*zip(map(split, truth), map(split, answer), strict=True), (("O", ""), ("O", ""))]:
            closed = [ends(old, new) for old, new in zip(before, pair)]
            opened = [begins(old, new) for old, new in zip(before, pair)]
            if inside:
                if closed == [True, True] and before[0][1] == before[1][1]:
                    right, inside = right + 1, False
                elif closed[0] != closed[1] or pair[0][1] != pair[1][1]:
                    inside = False
            if opened == [True, True] and pair[0][1] == pair[1][1]:
                inside = True
            wanted, answered = wanted + opened[0], answered + opened[1]
            before = pair
    precision, recall = right / answered if answered else 0.0, right / wanted if wanted else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def ours(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> tuple[float, float, float]:
    return span_scores([spans_of(line, "bio") for line in gold], [spans_of(line, "bio") for line in found])


@pytest.mark.parametrize("legal", [True, False])
def test_conlleval(legal: bool) -> None:
    for seed in range(40):
        gold, found = drawn(seed, legal=legal)
        assert ours(gold, found) == pytest.approx(conlleval(gold, found), abs=1e-12)
        assert ours(gold, found)[2] > 0


@pytest.mark.parametrize("legal", [True, False])
def test_seqeval(legal: bool) -> None:
    metrics = pytest.importorskip("seqeval.metrics")
    for seed in range(40):
        gold, found = drawn(seed, legal=legal)
        theirs = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
        assert ours(gold, found) == pytest.approx([score(gold, found) for score in theirs], abs=1e-12)
