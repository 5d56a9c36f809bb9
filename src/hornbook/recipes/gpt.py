"""GPT: a modern recipe for small budgets, and the classic GPT-2 layout that other libraries open."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from hornbook.models.gpt import GptConfig
from hornbook.models.gpt_modern import ModernGptConfig
from hornbook.models.llama import LlamaConfig
from hornbook.recipes import Recipe
from hornbook.training import TrainingConfig


@dataclass(frozen=True)
class ModernGptRecipe:
    """Configuration of a modern GPT."""

    model: ModernGptConfig = field(default_factory=ModernGptConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@dataclass(frozen=True)
class GptRecipe:
    """Configuration of a classic GPT-2."""

    model: GptConfig = field(default_factory=GptConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@dataclass(frozen=True)
class LlamaRecipe:
    """Configuration of a GPT in the layout of Llama."""

    model: LlamaConfig = field(default_factory=LlamaConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


_MODERN = TrainingConfig(optimizer="muon", learning_rate=6e-3, tuned_width=256)

GPT = Recipe(
    name="gpt",
    title="GPT",
    generation=4,
    model="hornbook.models.gpt:GptLM",
    styles=MappingProxyType(
        {
            "modern": ModernGptRecipe(ModernGptConfig(), _MODERN),
            "classic": GptRecipe(GptConfig(), TrainingConfig(optimizer="adamw")),
            "llama": LlamaRecipe(LlamaConfig(), _MODERN),  # modern training in a layout that other libraries open
        }
    ),
    batches="blocks",
)
