"""Choosers: which id follows, given the filtered scores of each row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.decoding.filters import Scores, normalised


class Chooser(Protocol):
    """Picks one id a row."""

    def __call__(self, scores: Scores, streams: Sequence[np.random.Generator]) -> NDArray[np.int64]:
        """(B, V) scores and the random stream of each row -> (B,) ids."""
        ...


class Greedy:
    """The most likely id; of equals, the smallest."""

    def __call__(self, scores: Scores, streams: Sequence[np.random.Generator]) -> NDArray[np.int64]:
        """The arg max of each row."""
        result: NDArray[np.int64] = scores.argmax(axis=1)
        return result


class Sampler:
    """An id drawn with its probability, each row from its own stream, so that what shares a batch changes nothing."""

    def __call__(self, scores: Scores, streams: Sequence[np.random.Generator]) -> NDArray[np.int64]:
        """Inverse of the cumulative distribution at one uniform number a row."""
        cumulative = np.cumsum(normalised(scores), axis=1)  # (B, V)
        points = np.array([stream.random() for stream in streams]) * cumulative[:, -1]
        chosen = (cumulative <= points[:, None]).sum(axis=1)  # ids of probability 0 are stepped over
        possible = np.isfinite(scores)
        last = scores.shape[1] - 1 - possible[:, ::-1].argmax(axis=1)
        result: NDArray[np.int64] = np.minimum(chosen, last)  # rounding at the upper end
        return result


def random_stream(seed: int, prompt: Sequence[int], sample: int) -> np.random.Generator:
    """The random numbers of one sample: a function of the seed, the prompt's ids and the sample's number alone."""
    digest = hashlib.sha256(np.asarray(prompt, "<i8").tobytes()).digest()
    return np.random.default_rng([seed, sample, int.from_bytes(digest[:8], "little")])
