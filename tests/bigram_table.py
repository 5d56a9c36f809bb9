"""A language model small enough to check by hand: one table of next-token probabilities. The reference of many tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

SPECIALS = {"pad": 0, "unknown": 1, "start": 2, "end": 3}


class Letters:
    """One token a character of `alphabet`, after the four specials; with `utf8`, one token a byte."""

    def __init__(self, alphabet: str = "abc", *, utf8: bool = False) -> None:
        self.alphabet = alphabet
        self.utf8 = utf8

    @property
    def size(self) -> int:
        return 4 + (256 if self.utf8 else len(self.alphabet))

    @property
    def specials(self) -> Mapping[str, int]:
        return SPECIALS

    def encode(self, text: str) -> np.ndarray:
        if self.utf8:
            return np.frombuffer(text.encode(), np.uint8).astype(np.int64) + 4
        return np.array([4 + self.alphabet.index(letter) for letter in text], np.int64)

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [self.encode(text) for text in texts]

    def decode(self, ids) -> str:
        kept = [int(number) - 4 for number in ids if number >= 4]
        return bytes(kept).decode("utf-8", "replace") if self.utf8 else "".join(self.alphabet[number] for number in kept)

    def save_pretrained(self, folder: Path) -> None:
        raise NotImplementedError


class BigramTable:
    """P(next | last token) by table; the state is the last token of each row. Row `start` of the table begins a text."""

    def __init__(self, tokenizer: Letters, table: np.ndarray) -> None:
        self._tokenizer = tokenizer
        self.table = table / table.sum(axis=1, keepdims=True)  # (V, V)
        with np.errstate(divide="ignore"):
            self.logs = np.log(self.table).astype(np.float32)

    @property
    def tokenizer(self) -> Letters:
        return self._tokenizer

    def log_probs(self, documents) -> list[np.ndarray]:
        results = []
        for document in documents:
            path = [SPECIALS["start"], *(int(number) for number in document), SPECIALS["end"]]
            results.append(self.logs[path[:-1], path[1:]])
        return results

    def start(self, prefixes):
        last = np.array([int(prefix[-1]) if len(prefix) else SPECIALS["start"] for prefix in prefixes], np.int64)
        return self.logs[last], last

    def step(self, state, ids):
        state[:] = -1  # consumed: whoever uses it again gets nonsense
        last = np.array(ids, np.int64)
        return self.logs[last], last

    def select(self, state, rows):
        return state[list(rows)].copy()


def random_table(letters: int, seed: int, *, end: float = 1.0, sharpness: float = 1.0) -> np.ndarray:
    """A random (V, V) table over `letters` letters and `end`, with some mass on the specials that must never be written."""
    generator = np.random.default_rng(seed)
    table = generator.gamma(1.0, size=(4 + letters, 4 + letters)) ** sharpness
    table[:, SPECIALS["end"]] *= end
    return table
