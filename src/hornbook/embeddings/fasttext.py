"""fastText: Word2Vec whose words are the mean of their own row and the rows of their character n-grams (R5).

Bojanowski, Grave, Joulin and Mikolov 2017, Enriching Word Vectors with Subword Information, section 3.2; the same trainer and
the same kernels as Word2Vec, which sum the rows of a word once a block and not once a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.events import Event
from hornbook.embeddings.subwords import SubwordConfig, Subwords, ngram_rows
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec import Word2Vec, Word2VecConfig
from hornbook.embeddings.words import Vocabulary

if TYPE_CHECKING:
    from hornbook.embeddings.kernels import InputRows
    from hornbook.embeddings.rounds import Job

_MOST_BUCKETS = 2_000_000  # fastText's own number
_ROOM = 4  # buckets for each different n-gram of the vocabulary, so that few of them meet


@dataclass(frozen=True)
class FastTextConfig(Word2VecConfig):
    """Word2Vec's settings, and n-grams of `min_n` to `max_n` characters hashed to `buckets` rows.

    Without `min_n` and `max_n` they follow the words: 3 to 6 as in fastText, 1 to 3 for words as short as Chinese ones;
    max_n 0 means no n-grams. `buckets` 0 are four for each different n-gram, at most fastText's two million.
    """

    min_n: int | None = None
    max_n: int | None = None
    buckets: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.min_n is None) != (self.max_n is None):
            raise UsageError("give both min_n and max_n, or neither")
        if self.min_n is not None and self.max_n is not None:
            SubwordConfig(self.min_n, self.max_n, self.buckets or _MOST_BUCKETS)

    @property
    def rate(self) -> float:
        """The learning rate at the start: given, or fastText's .05."""
        return self.learning_rate or 0.05


class FastText(Word2Vec):
    """Word vectors from sentences and from the spelling of words: `vectors_` gives unknown words a vector as well."""

    config_class: ClassVar[type[Word2VecConfig]] = FastTextConfig
    name: ClassVar[str] = "fasttext"
    config: FastTextConfig

    def _input_rows(
        self, vocabulary: Vocabulary, initial: WordVectors | None, log: Callable[[Event], None]
    ) -> tuple[InputRows, NDArray[np.float32]]:
        """A row a word, then one for each bucket in use, even in +-1 / dimensions as fastText begins.

        Given vectors go into the words' own rows, so that the mean of all rows is the given vector.
        """
        from hornbook.embeddings.kernels import InputRows
        from hornbook.embeddings.word2vec_job import known_rows, random_rows

        buckets, starts = self._buckets(vocabulary, log)
        self._used, places = np.unique(buckets, return_inverse=True)
        size, dimensions = len(vocabulary), self.config.dimensions
        rows = np.insert((size + places).astype(np.int32), starts[:-1], np.arange(size, dtype=np.int32))
        words = InputRows(rows, starts + np.arange(size + 1))
        inputs = random_rows(size + self._used.size, dimensions, 1 / dimensions, self.config.seed)
        if initial is not None:
            for row, given in zip(*known_rows(vocabulary, initial, dimensions)):
                others = rows[words.starts[row] + 1 : words.starts[row + 1]]
                inputs[row, :dimensions] = (others.size + 1) * initial.vectors[given] - inputs[others, :dimensions].sum(0)
        return words, inputs

    def _buckets(self, vocabulary: Vocabulary, log: Callable[[Event], None]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Settles `self._subwords`; the bucket of every n-gram of every word, and where those of each word begin."""
        config = self.config
        if config.min_n is None or config.max_n is None:
            chosen = SubwordConfig.for_words(vocabulary.words, log=log, buckets=config.buckets or _MOST_BUCKETS)
        else:
            chosen = SubwordConfig(config.min_n, config.max_n, config.buckets or _MOST_BUCKETS)
        buckets, starts = ngram_rows(vocabulary.words, chosen)
        wanted = max(1, _ROOM * np.unique(buckets).size)
        if config.buckets == 0 and wanted < chosen.buckets:
            chosen = SubwordConfig(chosen.min_n, chosen.max_n, wanted)
            buckets, starts = ngram_rows(vocabulary.words, chosen)
        self._subwords = chosen
        return buckets, starts

    def _finish(self, vocabulary: Vocabulary, job: Job) -> WordVectors:
        from hornbook.embeddings.kernels import gather_words
        from hornbook.embeddings.overlay import Overlay

        size = len(vocabulary)
        vectors, sizes = np.empty((size, job.inputs.shape[1]), np.float32), np.empty(size, np.float32)
        table = Overlay(job.inputs, job.input_shares, threads=1, capacity=0, direct=True).tables(1)[0]
        gather_words(np.arange(size), job.words, table, vectors, sizes)
        buckets = np.zeros((self._used.size + 1, job.dimensions), np.float32)  # n-grams never seen say nothing: the last row
        buckets[:-1] = job.inputs[size:, : job.dimensions]
        places = np.full(self._subwords.buckets, self._used.size, np.int32)
        places[self._used] = np.arange(self._used.size)
        return WordVectors(
            vocabulary.words,
            np.ascontiguousarray((vectors / sizes[:, None])[:, : job.dimensions]),
            counts=vocabulary.counts,
            phrases=vocabulary.phrases,
            subwords=Subwords(self._subwords, buckets, places=places),
            context=self._context(job),
            facts=self._facts(),
        )
