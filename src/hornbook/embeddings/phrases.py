"""Phrases: neighbouring words that stand together more often than chance explains become one word (new_york).

Two scores. "counts" is (n(ab) - min_count) / (n(a) n(b)) times the number of different words and bigrams (Mikolov et al. 2013b,
section 4, scaled as gensim does); "npmi" is ln(p(ab) / (p(a) p(b))) / -ln p(ab), between -1 and 1 (Bouma 2009, section 3.1).
Bigrams are counted by sorting packed keys, and joined from left to right: a word is part of one phrase a pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.embeddings.words import Sentences, Vocabulary, number_again

MODEL_TYPE = "hornbook-phrases"
_BLOCK = 1 << 24  # bigrams sorted together: 128 MB of keys
_THRESHOLDS = {"counts": 10.0, "npmi": 0.5}


@dataclass(frozen=True)
class PhrasesConfig:
    """Which neighbours become one word.

    A bigram is joined when its score is above `threshold` (None: 10 for counts, as in gensim; 0.5 for npmi); with npmi it must
    also occur `min_count` times. `delimiter` stands between the joined words. Each of `passes` joins what the one before left,
    so that two passes make phrases of up to four words.
    """

    scoring: Literal["counts", "npmi"] = "counts"
    threshold: float | None = None
    min_count: int = 5
    delimiter: str = "_"
    passes: int = 1

    def __post_init__(self) -> None:
        if self.passes < 1 or self.min_count < 1:
            raise UsageError(
                "phrases: passes = {passes} and min_count = {min_count} must be at least 1",
                passes=self.passes,
                min_count=self.min_count,
            )
        lowest, highest = (0.0, float("inf")) if self.scoring == "counts" else (-1.0, 1.0)
        if not lowest <= self.least_score <= highest:
            raise UsageError(
                "phrases: threshold = {threshold} never fits {scoring} scores, which are {lowest:g} to {highest:g}",
                threshold=self.threshold,
                scoring=self.scoring,
                lowest=lowest,
                highest=highest,
            )

    @property
    def least_score(self) -> float:
        """What the score of a phrase is above."""
        return _THRESHOLDS[self.scoring] if self.threshold is None else self.threshold


class Phrases:
    """Learns phrases from a corpus and joins them, there and in any other text. `fit` sets `scores_`.

    scores_: for each pass, (first word, second word) -> score, the best first.
    """

    def __init__(self, config: PhrasesConfig | None = None) -> None:
        self.config = config or PhrasesConfig()
        self.scores_: list[dict[tuple[str, str], float]] = []

    def fit(self, vocabulary: Vocabulary, sentences: Sentences, *, log: Callable[[Event], None] | None = None) -> Self:
        """Learn the phrases of a corpus that still has its rare words (read it with min_count 1)."""
        self.fit_transform(vocabulary, sentences, log=log)
        return self

    def fit_transform(
        self, vocabulary: Vocabulary, sentences: Sentences, *, log: Callable[[Event], None] | None = None
    ) -> tuple[Vocabulary, Sentences]:
        """Learn the phrases of a corpus and join them; `restrict` leaves rare words out afterwards."""
        report = log or (lambda event: None)
        if sentences.ids.size < sentences.total_words:
            missing = sentences.total_words - sentences.ids.size
            text = translate("{missing} words are gone from the corpus: words that were apart look like neighbours")
            report(Alarm(text.format(missing=missing), translate("read it with min_count 1 and call restrict afterwards")))
        self.scores_ = []
        for number in range(self.config.passes):
            firsts, seconds, scores = score_bigrams(vocabulary, sentences, self.config)
            best = np.argsort(-scores, kind="stable")
            words = vocabulary.words
            self.scores_.append({(words[firsts[i]], words[seconds[i]]): float(scores[i]) for i in best.tolist()})
            text = translate("phrases, pass {number}: {count} found")
            report(Note(text.format(number=number + 1, count=scores.size)))
            if not scores.size:
                break
            vocabulary, sentences = _join(vocabulary, sentences, firsts, seconds, self.config.delimiter)
        return replace(vocabulary, phrases=self), sentences

    def transform(self, vocabulary: Vocabulary, sentences: Sentences) -> tuple[Vocabulary, Sentences]:
        """Join known phrases in another corpus."""
        for scores in self._learned():
            pairs = [(vocabulary.index.get(a, -1), vocabulary.index.get(b, -1)) for a, b in scores]
            known = np.array([pair for pair in pairs if min(pair) >= 0], np.int64).reshape(-1, 2)
            known = known[np.lexsort((known[:, 1], known[:, 0]))]
            vocabulary, sentences = _join(vocabulary, sentences, known[:, 0], known[:, 1], self.config.delimiter)
        return replace(vocabulary, phrases=self), sentences

    def join(self, words: Sequence[str]) -> list[str]:
        """A sentence with its phrases joined."""
        joined = list(words)
        for scores in self._learned():
            left, joined = joined, []
            place = 0
            while place < len(left):
                size = 2 if tuple(left[place : place + 2]) in scores else 1
                joined.append(self.config.delimiter.join(left[place : place + size]))
                place += size
        return joined

    def save_files(self, folder: Path) -> None:
        """Write config.json into an existing folder: the configuration and the phrases of each pass."""
        passes = [[[first, second, score] for (first, second), score in scores.items()] for scores in self._learned()]
        record = {"model_type": MODEL_TYPE, "config": to_dict(self.config), "passes": passes}
        (folder / "config.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read saved phrases. ContentError for a damaged file."""
        path = folder / "config.json"
        try:
            record = json.loads(path.read_text("utf-8"))
            phrases = cls(from_dict(PhrasesConfig, record["config"], where=str(path), prefix="config."))
            phrases.scores_ = [{(str(a), str(b)): float(score) for a, b, score in rows} for rows in record["passes"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContentError(
                "{path} is damaged: {error}. Restore the file or train again.", path=path, error=error
            ) from error
        return phrases

    def _learned(self) -> list[dict[tuple[str, str], float]]:
        if not self.scores_:
            raise UsageError("these phrases are not learned: call fit, or load saved ones")
        return self.scores_


def score_bigrams(
    vocabulary: Vocabulary, sentences: Sentences, config: PhrasesConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Ids of first and second word, and score, of every bigram above the threshold; sorted by the ids, (m,) each."""
    keys, together = count_bigrams(sentences, len(vocabulary))
    firsts, seconds = (keys // len(vocabulary)).astype(np.int64), (keys % len(vocabulary)).astype(np.int64)
    left, right = vocabulary.counts[firsts].astype(np.float64), vocabulary.counts[seconds].astype(np.float64)
    if config.scoring == "counts":
        scores = (together - config.min_count) / (left * right) * (len(vocabulary) + keys.size)
    else:
        share = together / sentences.total_words
        scores = np.log(share / ((left / sentences.total_words) * (right / sentences.total_words))) / -np.log(share)
        scores[together < config.min_count] = -np.inf
    kept = scores > config.least_score
    return firsts[kept], seconds[kept], scores[kept]


def count_bigrams(sentences: Sentences, words: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every pair of neighbours as first * `words` + second, rising, (m,), and how often it occurs, (m,)."""
    from hornbook.embeddings.phrase_kernels import merge, pack, run_lengths

    keys, counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    last = sentences.starts[-1]
    for begin in range(0, int(last), _BLOCK):
        block = np.empty(min(_BLOCK, int(last) - begin), np.uint64)
        block = block[: pack(sentences.ids, sentences.starts, begin, begin + block.size, words, block)]
        block.sort()
        new_keys, new_counts = run_lengths(block)
        order = np.argsort(np.concatenate([keys, new_keys]), kind="stable") if keys.size else np.arange(new_keys.size)
        keys, counts = merge(np.concatenate([keys, new_keys])[order], np.concatenate([counts, new_counts])[order])
    return keys, counts


def _join(
    vocabulary: Vocabulary,
    sentences: Sentences,
    firsts: NDArray[np.int64],
    seconds: NDArray[np.int64],
    delimiter: str,
) -> tuple[Vocabulary, Sentences]:
    """The corpus with bigrams (sorted by their ids) as words of their own."""
    from hornbook.embeddings.phrase_kernels import join_ids

    words, known = list(vocabulary.words), dict(vocabulary.index)
    joined = np.empty(firsts.size, np.int64)  # id of each phrase
    for place, (first, second) in enumerate(zip(firsts.tolist(), seconds.tolist())):
        phrase = vocabulary.words[first] + delimiter + vocabulary.words[second]
        joined[place] = known.setdefault(phrase, len(words))
        if joined[place] == len(words):
            words.append(phrase)
    row_starts = np.searchsorted(firsts, np.arange(len(vocabulary) + 1)).astype(np.int64)
    ids, starts = np.empty(sentences.ids.size, np.uint32), np.empty(sentences.starts.size, np.int64)
    filled = join_ids(sentences.ids, sentences.starts, row_starts, seconds, joined, ids, starts)
    return number_again(words, ids[:filled], starts, total_words=filled + sentences.total_words - sentences.ids.size)
