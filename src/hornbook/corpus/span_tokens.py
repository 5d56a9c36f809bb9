"""Character spans of a text as labels of tokens, and tokens for a text that has none. Offsets always slice the raw text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from hornbook.corpus.labelled import LabelledSentence
from hornbook.sequences.labels import Span

Unit: TypeAlias = Literal["words", "characters"]

_UNSPACED = (  # Thai, Lao, Burmese, Khmer, Chinese, Japanese
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2E80-\u2FDF\u3005-\u3007\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF"
    r"\U00020000-\U000323AF"
)
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_ENDING = r"(?:s|m|d|re|ve|ll)\b"  # of English words, cut as its treebanks do
_TOKENS = {
    "words": re.compile(
        rf"(?:{_LETTER}\.){{2,}}"  # U.N.
        r"|\d+(?:[.,:/-]\d+)*"  # 1996-08-22
        rf"|{_LETTER}+?(?=n['’]t\b)|n['’]t\b"  # do n't
        rf"|['’]{_ENDING}"  # Japan 's
        rf"|{_LETTER}(?:{_LETTER}|\d|-(?={_LETTER})|['’](?!{_ENDING})(?={_LETTER}))*"  # Asia-based, O'Brien
        r"|\S",
        re.IGNORECASE,
    ),
    "characters": re.compile(r"\S"),
}


class Flat(NamedTuple):
    """Spans of which no two overlap, in their order, and how many were left out for that."""

    spans: list[Span]
    left_out: int


def tokens_of(text: str, unit: Unit = "words", *, cuts: Sequence[int] = ()) -> list[tuple[int, int]]:
    """Where the tokens of a text stand: words, numbers, single marks and single characters of scripts without blanks.

    With 'characters' each one that is no white space is a token. A token is cut in two at every place in `cuts`.
    """
    places = [match.span() for match in _TOKENS[unit].finditer(text)]
    if not cuts:
        return places
    inner = sorted(set(cuts))
    result: list[tuple[int, int]] = []
    for first, last in places:
        for cut in inner[bisect_left(inner, first + 1) : bisect_left(inner, last)]:
            result.append((first, cut))
            first = cut
        result.append((first, last))
    return result


def flat(spans: Sequence[Span]) -> Flat:
    """The longest spans first, of equal ones the earlier, as long as they overlap with none before them."""
    kept: list[Span] = []
    taken: list[tuple[int, int]] = []  # sorted, disjoint
    for span in sorted(set(spans), key=lambda one: (one.first - one.last, one.first, one.kind)):
        place = bisect_left(taken, (span.first, span.last))
        free_before = place == 0 or taken[place - 1][1] <= span.first
        if free_before and (place == len(taken) or span.last <= taken[place][0]):
            taken.insert(place, (span.first, span.last))
            kept.append(span)
    return Flat(sorted(kept), len(set(spans)) - len(kept))


def labelled(text: str, spans: Sequence[Span], *, line: int, unit: Unit = "words") -> LabelledSentence:
    """A text with spans that do not overlap as tokens and BIO labels; tokens are cut where a span begins or ends."""
    places = tokens_of(text, unit, cuts=[edge for span in spans for edge in (span.first, span.last)])
    starts = [first for first, _ in places]
    labels = ["O"] * len(places)
    for first, last, kind in spans:
        begin, end = bisect_left(starts, first), bisect_left(starts, last)
        labels[begin:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - begin - 1)][: end - begin]
    return LabelledSentence(tuple(text[a:b] for a, b in places), tuple(labels), text, tuple(places), line)
