"""Word classes found from bigrams, and a model over them: p(w | h) = p(w | class of w) p(class of w | classes of h).

Classes are those under which a class bigram model gives the training text the highest likelihood (Brown et al. 1992), found by
exchange (Kneser and Ney 1993; Martin, Liermann and Ney 1998): each word in turn moves to the class where it adds most,

F = sum over classes g, g' of N(g, g') log N(g, g') - sum of L(g) log L(g) - sum of R(g) log R(g),   L, R: sums of rows, columns

until few words move. A model of classes sees farther than one of words, whose longer contexts are rare: mix both (mixture.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Progress
from hornbook.core.types import Ids, NextScores, Tokenizer, TokenScores
from hornbook.statistical.counts import Level, count_levels
from hornbook.statistical.interpolate import IMPOSSIBLE
from hornbook.statistical.mixture import read_config
from hornbook.statistical.ngram import NEVER_PREDICTED, NgramConfig, NgramLM, NgramState
from hornbook.statistical.stream import FlatDocuments, check_ids, flatten, lay_out
from hornbook.statistical.tensors import load_tensors, save_tensors
from hornbook.statistical.trie import load_trie, save_trie

MODEL_TYPE = "hornbook-ngram-classes"
_WEIGHTS = "model.safetensors"
_NGRAMS = "classes.safetensors"
_LOGS = 1 << 16  # x log x is looked up below this


@dataclass(frozen=True)
class ClassConfig:
    """`classes` of words, `rounds` over the vocabulary at most, and the n-gram model of the classes."""

    classes: int = 200
    rounds: int = 15
    order: int = 6

    def __post_init__(self) -> None:
        for name, least in (("classes", 1), ("rounds", 1), ("order", 1)):
            if getattr(self, name) < least:
                raise UsageError("{name} = {value}: give {least} or more", name=name, value=getattr(self, name), least=least)


class ClassLM:
    """A LanguageModel over word classes. `fit` sets `classes_` (V,), the class of every id, and `emissions_` (V,) logs.

    Ids that the training text lacks form one class, which shares its probability among them equally.
    """

    def __init__(self, tokenizer: Tokenizer, config: ClassConfig | None = None) -> None:
        self.config = config or ClassConfig()
        self._tokenizer = tokenizer
        self.classes_: NDArray[np.int32] = np.zeros(0, np.int32)
        self.emissions_: NDArray[np.float32] = np.zeros(0, np.float32)
        self._model: NgramLM | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of words."""
        return self._tokenizer

    @property
    def model_(self) -> NgramLM:
        """The model of classes; UsageError before `fit`."""
        if self._model is None:
            raise UsageError("this n-gram model is not trained: call fit, or load a saved one")
        return self._model

    @property
    def parameters(self) -> int:
        """Numbers of the class n-grams, a class and an emission a word."""
        return self.model_.parameters + self.classes_.size + self.emissions_.size

    def fit(self, documents: Iterable[Ids] | FlatDocuments, *, log: Callable[[Event], None] | None = None) -> Self:
        """Find classes, then count them. ContentError when an id is outside the vocabulary."""
        tokens, starts = flatten(documents)
        size, end = self._tokenizer.size, self._tokenizer.specials["end"]
        stream = lay_out(tokens, starts, vocabulary_size=size, end=end)
        words, bigrams = count_levels(stream, size, 2)
        groups = exchange(words.counts, bigrams, end, self.config, log=log or (lambda event: None))
        seen = words.counts[:size] > 0
        never = np.zeros(size, dtype=np.bool_)
        never[[self._tokenizer.specials[name] for name in NEVER_PREDICTED if name in self._tokenizer.specials]] = True
        never[end] = False
        unseen = ~seen & ~never
        unseen[end] = False
        moving = np.flatnonzero(seen & (np.arange(size) != end))
        used, numbers = np.unique(groups[moving], return_inverse=True)
        classes = np.zeros(size, dtype=np.int32)  # 0 is the end; what is never predicted stands there too
        classes[moving] = numbers + 1
        classes[unseen] = used.size + 1
        weights = np.where(seen, words.counts[:size], 1.0) * (seen | unseen)
        weights[end] = max(weights[end], 1.0)
        with np.errstate(divide="ignore"):
            logs = np.log(weights / np.bincount(classes, weights=weights)[classes])
        self.classes_, self.emissions_ = classes, np.maximum(logs, IMPOSSIBLE).astype(np.float32)
        model = _over_classes(int(used.size) + 1 + bool(unseen.any()), self.config.order)
        self._model = model.fit(_Flat(classes[tokens], starts), log=log)
        return self

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document."""
        ids = [check_ids(np.asarray(document, dtype=np.int64), self._tokenizer.size) for document in documents]
        scores = self.model_.log_probs([self.classes_[document] for document in ids])
        end = self._tokenizer.specials["end"]
        return [part + self.emissions_[np.append(document, end)] for part, document in zip(scores, ids)]

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, NgramState]:
        """(B, V) natural logs after each prefix, and the state."""
        ids = [check_ids(np.asarray(prefix, dtype=np.int64), self._tokenizer.size) for prefix in prefixes]
        return self._of_words(self.model_.start([self.classes_[prefix] for prefix in ids]))

    def step(self, state: NgramState, ids: Ids) -> tuple[NextScores, NgramState]:
        """Feed one id a row."""
        read = check_ids(np.asarray(ids, dtype=np.int64), self._tokenizer.size)
        return self._of_words(self.model_.step(state, self.classes_[read]))

    def select(self, state: NgramState, rows: Sequence[int]) -> NgramState:
        """An independent copy of the given rows."""
        return self.model_.select(state, rows)

    def save_files(self, folder: Path) -> None:
        """Write config.json, the classes, their n-grams and the tokenizer of words. Raises DiskFullError."""
        model = self.model_
        save_trie(model.trie_, folder / _NGRAMS)
        save_tensors({"classes": self.classes_, "emissions": self.emissions_}, folder / _WEIGHTS)
        record = {"model_type": MODEL_TYPE, "config": to_dict(self.config), "rows": list(model.trie_.rows)}
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        self._tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load what `save_files` wrote. ContentError names the file that is damaged."""
        from hornbook.tokenizers import load_tokenizer

        path = folder / "config.json"
        record = read_config(path, MODEL_TYPE, {"config": dict, "rows": list})
        loaded = cls(load_tokenizer(folder), from_dict(ClassConfig, record["config"], where=str(path), prefix="config."))
        rows, shape = record["rows"], (loaded.tokenizer.size,)
        if len(rows) != loaded.config.order or not all(isinstance(n, int) and 0 <= n < 1 << 32 for n in rows) or rows[0] < 2:
            raise _damaged(path, "rows do not fit the order")
        tensors = load_tensors(folder / _WEIGHTS, {"classes": (np.int32, shape), "emissions": (np.float32, shape)})
        loaded.classes_, loaded.emissions_ = tensors["classes"], tensors["emissions"]
        model = _over_classes(rows[0] - 1, loaded.config.order)
        loaded._model = model.use(load_trie(folder / _NGRAMS, tuple(rows)))
        inside = loaded.classes_.min() >= 0 and loaded.classes_.max() < rows[0] - 1
        if not (inside and np.isfinite(loaded.emissions_).all() and loaded.emissions_.max() <= 1e-3):
            raise _damaged(folder / _WEIGHTS, "classes or their words do not fit the model")
        return loaded

    def _of_words(self, result: tuple[NextScores, NgramState]) -> tuple[NextScores, NgramState]:
        scores, state = result
        return scores[:, self.classes_] + self.emissions_, state


@dataclass(frozen=True)
class ClassIds:
    """What an n-gram model asks of a tokenizer, for classes in place of words: class 0 is the end of a document."""

    size: int
    specials: Mapping[str, int] = field(default_factory=lambda: {"end": 0})


def _over_classes(classes: int, order: int) -> NgramLM:
    """An n-gram model that never meets text: of its tokenizer it reads the size and the id of the end."""
    return NgramLM(cast(Tokenizer, ClassIds(classes)), NgramConfig(order=order))


@dataclass(frozen=True, eq=False)
class _Flat:
    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]


def exchange(
    counts: NDArray[np.uint32],
    bigrams: Level,
    end: int,
    config: ClassConfig,
    *,
    log: Callable[[Event], None] = lambda event: None,
) -> NDArray[np.int64]:
    """(V + 1,) a class from 0 to `classes` - 1 for every id but `end` and the boundary, which have two of their own.

    `counts`: (V + 1,) occurrences; `bigrams`: their continuations. Commonest words are spread over all classes to begin with.
    """
    symbols = counts.size
    groups = np.empty(symbols, dtype=np.int64)
    ranked = np.argsort(-counts.astype(np.int64), kind="stable")
    groups[ranked] = np.arange(symbols) % config.classes
    groups[end], groups[-1] = config.classes, config.classes + 1
    before = np.repeat(np.arange(symbols), np.diff(bigrams.children))
    by_second = np.argsort(bigrams.words, kind="stable")
    second_starts = np.concatenate([[0], np.cumsum(np.bincount(bigrams.words, minlength=symbols))])
    pairs = np.zeros((config.classes + 2, config.classes + 2), dtype=np.int64)
    np.add.at(pairs, (groups[before], groups[bigrams.words]), bigrams.counts)
    movable = ranked[(counts[ranked] > 0) & (ranked != end) & (ranked != symbols - 1)]
    numbers = np.arange(_LOGS, dtype=np.float64)
    logs = numbers * np.log(np.maximum(numbers, 1.0))
    backward = before[by_second], second_starts, bigrams.counts[by_second]
    forward = bigrams.words.astype(np.int64), bigrams.children.astype(np.int64), bigrams.counts
    for done in range(1, config.rounds + 1):
        moved = _round(movable, groups, pairs, config.classes, logs, *forward, *backward)
        log(Progress("finding word classes", done, config.rounds, "rounds"))
        if moved * 200 < movable.size:
            break
    return groups


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)


@njit(cache=True, nogil=True)
def _x_log_x(count: int, logs: NDArray[np.float64]) -> float:
    return float(logs[count]) if count < logs.size else count * math.log(count)


@njit(cache=True, nogil=True)
def _round(
    movable: NDArray[np.int64],
    groups: NDArray[np.int64],
    pairs: NDArray[np.int64],
    classes: int,
    logs: NDArray[np.float64],
    after: NDArray[np.int64],
    after_starts: NDArray[np.int64],
    after_counts: NDArray[np.uint32],
    before: NDArray[np.int64],
    before_starts: NDArray[np.int64],
    before_counts: NDArray[np.uint32],
) -> int:
    """Move every word to its best class once, in order; `groups` and `pairs` are updated. Returns how many moved."""
    every = pairs.shape[0]
    rows, columns = pairs.sum(axis=1), pairs.sum(axis=0)
    following, preceding = np.zeros(every, dtype=np.int64), np.zeros(every, dtype=np.int64)
    right, left = np.empty(every, dtype=np.int64), np.empty(every, dtype=np.int64)  # classes with words after and before
    moved = 0
    for word in movable:
        old = groups[word]
        n_right = n_left = 0
        own = total_right = total_left = np.int64(0)
        for i in range(after_starts[word], after_starts[word + 1]):
            total_right += after_counts[i]
            if after[i] == word:
                own = np.int64(after_counts[i])
                continue
            group = groups[after[i]]
            if following[group] == 0:
                right[n_right] = group
                n_right += 1
            following[group] += after_counts[i]
        for i in range(before_starts[word], before_starts[word + 1]):
            total_left += before_counts[i]
            if before[i] == word:
                continue
            group = groups[before[i]]
            if preceding[group] == 0:
                left[n_left] = group
                n_left += 1
            preceding[group] += before_counts[i]
        _shift(
            pairs, rows, columns, old, right[:n_right], left[:n_left], following, preceding, own, total_right, total_left, -1
        )
        best, best_gain = old, -np.inf
        for group in range(classes):
            gain = _x_log_x(rows[group], logs) - _x_log_x(rows[group] + total_right, logs)
            gain += _x_log_x(columns[group], logs) - _x_log_x(columns[group] + total_left, logs)
            inside = pairs[group, group]
            gain += _x_log_x(inside + following[group] + preceding[group] + own, logs) - _x_log_x(inside, logs)
            for i in range(n_right):
                if right[i] != group:
                    count = pairs[group, right[i]]
                    gain += _x_log_x(count + following[right[i]], logs) - _x_log_x(count, logs)
            for i in range(n_left):
                if left[i] != group:
                    count = pairs[left[i], group]
                    gain += _x_log_x(count + preceding[left[i]], logs) - _x_log_x(count, logs)
            if gain > best_gain + 1e-9 or (group == old and gain > best_gain - 1e-9):
                best, best_gain = group, gain
        _shift(
            pairs, rows, columns, best, right[:n_right], left[:n_left], following, preceding, own, total_right, total_left, 1
        )
        groups[word] = best
        moved += best != old
        following[right[:n_right]] = 0
        preceding[left[:n_left]] = 0
    return moved


@njit(cache=True, nogil=True)
def _shift(
    pairs: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    group: int,
    right: NDArray[np.int64],
    left: NDArray[np.int64],
    following: NDArray[np.int64],
    preceding: NDArray[np.int64],
    own: int,
    total_right: int,
    total_left: int,
    sign: int,
) -> None:
    """Add a word's bigrams to a class (sign 1) or take them away (-1)."""
    for other in right:
        pairs[group, other] += sign * following[other]
    for other in left:
        pairs[other, group] += sign * preceding[other]
    pairs[group, group] += sign * own
    rows[group] += sign * total_right
    columns[group] += sign * total_left
