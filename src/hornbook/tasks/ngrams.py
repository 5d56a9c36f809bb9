"""N-gram models as files of other programs (ARPA): open one, write one that is proved to score as its model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.compression import chunks

if TYPE_CHECKING:
    from hornbook.core.types import Ids, Tokenizer
    from hornbook.statistical.ngram import NgramLM

_DOCUMENTS, _TOKENS = 16, 24  # sampled from a model, to compare it with its export


def is_arpa(path: str | Path) -> bool:
    """Whether a path names an ARPA file: .arpa or .arpa.gz, and no folder."""
    return str(path).lower().endswith((".arpa", ".arpa.gz")) and not Path(path).is_dir()


def open_arpa(path: str | Path) -> NgramLM:
    """The n-gram model in an ARPA file, gzip or not. UsageError for a missing file, ContentError for a malformed one."""
    path = Path(path)
    if not path.is_file():
        raise UsageError("{path} does not exist", path=path)
    from hornbook.statistical.arpa_read import read_arpa

    if path.suffix.lower() != ".gz":
        return read_arpa(path)
    with tempfile.TemporaryDirectory(prefix="hornbook-") as scratch:
        plain = Path(scratch) / path.stem
        with open(plain, "wb") as file:
            for piece in chunks(path, "gzip", name=str(path), position=lambda done: None):
                file.write(piece)
        return read_arpa(plain)


def require_ngram(model: Any, where: object) -> NgramLM:
    """`model` itself; UsageError when it is no n-gram model."""
    from hornbook.statistical.ngram import NgramLM

    if not isinstance(model, NgramLM):
        raise UsageError("{folder} is not an n-gram model but {kind}", folder=where, kind=type(model).__name__)
    return model


def arpa_facts(path: Path) -> dict[str, Any]:
    """What an ARPA file holds, as `hornbook info` shows it."""
    model = open_arpa(path)
    rows = model.trie_.rows
    return {
        "file": str(path),
        "model_type": "arpa",
        "order": len(rows),
        "ngrams": {str(order): count for order, count in enumerate(rows, start=1)},
        "parameters": model.parameters,
        "size_mb": os.path.getsize(path) / 1e6,
    }


def export_arpa(model: NgramLM, path: Path, *, log: Callable[[Event], None]) -> dict[str, Any]:
    """Write an ARPA file, read it back and compare scores on texts that the model makes up; file, orders, size, difference."""
    from hornbook.statistical.arpa import export_arpa as write_and_compare

    kind = getattr(model.tokenizer, "kind", "")
    if kind != "words-closed":
        text = translate(
            "the n-grams are of tokens of the {kind} tokenizer, spelled as in its tokenizer.json: to score text with the file, "
            "cut it by that tokenizer first"
        )
        log(Note(text.format(kind=kind)))
    worst = write_and_compare(model, path, _sample(model))
    return {
        "file": str(path),
        "format": "arpa",
        "order": model.trie_.order,
        "ngrams": sum(model.trie_.rows),
        "largest_difference_nats": worst,
        "size_mb": path.stat().st_size / 1e6,
    }


def warn_of_unknown(tokenizer: Tokenizer, tokens: Ids, *, log: Callable[[Event], None]) -> None:
    """An alarm when so much of a text is unknown that a perplexity says little of the model."""
    from hornbook.statistical.listing import unknown_id
    from hornbook.tokenizers.report import FLOODED_UNKNOWN

    unknown = unknown_id(tokenizer)
    share = 0.0 if unknown is None or not tokens.size else float(np.count_nonzero(tokens == unknown) / tokens.size)
    if share > FLOODED_UNKNOWN:
        text = translate("{share:.0%} of the tokens of the text are unknown to the model: its perplexity says little")
        log(Alarm(text.format(share=share), translate("give text that is cut into words as the model's own text was")))


def _sample(model: NgramLM) -> list[Ids]:
    """(documents) of ids drawn from the model, always the same."""
    generator = np.random.default_rng(1)
    scores, state = model.start([np.zeros(0, np.int64)] * _DOCUMENTS)
    drawn = []
    for _ in range(_TOKENS):
        noise = generator.gumbel(size=scores.shape)
        ids = (scores + noise).argmax(axis=1)
        drawn.append(ids)
        scores, state = model.step(state, ids)
    return list(np.stack(drawn, axis=1))
