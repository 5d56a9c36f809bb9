"""Chinese for every sentence an error can be; each room keeps its own table beside this one."""

from __future__ import annotations

import importlib
from typing import Final

_ROOMS: Final = (
    "core",
    "tokenizers",
    "corpus_read",
    "corpus_shards",
    "corpus_masks",
    "embeddings_training",
    "embeddings_vectors",
    "embeddings_words",
    "embeddings_glove",
    "vectors_cli",
    "statistical",
    "sequences",
    "hmm",
    "labels",
    "texts",
    "linear",
    "crf",
    "models",
    "training",
    "scoring",
    "fill",
    "extend",
    "encoders",
    "report",
    "race",
    "tagging",
    "finetune",
    "pipelines",
    "judging",
    "cli",
)


def _gather() -> dict[str, str]:
    messages: dict[str, str] = {}
    for room in _ROOMS:
        messages.update(importlib.import_module(f"hornbook.core.zh_{room}").MESSAGES)
    return messages


MESSAGES: Final[dict[str, str]] = _gather()
