"""A test of vectors made from a user's own text, for languages and subjects that have none.

Protocol. Held-out text, which the vectors were not trained on, says which words keep company there: pairs that stand at most
`window` words apart at least twice, more often than chance, neither word being among the commonest nor spelt like the other.
Each question is such a pair and a distractor about as frequent in the training text as the true neighbour, which never stands
near the word in the held-out text. Vectors answer with the one of higher cosine. Chance is one half: random vectors and
vectors that know frequency alone score 0.5. The questions come from counts and held-out text only: they are
equal for all vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.embeddings.intrinsic import IntrinsicScore
from hornbook.embeddings.statistics import share_interval
from hornbook.embeddings.vectors import WordVectors

_COMMON = 1e-3  # share of the training text above which a word is company to all
_LEAST_COUNT = 5  # in the training text
_LEAST_PAIRS = 2  # in the held-out text
_NEAR = 40  # words on either side in frequency among which a distractor is drawn
_FURTHEST = 1.25  # how many times as frequent it may be
_SHARE_OF_ONE_WORD = 0.01  # of the questions may ask about the same word
_SAME_SPELLING = 4  # letters in a row that two words may not share; one where a word has so few


class Triplet(NamedTuple):
    """Which of two words keeps company with `word`?"""

    word: str
    neighbour: str
    distractor: str


def build_triplets(
    counts: Mapping[str, int], heldout: Iterable[Sequence[str]], *, number: int = 2000, window: int = 5, seed: int = 1
) -> list[Triplet]:
    """Up to `number` questions from the words' counts in the training text and held-out sentences; ContentError for none."""
    total = sum(counts.values())
    askable = sorted((n, word) for word, n in counts.items() if _LEAST_COUNT <= n <= _COMMON * total)
    words = [word for _, word in askable]  # the rarest first
    frequencies = np.array([n for n, _ in askable], np.int64)
    pairs, together = _company(words, heldout, window)
    random = np.random.default_rng([seed, 11])
    near = {tuple(pair) for pair in pairs.tolist()}
    asked: Counter[int] = Counter()
    triplets: list[Triplet] = []
    for place in random.permutation(np.flatnonzero(together >= _LEAST_PAIRS)):
        if len(triplets) == number:
            break
        word, neighbour = (int(pairs[place, side]) for side in random.permutation(2))
        if asked[word] >= max(1, int(number * _SHARE_OF_ONE_WORD)) or _spelt_alike(words[word], words[neighbour]):
            continue
        for other in _as_frequent(neighbour, frequencies, random):
            met = (min(word, other), max(word, other)) in near
            if other != word and not met and not _spelt_alike(words[word], words[other]):
                asked[word] += 1
                triplets.append(Triplet(words[word], words[neighbour], words[other]))
                break
    if not triplets:
        raise ContentError("the held-out text is too small for a test: no two known words stand together twice")
    return triplets


def triplet_accuracy(vectors: WordVectors, triplets: Sequence[Triplet]) -> IntrinsicScore:
    """Share of questions answered rightly, of those whose three words have vectors; equal cosines are no answer."""
    ids = np.array([[vectors.get_index(word, -1) for word in triplet] for triplet in triplets], np.int64).reshape(-1, 3)
    known = ids[(ids >= 0).all(axis=1)]
    lengths = np.maximum(vectors.norms, np.float32(1e-30))
    word, neighbour, distractor = (vectors.vectors[known[:, side]] / lengths[known[:, side], None] for side in range(3))
    hits = int(np.count_nonzero(np.einsum("ij,ij->i", word, neighbour) > np.einsum("ij,ij->i", word, distractor)))
    score = hits / len(known) if len(known) else float("nan")
    return IntrinsicScore("triplets", score, share_interval(hits, len(known)), len(known), len(ids))


def _company(
    words: Sequence[str], heldout: Iterable[Sequence[str]], window: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (p, 2) of words, smaller number first, that stand near each other more often than chance, and how often (p,).

    Unknown and common words keep their place: distance is counted in words of the text.
    """
    index = {word: number for number, word in enumerate(words)}
    rows: list[int] = []
    for sentence in heldout:
        rows += [index.get(word, -1) for word in sentence]
        rows += [-1] * window
    ids = np.array(rows, np.int64)
    parts = []
    for distance in range(1, window + 1):
        first, second = ids[:-distance], ids[distance:]
        both = (first >= 0) & (second >= 0) & (first != second)
        parts.append(np.minimum(first, second)[both] * len(words) + np.maximum(first, second)[both])
    keys, together = np.unique(np.concatenate(parts), return_counts=True)
    pairs = np.stack(np.divmod(keys, max(len(words), 1)), axis=1)
    alone = np.bincount(ids[ids >= 0], minlength=len(words))
    expected = alone[pairs[:, 0]] * alone[pairs[:, 1]] * (2 * window / max(ids.size, 1))
    kept = together > expected
    return pairs[kept], together[kept]


def _as_frequent(word: int, frequencies: NDArray[np.int64], random: np.random.Generator) -> Iterator[int]:
    """Words about as frequent as a word, in random order; `frequencies` rise."""
    begin, end = max(0, word - _NEAR), min(len(frequencies), word + _NEAR + 1)
    for other in random.permutation(np.arange(begin, end)):
        low, high = sorted((int(frequencies[other]), int(frequencies[word])))
        if other != word and high <= _FURTHEST * low:
            yield int(other)


def _spelt_alike(first: str, second: str) -> bool:
    """Whether two words share so much spelling that subwords alone would bring them together."""
    length = min(_SAME_SPELLING, max(1, min(len(first), len(second)) - 1))
    parts = {first[at : at + length] for at in range(len(first) - length + 1)}
    return any(second[at : at + length] in parts for at in range(len(second) - length + 1))
