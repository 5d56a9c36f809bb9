"""Counts and merges, from which every kind builds its vocabulary.

Learning works on characters, not bytes: a third of the symbols for Chinese, and no piece ever cuts a character. The result
is then spelled in bytes, with the characters' own bytes merged first, so that it is an ordinary byte-level model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models, normalizers, trainers

from hornbook.core.groups import groups
from hornbook.tokenizers.alphabet import cutter

COVERAGE = 0.9995  # share of all characters that get a token of their own (SentencePiece's default for large alphabets)
GROUP = 1 << 19  # characters worked on at once: bounds what is held beside the sample


@dataclass(frozen=True)
class Pretokens:
    """The distinct pre-tokens of a text and how often each occurs, most frequent first, ties in code point order."""

    texts: list[str]
    counts: NDArray[np.int64]  # (n,)


@dataclass(frozen=True)
class Characters:
    """The distinct characters of a text and how often each occurs, most frequent first, ties in code point order."""

    texts: list[str]
    counts: NDArray[np.int64]  # (n,)

    def frequent(self, limit: int) -> list[str]:
        """Characters outside ASCII: as many as cover COVERAGE of the text, at most `limit`."""
        enough = 1 + int(np.searchsorted(np.cumsum(self.counts), COVERAGE * self.counts.sum()))
        return [text for text in self.texts[:enough] if not text.isascii()][: max(0, limit)]


def normalizer(lowercase: bool) -> normalizers.Normalizer | None:
    """The normalizer of a tokenizer: none, or lower case."""
    return normalizers.Lowercase() if lowercase else None


def count_characters(sample: Iterable[str], *, lowercase: bool) -> Characters:
    """How often each character occurs."""
    totals: NDArray[np.int64] = np.zeros(0x110000, dtype=np.int64)
    fold = normalizers.Lowercase().normalize_str if lowercase else str
    for group in groups(sample, GROUP, each=16):
        codes = np.frombuffer(fold("".join(group)).encode("utf-32-le"), dtype=np.uint32)
        totals += np.bincount(codes, minlength=len(totals))
    order = np.flatnonzero(totals)
    order = order[np.argsort(-totals[order], kind="stable")]
    return Characters([chr(code) for code in order.tolist()], totals[order])


def count_pretokens(sample: Sequence[str], kind: str, *, lowercase: bool) -> Pretokens:
    """Distinct pre-tokens with counts: a word list learned and then counted on the Rust side, on every core."""
    counter = tokenizers.Tokenizer(models.WordLevel(unk_token=""))
    counter.normalizer = normalizer(lowercase)
    counter.pre_tokenizer = cutter(kind)
    counter.train_from_iterator(iter(sample), trainers.WordLevelTrainer(vocab_size=1 << 31, show_progress=False))
    vocabulary: dict[str, int] = counter.get_vocab(with_added_tokens=False)
    texts = sorted(vocabulary, key=vocabulary.__getitem__)
    counts: NDArray[np.int64] = np.zeros(len(texts), dtype=np.int64)
    for group in groups(sample, GROUP, each=16):
        for encoding in counter.encode_batch_fast(group, add_special_tokens=False):
            np.add.at(counts, np.array(encoding.ids, dtype=np.int64), 1)
    return Pretokens(texts, counts)


def learn_merges(sample: Sequence[str], kind: str, *, count: int, alphabet: int, lowercase: bool) -> list[tuple[str, str]]:
    """Byte pair encoding over characters (Sennrich et al. 2016, section 3.2): at most `count` merges, the best first.

    Pairs seen once are left alone: merging them would learn the text by heart. `alphabet` is the number of distinct characters.
    """
    learner = tokenizers.Tokenizer(models.BPE())
    learner.normalizer = normalizer(lowercase)
    learner.pre_tokenizer = cutter(kind)
    size = alphabet + count
    learner.train_from_iterator(iter(sample), trainers.BpeTrainer(vocab_size=size, min_frequency=2, show_progress=False))
    merges: list[list[str]] = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges]
