"""How large a vocabulary fits a text, and the beginning of a text on which tokenizers are sized and judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from hornbook.corpus.store import TextStore

_CHARACTERS = 2_000_000  # that are enough to size and judge a tokenizer by


def vocabulary_size(store: TextStore) -> int:
    """The vocabulary that fits a corpus: the power of two nearest to the root of twice its bytes, 512 to 32,768.

    Heaps' law has the vocabulary grow with about the square root of the text; small vocabularies serve small corpora better
    (8,192 for 60 MB is what GPT-BERT chose for 10 million words). Scripts with thousands of characters need room for
    them: at least four times the characters that make up 99 % of a sample, up to 8,192 of it.
    """
    total = store.split("train").total_bytes
    by_bytes = 1 << round(math.log2(2 * max(total, 1)) / 2)
    counts: dict[str, int] = {}
    for text in head(store.split("train")):
        for character in text:
            counts[character] = counts.get(character, 0) + 1
    covered, needed, wanted = 0, 0, 0.99 * sum(counts.values())
    for count in sorted(counts.values(), reverse=True):
        if covered >= wanted:
            break
        covered += count
        needed += 1
    by_characters = min(8192, 1 << (4 * needed - 1).bit_length()) if needed > 200 else 0
    return max(512, by_characters, min(32768, by_bytes))


def head(texts: Iterable[str], characters: int = _CHARACTERS) -> Iterator[str]:
    """Documents from the beginning of a split, `characters` of them altogether, the last one cut."""
    left = characters
    for text in texts:
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return
