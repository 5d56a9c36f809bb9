"""Word vectors: Word2Vec, fastText and GloVe, one WordVectors for all of them, files of other programs. Imports no torch.

The public names are loaded when they are first asked for, so that naming one does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.embeddings.cloze import cloze_scorer as cloze_scorer
    from hornbook.embeddings.documents import Sif as Sif
    from hornbook.embeddings.documents import SifConfig as SifConfig
    from hornbook.embeddings.documents import mean_vectors as mean_vectors
    from hornbook.embeddings.fasttext import FastText as FastText
    from hornbook.embeddings.fasttext import FastTextConfig as FastTextConfig
    from hornbook.embeddings.formats import load_vectors as load_vectors
    from hornbook.embeddings.formats import save_vectors as save_vectors
    from hornbook.embeddings.glove import Glove as Glove
    from hornbook.embeddings.glove import GloveConfig as GloveConfig
    from hornbook.embeddings.intrinsic import IntrinsicScore as IntrinsicScore
    from hornbook.embeddings.intrinsic import evaluate_vectors as evaluate_vectors
    from hornbook.embeddings.phrases import Phrases as Phrases
    from hornbook.embeddings.phrases import PhrasesConfig as PhrasesConfig
    from hornbook.embeddings.sentences import WordsConfig as WordsConfig
    from hornbook.embeddings.sentences import sentences_of as sentences_of
    from hornbook.embeddings.sentences import words_like as words_like
    from hornbook.embeddings.subwords import SubwordConfig as SubwordConfig
    from hornbook.embeddings.subwords import Subwords as Subwords
    from hornbook.embeddings.supervised import FastTextClassifier as FastTextClassifier
    from hornbook.embeddings.triplets import Triplet as Triplet
    from hornbook.embeddings.triplets import build_triplets as build_triplets
    from hornbook.embeddings.triplets import triplet_accuracy as triplet_accuracy
    from hornbook.embeddings.unknown import UnknownWordError as UnknownWordError
    from hornbook.embeddings.vectors import WordVectors as WordVectors
    from hornbook.embeddings.word2vec import Word2Vec as Word2Vec
    from hornbook.embeddings.word2vec import Word2VecConfig as Word2VecConfig
    from hornbook.embeddings.words import Sentences as Sentences
    from hornbook.embeddings.words import Vocabulary as Vocabulary
    from hornbook.embeddings.words import VocabularyConfig as VocabularyConfig
    from hornbook.embeddings.words import read_sentences as read_sentences
    from hornbook.embeddings.words import restrict as restrict

_HOMES = {
    "FastText": "fasttext",
    "FastTextClassifier": "supervised",
    "FastTextConfig": "fasttext",
    "Glove": "glove",
    "GloveConfig": "glove",
    "IntrinsicScore": "intrinsic",
    "Phrases": "phrases",
    "PhrasesConfig": "phrases",
    "Sentences": "words",
    "SubwordConfig": "subwords",
    "Sif": "documents",
    "SifConfig": "documents",
    "Subwords": "subwords",
    "Triplet": "triplets",
    "UnknownWordError": "unknown",
    "Vocabulary": "words",
    "VocabularyConfig": "words",
    "Word2Vec": "word2vec",
    "Word2VecConfig": "word2vec",
    "WordVectors": "vectors",
    "WordsConfig": "sentences",
    "build_triplets": "triplets",
    "cloze_scorer": "cloze",
    "evaluate_vectors": "intrinsic",
    "load_vectors": "formats",
    "mean_vectors": "documents",
    "read_sentences": "words",
    "restrict": "words",
    "save_vectors": "formats",
    "sentences_of": "sentences",
    "words_like": "sentences",
    "triplet_accuracy": "triplets",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
