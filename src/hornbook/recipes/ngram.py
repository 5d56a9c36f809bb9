"""N-gram models: the unigram every language model must beat, and the 5-gram that is hard to beat on little data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.recipes import Recipe
from hornbook.statistical import NgramConfig


@dataclass(frozen=True)
class NgramRecipe:
    """Configuration of an n-gram model."""

    model: NgramConfig = field(default_factory=NgramConfig)


UNIGRAM = Recipe(
    name="unigram",
    title="Unigram",
    generation=2,
    model="hornbook.statistical:NgramLM",
    styles=MappingProxyType({"classic": NgramRecipe(NgramConfig(order=1))}),
)
NGRAM = Recipe(
    name="ngram",
    title="5-gram, modified Kneser-Ney",
    generation=2,
    model="hornbook.statistical:NgramLM",
    styles=MappingProxyType({"classic": NgramRecipe(NgramConfig(order=5))}),
)
