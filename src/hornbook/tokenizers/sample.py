"""Text to learn from: all of it while it fits, an even sample when it does not."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable

from hornbook.tokenizers.chunks import Boundary, chunks, replace_surrogates

_OVERHEAD = 120  # bytes of Python objects a held piece costs beside its text


def sample_text(texts: Iterable[str], *, limit: int, boundary: Boundary, seed: int) -> list[str]:
    """Pieces of the texts, in order, of at most `limit` bytes of UTF-8 (with the cost of holding them) in all.

    One pass; what is held never exceeds the limit by more than a piece. Every piece draws a number from a generator seeded
    with `seed`, and those with the smallest numbers stay: a uniform sample of pieces whose content depends on nothing else.
    """
    draw = random.Random(seed).random
    held: list[tuple[float, int, str]] = []  # the largest draw first, so that it is the first to go
    used = index = 0
    for text in texts:
        for piece in chunks(replace_surrogates(text), boundary):
            if not piece:
                continue
            cost = _cost(piece)
            heapq.heappush(held, (-draw(), index, piece))
            used += cost
            index += 1
            while used > limit and len(held) > 1:
                used -= _cost(heapq.heappop(held)[2])
    return [piece for _, _, piece in sorted(held, key=lambda entry: entry[1])]


def _cost(piece: str) -> int:
    return _OVERHEAD + len(piece.encode())
