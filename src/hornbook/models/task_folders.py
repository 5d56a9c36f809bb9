"""What folders of networks with the head of a task share: the network below the head, and the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from hornbook.core.errors import ContentError
from hornbook.models import weights
from hornbook.models.huggingface import folder as foreign
from hornbook.models.masked import MaskedLM
from hornbook.models.neural import empty_module
from hornbook.models.saved import Kind


def without_head(model: Any) -> Any:
    """The network without what guesses hidden tokens and judges pairs: a tagger does not read them."""
    config: Any = getattr(model, "config", None)
    if not isinstance(model, MaskedLM) or not (
        config.head or getattr(config, "next_sentence", 0) or getattr(config, "pooler", 0)
    ):
        return model
    smaller = {key: False for key in ("head", "next_sentence", "pooler") if hasattr(config, key)}
    bare = MaskedLM(model.tokenizer, replace(config, vocabulary=model.vocabulary, **smaller))
    found = weights.own_tensors(model.module)
    targets = weights.own_tensors(bare.module)
    weights.fill(targets, {name: found[name] for name in targets}, where=Path("."))
    return bare


def open_under_head(folder: Path, kind: Kind, table: Mapping[str, Any], found: Mapping[str, Tensor]) -> MaskedLM:
    """The network of a folder of transformers from its tensors `found`, those of a task's head left out."""
    from hornbook.tokenizers import load_tokenizer

    layout = kind.layout
    assert layout is not None
    path = folder / weights.CONFIG
    config = kind.config(**layout.read_config(path, table, found.keys()))
    weights.check_size(folder, kind.parameters(config, config.vocabulary))
    module = empty_module(kind.module, config, path)
    foreign.fill(module, found, layout, path=folder / weights.WEIGHTS)
    return MaskedLM(load_tokenizer(folder), config, module)


def labels_of(path: Path, table: Mapping[str, Any]) -> list[str]:
    """The labels in config.json by their numbers."""
    named = table.get("id2label")
    if not isinstance(named, dict) or sorted(named) != sorted(map(str, range(len(named)))):
        raise damaged(path, "id2label is no table of numbers from 0")
    return [str(named[str(number)]) for number in range(len(named))]


def damaged(path: Path, what: str) -> ContentError:
    """The error for a file that says what no writer of ours wrote."""
    return ContentError("{path} is damaged: {error}. Restore the folder or train again.", path=path, error=what)
