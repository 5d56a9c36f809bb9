"""The hidden Markov model as a language model: hidden states in place of the words before."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.recipes import Recipe
from hornbook.statistical.hmm import HmmConfig


@dataclass(frozen=True)
class HmmRecipe:
    """Configuration of a hidden Markov model; `seconds` ends Baum-Welch before its iterations do, 0 never."""

    model: HmmConfig = field(default_factory=HmmConfig)
    seconds: float = 0.0


HMM = Recipe(
    name="hmm",
    title="Hidden Markov model",
    generation=2,
    model="hornbook.statistical.hmm:HmmLM",
    styles=MappingProxyType({"classic": HmmRecipe()}),
    passes=True,
)
