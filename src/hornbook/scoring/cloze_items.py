"""Cloze questions: a word taken out of held-out text, to be found among nine others as frequent as it. Built once a race."""

from __future__ import annotations

import dataclasses
import heapq
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from hornbook.core.artifact import write_text_atomic
from hornbook.core.errors import ContentError
from hornbook.scoring.words import Segmenter, shape, spans

CANDIDATES = 10
_LEAST_COUNT = 5  # of a word in the training text, for its frequency to mean something
_NEAREST = 18  # words on either side in frequency among which distractors are drawn
_FURTHEST = math.log(2)  # they are at most twice as frequent, at least half as frequent
_LEAST_LEFT = 10  # characters
_SHARE_OF_ONE_WORD = 0.03  # of the items may have the same answer


@dataclass(frozen=True)
class ClozeItem:
    """One question: which of the candidates stands between `left` and `right`?"""

    left: str
    right: str
    candidates: tuple[str, ...]
    answer: int  # index of the true word

    def texts(self) -> list[str]:
        """The text with each candidate in it."""
        return [self.left + candidate + self.right for candidate in self.candidates]


def build_cloze(
    train_texts: Iterable[str],
    heldout_texts: Iterable[str],
    *,
    count: int = 300,
    seed: int = 1,
    left: int = 80,
    right: int = 25,
    segment: Segmenter | None = None,
    train_characters: int = 5_000_000,
) -> list[ClozeItem]:
    """Up to `count` questions, in random order, so that the first n of them are a fair sample too.

    A word is a run of letters, or one Han character or kana, or what `segment` says: Chinese characters alone make an easy
    test, their neighbours in the word give them away; pass `TokenWords` or a segmenter. Distractors come from the same kind of
    word (case pattern, length of a Han word) in the first `train_characters` of the training text and are within a factor of
    two of the answer's frequency. How many of the nine are rarer than the answer is drawn evenly from 0 to 9, so its place in
    frequency tells nothing; words without nine such neighbours on either side are not asked. `left` and `right` are
    characters of context, cut at spaces where there are some. Small texts give fewer questions than asked for.
    """
    random = np.random.default_rng([seed, 10])
    peers = _Peers(_count_words(train_texts, segment, train_characters), random)
    found = _sample_words(heldout_texts, peers, segment, pool=count * 8, left=left, right=right, random=random)
    items: list[ClozeItem] = []
    asked: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    for before, word, after in found:
        same_place = (before[-30:], word, after[:30])
        if len(items) == count or asked[word] >= max(1, math.ceil(count * _SHARE_OF_ONE_WORD)) or same_place in seen:
            continue
        asked[word] += 1
        seen.add(same_place)
        candidates = [word, *peers.distractors(word, random)]
        order = random.permutation(CANDIDATES)
        items.append(ClozeItem(before, after, tuple(candidates[i] for i in order), int(np.flatnonzero(order == 0)[0])))
    return items


def save_cloze(items: Sequence[ClozeItem], path: Path) -> None:
    """Write questions as JSON, whole or not at all."""
    table = {"format": 1, "items": [dataclasses.asdict(item) for item in items]}
    write_text_atomic(path, json.dumps(table, ensure_ascii=False, indent=1) + "\n")


def load_cloze(path: Path) -> list[ClozeItem]:
    """Read questions back; ContentError when the file does not hold questions."""
    try:
        items = [
            ClozeItem(str(item["left"]), str(item["right"]), tuple(map(str, item["candidates"])), int(item["answer"]))
            for item in json.loads(path.read_text("utf-8"))["items"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContentError("{path} does not hold cloze questions: {error}", path=path, error=error) from error
    if any(not 0 <= item.answer < len(item.candidates) for item in items):
        raise ContentError("{path} does not hold cloze questions: {error}", path=path, error="answer out of range")
    return items


class _Peers:
    """Words by kind and frequency, to find those as frequent as a given one."""

    def __init__(self, counts: Counter[str], random: np.random.Generator) -> None:
        kinds: dict[str, list[tuple[int, float, str]]] = {}
        frequent = sorted((word, count) for word, count in counts.items() if count >= _LEAST_COUNT)
        for (word, count), tie in zip(frequent, random.random(len(frequent))):
            kinds.setdefault(shape(word), []).append((count, float(tie), word))
        self._words: dict[str, list[str]] = {}
        self._logs: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        self._place: dict[str, int] = {}
        for kind, entries in kinds.items():
            entries.sort()
            self._words[kind] = [word for _, _, word in entries]
            self._logs[kind] = np.log([count for count, _, _ in entries])
            self._place |= {word: place for place, (_, _, word) in enumerate(entries)}
        self.askable = {word for word in self._place if min(map(len, self._near(word))) >= CANDIDATES - 1}

    def distractors(self, word: str, random: np.random.Generator) -> list[str]:
        """Nine other words of the kind and about the frequency of `word`."""
        rarer, commoner = self._near(word)
        below = int(random.integers(0, CANDIDATES))
        chosen = [*random.choice(rarer, below, replace=False), *random.choice(commoner, CANDIDATES - 1 - below, replace=False)]
        return [str(other) for other in chosen]

    def _near(self, word: str) -> tuple[list[str], list[str]]:
        """The nearest words of the kind that are rarer, and those that are more common; ties are in random order."""
        kind, place = shape(word), self._place[word]
        words, logs = self._words[kind], self._logs[kind]
        rarer = [i for i in range(max(0, place - _NEAREST), place) if logs[place] - logs[i] <= _FURTHEST]
        commoner = [i for i in range(place + 1, min(place + 1 + _NEAREST, len(words))) if logs[i] - logs[place] <= _FURTHEST]
        return [words[i] for i in rarer], [words[i] for i in commoner]


def _count_words(texts: Iterable[str], segment: Segmenter | None, characters: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    read = 0
    for text in texts:
        part = text[: characters - read]
        counts.update(part[a:b] for a, b in spans(part, segment))
        read += len(part)
        if read >= characters:
            break
    return counts


def _sample_words(
    texts: Iterable[str],
    peers: _Peers,
    segment: Segmenter | None,
    *,
    pool: int,
    left: int,
    right: int,
    random: np.random.Generator,
) -> list[tuple[str, str, str]]:
    """(left, word, right) of at most `pool` places drawn evenly from all texts, in random order, in one pass."""
    heap: list[tuple[float, str, str, str]] = []  # largest key on top, negated
    for text in texts:
        places = [(a, b) for a, b in spans(text, segment) if a >= _LEAST_LEFT and text[a:b] in peers.askable]
        keys = random.random(len(places))
        limit = -heap[0][0] if len(heap) == pool else 1.0
        for index in np.flatnonzero(keys < limit):
            begin, end = places[index]
            entry = (-float(keys[index]), _left(text, begin, left), text[begin:end], _right(text, end, right))
            if len(heap) < pool:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)
    return [entry[1:] for entry in sorted(heap, reverse=True)]


def _left(text: str, at: int, characters: int) -> str:
    begin = max(0, at - characters)
    if begin and (space := re.search(r"\s", text[begin : begin + 20])):  # begin with a whole word
        begin = min(at, begin + space.end())
    return text[begin:at]


def _right(text: str, at: int, characters: int) -> str:
    end = at + characters
    if end < len(text):
        spaces = list(islice(re.finditer(r"\s", text[max(at + 1, end - 20) : end]), 20))
        end = max(at + 1, end - 20) + spaces[-1].start() if spaces else end  # end with a whole word
    return text[at:end]
