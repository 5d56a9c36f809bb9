"""Word vectors: Word2Vec, fastText, GloVe."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.embeddings.fasttext import FastTextConfig
from hornbook.embeddings.glove import GloveConfig
from hornbook.embeddings.sentences import WordsConfig
from hornbook.embeddings.word2vec import Word2VecConfig
from hornbook.recipes import Recipe


@dataclass(frozen=True)
class Word2VecRecipe:
    """Configuration of Word2Vec: the vectors, what a word is, and how often words that belong together are joined."""

    model: Word2VecConfig = field(default_factory=Word2VecConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    phrases: int = 0


@dataclass(frozen=True)
class FastTextRecipe:
    """Configuration of fastText, likewise."""

    model: FastTextConfig = field(default_factory=FastTextConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    phrases: int = 0


@dataclass(frozen=True)
class GloveRecipe:
    """Configuration of GloVe, likewise."""

    model: GloveConfig = field(default_factory=GloveConfig)
    words: WordsConfig = field(default_factory=WordsConfig)
    phrases: int = 0


WORD2VEC = Recipe(
    name="word2vec",
    title="Word2Vec",
    generation=1,
    model="hornbook.embeddings.word2vec:Word2Vec",
    styles=MappingProxyType({"classic": Word2VecRecipe()}),
    reads="words",
)
FASTTEXT = Recipe(
    name="fasttext",
    title="fastText",
    generation=1,
    model="hornbook.embeddings.fasttext:FastText",
    styles=MappingProxyType({"classic": FastTextRecipe()}),
    reads="words",
)
GLOVE = Recipe(
    name="glove",
    title="GloVe",
    generation=1,
    model="hornbook.embeddings.glove:Glove",
    styles=MappingProxyType({"classic": GloveRecipe()}),
    reads="words",
)
