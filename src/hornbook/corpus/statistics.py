"""What a text is like, from a sample of bounded size: words, Zipf's slope, vocabulary growth, scripts, lengths, languages."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hornbook.corpus.scripts import ScriptCounter
from hornbook.corpus.store import TextSplit

WINDOWS = 256
WINDOW_BYTES = 32_768
_LENGTHS = 1_000_000  # documents whose lengths are looked at
_LANGUAGE_DOCUMENTS = 2_000
_LANGUAGE_BYTES = 1_500
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+(?:['’][^\\W_{_UNSPACED}]+)*")
_QUANTILES = (("shortest", 0.0), ("p5", 0.05), ("median", 0.5), ("p95", 0.95), ("longest", 1.0))


@dataclass(frozen=True)
class SplitStatistics:
    """One split, described. Everything under `sample_bytes` is measured on that many bytes, evenly spread over the split."""

    name: str
    documents: int
    bytes: int
    lengths: dict[str, int]  # bytes per document: shortest, p5, median, p95, longest
    sample_bytes: int
    bytes_per_character: float
    characters: int  # different ones in the sample
    scripts: dict[str, float]  # share of letters
    words: int  # in the sample; a Han, kana or Thai character counts as a word
    vocabulary: int
    once: int  # words that stand once
    zipf_slope: float | None  # of log frequency against log rank; about -1 in running text
    heaps_exponent: float | None  # vocabulary grows like words ** exponent; 0.4 to 0.8 in running text
    growth: list[tuple[int, int]]  # (words, vocabulary)
    commonest: list[tuple[str, int]]
    languages: dict[str, float] | None = field(default=None)  # share of documents; None: not identified


def describe(split: TextSplit, *, identify: Callable[[str], str] | None = None) -> SplitStatistics:
    """Measure a split in bounded memory. `identify` names the language of a text, None where that is not wanted."""
    scripts, counts = ScriptCounter(), Counter[str]()
    growth: list[tuple[int, int]] = []
    sampled = characters = words = 0
    for pieces in windows(split):
        texts = [piece.decode("utf-8", "ignore") for piece in pieces]
        scripts.add("".join(texts))
        found = _WORD.findall("\n".join(texts).lower())
        counts.update(found)
        words += len(found)
        sampled += sum(map(len, pieces))
        characters += sum(map(len, texts))
        if words:
            growth.append((words, len(counts)))
    return SplitStatistics(
        name=split.name,
        documents=split.documents,
        bytes=split.total_bytes,
        lengths=_lengths(split),
        sample_bytes=sampled,
        bytes_per_character=sampled / characters if characters else 0.0,
        characters=scripts.different,
        scripts=scripts.shares(),
        words=words,
        vocabulary=len(counts),
        once=sum(count == 1 for count in counts.values()),
        zipf_slope=zipf_slope(list(counts.values())),
        heaps_exponent=heaps_exponent(growth),
        growth=growth[:: max(1, len(growth) // 16)],
        commonest=counts.most_common(10),
        languages=_languages(split, identify) if identify and split.documents else None,
    )


def windows(split: TextSplit) -> Iterator[list[bytes]]:
    """The whole split when it is small, else stretches of it, evenly spaced; each as the (parts of) documents in it."""
    total = split.total_bytes
    if total == 0:
        return
    count = min(WINDOWS, -(-total // WINDOW_BYTES))
    starts = split.starts
    with open(split.path, "rb", buffering=0) as file:
        for index in range(count):
            start = index * WINDOW_BYTES if total <= WINDOWS * WINDOW_BYTES else index * (total - WINDOW_BYTES) // (count - 1)
            raw = os.pread(file.fileno(), WINDOW_BYTES, start)
            first, last = np.searchsorted(starts, [start, start + len(raw)], side="right")
            places = [0, *(np.asarray(starts[first:last]) - start).tolist(), len(raw)]
            yield [raw[begin:end] for begin, end in pairwise(places) if end > begin]


def zipf_slope(frequencies: list[int]) -> float | None:
    """Least squares of log frequency on log rank at ranks spaced evenly in the logarithm; None below 50 words."""
    ordered = np.sort(np.array(frequencies, np.float64))[::-1]
    ordered = ordered[ordered >= 2]  # words seen once say more about the size of the sample than about the slope
    if ordered.size < 50:
        return None
    ranks = np.unique(np.geomspace(1, ordered.size, 200).astype(np.int64))
    return _slope(np.log(ranks), np.log(ordered[ranks - 1]))


def heaps_exponent(growth: list[tuple[int, int]]) -> float | None:
    """Least squares of log vocabulary on log words over the second half of the growth; None below eight points."""
    points = growth[len(growth) // 4 :]
    if len(points) < 8:
        return None
    table = np.log(np.array(points, np.float64))
    return _slope(table[:, 0], table[:, 1])


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    centred = x - x.mean()
    return float((centred * (y - y.mean())).sum() / (centred**2).sum())


def _lengths(split: TextSplit) -> dict[str, int]:
    if not split.documents:
        return {}
    step = max(1, split.documents // _LENGTHS)
    starts = split.starts
    lengths = np.asarray(starts[1::step]) - np.asarray(starts[:-1:step][: len(starts[1::step])])
    return {name: int(np.quantile(lengths, share, method="nearest")) for name, share in _QUANTILES}


def _languages(split: TextSplit, identify: Callable[[str], str]) -> dict[str, float]:
    """Shares over at most two thousand documents, evenly spaced, each by a stretch from its middle."""
    count = min(split.documents, _LANGUAGE_DOCUMENTS)
    found: Counter[str] = Counter()
    starts = split.starts
    with open(split.path, "rb", buffering=0) as file:
        for index in np.linspace(0, split.documents - 1, count).astype(np.int64).tolist():
            start, end = int(starts[index]), int(starts[index + 1])
            begin = max(start, (start + end - _LANGUAGE_BYTES) // 2)
            found[identify(os.pread(file.fileno(), min(_LANGUAGE_BYTES, end - begin), begin).decode("utf-8", "ignore"))] += 1
    return {language: number / count for language, number in found.most_common()}
