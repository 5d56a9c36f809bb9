"""Open saved things and say what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.api.texts import Log, silent
from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError

_CONFIG = "config.json"


def load(folder: str | Path, *, verify: bool = True) -> Any:
    """Open a model: a folder that hornbook wrote (checked against its manifest), one of GPT-2 in Hugging Face layout, or a file
    of an n-gram model (.arpa, .arpa.gz).

    Raises UsageError for a path that is no model, ContentError in one line for a damaged one.
    """
    from hornbook.tasks import ngrams

    folder = Path(folder)
    if ngrams.is_arpa(folder):
        return ngrams.open_arpa(folder)
    artifact.recover(folder)
    if not folder.exists():
        raise UsageError("{folder} does not exist", folder=folder)
    if not (folder / _CONFIG).is_file():
        raise UsageError("{folder} is not a model folder: it has no {name}", folder=folder, name=_CONFIG)
    if verify and (folder / artifact.MANIFEST).is_file():
        artifact.verify(folder)
    try:
        table = dict(json.loads((folder / _CONFIG).read_text("utf-8")))
        table["model_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ContentError("{path} is not the configuration of a model: {error}", path=folder / _CONFIG, error=error) from None
    return catalog.class_of(table, where=folder).load(folder)


def open_any(path: str | Path, *, log: Log = silent) -> Any:
    """`load`, and files of word vectors of other programs."""
    from hornbook.tasks import ngrams, vectors

    return vectors.open_vectors(path, log=log) if Path(path).is_file() and not ngrams.is_arpa(path) else load(path)


def open_language_model(folder: str | Path) -> Any:
    """`load` for a model that must give probabilities to texts; UsageError when it does not."""
    return language_model(load(folder), folder)


def language_model(opened: Any, where: str | Path) -> Any:
    """`opened` itself; UsageError when it gives no probabilities to texts."""
    if not hasattr(opened, "log_probs"):
        raise UsageError("{folder} is not a language model but {kind}", folder=where, kind=type(opened).__name__)
    return opened


def info(folder: str | Path) -> dict[str, Any]:
    """What a saved folder is: kind, configuration, cost, metrics; the manifest is checked. Or what an ARPA file holds."""
    from hornbook.tasks import ngrams

    folder = Path(folder)
    if ngrams.is_arpa(folder):
        return ngrams.arpa_facts(folder)
    artifact.verify(folder)
    facts: dict[str, Any] = {"folder": str(folder)}
    for name in (_CONFIG, "run.json", "index.json"):
        if (folder / name).is_file():
            content = json.loads((folder / name).read_text("utf-8"))
            facts |= {"model_type" if name == _CONFIG and key == "model_type" else key: value for key, value in content.items()}
    manifest = json.loads((folder / artifact.MANIFEST).read_text("utf-8"))["files"]
    facts["files"] = {name: entry["bytes"] for name, entry in manifest.items()}
    facts["size_mb"] = sum(facts["files"].values()) / 1e6
    return facts
