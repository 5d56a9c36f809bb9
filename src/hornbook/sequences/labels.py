"""Labels that mark spans (BIO, IOB1, BIOES, BMES): which may follow which, the spans they spell, and how well spans agree.

A label is a prefix, or a prefix, '-' and a kind ('B-PER'). IOB1 (CoNLL-2003 as published) begins a span with I and uses B only
after a span of the same kind; BMES (Chinese words) and BIOES mark the last item (E) and single ones (S) too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from hornbook.sequences.chain import Chain

Scheme: TypeAlias = Literal["bio", "iob1", "bioes", "bmes"]


class Span(NamedTuple):
    """Items first to last (excluded) of one kind."""

    first: int
    last: int
    kind: str


class SpanScores(NamedTuple):
    """Agreement of two sets of spans; a span counts when its ends and its kind are right (conlleval). 0 / 0 is 0."""

    precision: float
    recall: float
    f1: float


def legal_chain(labels: Sequence[str], scheme: Scheme) -> Chain:
    """The rules of a scheme over these labels: 0 where one may follow another, -inf where not.

    Everything is legal in IOB1. ValueError for a label that the scheme does not know.
    """
    parts = [_split(label, scheme) for label in labels]
    outside = ("O", "")
    transition = [[_may_follow(before, after, scheme) for after in parts] for before in parts]
    start = [_may_follow(outside, after, scheme) for after in parts]
    end = [_may_follow(before, outside, scheme) for before in parts]
    return Chain(*(np.where(np.array(rule, dtype=np.bool_), 0.0, -np.inf) for rule in (transition, start, end)))


def spans_of(labels: Sequence[str], scheme: Scheme) -> list[Span]:
    """The spans in their order; illegal labels are read leniently, as conlleval does: a wrong continuation begins a span."""
    spans: list[Span] = []
    begin, open_kind, before = 0, "", "O"
    for place, label in enumerate([*labels, "O"]):
        prefix, kind = _split(label, scheme) if label != "O" else ("O", "")
        inside = before != "O"
        begins = prefix in "BS" or before in "ES" or kind != open_kind
        if inside and (prefix == "O" or begins):
            spans.append(Span(begin, place, open_kind))
        if prefix != "O" and (not inside or begins):
            begin, open_kind = place, kind
        before = prefix
    return spans


def guess_scheme(lines: Sequence[Sequence[str]]) -> Scheme | Literal["none"]:
    """The scheme that labels follow; 'none' where they mark no spans (parts of speech).

    IOB1 and not BIO where a span begins with I. Words of Chinese text in B, M, E, S are BMES.
    """
    names = {label for line in lines for label in line}
    prefixes = {label.partition("-")[0] for label in names}
    if any(label[:1] != "O" and label[1:2] not in ("", "-") for label in names):
        return "none"
    if (prefixes <= set("BMESO") and "M" in prefixes) or (prefixes <= set("BES") and "E" in prefixes):
        return "bmes"
    if not prefixes <= set("BIOES") or not prefixes & set("BIES"):
        return "none"
    if prefixes & set("ES"):
        return "bioes"
    return "bio" if all(_is_bio(line) for line in lines) else "iob1"


def _is_bio(line: Sequence[str]) -> bool:
    before = "O"
    for label in line:
        if label[0] == "I" and (before[0] == "O" or before[1:] != label[1:]):
            return False
        before = label
    return True


def span_scores(gold: Iterable[Iterable[Span]], predicted: Iterable[Iterable[Span]]) -> SpanScores:
    """Precision, recall and F1 over all sequences together (micro average)."""
    right = wanted = found = 0
    for truth, answer in zip(gold, predicted, strict=True):
        expected, given = set(truth), set(answer)
        right += len(expected & given)
        wanted += len(expected)
        found += len(given)
    precision, recall = right / found if found else 0.0, right / wanted if wanted else 0.0
    return SpanScores(precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0)


def to_bio(labels: Sequence[str], scheme: Scheme) -> list[str]:
    """The same spans in BIO."""
    result = ["O"] * len(labels)
    for first, last, kind in spans_of(labels, scheme):
        suffix = f"-{kind}" if kind else ""
        result[first:last] = [f"B{suffix}", *[f"I{suffix}"] * (last - first - 1)]
    return result


def to_bioes(labels: Sequence[str], scheme: Scheme) -> list[str]:
    """The same spans in BIOES."""
    result = ["O"] * len(labels)
    for first, last, kind in spans_of(labels, scheme):
        prefixes = ["S"] if last - first == 1 else ["B", *["I"] * (last - first - 2), "E"]
        result[first:last] = [f"{prefix}-{kind}" if kind else prefix for prefix in prefixes]
    return result


def _split(label: str, scheme: Scheme) -> tuple[str, str]:
    prefix, _, kind = label.partition("-")
    if prefix not in {"bio": "BIO", "iob1": "BIO", "bioes": "BIOES", "bmes": "BMESO"}[scheme] or len(prefix) != 1:
        raise ValueError(f"label {label!r} does not belong to the scheme {scheme}")
    return "I" if prefix == "M" else prefix, kind


def _may_follow(before: tuple[str, str], after: tuple[str, str], scheme: Scheme) -> bool:
    """`("O", "")` also stands for what is before the first and after the last label."""
    if scheme == "iob1":
        return True
    same_kind = before[1] == after[1]
    if scheme == "bio":
        return after[0] != "I" or (before[0] in "BI" and same_kind)
    if before[0] in "BI":  # the span is still open: it goes on or ends
        return after[0] in "IE" and same_kind
    return after[0] in "BSO"
