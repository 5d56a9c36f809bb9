"""Recipes: data only. A recipe names a model, what it reads, and its default configurations by style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """How one kind of model is trained.

    `styles` maps a style ("classic", "modern"; the first is the default) to a configuration: a frozen dataclass with `model`
    and, for networks, `training`. `model` is the class to build, as 'module:Class' (called with the tokenizer and the model's
    configuration; for the others with the configuration alone). `reads`: 'tokens' for language models, 'words' for word
    vectors, 'segmented' text for segmenters, 'labelled' sentences for taggers, labelled 'texts' for classifiers. `batches`:
    'blocks' shuffled, 'lanes' with carried state, 'masked' rows whose hidden tokens are guessed (the configuration then says
    how, in `masking` and `pairs`), None for models without gradient steps; of these one that `passes` over the text again and
    again until its time is over has `seconds` in its configuration. `tokenizer`: the kind it is trained with when none is
    given. `ablation`: name of a variant -> what it changes of the configuration (and "tokenizer"), the first the base of the
    comparison.
    """

    name: str
    title: str  # as a person calls it
    generation: int  # 1 word vectors, 2 statistical, 3 recurrent, 4 Transformer
    model: str
    styles: Mapping[str, Any]
    batches: Literal["blocks", "lanes", "masked"] | None = None
    reads: Literal["tokens", "words", "segmented", "labelled", "texts"] = "tokens"
    passes: bool = False
    tokenizer: str = "bpe"
    ablation: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
