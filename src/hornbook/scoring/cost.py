"""What a model costs to keep and to use, measured in the same way for every kind of model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core.runtime import peak_rss_mb
from hornbook.core.types import LanguageModel
from hornbook.decoding import Suppress


@dataclass(frozen=True)
class Latency:
    """Medians, in milliseconds, of one text at a time."""

    step_ms: float  # one more token
    score_ms: float  # log_probs of one document of `score_tokens` tokens
    score_tokens: int
    steps: int  # timed


@dataclass(frozen=True)
class Cost:
    """Size, memory and speed of a saved model. MB are 10^6 bytes; `peak_rss_mb` is that of this process so far."""

    size_mb: float
    parameters: int
    step_ms: float
    score_ms: float
    peak_rss_mb: float


def measure_latency(model: LanguageModel[Any], *, steps: int = 64, warm_up: int = 8, seconds: float = 3.0) -> Latency:
    """Time a model that continues the empty text with its own most likely tokens, then scores what it wrote.

    The median of `steps` steps after `warm_up`; slow models are timed on fewer, so that about `seconds` are enough.
    """
    tokenizer = model.tokenizer
    barred = Suppress(tuple(tokenizer.specials.values()), tokenizer.size)
    deadline = time.perf_counter() + seconds
    scores, state = model.start([np.empty(0, np.int64)])
    written: list[int] = []
    times: list[float] = []
    while len(written) < warm_up + steps and (len(times) <= warm_up or time.perf_counter() < deadline):
        written.append(int(barred(scores.astype(np.float64), []).argmax()))
        begin = time.perf_counter()
        scores, state = model.step(state, np.array(written[-1:]))
        times.append(1000 * (time.perf_counter() - begin))
    document = np.array(written)
    score_ms = median_ms(lambda: model.log_probs([document]), repeats=10, warm_up=2, seconds=seconds)
    timed = times[warm_up:] or times
    return Latency(statistics.median(timed), score_ms, len(document), len(timed))


def measure_cost(model: LanguageModel[Any], folder: Path) -> Cost:
    """The cost of a model and of the folder it is saved in."""
    latency = measure_latency(model)
    return Cost(folder_size_mb(folder), count_parameters(model), latency.step_ms, latency.score_ms, peak_rss_mb())


def count_parameters(model: Any) -> int:
    """Numbers that training set: `parameters` of the model."""
    return int(model.parameters)


def folder_size_mb(folder: Path) -> float:
    """Bytes of all files of a folder, in MB (10^6 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def median_ms(call: Callable[[], object], *, repeats: int, warm_up: int, seconds: float) -> float:
    """Median milliseconds of a call after `warm_up` calls; at least one is timed, none begins after `seconds`."""
    deadline = time.perf_counter() + seconds
    times: list[float] = []
    for turn in range(warm_up + repeats):
        begin = time.perf_counter()
        call()
        end = time.perf_counter()
        times.append(1000 * (end - begin))
        if end > deadline and turn:
            break
    return statistics.median(times[warm_up:] or times[-1:])
