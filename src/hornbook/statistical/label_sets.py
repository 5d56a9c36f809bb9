"""The labels of a classifier or tagger: sorted once, stored once, and what is wrong with those a user gives (P10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Alarm, Event


def read_targets(texts: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The different labels sorted by code point, and the index of each text's. UsageError when there are not as many."""
    if len(texts) != len(labels):
        raise UsageError("{texts} texts and {labels} labels: give one label a text", texts=len(texts), labels=len(labels))
    for index, label in enumerate(labels):
        if not isinstance(label, str):
            raise TypeError(f"label {index} is {type(label).__name__}, not str")
    names = tuple(sorted(set(labels)))
    return names, targets_of(labels, names)


def require_two(names: Sequence[str]) -> None:
    """ContentError for fewer than two labels."""
    if len(names) < 2:
        raise ContentError("a classifier needs texts of at least two labels, found {found}", found=", ".join(names) or 0)


def targets_of(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """(n,) the index of each label among `names`; ContentError names the first that is not there."""
    index = {name: i for i, name in enumerate(names)}
    for place, label in enumerate(labels):
        if label not in index:
            raise ContentError(
                "label '{label}' of text {place} does not occur in the training texts: {names}",
                label=label,
                place=place + 1,
                names=", ".join(names),
            )
    return np.array([index[label] for label in labels], dtype=np.int64)


def warn_of_rare(names: Sequence[str], targets: NDArray[np.int64], log: Callable[[Event], None]) -> None:
    """An alarm that names the labels with a single text."""
    rare = [name for name, count in zip(names, np.bincount(targets, minlength=len(names))) if count < 2]
    if rare:
        log(Alarm(f"labels with a single text: {', '.join(rare)}", "add texts, or merge these labels with others"))


def stored_labels(labels: list[Any], path: Path, *, least: int) -> tuple[str, ...]:
    """The labels of a saved record; ContentError unless they are different texts in order."""
    if not all(isinstance(label, str) for label in labels) or labels != sorted(set(labels)) or len(labels) < least:
        raise ContentError(
            "{path} is damaged: {what}. Restore the folder or train again.",
            path=path,
            what="labels are not different texts in order",
        )
    return tuple(labels)
