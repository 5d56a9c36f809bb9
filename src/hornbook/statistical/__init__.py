"""Statistical language models: smoothed n-grams. Imports no torch; numba only where a model is trained or queried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.statistical.ngram import NgramConfig, NgramLM, NgramState, memory_needed

__all__ = ["NgramConfig", "NgramLM", "NgramState", "memory_needed"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hornbook.statistical import ngram

    return getattr(ngram, name)
