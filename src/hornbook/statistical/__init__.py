"""Statistical language models: smoothed n-grams. Imports no torch; numba only where a model is trained or queried."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.statistical.arpa import export_arpa, write_arpa
    from hornbook.statistical.arpa_read import read_arpa
    from hornbook.statistical.cache import CacheLM
    from hornbook.statistical.classes import ClassConfig, ClassLM
    from hornbook.statistical.domain import cross_entropy_differences, domain_filter
    from hornbook.statistical.listing import count, next_words, perplexity
    from hornbook.statistical.mixture import MixtureLM
    from hornbook.statistical.ngram import NgramConfig, NgramLM, NgramState, memory_needed

__all__ = [
    "CacheLM",
    "ClassConfig",
    "ClassLM",
    "MixtureLM",
    "NgramConfig",
    "NgramLM",
    "NgramState",
    "count",
    "cross_entropy_differences",
    "domain_filter",
    "export_arpa",
    "memory_needed",
    "next_words",
    "perplexity",
    "read_arpa",
    "write_arpa",
]
_PLACES = {
    "CacheLM": "cache",
    "ClassConfig": "classes",
    "ClassLM": "classes",
    "MixtureLM": "mixture",
    "count": "listing",
    "cross_entropy_differences": "domain",
    "domain_filter": "domain",
    "export_arpa": "arpa",
    "next_words": "listing",
    "perplexity": "listing",
    "read_arpa": "arpa_read",
    "write_arpa": "arpa",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"hornbook.statistical.{_PLACES.get(name, 'ngram')}"), name)
