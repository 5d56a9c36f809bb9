"""Train segmenters and taggers on labelled sentences, and cut texts into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hornbook.api.opening import load
from hornbook.api.texts import Log, silent
from hornbook.api.training import configured
from hornbook.core.errors import UsageError, nearest


def train_segmenter(
    data: str | Path,
    output: str | Path,
    *,
    dev: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    log: Log = silent,
) -> dict[str, Any]:
    """Train a Chinese word segmenter and write its folder; returns what `hornbook train segmenter --json` prints.

    `data`: a sentence a line with blanks between words, or CoNLL-U. F1 is of `dev`, by default of the last tenth, which is not
    learned from.
    """
    given = _files(data, dev)
    from hornbook.recipes.sequences import SEGMENTER
    from hornbook.tasks import sequences

    config = configured(SEGMENTER, "", overrides or {})
    return sequences.train_segmenter(SEGMENTER, config, given[0], Path(output), dev=given[1], log=log)


def train_tagger(
    data: str | Path,
    output: str | Path,
    *,
    method: str = "hmm",
    column: str = "auto",
    dev: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    log: Log = silent,
) -> dict[str, Any]:
    """Train a tagger ("hmm" or "crf") and write its folder; returns what `hornbook train tagger --json` prints.

    `data`: CoNLL (a token a line, the label in `column`, the last by default) or CoNLL-U (upos by default). Accuracy is of
    `dev`, by default of the last tenth, which is not learned from.
    """
    given = _files(data, dev)
    from hornbook.recipes.sequences import TAGGERS
    from hornbook.tasks import sequences

    if method not in TAGGERS:
        raise UsageError("unknown method '{name}'.{hint}", name=method, hint=nearest(method, TAGGERS))
    config = configured(TAGGERS[method], "", overrides or {})
    return sequences.train_tagger(TAGGERS[method], config, given[0], Path(output), column=column, dev=given[1], log=log)


def _files(data: str | Path, dev: str | Path | None) -> tuple[Path, Path | None]:
    """Both as paths; UsageError where one is no file, before anything heavy loads."""
    from hornbook.corpus.labelled import require_file

    for path in (data, dev):
        if path is not None:
            require_file(Path(path))
    return Path(data), None if dev is None else Path(dev)


def segment(
    model: str | Path,
    texts: Iterable[str],
    *,
    dictionary: str | Path | None = None,
    together: int = 1_000,
    log: Log = silent,
) -> Iterator[list[str]]:
    """The words of every text by a saved segmenter, white space left out.

    `dictionary`: a file of the user's own words, one a line; what was used of it and what not is logged. `together` texts are
    cut in one call.
    """
    from hornbook.corpus.labelled import require_file
    from hornbook.tasks import sequences

    if dictionary is not None:
        require_file(Path(dictionary))
    segmenter = load(model)
    if not sequences.is_segmenter(segmenter):
        raise UsageError("{folder} is not a word segmenter but {kind}", folder=model, kind=type(segmenter).__name__)
    if dictionary is not None:
        segmenter.add_dictionary(Path(dictionary), log=log)
    return sequences.segment_texts(segmenter, texts, together=together)
