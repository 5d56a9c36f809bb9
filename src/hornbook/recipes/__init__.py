"""Recipes: data only. A recipe names a model, what it reads, and its default configurations by style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """How one kind of model is trained.

    `styles` maps a style ("classic", "modern"; the first is the default) to a configuration: a frozen dataclass with
    `model` and, for networks, `training`. `model` is the class to build, as 'module:Class' (called with the tokenizer and
    the model's configuration; for the others with the configuration alone). `reads`: 'tokens' for language models, 'words'
    for word vectors, 'segmented' text for segmenters, 'labelled' sentences for taggers. `batches`: 'blocks'
    shuffled, 'lanes' with carried state, None for models without gradient steps; of these one that `passes` over the text again
    and again until its time is over has `seconds` in its configuration.
    """

    name: str
    title: str  # as a person calls it
    generation: int  # 1 word vectors, 2 statistical, 3 recurrent, 4 Transformer
    model: str
    styles: Mapping[str, Any]
    batches: Literal["blocks", "lanes"] | None = None
    reads: Literal["tokens", "words", "segmented", "labelled"] = "tokens"
    passes: bool = False
