"""Word vectors under the names gensim made familiar: one read-only class for every trainer and every file format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.events import Event
from hornbook.embeddings.table import Key, Query, Vector, WordTable, unit
from hornbook.embeddings.unknown import UnknownWordError

__all__ = ["MODEL_TYPE", "Key", "Neighbours", "Query", "UnknownWordError", "Vector", "WordVectors"]

MODEL_TYPE = "hornbook-vectors"
Weighted: TypeAlias = Query | tuple[Query, float]
Neighbours: TypeAlias = list[tuple[str, float]]


class WordVectors(WordTable):
    """`index_to_key` (V words, the commonest first where counts are known) and `vectors`, float32 (V, d), kept read-only.

    `subwords` give a vector to unknown words as fastText does; `context` (V, d) is the output matrix of a predictive model;
    `phrases` are those among the words, so that 'new york' finds new_york; `facts` are what the trainer or the file said.
    A memory-mapped matrix stays mapped: nothing here copies it.
    Words that are unknown raise UnknownWordError, which is a KeyError too.
    """

    # -- searching ------------------------------------------------------------------------------------------------------

    def most_similar(
        self,
        positive: Weighted | Sequence[Weighted] | None = None,
        negative: Weighted | Sequence[Weighted] | None = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
    ) -> Any:
        """The `topn` words of highest cosine with the mean of `positive` minus `negative`: [(word, cosine)].

        Words, rows or vectors; (word, weight) gives another weight than 1 or -1. The words asked for are left out. With topn
        None, an array (V,) of all cosines. `restrict_vocab` searches only the first (commonest) words.
        """
        from hornbook.embeddings.search import most_similar

        begin, end = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end)
        return most_similar(self, _weighted(positive, 1.0) + _weighted(negative, -1.0), topn, begin=begin, end=end)

    def most_similar_cosmul(
        self,
        positive: Query | Sequence[Query] | None = None,
        negative: Query | Sequence[Query] | None = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """The same by products of shifted cosines: 3CosMul (Levy and Goldberg 2014, equation 4)."""
        from hornbook.embeddings.search import most_similar_cosmul

        return most_similar_cosmul(self, _listed(positive), _listed(negative), topn, end=restrict_vocab)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """`most_similar` of one word."""
        return self.most_similar(positive=[word], topn=topn, restrict_vocab=restrict_vocab)

    similar_by_key = similar_by_word

    def similar_by_vector(self, vector: NDArray[Any], topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """`most_similar` of one vector."""
        return self.most_similar(positive=[vector], topn=topn, restrict_vocab=restrict_vocab)

    def neighbours(
        self, queries: Sequence[Key] | NDArray[Any], topn: int = 10, *, memory_mb: int = 128, restrict_vocab: int | None = None
    ) -> list[Neighbours]:
        """`most_similar` of many words, or of the rows of a matrix (n, d), at once: exact, in blocks within `memory_mb`."""
        from hornbook.embeddings.search import neighbours

        return neighbours(self, queries, topn, memory_mb=memory_mb, end=restrict_vocab)

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """The one of `keys_list` most similar to `key1`."""
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def closer_than(self, key1: Key, key2: Key) -> list[str]:
        """Words closer to `key1` than `key2` is."""
        distances = self.distances(key1)
        nearer = np.flatnonzero(distances < distances[self.get_index(key2)])
        return [self.index_to_key[i] for i in nearer if i != self.get_index(key1)]

    def rank(self, key1: Key, key2: Key) -> int:
        """Place of `key2` among the words nearest to `key1`; 1 is nearest."""
        return len(self.closer_than(key1, key2)) + 1

    # -- comparing ------------------------------------------------------------------------------------------------------

    def similarity(self, w1: Key, w2: Key) -> float:
        """Cosine of two words."""
        return float(self.get_vector(w1, norm=True) @ self.get_vector(w2, norm=True))

    def distance(self, w1: Key, w2: Key) -> float:
        """1 - cosine of two words."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Query, other_words: Sequence[Key] = ()) -> NDArray[np.float32]:
        """1 - cosine of a word or vector with each of `other_words`, or with all V words when none are given."""
        from hornbook.embeddings.search import cosines

        query = word_or_vector if isinstance(word_or_vector, np.ndarray) else self.get_vector(word_or_vector)
        if not other_words:
            return 1 - cosines(self, self.as_query(query))
        others = np.stack([self.get_vector(word, norm=True) for word in other_words])
        found: NDArray[np.float32] = 1 - others @ unit(self.as_query(query))
        return found

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
        """Cosine of the means of two lists of words."""
        if not (len(ws1) and len(ws2)):
            raise UsageError("a mean of no words: give at least one")
        first, second = (self.get_mean_vector(words, pre_normalize=False, post_normalize=True) for words in (ws1, ws2))
        return float(first @ second)

    def rank_by_centrality(self, words: Sequence[str], use_norm: bool = True) -> list[tuple[float, str]]:
        """(cosine with the mean of all, word), the most central first; unknown words are left out."""
        known = [word for word in words if word in self]
        if not known:
            raise UsageError("none of the words given is known: {words}", words=", ".join(map(str, words)))
        vectors = np.stack([self.get_vector(word, norm=use_norm) for word in known])  # (n, d)
        centre = self.get_mean_vector(list(vectors), post_normalize=True)
        return sorted(zip((vectors @ centre).tolist(), known), reverse=True)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word furthest from the mean of all."""
        return self.rank_by_centrality(words)[-1][1]

    def wmdistance(self, document1: Sequence[str], document2: Sequence[str], norm: bool = True) -> float:
        """Word mover's distance (Kusner et al. 2015), exact; infinite when a document has no known word."""
        from hornbook.embeddings.mover import word_movers_distance

        return word_movers_distance(self, document1, document2, norm=norm)

    # -- tests ----------------------------------------------------------------------------------------------------------

    def evaluate_word_analogies(
        self,
        analogies: str | Path,
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        method: Literal["3cosadd", "3cosmul"] = "3cosadd",
    ) -> tuple[float, list[dict[str, Any]]]:
        """(score, sections), each {"section", "correct", "incorrect"} with the questions, "Total accuracy" last."""
        from hornbook.embeddings.intrinsic import evaluate_word_analogies

        return evaluate_word_analogies(
            self, Path(analogies), restrict_vocab, case_insensitive=case_insensitive, dummy4unknown=dummy4unknown, method=method
        )

    def evaluate_word_pairs(
        self,
        pairs: str | Path,
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[tuple[float, float], tuple[float, float], float]:
        """((Pearson, p), (Spearman, p), percentage of pairs with an unknown word)."""
        from hornbook.embeddings.intrinsic import evaluate_word_pairs

        return evaluate_word_pairs(
            self,
            Path(pairs),
            restrict_vocab,
            delimiter=delimiter,
            encoding=encoding,
            case_insensitive=case_insensitive,
            dummy4unknown=dummy4unknown,
        )

    # -- files ----------------------------------------------------------------------------------------------------------

    def save_files(self, folder: Path) -> None:
        """Write config.json, words.txt and model.safetensors into an existing folder. Raises DiskFullError."""
        from hornbook.embeddings.formats.folder import save_folder

        save_folder(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Map a saved folder into memory. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.embeddings.formats.folder import load_folder

        return load_folder(cls, Path(folder))

    def save_word2vec_format(self, fname: str | Path, binary: bool = False, write_header: bool = True) -> None:
        """Write one file in the layout of word2vec.c; text without its header is GloVe's. Raises DiskFullError."""
        from hornbook.embeddings.formats import save_vectors

        save_vectors(self, Path(fname), "word2vec-binary" if binary else "word2vec-text" if write_header else "glove")

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | Path,
        binary: bool | None = None,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        no_header: bool = False,
        *,
        on_duplicates: Literal["refuse", "first"] = "refuse",
        log: Callable[[Event], None] | None = None,
    ) -> WordVectors:
        """Read a file of word2vec.c, GloVe or fastText; `binary` None guesses from the content. Raises ContentError."""
        from hornbook.embeddings.formats import load_vectors

        kinds: dict[bool | None, Any] = {None: "auto", True: "word2vec-binary", False: "word2vec-text"}
        return load_vectors(
            Path(fname),
            "glove" if no_header else kinds[binary],
            limit=limit,
            encoding=encoding,
            unicode_errors=unicode_errors,
            on_duplicates=on_duplicates,
            log=log,
        )


def _listed(value: Any) -> list[Any]:
    """Nothing, one key or vector, or many -> a list."""
    if value is None:
        return []
    if isinstance(value, str | int | np.integer) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return [value]
    return list(value)


def _weighted(value: Any, sign: float) -> list[tuple[Query, float]]:
    return [(item[0], float(item[1])) if isinstance(item, tuple) else (item, sign) for item in _listed(value)]
