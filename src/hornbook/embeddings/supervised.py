"""Classifiers that fastText trained (.bin, .ftz), such as its language identifiers: read here, never trained.

Tokens, n-grams of words, losses and the roundings that show in the answer are fastText's: dictionary.cc, loss.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.embeddings.formats.fasttext import (
    HIERARCHICAL,
    SOFTMAX,
    SUPERVISED,
    FastTextFile,
    dense_rows,
    places_of,
    read_fasttext,
    subword_config,
)
from hornbook.embeddings.subwords import END_OF_SENTENCE, ngram_rows

_BLANKS = bytes.maketrans(b"\n\r\t\v\f\0", b"      ")
_LABEL = b"__label__"
_TEXTS_AT_ONCE = 256
_LEAST = 1e-5  # fastText adds it to a probability before taking the logarithm


class FastTextClassifier:
    """`labels` in the order of the file; `predict` answers as fastText does, to the last digits it prints."""

    def __init__(self, model: FastTextFile) -> None:
        if model.args.model != SUPERVISED or not model.labels:
            raise ContentError(
                "{path} holds word vectors, no classifier: open it with load_vectors (format fasttext)", path=model.path
            )
        self.model, self.labels = model, tuple(model.labels)
        self._ids = {_raw(word): row for row, word in enumerate([*model.words, *model.labels])}
        self._subwords, self._places = subword_config(model.args), places_of(model)
        self._output = dense_rows(model.output, np.arange(len(model.labels)))  # (labels, d)
        self._tree = huffman_children(model.counts[len(model.words) :]) if model.args.loss == HIERARCHICAL else None

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a .bin or .ftz file. ContentError when it is damaged or no classifier."""
        return cls(read_fasttext(Path(path)))

    def predict(self, texts: Sequence[str], k: int = 1, threshold: float = 0.0) -> list[list[tuple[str, float]]]:
        """The `k` likeliest (label, probability) of each text, none below `threshold`; line breaks count as blanks.

        Probabilities are fastText's, which are 1e-5 too high (a sure answer reads 1.00001). A text without a known part has
        no answer.
        """
        if isinstance(texts, str):
            raise UsageError("predict takes a list of texts: put the text in brackets")
        if k < 1:
            raise UsageError("k = {k}: ask for at least one label", k=k)
        answers: list[list[tuple[str, float]]] = []
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            rows = self._rows([_tokens(text) for text in texts[first : first + _TEXTS_AT_ONCE]])
            for own, scores in zip(rows, self._log_scores(self._means(rows), threshold)):
                best = np.argsort(-scores, kind="stable")[: k if own.size else 0]
                answers.append([(self.labels[i], float(np.exp(scores[i]))) for i in best if np.isfinite(scores[i])])
        return answers

    def _rows(self, texts: Sequence[Sequence[bytes]]) -> list[NDArray[np.int64]]:
        """Rows of the input matrix that each text is the mean of: words, their n-grams of characters, n-grams of words."""
        longest, buckets = self.model.args.word_ngrams, self.model.args.bucket
        of_token = self._rows_of_tokens(sorted({token for tokens in texts for token in tokens}))
        rows = []
        for tokens in texts:
            read = [token for token in tokens if token in of_token]
            ngrams = np.array(word_ngrams([_hash(token) for token in read], longest, buckets), np.int64)
            rows.append(np.concatenate([*(of_token[token] for token in read), self._kept(ngrams)]))
        return rows

    def _rows_of_tokens(self, tokens: Sequence[bytes]) -> dict[bytes, NDArray[np.int64]]:
        """Rows of each token; labels, which tell nothing when they stand in a text, are left out."""
        words = len(self.model.words)
        ids = [self._ids.get(token, words if token.startswith(_LABEL) else -1) for token in tokens]
        read = [(token, row) for token, row in zip(tokens, ids) if row < words]
        flat, starts = np.zeros(0, np.int32), np.zeros(len(read) + 1, np.int64)
        if self._subwords is not None:
            flat, starts = ngram_rows([token.decode("utf-8", "surrogateescape") for token, _ in read], self._subwords)
        found = {}
        for (token, row), begin, end in zip(read, starts, starts[1:]):
            own = np.array([row] if row >= 0 else [], np.int64)
            found[token] = np.concatenate([own, self._kept(flat[begin:end].astype(np.int64))])
        return found

    def _kept(self, buckets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the buckets that pruning has left."""
        if self._places is not None:
            buckets = self._places[buckets].astype(np.int64)
            buckets = buckets[buckets >= 0]
        return buckets + len(self.model.words)

    def _means(self, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """(n, d) mean of each text's rows; zero without any."""
        means = np.zeros((len(rows), self.model.args.dim), np.float32)
        for mean, own in zip(means, rows):
            if own.size:
                mean[:] = dense_rows(self.model.input, own).sum(axis=0) / np.float32(own.size)
        return means

    def _log_scores(self, means: NDArray[np.float32], threshold: float) -> NDArray[np.float64]:
        """(n, labels) logarithms of probability + 1e-5; -inf below the threshold."""
        if self._tree is not None:
            scores = self._tree_scores(means)
            return np.where(scores < np.log(threshold + _LEAST), -np.inf, scores)
        logits = (means @ self._output.T).astype(np.float64)
        if self.model.args.loss == SOFTMAX:
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
        else:
            chances = _tabled_sigmoid(logits)
        return np.where(chances < threshold, -np.inf, np.log(chances + _LEAST))

    def _tree_scores(self, means: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, labels): every node adds the logarithm of taking its branch, from the root down."""
        assert self._tree is not None
        count = len(self.labels)
        logits = (means @ self._output.T).astype(np.float64)
        right = np.exp(-np.logaddexp(0, -logits))  # (n, labels) logistic function, column: node - labels
        scores = np.zeros((len(means), 2 * count - 1))
        for node in range(2 * count - 2, count - 1, -1):
            chance = right[:, node - count]
            below = self._tree[node - count]
            scores[:, below[0]] = scores[:, node] + np.log(1 - chance + _LEAST)
            scores[:, below[1]] = scores[:, node] + np.log(chance + _LEAST)
        return scores[:, :count]


def _tokens(text: str) -> list[bytes]:
    """What stands between blanks, then the end of the line."""
    return [*text.encode("utf-8", "replace").translate(_BLANKS).split(), END_OF_SENTENCE.encode()]


def huffman_children(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(labels - 1, 2) children, left and right, of nodes labels, labels + 1, ...; the last is the root. fastText's buildTree.

    Counts fall from first to last, as fastText saves labels.
    """
    from hornbook.embeddings.hierarchical import join

    labels = len(counts)
    parents, codes = join(np.asarray(counts, np.int64))
    children = np.zeros((max(labels - 1, 0), 2), np.int64)
    child = np.arange(2 * labels - 2)
    children[parents[child] - labels, codes[child]] = child
    return children


def word_ngrams(hashes: Sequence[int], longest: int, buckets: int) -> list[int]:
    """Buckets of all runs of 2 to `longest` words; hashes count as signed 32-bit numbers, sums wrap at 64 bits."""
    found: list[int] = []
    if not buckets:
        return found
    signed = [number - (1 << 32) if number >> 31 else number for number in hashes]
    for i in range(len(signed)):
        rolling = signed[i]
        for j in range(i + 1, min(i + longest, len(signed))):
            rolling = (rolling * 116049371 + signed[j]) & 0xFFFFFFFFFFFFFFFF
            found.append(rolling % buckets)
    return found


def _hash(token: bytes) -> int:
    """32-bit FNV-1a over signed bytes, as fastText has it."""
    number = 2166136261
    for byte in token:
        number = ((number ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16777619) & 0xFFFFFFFF
    return number


def _tabled_sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function read from fastText's table of 512 steps between -8 and 8."""
    steps = np.clip(((logits + 8) * 32).astype(np.int64), 0, 512)
    table = 1 / (1 + np.exp(-(steps / 32 - 8)))
    return np.where(logits < -8, 0.0, np.where(logits > 8, 1.0, table))


def _raw(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")
