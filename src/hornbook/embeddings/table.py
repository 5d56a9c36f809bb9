"""Words and their rows: what `WordVectors` looks up, before any searching."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.embeddings.unknown import UnknownWordError

if TYPE_CHECKING:
    from hornbook.embeddings.phrases import Phrases
    from hornbook.embeddings.subwords import Subwords

Vector: TypeAlias = NDArray[np.float32]  # (d,)
Key: TypeAlias = str | int | np.integer[Any]
Query: TypeAlias = Key | NDArray[Any]

TINY = np.float32(1e-30)  # the length of a zero vector, so that its cosine is 0 and not nan
_OLD_NAMES = {  # spellings of gensim before 4.0 and of its compatibility layer
    "index2word": "index_to_key",
    "index2entity": "index_to_key",
    "vocab": "key_to_index",
    "syn0": "vectors",
    "word_vec": "get_vector",
    "words_closer_than": "closer_than",
    "most_similar_to_word": "similar_by_word",
}


class WordTable:
    """V words, a read-only matrix (V, d) of their vectors, and what else is known of them; see `WordVectors`."""

    def __init__(
        self,
        index_to_key: Sequence[str],
        vectors: NDArray[Any],
        *,
        counts: NDArray[Any] | None = None,
        subwords: Subwords | None = None,
        context: NDArray[Any] | None = None,
        phrases: Phrases | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.index_to_key = list(index_to_key)
        self.vectors = _read_only(vectors, np.float32)
        self.counts = None if counts is None else _read_only(counts, np.int64)
        self.context = None if context is None else _read_only(context, np.float32)
        self.subwords = subwords
        self.phrases = phrases
        self.facts: dict[str, Any] = dict(facts or {})
        self._require_shapes()
        self.key_to_index: dict[str, int] = {word: i for i, word in enumerate(self.index_to_key)}
        if len(self.key_to_index) < len(self.index_to_key):
            double = next(word for i, word in enumerate(self.index_to_key) if self.key_to_index[word] != i)
            raise ContentError("the word '{word}' is there twice: every word has one vector", word=double)
        self._norms: NDArray[np.float32] | None = None

    def _require_shapes(self) -> None:
        rows = len(self.index_to_key)
        wanted = {"vectors": self.vectors, "context": self.context, "counts": self.counts}
        for name, array in wanted.items():
            if array is not None and (array.ndim != (1 if name == "counts" else 2) or array.shape[0] != rows):
                raise UsageError(
                    "{name} has the shape {shape}, there are {rows} words: give one row a word",
                    name=name,
                    shape=array.shape,
                    rows=rows,
                )
        if self.context is not None and self.context.shape != self.vectors.shape:
            raise UsageError(
                "{name} has the shape {shape}, there are {rows} words: give one row a word",
                name="context",
                shape=self.context.shape,
                rows=rows,
            )

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __repr__(self) -> str:
        extras = "".join(f", {name}" for name in ("counts", "subwords", "context") if getattr(self, name) is not None)
        return f"{type(self).__name__}({len(self)} words, {self.vector_size} dimensions{extras})"

    def __getattr__(self, name: str) -> Any:
        if name not in _OLD_NAMES:
            raise AttributeError(f"WordVectors has no attribute '{name}'")
        template = "{old} is an old name: it is called {new} now"
        warnings.warn(translate(template).format(old=name, new=_OLD_NAMES[name]), FutureWarning, stacklevel=2)
        return getattr(self, _OLD_NAMES[name])

    @property
    def vector_size(self) -> int:
        """Dimensions of a vector, d."""
        return int(self.vectors.shape[1])

    @property
    def parameters(self) -> int:
        """Numbers that training moved: vectors, output matrix and buckets of subwords, where there are any."""
        arrays = (self.vectors, self.context, None if self.subwords is None else self.subwords.buckets)
        return sum(int(array.size) for array in arrays if array is not None)

    @property
    def size_mb(self) -> float:
        """Size of the arrays in MB (10^6 bytes)."""
        arrays: list[NDArray[Any] | None] = [self.vectors, self.counts, self.context]
        arrays += [] if self.subwords is None else [self.subwords.buckets, self.subwords.places]
        return sum(array.nbytes for array in arrays if array is not None) / 1e6

    @property
    def norms(self) -> NDArray[np.float32]:
        """(V,) Euclidean length of every vector, computed once, in blocks of rows."""
        if self._norms is None:
            from hornbook.embeddings.search import row_norms

            self._norms = row_norms(self.vectors)
        return self._norms

    def has_index_for(self, key: Key) -> bool:
        """Whether a word has a row of its own."""
        return self.get_index(key, -1) >= 0

    def __contains__(self, key: object) -> bool:
        """Whether a word has a vector, its own or one from its subwords."""
        if isinstance(key, int | np.integer):
            return self.has_index_for(key)
        if not isinstance(key, str):
            return False
        return self.get_index(key, -1) >= 0 or self._from_subwords(key) is not None

    def get_index(self, key: Key, default: int | None = None) -> int:
        """Row of a word or a phrase; a number below V stands for itself. `default`, or UnknownWordError, for others."""
        if isinstance(key, str):
            index = self.key_to_index.get(key)
            if index is None and self.phrases is not None:
                index = self.key_to_index.get(" ".join(self.phrases.join(key.split())))
            if index is not None:
                return index
        elif isinstance(key, int | np.integer) and 0 <= key < len(self.index_to_key):
            return int(key)
        if default is not None:
            return default
        raise UnknownWordError(key, self.key_to_index)

    def get_vector(self, key: Key, norm: bool = False) -> Vector:
        """(d,) of a word, read-only; of length 1 with `norm`. An unknown word is built from its subwords."""
        index = self.get_index(key, -1)
        if index >= 0:
            row: Vector = self.vectors[index]
            return row / max(self.norms[index], TINY) if norm else row
        built = self._from_subwords(key) if isinstance(key, str) else None
        if built is None:
            raise UnknownWordError(key, self.key_to_index)
        return unit(built) if norm else built

    def __getitem__(self, key_or_keys: Key | Iterable[Key]) -> NDArray[np.float32]:
        """(d,) of one word, (n, d) of a list of words."""
        if isinstance(key_or_keys, str | int | np.integer):
            return self.get_vector(key_or_keys)
        keys = list(key_or_keys)
        return np.stack([self.get_vector(key) for key in keys]) if keys else np.zeros((0, self.vector_size), np.float32)

    def get_normed_vectors(self) -> NDArray[np.float32]:
        """(V, d) with every row of length 1: a copy in memory. Searching does not need it."""
        normed: NDArray[np.float32] = np.divide(self.vectors, np.maximum(self.norms, TINY)[:, None], dtype=np.float32)
        return normed

    def get_vecattr(self, key: Key, attr: str) -> Any:
        """The attribute 'count' of a word, under gensim's name for it."""
        if attr != "count" or self.counts is None:
            raise UsageError("these vectors keep no '{name}' of a word", name=attr)
        return self.counts[self.get_index(key)]

    def get_mean_vector(
        self,
        keys: Sequence[Query],
        weights: Sequence[float] | NDArray[Any] | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Vector:
        """(d,) weighted mean of words (or vectors), divided by the sum of absolute weights, as gensim computes it."""
        if len(keys) == 0:
            raise UsageError("a mean of no words: give at least one")
        factors = np.ones(len(keys), np.float32) if weights is None else np.asarray(weights, dtype=np.float32)
        if factors.shape != (len(keys),):
            raise UsageError(
                "{words} words and {weights} weights: give one weight a word", words=len(keys), weights=factors.size
            )
        mean, total = np.zeros(self.vector_size, np.float32), 0.0
        for key, factor in zip(keys, factors):
            if isinstance(key, np.ndarray):
                mean += factor * self.as_query(key)
            elif key in self:
                mean += factor * self.get_vector(key, norm=pre_normalize)
            elif ignore_missing:
                continue
            else:
                raise UnknownWordError(key, self.key_to_index)
            total += abs(float(factor))
        if total > 0:
            mean /= np.float32(total)
        return unit(mean) if post_normalize else mean

    def _from_subwords(self, word: str) -> Vector | None:
        """The vector that subwords give an unknown word; None without subwords or where the word has none."""
        if self.subwords is None:
            return None
        built = self.subwords.vector(word)
        return built if built.any() else None

    def as_query(self, vector: NDArray[Any]) -> Vector:
        """A vector (d,) as float32; UsageError for another shape."""
        if vector.shape != (self.vector_size,):
            raise UsageError(
                "a query has the shape {shape}, these vectors have {size} dimensions", shape=vector.shape, size=self.vector_size
            )
        return np.asarray(vector, dtype=np.float32)


def unit(vector: NDArray[np.float32]) -> Vector:
    """The vector at length 1; zero stays zero."""
    scaled: Vector = (vector / max(float(np.linalg.norm(vector.astype(np.float64))), float(TINY))).astype(np.float32)
    return scaled


def _read_only(array: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    view = np.asarray(array, dtype=kind).view()
    view.setflags(write=False)
    return view
