"""Read an ARPA file into the arrays of the model. Every number of the header is checked against the file before it is used."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Tokenizer
from hornbook.statistical import arpa_kernels
from hornbook.statistical.arpa import END, START, UNKNOWN, names_of
from hornbook.statistical.counts import Level
from hornbook.statistical.interpolate import IMPOSSIBLE
from hornbook.statistical.merge import link_order
from hornbook.statistical.ngram_config import MAX_ORDER, NgramConfig
from hornbook.statistical.storage import Memory
from hornbook.statistical.trie import Trie

if TYPE_CHECKING:
    from hornbook.statistical.ngram import NgramLM

_HEADER = 1 << 16
_MISSING_UNKNOWN = -100 * np.log(10)  # what KenLM gives an unknown word when the file has no <unk>
_REASONS = {
    arpa_kernels.NOT_A_NUMBER: "a number is expected",
    arpa_kernels.FEW_WORDS: "too few words for this order",
    arpa_kernels.MORE_TEXT: "text after the back-off weight",
    arpa_kernels.UNKNOWN_WORD: "a word that the 1-grams do not list",
    arpa_kernels.TWICE: "the word is listed twice",
    arpa_kernels.ENDED: "the file ends within this order",
    arpa_kernels.POSITIVE: "a log-probability above 0",
    arpa_kernels.HUGE: "a number too large to be a log of a probability",
}


@dataclass
class _Order:
    """The n-grams of one order as they stand in the file, or sorted."""

    grams: NDArray[np.uint32]  # (rows, k) ids
    log_probs: NDArray[np.float32]  # (rows,) natural logs; not a number for n-grams the file lacks
    backoffs: NDArray[np.float32]  # (rows,)


def read_arpa(path: Path | str, *, tokenizer: Tokenizer | None = None) -> NgramLM:
    """The model in an ARPA file, with a closed vocabulary of its words, or over the ids of a tokenizer that names them all.

    N-grams that the longer ones need and the file lacks (pruned files) get the probability they had by backing off. A file
    without <unk> gives unknown words 10^-100, as KenLM does. UsageError when the path does not exist; ContentError, one line
    with the line number, for anything malformed, listed twice or not finite.
    """
    from hornbook.statistical.ngram import NgramLM

    path = Path(path)
    if not path.is_file():
        raise UsageError("{path} does not exist", path=path)
    if path.stat().st_size == 0:
        raise _wrong(path, 1, "the file is empty")
    data = np.asarray(np.memmap(path, dtype=np.uint8, mode="c"))
    counts, at = _read_header(path, data)
    orders, words = _read_orders(path, data, at, counts)
    tokenizer = tokenizer or _word_tokenizer(path, words)
    ids = _ids_of_words(path, words, tokenizer)
    for order in orders:
        order.grams = ids[order.grams]
    trie = _build(path, orders, tokenizer)
    model = NgramLM(tokenizer, NgramConfig(order=len(counts)))
    return model.use(trie)


def _read_header(path: Path, data: NDArray[np.uint8]) -> tuple[list[int], int]:
    """N-grams of each order and the position of the line of the 1-grams."""
    text = data[:_HEADER].tobytes()
    found = re.match(rb"\s*\\data\\[ \t\r]*\n((?:ngram [^\n]*\n|[ \t\r]*\n)*)(?=\\1-grams:)", text)
    if not found:
        raise _wrong(path, 1, "\\data\\ and the numbers of n-grams are expected, then \\1-grams:")
    lines = [line.strip() for line in found[1].split(b"\n") if line.strip()]
    counts: list[int] = []
    for i, line in enumerate(lines, start=1):
        entry = re.fullmatch(rb"ngram +(\d{1,2}) *= *(\d{1,10})", line)
        if not entry or int(entry[1]) != i or i > MAX_ORDER:
            raise _wrong(path, i + 1, f"'ngram {i}=NUMBER' is expected, up to order {MAX_ORDER}")
        counts.append(int(entry[2]))
    least = sum(count * (2 + 2 * k) for k, count in enumerate(counts, start=1))
    if not counts or least > data.size or sum(counts) >= 1 << 32:
        raise _wrong(path, 2, "more n-grams announced than the file has room for")
    return counts, found.end()


def _read_orders(path: Path, data: NDArray[np.uint8], at: int, counts: Sequence[int]) -> tuple[list[_Order], list[str]]:
    slots = np.full(1 << max(2 * counts[0] + 2, 4).bit_length(), -1, dtype=np.int64)
    bounds = np.zeros(2 * counts[0], dtype=np.int64)
    orders: list[_Order] = []
    for k, count in enumerate(counts, start=1):
        at = _expect(path, data, at, f"\\{k}-grams:")
        grams = np.empty((count, k), dtype=np.uint32)
        order = _Order(grams, np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32))
        code, row, at = arpa_kernels.read_rows(data, at, k, slots, bounds, grams, order.log_probs, order.backoffs)
        if code != arpa_kernels.OK:
            raise _wrong(path, _line(data, at), f"{_REASONS[code]} ({k}-gram {row + 1} of {count})")
        orders.append(order)
    _expect(path, data, at, "\\end\\")
    try:
        words = [data[begin:end].tobytes().decode() for begin, end in bounds.reshape(-1, 2).tolist()]
    except UnicodeDecodeError as error:
        raise ContentError("{path} is not UTF-8: {error}", path=path, error=error) from None
    return orders, words


def _expect(path: Path, data: NDArray[np.uint8], at: int, title: str) -> int:
    """The position after a line that reads `title`, blank lines before it allowed."""
    text = data[at : at + 4096].tobytes()
    found = re.match(rb"\s*" + re.escape(title.encode()) + rb"[ \t\r]*(?:\n|\Z)", text)
    if not found:
        raise _wrong(path, _line(data, min(at, data.size - 1)), f"{title} is expected")
    return at + found.end()


def _line(data: NDArray[np.uint8], at: int) -> int:
    return int(np.count_nonzero(data[:at] == 10)) + 1


def _wrong(path: Path, line: int, what: str) -> ContentError:
    return ContentError("{path}, line {line}: no valid ARPA file: {what}", path=path, line=line, what=what)


def _word_tokenizer(path: Path, words: Sequence[str]) -> Tokenizer:
    from hornbook.tokenizers.closed import closed_tokenizer

    if not words:
        raise _wrong(path, 2, "no 1-grams")
    return closed_tokenizer([word for word in words if word not in (START, END, UNKNOWN, "<UNK>")])


def _ids_of_words(path: Path, words: Sequence[str], tokenizer: Tokenizer) -> NDArray[np.uint32]:
    """(words,) the id of each unigram row; the boundary's is the vocabulary size."""
    index: Mapping[str, int] = {name: i for i, name in reversed(list(enumerate(names_of(tokenizer))))} | {START: tokenizer.size}
    known = ["<unk>" if word == "<UNK>" else word for word in words]
    lacking = next((word for word in known if word not in index), None)
    if lacking is not None:
        raise ContentError(
            "{path}: the tokenizer has no token {token!r}: it does not belong to this model", path=path, token=lacking
        )
    missing = [word for word in (START, END) if word not in known]
    if missing:
        raise ContentError("{path} has no 1-gram {token}: sentences cannot be scored", path=path, token=missing[0])
    ids = np.array([index[word] for word in known], dtype=np.uint32)
    if np.unique(ids).size < ids.size:
        raise ContentError("{path} lists a word twice", path=path)
    return ids


def _build(path: Path, orders: list[_Order], tokenizer: Tokenizer) -> Trie:
    orders[0] = _every_id(orders[0], tokenizer)
    levels = _sort(path, orders)
    if levels is None:
        _complete(orders, boundary=tokenizer.size)
        levels = _sort(path, orders)
        assert levels is not None  # every prefix and suffix was put in
    for k, (shorter, order) in enumerate(itertools.pairwise(orders), start=1):
        level = levels[k]
        lacking = np.flatnonzero(np.isnan(order.log_probs))
        contexts = np.searchsorted(level.children, lacking, side="right") - 1
        order.log_probs[lacking] = shorter.backoffs[contexts] + shorter.log_probs[level.suffixes[lacking]]
    rows = tuple(order.log_probs.size for order in orders)
    starts = np.cumsum((0, *rows))
    children = [level.children[:-1] + np.uint32(start) for level, start in zip(levels[1:], starts[1:])]
    return Trie(
        words=np.concatenate([level.words for level in levels]).astype(np.uint16 if rows[0] <= 1 << 16 else np.uint32),
        log_probs=np.concatenate([order.log_probs for order in orders]),
        backoffs=np.concatenate([np.zeros(0, np.float32), *(order.backoffs for order in orders[:-1])]),
        children=np.concatenate([*children, np.array([starts[-1]], dtype=np.uint32)]).astype(np.uint32),
        rows=rows,
    )


def _every_id(order: _Order, tokenizer: Tokenizer) -> _Order:
    """Order 1 with one row for every id, the boundary last; ids that the file lacks are impossible."""
    symbols = tokenizer.size + 1
    log_probs, backoffs = np.full(symbols, IMPOSSIBLE, np.float32), np.zeros(symbols, np.float32)
    unknown = names_of(tokenizer).index(UNKNOWN) if UNKNOWN in names_of(tokenizer) else None
    if unknown is not None:
        log_probs[unknown] = _MISSING_UNKNOWN
    log_probs[order.grams[:, 0]], backoffs[order.grams[:, 0]] = order.log_probs, order.backoffs
    log_probs[-1] = IMPOSSIBLE
    return _Order(np.arange(symbols, dtype=np.uint32)[:, None], log_probs, backoffs)


def _sort(path: Path, orders: list[_Order]) -> list[Level] | None:
    """Sort every order by its words, in place, and link them; None when an n-gram lacks its prefix or its suffix."""
    nothing, keep = np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.bool_)
    symbols = orders[0].log_probs.size
    levels = [Level(np.arange(symbols, dtype=np.uint32), nothing, nothing, nothing, keep)]
    keys: list[NDArray[np.uint64]] = []  # (row of the prefix, last word) of every n-gram from order 2 on, sorted
    for k, order in enumerate(orders[1:], start=2):
        if (order.grams[:, 1:] == symbols - 1).any():
            raise ContentError("{path}: {start} stands inside an n-gram of order {order}", path=path, start=START, order=k)
        prefixes = order.grams[:, 0].astype(np.uint64)
        for j, shorter in enumerate(keys, start=1):
            wanted = prefixes << np.uint64(32) | order.grams[:, j]
            prefixes = np.searchsorted(shorter, wanted).astype(np.uint64)
            if not np.array_equal(shorter[np.minimum(prefixes, max(shorter.size - 1, 0))] if shorter.size else nothing, wanted):
                return None
        own = prefixes << np.uint64(32) | order.grams[:, k - 1]
        places = np.argsort(own)
        own = own[places]
        if (own[1:] == own[:-1]).any():
            raise ContentError("{path}: an n-gram of order {order} is listed twice", path=path, order=k)
        order.grams, order.log_probs, order.backoffs = order.grams[places], order.log_probs[places], order.backoffs[places]
        counts = np.bincount((own >> np.uint64(32)).astype(np.int64), minlength=levels[-1].words.size)
        children = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
        level = Level((own & np.uint64(0xFFFFFFFF)).astype(np.uint32), nothing, nothing, children, keep)
        level.suffixes = link_order(levels[-1], level, Memory())
        if k > 2 and not _linked(levels[-1], level):
            return None
        levels.append(level)
        keys.append(own)
    return levels


def _linked(shorter: Level, level: Level) -> bool:
    """Whether the suffix of every n-gram is there and not merely the place where it would be."""
    suffixes = level.suffixes.astype(np.int64)
    contexts = np.repeat(np.arange(shorter.words.size), np.diff(level.children))
    limits = shorter.children[shorter.suffixes[contexts].astype(np.int64) + 1]
    return bool((suffixes < limits).all() and (shorter.words[suffixes] == level.words).all())


def _complete(orders: list[_Order], *, boundary: int) -> None:
    """Put in every prefix and suffix that is missing, from the longest order down."""
    for longer, order in itertools.pairwise(reversed(orders)):
        k = order.grams.shape[1]
        if k == 1:
            break
        needed = np.unique(np.concatenate([longer.grams[:, :-1], longer.grams[:, 1:]]), axis=0)
        both = np.concatenate([order.grams, needed])
        _, first, counts = np.unique(both, axis=0, return_index=True, return_counts=True)
        added = both[first[(first >= order.log_probs.size) & (counts == 1)]]
        order.grams = np.concatenate([order.grams, added])
        order.log_probs = np.append(order.log_probs, np.full(len(added), np.nan, np.float32))
        order.backoffs = np.append(order.backoffs, np.zeros(len(added), np.float32))
