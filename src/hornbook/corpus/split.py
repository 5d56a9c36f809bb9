"""Which text is trained on and which is held out, in two streaming passes: plan, then assign.

Whole documents are held out, chosen by a hash of the folded text and the seed: equal documents land on the same side, and
a document keeps its side when the corpus grows. Up to 10,000 documents are taken in the order of their hashes until the
share is reached; beyond that the hash alone decides, so memory does not grow.

Where whole documents cannot be held out, because there are fewer than 20 or one holds more than a fifth of the text, long
documents are cut: the beginning is trained on, the end is held out, each a contiguous run of paragraphs. Held-out paragraphs
are never interleaved with training paragraphs, or a model would have seen the text around every one of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from hornbook.core.errors import UsageError
from hornbook.core.events import Alarm, Note
from hornbook.corpus.dedup import content_hash

FEW = 20  # documents: below it long ones are cut
LARGE = Fraction(1, 5)  # of all bytes: a document above it is cut
LONG = 1000  # characters: a shorter document is never cut
RANKED = 10_000  # documents whose hashes are kept
_BREAKS = (r"\n[ \t\r]*\n\s*", r"\n", r"[.!?。！？…]['\"”’」』)]*\s*", r"\s+")  # where to cut, best first


@dataclass(frozen=True)
class SplitConfig:
    """How to hold out: '0.1' (share of the text, half valid, half test), 'last:0.1', 'folds:10' or 'folds:10:3' (fold 3).

    `last:S` holds out the last S of the characters of all documents in order, cut at that very character; train = the first
    floor((1 - S) n) characters, as in the tiny-shakespeare protocol. That protocol has two parts only, so test repeats valid.
    `folds:K` deals K parts: fold 0 (or the one named) is test, the next valid. '0' holds out nothing.
    """

    how: str = "0.1"
    seed: int = 1

    def __post_init__(self) -> None:
        self.parse()

    def parse(self) -> tuple[str, Fraction, int, int]:
        """(kind, share, folds, fold). UsageError when it is none of the four forms."""
        if match := re.fullmatch(r"(last:)?([0-9]*\.?[0-9]+)", self.how.strip()):
            share = Fraction(match[2])
            if share < Fraction(9, 10) and (share > 0 or not match[1]):
                return ("last" if match[1] else "share"), share, 0, 0
        elif match := re.fullmatch(r"folds:([0-9]{1,4})(?::([0-9]{1,4}))?", self.how.strip()):
            folds, fold = int(match[1]), int(match[2] or 0)
            if folds >= 3 and fold < folds:
                return "folds", Fraction(2, folds), folds, fold
        raise UsageError(
            "split '{how}' is not understood: write a share below 0.9 (0.1), last:0.1, folds:10 or folds:10:3", how=self.how
        )


class SplitPlanner:
    """Pass one: `add` every document that stays, in order; `finish` gives the plan. Memory: a few MB at most."""

    def __init__(self, config: SplitConfig) -> None:
        self.config = config
        self.documents = self.bytes = self.characters = 0
        self._long = 0
        self._sizes: list[tuple[int, int, int]] | None = []  # (hash, bytes, characters) of the first RANKED documents

    def add(self, text: str) -> None:
        """Count one document."""
        size = len(text.encode("utf-8", "replace"))
        self.documents += 1
        self.bytes += size
        self.characters += len(text)
        self._long += len(text) >= LONG
        if self.documents > RANKED:
            self._sizes = None
        elif self._sizes is not None and not self.config.how.startswith("last"):
            self._sizes.append((document_key(text, self.config.seed), size, len(text)))

    def finish(self) -> SplitPlan:
        """The plan for these documents."""
        few = self.documents < FEW and self._long > 0
        ranked: dict[int, tuple[str, ...]] | None = None
        if self._sizes is not None:
            whole: dict[int, int] = {}
            for key, size, characters in self._sizes:
                if not few and not _is_cut(size, characters, self.bytes, few=False):
                    whole[key] = whole.get(key, 0) + size
            ranked = _rank(whole, self.config)
        return SplitPlan(self.config, self.documents, self.bytes, self.characters, few, ranked)


@dataclass(frozen=True)
class SplitPlan:
    """Pass two: `assign` the same documents in the same order."""

    config: SplitConfig
    documents: int
    bytes: int
    characters: int
    few: bool  # too few documents to hold out whole ones, and some are long enough to cut
    ranked: dict[int, tuple[str, ...]] | None  # document key -> splits; None: the key itself decides

    @property
    def notes(self) -> tuple[Note | Alarm, ...]:
        """What the reader of a report must know about this split."""
        kind, share, _, _ = self.config.parse()
        if kind == "last":
            return (Note(f"the last {float(share):.4g} of the text is held out; test repeats valid"),)
        if share == 0:
            return ()
        if self.few:
            return (
                Note(
                    f"{self.documents} documents are too few to hold out whole ones: the end of each long one is held out, "
                    "so held-out text has the author and topic of training text"
                ),
            )
        if self.ranked is not None and ("valid", "test") in self.ranked.values():
            return (Note("of two documents one is held out; test repeats valid"),)
        if self.ranked is not None and self.documents and not any("valid" in splits for splits in self.ranked.values()):
            return (
                Alarm(
                    "the corpus is too small to hold anything out: nothing can be measured", "add text or give --dev and --test"
                ),
            )
        return ()

    def assign(self, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(split, text) for every document; one that is cut comes in parts whose texts joined are the whole."""
        kind, share, _, _ = self.config.parse()
        if kind == "last":
            yield from self._assign_last(texts, int(self.characters * (1 - share)))
            return
        for text in texts:
            size = len(text.encode("utf-8", "replace"))
            if share > 0 and _is_cut(size, len(text), self.bytes, few=self.few):
                yield from _cut(text, self.config)
            else:
                yield from ((split, text) for split in self._splits(text, share))

    def _splits(self, text: str, share: Fraction) -> tuple[str, ...]:
        if share == 0 or self.few:
            return ("train",)
        key = document_key(text, self.config.seed)
        return _by_key(key, self.config) if self.ranked is None else self.ranked[key]

    def _assign_last(self, texts: Iterable[str], boundary: int) -> Iterator[tuple[str, str]]:
        done = 0
        for text in texts:
            cut = min(max(boundary - done, 0), len(text))
            done += len(text)
            if cut or not text:
                yield ("train", text[:cut])
            if cut < len(text):
                yield ("valid", text[cut:])
                yield ("test", text[cut:])


def document_key(text: str, seed: int) -> int:
    """A number below 2^64 decided by the folded text and the seed; equal for equal documents."""
    keyed = hashlib.blake2b(content_hash(text), digest_size=8, key=str(seed).encode())
    return int.from_bytes(keyed.digest(), "little")


def _is_cut(size: int, characters: int, total: int, *, few: bool) -> bool:
    return characters >= LONG and (few or size > LARGE * total)


def _by_key(key: int, config: SplitConfig) -> tuple[str, ...]:
    """The split of a document by its key alone."""
    kind, share, folds, fold = config.parse()
    if kind == "folds":
        return (_fold_split(key * folds >> 64, folds, fold),)
    place = Fraction(key, 1 << 64)
    return ("test" if place < share / 2 else "valid" if place < share else "train",)


def _rank(sizes: dict[int, int], config: SplitConfig) -> dict[int, tuple[str, ...]]:
    """Splits of few documents, in the order of their keys: as `_by_key`, but no split is left empty by chance."""
    kind, share, folds, fold = config.parse()
    keys = sorted(sizes)
    if kind == "folds" and len(keys) >= folds:
        return {key: (_fold_split(rank % folds, folds, fold),) for rank, key in enumerate(keys)}
    result: dict[int, tuple[str, ...]] = dict.fromkeys(keys, ("train",))
    if share == 0 or len(keys) < 2:
        return result
    if len(keys) == 2:  # one to train on; the other has to serve for both
        result[min(keys, key=lambda key: (sizes[key], key))] = ("valid", "test")
        return result
    target = share / 2 * sum(sizes.values())
    largest = max(keys, key=lambda key: (sizes[key], key))
    free = [key for key in keys if key != largest]  # the largest is trained on
    for split, leave in (("test", 1), ("valid", 0)):
        chosen: list[int] = []
        taken = 0
        for key in free[: len(free) - leave]:
            if taken + sizes[key] <= (target * 2 if not chosen else target * Fraction(5, 4)):
                chosen.append(key)
                taken += sizes[key]
            if taken >= target:
                break
        for key in chosen or [min(free, key=lambda key: (sizes[key], key))]:
            result[key] = (split,)
            free.remove(key)
    return result


def _fold_split(part: int, folds: int, fold: int) -> str:
    return "test" if part == fold else "valid" if part == (fold + 1) % folds else "train"


def _cut(text: str, config: SplitConfig) -> Iterator[tuple[str, str]]:
    """One document in contiguous parts: train, valid, test for a share; K blocks for folds, neighbours of a split joined."""
    kind, share, folds, fold = config.parse()
    if kind == "folds":
        parts = [(_fold_split(part, folds, fold), Fraction(part + 1, folds)) for part in range(folds)]
        smallest = Fraction(1, folds)
    else:
        parts = [("train", 1 - share), ("valid", 1 - share / 2), ("test", Fraction(1))]
        smallest = min(share / 2, 1 - share)
    reach = int(smallest * len(text)) // 3  # how far a cut may move to fall between paragraphs
    begin, pending = 0, ""
    for number, (split, until) in enumerate(parts):
        end = len(text) if number + 1 == len(parts) else _place(text, int(until * len(text)), reach)
        pending += text[begin:end]
        begin = end
        if number + 1 == len(parts) or parts[number + 1][0] != split:
            if pending:
                yield split, pending
            pending = ""


def _place(text: str, target: int, reach: int) -> int:
    """The best place to cut near `target`: behind a blank line, else a line end, a sentence end, a space, else right there."""
    low = max(0, target - reach)
    window = text[low : target + reach]
    for pattern in _BREAKS:
        places = [low + match.end() for match in re.finditer(pattern, window)]
        if places:
            return min(places, key=lambda place: (abs(place - target), place))
    return target
