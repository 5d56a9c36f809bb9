"""Train classifiers of texts on labelled texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.api.texts import Log, require, silent
from hornbook.api.training import configured
from hornbook.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from hornbook.corpus.document import ReadConfig
    from hornbook.corpus.label_columns import TextColumns


def train_classifier(
    data: str | Path,
    output: str | Path,
    *,
    method: str = "linear",
    columns: TextColumns | None = None,
    dev: str | Path | None = None,
    split: float = 0.1,
    overrides: Mapping[str, Any] | None = None,
    read: ReadConfig | None = None,
    log: Log = silent,
) -> dict[str, Any]:
    """Train a classifier of texts ("linear" or "bayes") and write its folder; returns what `train linear --json` prints.

    `data`: JSON lines, TSV, CSV, fastText's lines or Parquet, a folder of them (train*, dev*, test*), or a folder with a folder
    a label. `columns` says where texts and labels stand (guessed and logged by default). Accuracy and macro-F1 are of `dev`, by
    default of a share of `split`, which is not learned from.
    """
    require([data] if dev is None else [data, dev])
    from hornbook.corpus.label_columns import TextColumns
    from hornbook.recipes.texts import CLASSIFIERS
    from hornbook.tasks import texts

    if method not in CLASSIFIERS:
        raise UsageError("unknown method '{name}'.{hint}", name=method, hint=nearest(method, CLASSIFIERS))
    return texts.train_classifier(
        CLASSIFIERS[method],
        configured(CLASSIFIERS[method], "", overrides or {}),
        Path(data),
        Path(output),
        columns=columns or TextColumns(),
        dev=None if dev is None else Path(dev),
        split=split,
        read=read,
        log=log,
    )
