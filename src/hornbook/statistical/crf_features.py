"""What a tagger sees of a sentence: windows of neighbouring tokens and their attributes, as 64-bit keys, no table of strings.

Words: the word, its lower case, shape (Xxxx, d-d), short shape (Xx), prefixes and suffixes up to four letters, the words two
to the left and right, neighbouring pairs. Characters (Chinese): those three to the left and right, pairs and triples.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.statistical.features import code_points

Sentences: TypeAlias = Sequence[Sequence[str]]
BIAS, WORD, LOWER, SHAPE, SHORT = -1, 0, 1, 2, 3
PREFIXES, SUFFIXES = (4, 5, 6, 7), (8, 9, 10, 11)


class Template(NamedTuple):
    """The tokens at these offsets; a feature for each attribute, which all of them share."""

    offsets: tuple[int, ...]
    attributes: tuple[int, ...]


WORD_TEMPLATES = (
    Template((0,), (BIAS, WORD, LOWER, SHAPE, SHORT, *PREFIXES, *SUFFIXES)),
    Template((-1,), (WORD, LOWER, SHAPE, SHORT, SUFFIXES[2])),
    Template((1,), (WORD, LOWER, SHAPE, SHORT, SUFFIXES[2])),
    Template((-2,), (LOWER, SHAPE)),
    Template((2,), (LOWER, SHAPE)),
    Template((-1, 0), (LOWER, SHAPE)),
    Template((0, 1), (LOWER, SHAPE)),
)
CHARACTER_TEMPLATES = (
    Template((0,), (BIAS, WORD, SHAPE)),
    *(Template((offset,), (WORD, SHAPE)) for offset in (-1, 1)),
    *(Template((offset,), (WORD,)) for offset in (-3, -2, 2, 3)),
    *(Template((offset, offset + 1), (WORD,)) for offset in (-2, -1, 0, 1)),
    Template((-1, 1), (WORD,)),
    *(Template((offset, offset + 1, offset + 2), (WORD,)) for offset in (-2, -1, 0)),
)


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows that n positions see: `seen` (n, W) of the U different ones, `keys` (U, A) their features (0: none)."""

    seen: NDArray[np.int32]
    keys: NDArray[np.uint64]
    starts: NDArray[np.int64]  # (sentences + 1,) positions at which each sentence starts


def templates_of(tokens: str) -> tuple[Template, ...]:
    """The templates for 'words' or 'characters'."""
    return WORD_TEMPLATES if tokens == "words" else CHARACTER_TEMPLATES


def guess_tokens(sentences: Sentences) -> str:
    """'characters' when half of all tokens are one character beyond ASCII, and nine tenths of those beyond it; else 'words'."""
    total = foreign = single = 0
    for sentence in sentences[:10_000]:
        for token in sentence:
            total += 1
            if not token.isascii():
                foreign += 1
                single += len(token) == 1
    return "characters" if 2 * single >= total and 10 * single >= 9 * foreign and total else "words"


def find_windows(sentences: Sentences, templates: Sequence[Template]) -> Windows:
    """Every window of every position. TypeError names the sentence and the place of what is not a str."""
    from hornbook.statistical.crf_kernels import window_keys

    types, names, starts = _token_types(sentences)
    boundary = len(names)
    values = _attributes(names)
    wide = max(max(map(abs, template.offsets)) for template in templates)
    padded, places = _with_boundaries(types, starts, wide, boundary)
    seen = np.empty((types.size, len(templates)), dtype=np.int32)
    keys: list[NDArray[np.uint64]] = []
    first_seen: list[NDArray[np.int64]] = []
    most = max(len(template.attributes) for template in templates)
    found = 0
    for number, template in enumerate(templates):
        cells = np.zeros(types.size, dtype=np.int64)
        for offset in template.offsets:  # the members so far are numbered densely, so that the next product stays small
            cells = np.unique(cells, return_inverse=True)[1] * (boundary + 2) + padded[places + offset]
        _, first, inverse = np.unique(cells, return_index=True, return_inverse=True)
        members = np.column_stack([padded[places[first] + offset] for offset in template.offsets])
        rows = np.zeros((len(members), most), dtype=np.uint64)
        window_keys(members, values, np.array(template.attributes), number, rows[:, : len(template.attributes)])
        keys.append(rows)
        first_seen.append(first)
        seen[:, number] = inverse + found
        found += len(members)
    order = np.argsort(np.concatenate(first_seen), kind="stable")  # in the order of the text: neighbours share cache lines
    number_of = np.empty(found, dtype=np.int32)
    number_of[order] = np.arange(found, dtype=np.int32)
    return Windows(number_of[seen], np.concatenate(keys)[order], starts)


def check_tokens(number: int, sentence: Sequence[str]) -> None:
    """TypeError when a sentence is one str, or has a token that is none."""
    if isinstance(sentence, str):
        raise TypeError(f"sentence {number} is one str: give a list of its tokens")
    if set(map(type, sentence)) - {str}:
        for token in sentence:
            if not isinstance(token, str):
                raise TypeError(f"sentence {number} has a token that is {type(token).__name__}, not str")


def _token_types(sentences: Sentences) -> tuple[NDArray[np.int64], list[str], NDArray[np.int64]]:
    """The type of every token (n,), the types in order of first appearance, and where sentences start."""
    index: dict[str, int] = {}
    types: list[int] = []
    starts = [0]
    for number, sentence in enumerate(sentences):
        check_tokens(number, sentence)
        types += [index.setdefault(token, len(index)) for token in sentence]
        starts.append(len(types))
    return np.array(types, dtype=np.int64), list(index), np.array(starts, dtype=np.int64)


def _with_boundaries(
    types: NDArray[np.int64], starts: NDArray[np.int64], wide: int, boundary: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The types with `wide` boundaries before (`boundary`) and after (`boundary` + 1) each sentence, and each token's place."""
    lengths = np.diff(starts)
    places = np.arange(types.size) + wide + 2 * wide * np.repeat(np.arange(lengths.size), lengths)
    padded = np.full(types.size + 2 * wide * lengths.size, boundary, dtype=np.int64)
    ends = starts[1:] + wide + 2 * wide * np.arange(lengths.size)
    padded[(ends[:, None] + np.arange(wide)).ravel()] = boundary + 1
    padded[places] = types
    return padded, places


def _attributes(names: Sequence[str]) -> NDArray[np.uint64]:
    """(ATTRIBUTES, types + 2) hashes; the two boundaries have values of their own in every attribute."""
    from hornbook.statistical.crf_kernels import ATTRIBUTES, token_attributes

    folded = [name.lower() for name in names]
    values = np.zeros((ATTRIBUTES, len(names) + 2), dtype=np.uint64)
    codes, folded_codes = code_points("".join(names)), code_points("".join(folded))
    token_attributes(codes, _ends(names), folded_codes, _ends(folded), _letter_kinds(codes), values)
    values[:, len(names) :] = [1, 2]
    return values


def _ends(names: Iterable[str]) -> NDArray[np.int64]:
    return np.cumsum([len(name) for name in names], dtype=np.int64)


def _letter_kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """(0x110000,) what each code point that occurs is in a shape."""
    from hornbook.statistical.crf_kernels import DIGIT, LETTER, LOWER, UPPER

    kinds = np.zeros(0x110000, dtype=np.uint8)
    by_category = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Nd": DIGIT, "Lo": LETTER, "Lm": LETTER}
    for code in np.unique(codes):
        kinds[code] = by_category.get(unicodedata.category(chr(code)), 0)
    return kinds
