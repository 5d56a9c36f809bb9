"""Word vectors as an encoder: a bag of words, whose table may be trained further (generation 1 under a task's head)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.core.types import Ids
from hornbook.embeddings.sentences import WordsConfig, words_like
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word_places import word_places
from hornbook.models.encoder import Encoded, Frame, Offsets, Rows, TextBatch, TextEncoder, Texts

SMOOTHING = 1e-3
"""a of the weights a / (a + p(word)) of a mean (Arora, Liang and Ma 2017, algorithm 1)."""


def encoder_of(model: Any, *, where: object) -> TextEncoder:
    """The encoder of a model of any generation; UsageError for a kind that has none."""
    if isinstance(model, WordVectors):
        return BagEncoder(model)
    found = getattr(model, "encoder", None)
    if not isinstance(found, TextEncoder):
        raise UsageError(
            "{folder} is {kind}: it has no states of tokens to train on. Word vectors and networks have them",
            folder=where,
            kind=type(model).__name__,
        )
    return found


class WordTokenizer:
    """Words to the rows of a table of V words (protocol Tokenizer); row V is that of every other word, and padding.

    Words are cut as for the training of word vectors; capitals are folded where all V words are small.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self.index = {word: row for row, word in enumerate(self.words)}
        self.config = WordsConfig(lowercase=all(word == word.lower() for word in self.words))

    @property
    def size(self) -> int:
        """V + 1."""
        return len(self.words) + 1

    @property
    def specials(self) -> Mapping[str, int]:
        """One id for an unknown word and for padding."""
        return {"pad": len(self.words), "unknown": len(self.words)}

    def cut(self, text: str) -> list[str]:
        """The words of a text, by itself: how it is cut must not depend on the texts beside it."""
        return words_like(text, self.config)(text)

    def encode(self, text: str) -> Ids:
        """(n,) int64 rows of the words."""
        unknown = len(self.words)
        return np.array([self.index.get(word, unknown) for word in self.cut(text)], np.int64)

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The same for many texts."""
        return [self.encode(text) for text in texts]

    def encode_with_offsets(self, texts: Sequence[str]) -> list[tuple[Ids, Offsets]]:
        """Rows of each text's words, and (n, 2) where each begins and ends in it, in characters."""
        unknown = len(self.words)
        cuts = [self.cut(text) for text in texts]
        return [
            (np.array([self.index.get(word, unknown) for word in words], np.int64), word_places(text, words))
            for text, words in zip(texts, cuts)
        ]

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The known words with blanks between them: what stood between is not kept."""
        return " ".join(self.words[int(one)] for one in ids if int(one) < len(self.words))

    def save_pretrained(self, folder: Path) -> None:
        """Nothing: the words are saved with their vectors."""


class BagModule(nn.Module):
    """The table: ids (B, T) -> states (B, T, W). Ids from V + 1 on are rows of `extra`."""

    weights: Tensor

    def __init__(self, vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        super().__init__()
        rows, width = vectors.shape
        self.embedding = nn.Embedding(rows + 1, width, padding_idx=rows)
        with torch.no_grad():
            self.embedding.weight[:rows] = torch.tensor(vectors)
        self.register_buffer("weights", torch.from_numpy(np.append(weights, np.float32(0))))  # (V + 1,) in a mean

    def forward(self, ids: Tensor, extra: Tensor | None = None) -> Tensor:
        """(B, T) ids, (E, W) vectors of words outside the table -> (B, T, W)."""
        states: Tensor
        if extra is None or not len(extra):
            states = self.embedding(ids)
            return states
        size = self.embedding.num_embeddings
        outside = ids >= size
        states = self.embedding(ids.masked_fill(outside, size - 1))
        return torch.where(outside.unsqueeze(2), extra[(ids - size).clamp(min=0)].to(states), states)


class BagEncoder(TextEncoder):
    """Word vectors as an Encoder: a state is the vector of a word, whatever stands around it.

    A word that the vectors do not hold but their subwords spell has that vector, in `prepare`; rows of ids that are kept for
    training know it once `meet` has given it a row. Every text has a token: one without words has one unknown word.
    """

    tokenizer: WordTokenizer
    module: BagModule

    def __init__(self, vectors: WordVectors) -> None:
        self._source = vectors
        super().__init__(
            WordTokenizer(vectors.index_to_key),
            BagModule(vectors.vectors, _weights(vectors.counts, len(vectors))),
            width=vectors.vector_size,
            frame=Frame(),
        )

    def meet(self, texts: Sequence[str]) -> int:
        """Give a row to every word of the texts that has none, before training begins; how many there were.

        It begins as what its subwords make of the word; as zeros, like an unknown word, where they know nothing of it.
        """
        words = dict.fromkeys(word for text in texts for word in self.tokenizer.cut(text))
        spelled, vectors = self._spelled(words)
        unknown = sorted(words.keys() - self.tokenizer.index.keys() - set(spelled))
        new, built = [*spelled, *unknown], np.concatenate([vectors, np.zeros((len(unknown), self.width), np.float32)])
        if not new:
            return 0
        source = self.vectors()
        counts = None if source.counts is None else np.append(source.counts, np.ones(len(new), np.int64))
        grown = WordVectors(
            [*source.index_to_key, *new],
            np.concatenate([source.vectors, built]),
            counts=counts,
            subwords=source.subwords,
            phrases=source.phrases,
            facts=source.facts,
        )
        like = self.module.embedding.weight
        self._source, self.tokenizer = grown, WordTokenizer(grown.index_to_key)
        self.module = BagModule(grown.vectors, _weights(counts, len(grown))).to(like)
        return len(new)

    def prepare(self, texts: Texts) -> TextBatch:
        """Texts, or pairs of texts one behind the other, as one batch, with a vector for every word that has subwords."""
        cuts = self._cut(texts)
        beyond, extra = self._spelled(word for _, words in cuts for word in words)
        first = self.tokenizer.size
        rows = self._placed(cuts, {word: first + place for place, word in enumerate(beyond)}, offsets=True)
        weight = self.module.embedding.weight
        return replace(self.stack(rows), extra=torch.from_numpy(extra).to(weight) if beyond else None)

    def rows(self, texts: Texts, *, offsets: bool = True) -> Rows:
        """The same not yet side by side; words without a row of their own are unknown."""
        return self._placed(self._cut(texts), {}, offsets=offsets)

    def _cut(self, texts: Texts) -> list[tuple[tuple[str, ...], list[str]]]:
        """The parts of every text, one or the two of a pair, with all their words."""
        parts = [(text,) if isinstance(text, str) else text for text in texts]
        return [(part, [word for text in part for word in self.tokenizer.cut(text)]) for part in parts]

    def _placed(self, cuts: Sequence[tuple[tuple[str, ...], list[str]]], beyond: Mapping[str, int], *, offsets: bool) -> Rows:
        unknown = len(self.tokenizer.words)
        known = self.tokenizer.index
        ids = [np.array([known.get(word, beyond.get(word, unknown)) for word in words], np.int64) for _, words in cuts]
        if not offsets:
            return self.framed(ids)
        return self.framed(ids, offsets=[_places(part, words, self.tokenizer) for part, words in cuts])

    def _spelled(self, words: Iterable[str]) -> tuple[list[str], NDArray[np.float32]]:
        """Words without a row that have a vector from their subwords, and these (n, d)."""
        subwords = self._source.subwords
        new = [] if subwords is None else [word for word in dict.fromkeys(words) if word not in self.tokenizer.index]
        if subwords is None or not new:
            return [], np.zeros((0, self.width), np.float32)
        built = subwords.vectors(new)  # (n, d)
        kept = np.flatnonzero(built.any(axis=1))
        return [new[row] for row in kept], built[kept]

    def encode(self, batch: TextBatch) -> Encoded:
        """Vectors of the words of a batch, with gradients where they are wanted."""
        return Encoded(self.module(batch.ids, batch.extra), batch.lengths)

    def shares(self, batch: TextBatch) -> Tensor:
        """(B, T) a / (a + p(word)) by the number of known words: SIF without its second step; zeros for unknown ones."""
        size = self.module.embedding.num_embeddings
        known = (batch.ids != size - 1) & (batch.documents >= 0)
        weights = self.module.weights[batch.ids.clamp(max=size - 1)].masked_fill(batch.ids >= size, 1.0)
        return weights * known / known.sum(dim=1, keepdim=True).clamp(min=1)

    def vectors(self) -> WordVectors:
        """The table as it is now, trained or not."""
        source = self._source
        table = self.module.embedding.weight.detach()[: len(source)].float().cpu().numpy()
        return WordVectors(
            source.index_to_key,
            table,
            counts=source.counts,
            subwords=source.subwords,
            phrases=source.phrases,
            facts=source.facts,
        )

    def save_files(self, folder: Path) -> None:
        """Write the vectors as they are now into an existing folder, from which `WordVectors.load` opens them."""
        self.vectors().save_files(folder)


def _places(texts: Sequence[str], words: Sequence[str], tokenizer: WordTokenizer) -> Offsets:
    """(n, 2) places of all words, each in its own text."""
    if len(texts) == 1:
        return word_places(texts[0], words)
    return np.concatenate([word_places(text, tokenizer.cut(text)) for text in texts])


def _weights(counts: NDArray[Any] | None, size: int) -> NDArray[np.float32]:
    """(V,) a / (a + p(word)); ones where words were not counted."""
    if counts is None:
        return np.ones(size, np.float32)
    return (SMOOTHING / (SMOOTHING + counts / max(1, int(counts.sum())))).astype(np.float32)
