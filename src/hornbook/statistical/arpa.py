"""ARPA files, the exchange format of n-gram models: write one, read one, export one and prove it.

Conventions are KenLM's: logs to base 10, `<s>` stands for the boundary before a document and is never predicted, `</s>` for
the end, `<unk>` for the unknown word. Ids that have no probability are left out. Tokens of a tokenizer other than words are
written as tokenizer.json spells them, which has no blanks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import ContentError, disk_errors
from hornbook.core.types import Ids, Tokenizer
from hornbook.statistical.arpa_kernels import write_rows
from hornbook.statistical.interpolate import IMPOSSIBLE

if TYPE_CHECKING:
    from hornbook.statistical.ngram import NgramLM

UNKNOWN, START, END = "<unk>", "<s>", "</s>"
_BUFFER = 1 << 24
_BYTES_PER_ROW = 45  # on average, to ask the disk for room
TOLERANCE = 1e-5
"""Largest difference, in nats a token, that an export may show against its model."""


@runtime_checkable
class NamedTokens(Protocol):
    """A tokenizer that says how it spells each id."""

    def tokens(self, ids: Sequence[int] | Ids) -> list[str]:
        """One name an id, without blanks."""
        ...


def names_of(tokenizer: Tokenizer) -> list[str]:
    """The name of every id in an ARPA file. ContentError when the tokenizer cannot say."""
    if not isinstance(tokenizer, NamedTokens):
        raise ContentError("this tokenizer does not name its tokens: an ARPA file cannot be written")
    names = tokenizer.tokens(range(tokenizer.size))
    specials = tokenizer.specials
    for special, name in (("unknown", UNKNOWN), ("end", END)):
        if special in specials:
            names[specials[special]] = name
    return names


def write_arpa(model: NgramLM, path: Path | str) -> None:
    """Write a model as an ARPA file, whole or not at all.

    ContentError when two ids have one name or a name has a blank; DiskFullError.
    """
    path, trie = Path(path), model.trie_
    log_probs = trie.log_probs[: trie.rows[0]]
    possible = (trie.log_prob_table[0][log_probs] if trie.log_prob_table.size else log_probs) > IMPOSSIBLE + 1
    shown = possible.copy()
    shown[trie.vocabulary_size] = True
    names = [*names_of(model.tokenizer), START]
    _check_names([name for name, used in zip(names, shown) if used])
    rows = (int(shown.sum()), *trie.rows[1:])
    require_space(path.parent, sum(rows) * _BYTES_PER_ROW, what="ARPA file")
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors("ARPA file", path.parent):
        try:
            with open(temporary, "wb") as file:
                file.write(("\\data\\\n" + "".join(f"ngram {k}={n}\n" for k, n in enumerate(rows, start=1))).encode())
                for order in range(1, trie.order + 1):
                    file.write(f"\n\\{order}-grams:\n".encode())
                    for block in _blocks(model, order, names, shown):
                        file.write(block)
                file.write(b"\n\\end\\\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def export_arpa(model: NgramLM, path: Path | str, documents: Sequence[Ids]) -> float:
    """Write a model, read it back and score `documents` with both; the largest difference of a token, in nats.

    ContentError when the file does not give the model's scores; no file is left then.
    """
    from hornbook.statistical.arpa_read import read_arpa

    path = Path(path)
    write_arpa(model, path)
    try:
        again = read_arpa(path, tokenizer=model.tokenizer)
        pairs = [
            (model.score(ids, bos=True, base=np.e), again.score(ids, bos=True, base=np.e), len(ids) + 1) for ids in documents
        ]
        worst = max((abs(one - other) / tokens for one, other, tokens in pairs), default=0.0)
        if not worst <= TOLERANCE:
            raise ContentError(
                "{path}: the export differs from the model by {worst:.2g} nats a token, more than {limit:g}: it was removed",
                path=path,
                worst=worst,
                limit=TOLERANCE,
            )
    except ContentError:
        path.unlink(missing_ok=True)
        raise
    return worst


def _check_names(names: list[str]) -> None:
    wrong = next((name for name in names if not name or any(blank in name for blank in " \t\r\n\v\f")), None)
    if wrong is not None:
        raise ContentError("token {token!r} has a blank or no letter: an ARPA file cannot hold it", token=wrong)
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ContentError("two tokens are spelled {token!r}: an ARPA file cannot tell them apart", token=twice)


def _blocks(model: NgramLM, order: int, names: list[str], shown: NDArray[np.bool_]) -> Iterator[bytes]:
    """The lines of one order in pieces of some megabytes."""
    trie = model.trie_
    encoded = [name.encode() for name in names]
    name_starts = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(name) for name in encoded], out=name_starts[1:])
    blob = np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()
    margin = order * (int(np.diff(name_starts).max()) + 1) + 64
    buffer = np.empty(max(_BUFFER, margin), dtype=np.uint8)
    starts = trie.starts
    row, last, cursors = int(starts[order - 1]), int(starts[order]), starts[:order].copy()
    while row < last:
        arrays = trie.kernel_arrays()
        row, size = write_rows(order, row, last, cursors, shown, *arrays, blob, name_starts, margin, buffer)
        yield buffer[:size].tobytes()
