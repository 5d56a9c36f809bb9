"""A cache beside a language model: what was said shortly before is likely to be said again (Kuhn and De Mori 1990).

p(w | h, past) = weight_0 p(w | h) + sum over j = 1, 2, 3 of weight_j p_j(w | past)
p_j(w | past)  = sum over i of 2^(-age_i / half_life_j) [w_i = w] / the same sum over every w,   i: past tokens that stood
                 behind the same j - 1 tokens as w does

The weights depend on the longest j for which there are such tokens, and are tuned by expectation maximisation on held-out
text, the half-lives by trying. As a LanguageModel the past is that of the document alone; `running_log_probs` lets it run
through all documents of a text, in order (sentences of one newspaper), which is how caches are usually reported: at every token
the model has seen the text before it, never the token itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hornbook.core.types import Ids, LanguageModel, NextScores, Tokenizer, TokenScores
from hornbook.statistical.mixture import em_weights, load_parts, read_config, save_parts
from hornbook.statistical.stream import flatten, lay_out

MODEL_TYPE = "hornbook-cache"
ORDERS = 3
_TRIED = (100.0, 250.0, 500.0, 1000.0, 2500.0, 10_000.0, 1e9)


@dataclass(frozen=True)
class CacheState:
    """The state of the model inside, and the ids so far of every row, the boundary first."""

    inner: Any
    pasts: tuple[NDArray[np.int64], ...]


class CacheLM:
    """A LanguageModel with a cache.

    `fit` sets `half_lives_` (3,) in tokens and `weights_` (4, 4): row j is used when order j is the longest that applies.
    """

    def __init__(self, model: LanguageModel[Any]) -> None:
        self.model = model
        self.half_lives_ = np.array([500.0, 2500.0, 2500.0])
        self.weights_ = np.eye(1, ORDERS + 1).repeat(ORDERS + 1, axis=0)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the model inside."""
        return self.model.tokenizer

    @property
    def parameters(self) -> int:
        """Numbers of the model inside, half-lives and weights."""
        return self.model.parameters + self.half_lives_.size + self.weights_.size

    def fit(self, documents: Sequence[Ids], *, running: bool = False) -> Self:
        """Tune weights and half-lives on held-out documents; `running`: for a past that runs through all of them."""
        base = np.exp(np.concatenate([np.zeros(0, np.float32), *self.model.log_probs(documents)]).astype(np.float64))
        for order in range(ORDERS):
            likelihoods = []
            for tried in _TRIED:
                self.half_lives_[order] = tried
                shares, applying = self._shares(documents, base, running=running)
                self._tune(shares, applying)
                likelihoods.append(float(np.log((shares * self.weights_[applying]).sum(axis=1)).sum()))
            self.half_lives_[order] = _TRIED[int(np.argmax(likelihoods))]
        self._tune(*self._shares(documents, base, running=running))
        return self

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document; the cache is empty at its start."""
        return self._log_probs(documents, running=False)

    def running_log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """The same with a cache that is empty at the first document only."""
        return self._log_probs(documents, running=True)

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, CacheState]:
        """(B, V) natural logs after each prefix, and the state."""
        boundary = self.tokenizer.size
        scores, inner = self.model.start(prefixes)
        pasts = tuple(np.append(boundary, np.asarray(prefix, dtype=np.int64)).astype(np.int64) for prefix in prefixes)
        return self._with_cache(scores, CacheState(inner, pasts))

    def step(self, state: CacheState, ids: Ids) -> tuple[NextScores, CacheState]:
        """Feed one id a row."""
        scores, inner = self.model.step(state.inner, ids)
        pasts = tuple(np.append(past, int(one)) for past, one in zip(state.pasts, ids))
        return self._with_cache(scores, CacheState(inner, pasts))

    def select(self, state: CacheState, rows: Sequence[int]) -> CacheState:
        """An independent copy of the given rows."""
        return CacheState(self.model.select(state.inner, rows), tuple(state.pasts[row] for row in rows))

    def save_files(self, folder: Path) -> None:
        """Write config.json, and the model inside into the folder 0."""
        save_parts([self.model], folder)
        record = {"model_type": MODEL_TYPE, "half_lives": self.half_lives_.tolist(), "weights": self.weights_.tolist()}
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the model inside, weights and half-lives. ContentError names the file that is damaged."""
        path = folder / "config.json"
        record = read_config(path, MODEL_TYPE, {"half_lives": list, "weights": list})
        cached = cls(load_parts(folder, 1)[0])
        cached.half_lives_ = _numbers(path, record["half_lives"], (ORDERS,))
        cached.weights_ = _numbers(path, record["weights"], (ORDERS + 1, ORDERS + 1))
        return cached

    def _log_probs(self, documents: Sequence[Ids], *, running: bool) -> list[TokenScores]:
        scores = self.model.log_probs(documents)
        base = np.exp(np.concatenate([np.zeros(0, np.float32), *scores]).astype(np.float64))
        shares, applying = self._shares(documents, base, running=running)
        mixed = np.log((shares * self.weights_[applying]).sum(axis=1)).astype(np.float32)
        return np.split(mixed, np.cumsum([part.size for part in scores])[:-1]) if scores else []

    def _shares(
        self, documents: Sequence[Ids], base: NDArray[np.float64], *, running: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n, 4) probabilities of every token under the model and the three caches, and (n,) the longest order that applies."""
        tokens, starts = flatten(documents)
        stream = lay_out(tokens, starts, vocabulary_size=self.tokenizer.size, end=self.tokenizer.specials["end"])
        contexts, events = _number_events(stream)
        shares = np.zeros((base.size, ORDERS + 1))
        shares[:, 0] = base
        applying = np.zeros(base.size, dtype=np.int64)
        decays = 0.5 ** (1 / self.half_lives_)
        _look_back(stream, self.tokenizer.size, contexts, events, decays, 0 if running else 1, shares, applying)
        return shares, applying

    def _tune(self, shares: NDArray[np.float64], applying: NDArray[np.int64]) -> None:
        for order in range(ORDERS + 1):
            rows = shares[applying == order, : order + 1]
            self.weights_[order] = 0.0
            self.weights_[order, : order + 1] = em_weights(rows) if len(rows) else np.eye(1, order + 1)[0]

    def _with_cache(self, scores: NextScores, state: CacheState) -> tuple[NextScores, CacheState]:
        mixed = np.empty_like(scores)
        for row, past in enumerate(state.pasts):
            caches = [self._distribution(past, order) for order in range(1, ORDERS + 1)]
            applying = max((order for order, cache in enumerate(caches, start=1) if cache is not None), default=0)
            weights = self.weights_[applying]
            total = weights[0] * np.exp(scores[row].astype(np.float64))
            for weight, cache in zip(weights[1:], caches):
                total += weight * cache if cache is not None and weight > 0 else 0.0
            with np.errstate(divide="ignore"):
                mixed[row] = np.maximum(np.log(total), scores[row].min() + math.log(max(weights[0], 1e-30)))
        return mixed, state

    def _distribution(self, past: NDArray[np.int64], order: int) -> NDArray[np.float64] | None:
        """(V,) the cache of one order after a past, None when it does not apply."""
        if past.size < order:
            return None
        context = past[past.size - order + 1 :]
        places = np.arange(order - 1 or 1, past.size)
        for back, word in enumerate(context[::-1], start=1):
            places = places[past[places - back] == word]
        if not places.size:
            return None
        ages = past.size - places
        weights = np.power(0.5, ages / self.half_lives_[order - 1])
        counts = np.bincount(past[places], weights=weights, minlength=self.tokenizer.size)
        total = counts.sum()
        return counts / total if total > 0 else None


def _number_events(stream: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(3, n) each: a number for the order - 1 tokens before each position, and one for them with its token.

    Equal numbers, equal tokens. A context that would reach past the first position has the number of no other.
    """
    n = stream.size
    contexts, events = np.zeros((ORDERS, n), dtype=np.int64), np.zeros((ORDERS, n), dtype=np.int64)
    previous = np.zeros(n, dtype=np.int64)
    for order in range(ORDERS):
        contexts[order] = previous
        pairs = previous << 32 | stream.astype(np.int64)
        _, events[order] = np.unique(pairs, return_inverse=True)
        previous = np.append(np.int64(n), events[order][:-1]) if n else previous
    return contexts, events


@njit(cache=True, nogil=True)
def _look_back(
    stream: NDArray[np.uint32],
    boundary: int,
    contexts: NDArray[np.int64],
    events: NDArray[np.int64],
    decays: NDArray[np.float64],
    fresh: int,
    shares: NDArray[np.float64],
    applying: NDArray[np.int64],
) -> None:
    """Fill columns 1 to 3 of `shares` and the longest order that applies; with `fresh` the past ends at every boundary."""
    orders, size = contexts.shape
    masses = np.zeros((2, orders, size + 1))
    times = np.zeros((2, orders, size + 1), dtype=np.int64)
    time = 0  # predicted tokens so far
    begin = 0  # what is older than this is forgotten
    since = 0  # tokens since the boundary
    for i in range(size):
        if stream[i] == boundary:
            since = 0
            begin = time if fresh else 0
            continue
        since += 1
        applying[time] = 0
        for order in range(orders):
            if order > since:
                break
            context, event = contexts[order, i], events[order, i]
            now = time + 1
            before = masses[0, order, context] if times[0, order, context] > begin else 0.0
            own = masses[1, order, event] if times[1, order, event] > begin else 0.0
            before *= decays[order] ** (now - times[0, order, context]) if before > 0 else 0.0
            own *= decays[order] ** (now - times[1, order, event]) if own > 0 else 0.0
            if before > 0:
                shares[time, order + 1] = own / before
                applying[time] = order + 1
            masses[0, order, context] = before + 1.0
            times[0, order, context] = now
            masses[1, order, event] = own + 1.0
            times[1, order, event] = now
        time += 1


def _numbers(path: Path, values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    from hornbook.core.errors import ContentError

    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=error) from error
    if array.shape != shape or not np.isfinite(array).all() or (array < 0).any():
        what = f"{shape} numbers from 0 on are expected"
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
    return array
