"""A saved tagger's counts, read strictly: sizes before memory, every number in range, every list sorted and without doubles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.statistical.suffixes import Lexicon, SuffixConfig, TagCounts
from hornbook.statistical.tensors import load_tensors
from hornbook.statistical.trigram_tables import TransitionCounts

_TABLES = ("words", "folded", "suffixes")
_MOST_STATES = 1 << 16


@dataclass(frozen=True, eq=False)
class TaggerCounts:
    """Everything a tagger is derived from."""

    labels: tuple[str, ...]
    lexicon: Lexicon
    lexical: tuple[tuple[int, str], ...]
    transitions: TransitionCounts


def load_counts(folder: Path, record: dict[str, Any], config: SuffixConfig) -> TaggerCounts:
    """The counts of a folder whose config.json is `record`; ContentError names the file and what is wrong in it."""
    strings = _read_strings(folder / "vocabulary.json")
    path = folder / "model.safetensors"
    entries = record["entries"]
    if sorted(entries) != sorted(_TABLES) or any(
        type(count) is not int or not (name != "suffixes") <= count < 1 << 40 for name, count in entries.items()
    ):  # a text without rare words has no suffixes
        raise _damaged(folder / "config.json", "its numbers of entries")
    labels, forms = strings["labels"], strings["lexical"]
    states = len(labels) + len(forms)
    if not 0 < states < _MOST_STATES:
        raise _damaged(folder / "vocabulary.json", "no labels, or too many")
    shapes: dict[str, tuple[type[Any], tuple[int, ...]]] = {
        "transition_places": (np.int64, (record["transitions"],)),
        "transition_counts": (np.int64, (record["transitions"],)),
        "lexical_tags": (np.int32, (len(forms),)),
        "groups": (np.int32, (states + 1,)),
    }
    for name in _TABLES:
        shapes[f"{name}_offsets"] = (np.int64, (len(strings[name]) + 1,))
        shapes[f"{name}_tags"] = shapes[f"{name}_counts"] = (np.int32, (entries[name],))
    tensors = load_tensors(path, shapes)
    _require(path, "groups", tensors["groups"], 0, len(labels) + 1)
    _require(path, "lexical_tags", tensors["lexical_tags"], 0, len(labels))
    size = (int(tensors["groups"].max()) + 1) * (states + 1) ** 2
    if size > 1 << 28:
        raise _damaged(path, "its transition table would take more than 1 GB")
    places = tensors["transition_places"]
    _require(path, "transition_places", places, 0, size)
    _require(path, "transition_counts", tensors["transition_counts"], 1, 1 << 40)
    if places.size == 0 or (np.diff(places) <= 0).any():
        raise _damaged(path, "transition_places are not increasing")
    tables = {}
    for name in _TABLES:
        offsets, tags, counts = (tensors[f"{name}_{part}"] for part in ("offsets", "tags", "counts"))
        if offsets[0] != 0 or offsets[-1] != tags.size or (np.diff(offsets) < 1).any():
            raise _damaged(path, f"{name}_offsets do not fit")
        _require(path, f"{name}_tags", tags, 0, len(labels))
        _require(path, f"{name}_counts", counts, 1, 1 << 31)
        tables[name] = TagCounts(tuple(strings[name]), offsets, tags, counts)
    lexicon = Lexicon(len(labels), tables["words"], tables["folded"], tables["suffixes"], config)
    lexical = tuple((int(tag), form) for tag, form in zip(tensors["lexical_tags"], forms))
    if len(set(lexical)) != len(lexical):
        raise _damaged(path, "a state stands twice")
    transitions = TransitionCounts(states, tensors["groups"], places, tensors["transition_counts"])
    return TaggerCounts(tuple(labels), lexicon, lexical, transitions)


def _read_strings(path: Path) -> dict[str, list[str]]:
    names = ("labels", "lexical", *_TABLES)
    try:
        strings: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, " ".join(str(error).split())) from error
    if not isinstance(strings, dict) or sorted(strings) != sorted(names):
        raise _damaged(path, f"its keys are not {', '.join(names)}")
    for name in names:
        values = strings[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise _damaged(path, f"{name} is no list of strings")
        if name != "lexical" and len(set(values)) != len(values):
            raise _damaged(path, f"{name} has doubles")
        if name == "suffixes" and not all(values):
            raise _damaged(path, "a suffix has no shape")
    return strings


def _require(path: Path, name: str, array: NDArray[Any], least: int, below: int) -> None:
    if array.size and not least <= int(array.min()) <= int(array.max()) < below:
        raise _damaged(path, f"{name} has a number outside {least} .. {below - 1}")


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
