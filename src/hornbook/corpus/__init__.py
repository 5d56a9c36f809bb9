"""Text to token ids on disk: read, clean, deduplicate, split, report, encode, batch. Imports no torch.

The public names are loaded when they are first asked for, so that naming one does not load numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "BlockBatches": "batches",
    "Cleaner": "clean",
    "CorpusConfig": "prepare",
    "CorpusReport": "report",
    "Deduplicator": "dedup",
    "Document": "document",
    "LaneBatches": "batches",
    "ReadConfig": "document",
    "Reader": "read",
    "Shards": "shards",
    "SplitConfig": "split",
    "TextStore": "store",
    "TextStoreWriter": "store",
    "demo_documents": "demo",
    "encode_store": "shards",
    "prepare_corpus": "prepare",
    "prepare_documents": "prepare",
    "preview_corpus": "prepare",
    "read_documents": "read",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
