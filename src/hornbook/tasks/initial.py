"""Word vectors as the beginning of a network's embedding table: generation 1 helps generations 3 and 4 (R2).

A token that spells a word gets the vector of that word. A piece of words gets the mean of the words that are spelled with it,
each weighted by how often it occurs; a piece that no known word is spelled with, the vector its character n-grams give where
the vectors have them. Every other token keeps its random beginning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.tokenizers import TextTokenizer
from hornbook.tokenizers.chinese import UNSPACED

_WORDS = 200_000  # the commonest: rarer words hardly move a mean
_GROUP = 20_000  # words encoded at once
_RARE_FORM = 0.1  # how often a word stands capitalised or without a space before it, against its common form
_UNSPACED = re.compile(f"[{UNSPACED}]")


class Words(Protocol):
    """What is needed of word vectors; `hornbook.embeddings.WordVectors` has it."""

    @property
    def index_to_key(self) -> Sequence[str]:
        """Words, the commonest first."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(words, d)."""
        ...

    @property
    def counts(self) -> NDArray[np.int64] | None:
        """(words,) or None."""
        ...

    @property
    def subwords(self) -> Any:
        """Vectors for the character n-grams of any word, or None."""
        ...


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """A vector for each token that word vectors say something about, of unit length, their common mean removed."""

    vectors: NDArray[np.float32]  # (V, d); zeros where `known` is false
    known: NDArray[np.bool_]  # (V,)
    words: int  # tokens that spell a word
    pieces: int  # tokens that got the mean of the words they are part of
    spelled: int  # tokens that got what their character n-grams give

    @property
    def fingerprint(self) -> str:
        """Short digest of the vectors: what a resumed training must start from again."""
        return hashlib.sha256(np.ascontiguousarray(self.vectors).view(np.uint8).data).hexdigest()[:16]

    def coverage(self, token_counts: NDArray[np.int64]) -> float:
        """Share of a text, given as (V,) counts of its tokens, whose tokens begin with a vector."""
        return float(token_counts[self.known].sum() / max(1, token_counts.sum()))

    def __str__(self) -> str:
        text = translate(
            "{known} of {size} tokens start from word vectors: {words} as words, {pieces} as pieces of words, {spelled} by "
            "spelling; the rest is random"
        )
        sizes = {"known": int(self.known.sum()), "size": len(self.known), "words": self.words, "pieces": self.pieces}
        return text.format(**{name: f"{value:,}" for name, value in sizes.items()}, spelled=f"{self.spelled:,}")


def token_vectors(words: Words, tokenizer: TextTokenizer) -> TokenVectors:
    """What word vectors say about the tokens of a tokenizer. ContentError when they share nothing."""
    units = _unit_rows(np.asarray(words.vectors, np.float32))  # (words, d)
    index = {word: row for row, word in reversed(list(enumerate(words.index_to_key)))}
    texts = [tokenizer.decode([token]) for token in range(tokenizer.size)]
    special = set(tokenizer.specials.values())
    table, weights = _means(words, units, tokenizer)
    known = weights > 0
    known[list(special)] = False
    exact = spelled = 0
    for token, text in enumerate(texts):
        word = text.strip()
        if token in special or not word or "\ufffd" in word:
            known[token] = False  # white space and parts of characters: every word is spelled with them
            continue
        row = index.get(word, index.get(word.lower()))
        # without a space before it a token is the word only where words need none, or where no word is spelled with it
        if row is not None and (text != word or _UNSPACED.match(word) or not known[token]):
            table[token], known[token] = units[row], True
            exact += 1
        elif not known[token] and words.subwords is not None:
            table[token] = words.subwords.vector(word)
            known[token] = bool(np.any(table[token]))
            spelled += bool(known[token])
    if not known.any():
        raise ContentError("the word vectors and the tokenizer have no word in common: were they trained on another language?")
    table[~known] = 0
    centred = _unit_rows(table[known])
    table[known] = _unit_rows(centred - centred.mean(axis=0))
    return TokenVectors(table, known, exact, int(known.sum()) - exact - spelled, spelled)


def start_embedding(module: Any, tokens: TokenVectors) -> None:
    """Write token vectors into the embedding table (V, W) of a fresh network, as large as its random values were.

    Vectors wider than the table are projected on their W principal axes; beside narrower ones the random columns stay.
    UsageError for a network whose table is of another tokenizer.
    """
    import torch

    weight = module.embedding.weight
    size, width = weight.shape
    if size < len(tokens.known):
        raise UsageError(
            "the network's table has {size} rows, the tokenizer {tokens} tokens", size=size, tokens=len(tokens.known)
        )
    rows = tokens.vectors[tokens.known]  # (K, d)
    if rows.shape[1] > width:
        rows = rows @ _principal_axes(rows)[:, :width]  # (K, W)
    rows = rows * (float(weight.detach().float().std()) / max(float(rows.std()), 1e-12))
    with torch.no_grad():
        places = torch.from_numpy(np.flatnonzero(tokens.known))
        weight[places, : rows.shape[1]] = torch.from_numpy(rows).to(weight)


def _means(
    words: Words, units: NDArray[np.float32], tokenizer: TextTokenizer
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(V, d) sums of the words each token helps to spell, weighted by count, and (V,) the weights they add up to."""
    table = np.zeros((tokenizer.size, units.shape[1]), np.float32)
    total = np.zeros(tokenizer.size, np.float64)
    counts = words.counts
    for first in range(0, min(len(words.index_to_key), _WORDS), _GROUP):
        forms, rows, weights = [], [], []
        for row, word in enumerate(words.index_to_key[first : first + _GROUP], first):
            count = 1.0 / (row + 1) if counts is None else float(counts[row])  # Zipf's law where counts are not known
            for form, share in _forms(word):
                forms.append(form)
                rows.append(row)
                weights.append(count * share)
        ids = tokenizer.encode_batch(forms)
        lengths = [len(one) for one in ids]
        flat = np.concatenate(ids).astype(np.int64)  # (N,)
        owner, weight = np.repeat(rows, lengths), np.repeat(weights, lengths)
        order = np.argsort(flat, kind="stable")
        tokens, begins = np.unique(flat[order], return_index=True)
        for part in range(0, len(tokens), 256):  # the rows of a few tokens at a time: bounds what is gathered at once
            ends = np.append(begins, len(order))[part : part + 257]
            span = order[ends[0] : ends[-1]]
            gathered = units[owner[span]] * weight[span, None].astype(np.float32)  # (n, d)
            table[tokens[part : part + 256]] += np.add.reduceat(gathered, ends[:-1] - ends[0], axis=0)
        np.add.at(total, flat, weight)
    return table, total


def _forms(word: str) -> Iterator[tuple[str, float]]:
    """How a word stands in a text, each form with its share."""
    if _UNSPACED.match(word):
        yield word, 1.0
        return
    yield " " + word, 1.0
    yield word, _RARE_FORM
    if (capital := word[:1].upper() + word[1:]) != word:
        yield " " + capital, _RARE_FORM
        yield capital, _RARE_FORM


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = rows / np.maximum(lengths, np.float32(1e-12))
    return unit


def _principal_axes(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(d, d) orthonormal columns, the direction of the largest variance first."""
    _, axes = np.linalg.eigh(np.cov(rows, rowvar=False, dtype=np.float64))
    return np.ascontiguousarray(axes[:, ::-1], dtype=np.float32)
