"""A stream of items in lists of bounded size, so that memory does not grow with the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T", bound=Sized)


def groups(items: Iterable[T], limit: int, *, each: int = 1) -> Iterator[list[T]]:
    """The items in order, in lists that end with the item whose length, and `each` for every item, reaches `limit`."""
    group: list[T] = []
    size = 0
    for item in items:
        group.append(item)
        size += len(item) + each
        if size >= limit:
            yield group
            group, size = [], 0
    if group:
        yield group
