"""Word vectors made visible: the plane of most variance (principal components), and neighbours of a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hornbook.compare.results import WordMap

if TYPE_CHECKING:
    from hornbook.embeddings import WordVectors

_SHOWN = 150  # words on the map
_LISTED = 8  # words whose neighbours are listed
_NEAREST = 6
_GRAMMAR = 60  # the commonest words are mostly grammar and tell little, where the vocabulary has room to leave them out


def build_word_map(vectors: WordVectors) -> WordMap | None:
    """Frequent words in two dimensions, after scaling every vector to length 1; None with fewer than three words."""
    names = list(vectors.index_to_key)
    first = _GRAMMAR if len(names) >= 4 * _GRAMMAR else 0
    chosen = [word for word in names[first : first + 4 * _SHOWN] if _tells(word)][:_SHOWN]
    if len(chosen) < 3:
        return None
    rows = np.stack([vectors.get_vector(word, norm=True) for word in chosen]).astype(np.float64)  # (N, d)
    centred = rows - rows.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    places = left[:, :2] * singular[:2]  # (N, 2), fewer columns for vectors of one dimension
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    total = float((singular**2).sum())
    explained = float((singular[:2] ** 2).sum()) / total if total > 0 else 1.0
    listed = chosen[:: max(1, len(chosen) // _LISTED)][:_LISTED]
    near = {
        word: tuple((other, float(cosine)) for other, cosine in vectors.most_similar(word, topn=_NEAREST)) for word in listed
    }
    return WordMap(tuple(chosen), tuple((float(x), float(y)) for x, y in places), explained, near)


def _tells(word: str) -> bool:
    """Whether a word says something on a map: letters, and more than one unless it is a character that is a word."""
    return word.isalpha() and (len(word) > 1 or ord(word) > 0x2E7F)
