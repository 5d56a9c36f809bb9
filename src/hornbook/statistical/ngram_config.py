"""Configuration of an n-gram model, and what training it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hornbook.core.errors import UsageError

MAX_ORDER = 16
_PROCESS = 200_000_000  # bytes of Python, numpy, numba and the kernels

SmoothingName = Literal[
    "modified-kneser-ney", "kneser-ney", "witten-bell", "katz", "absolute", "lidstone", "laplace", "stupid-backoff"
]


@dataclass(frozen=True)
class NgramConfig:
    """An n-gram conditions on the order - 1 ids before.

    `minimum_counts` (k-th entry: fewest occurrences a k-gram needs, the last entry stands for all longer ones; must not
    decrease), `prune_entropy` (1e-8 is little, 1e-6 much: Stolcke 1998) and `size_mb` (the largest model wanted, 0 for no
    limit) make the model smaller; `bits` = 8 saves each probability as one byte. `fallback_discounts` are used for an order
    whose counts do not define its own; `pseudo_count` is what lidstone adds to every count. Text that does not fit in
    `memory_mb` is counted in pieces, kept in temporary files; `threads` count pieces side by side.
    """

    order: int = 5
    smoothing: SmoothingName = "modified-kneser-ney"
    minimum_counts: tuple[int, ...] = (1,)
    prune_entropy: float = 0.0
    size_mb: float = 0.0
    bits: int = 32
    fallback_discounts: tuple[float, ...] = (0.5, 1.0, 1.5)
    pseudo_count: float = 0.1
    memory_mb: int = 4000
    threads: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise UsageError("order = {order}: choose an n-gram order from 1 to {most}", order=self.order, most=MAX_ORDER)
        counts = self.minimum_counts
        if not counts or counts[0] != 1 or list(counts) != sorted(counts):
            raise UsageError(
                "minimum_counts = {counts}: start with 1 and do not decrease, e.g. 1,1,2", counts=",".join(map(str, counts))
            )
        discounts = self.fallback_discounts
        if len(discounts) != 3 or not all(0 < discount < i for i, discount in enumerate(discounts, start=1)):
            raise UsageError(
                "fallback_discounts = {discounts}: give three numbers, each above 0, below 1, 2 and 3",
                discounts=",".join(map(str, discounts)),
            )
        if self.bits not in (8, 32):
            raise UsageError("bits = {bits}: a saved probability takes 8 or 32 bits", bits=self.bits)
        lowest = {"prune_entropy": 0.0, "size_mb": 0.0, "pseudo_count": 1e-6, "threads": 1}
        for name, least in lowest.items():
            if not least <= getattr(self, name) < 1e9:
                raise UsageError("{name} = {value}: give {least} or more", name=name, value=getattr(self, name), least=least)
        if self.smoothing == "stupid-backoff" and (self.prune_entropy or self.size_mb or self.bits == 8):
            raise UsageError("stupid-backoff is no probability: prune it by minimum_counts, and keep bits = 32")

    def minimum_of_each_order(self) -> tuple[int, ...]:
        """`minimum_counts` with one entry per order."""
        return (self.minimum_counts + self.minimum_counts[-1:] * self.order)[: self.order]


def memory_needed(tokens: int, documents: int, config: NgramConfig) -> int:
    """Bytes that training in one piece takes at most, which is when no n-gram above order 2 occurs twice.

    Running text takes about half. Text that needs more than `memory_mb` is counted in pieces (see `least_memory`).
    """
    return (tokens + 2 * documents) * (40 + 33 * max(config.order - 2, 0)) + _PROCESS


def least_memory(tokens: int, documents: int) -> int:
    """Bytes that training in pieces takes: one order of the model, and a piece of the text."""
    return (tokens + 2 * documents) * 14 + _PROCESS + 30_000_000


def piece_tokens(tokens: int, documents: int, config: NgramConfig) -> int:
    """Tokens of the stream to count together, so that all fits in `memory_mb`; everything when that fits."""
    total = tokens + 2 * documents
    limit = config.memory_mb * 1_000_000
    if memory_needed(tokens, documents, config) <= limit:
        return -(-total // config.threads)
    free = limit - _PROCESS - 12 * documents - 4 * tokens  # what the caller holds
    return max(free // ((40 + 33 * max(config.order - 2, 0)) * config.threads), 50_000)
