"""Folders of networks that come in several layouts: the one that config.json names is opened, ours or a foreign one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from hornbook.core.errors import UsageError
from hornbook.core.types import Tokenizer
from hornbook.models import weights
from hornbook.models.huggingface import folder as foreign
from hornbook.models.neural import check_model_type, empty_module, read_own_config, sizes_of, write_own


@dataclass(frozen=True)
class Kind:
    """One layout of a network: how it is configured, built and counted, and how transformers writes it (None: it does not)."""

    model_type: str
    config: type[Any]
    module: Callable[[Any, int], nn.Module]
    parameters: Callable[[Any, int], int]
    layout: foreign.Layout | None = None


@dataclass(frozen=True)
class Opened:
    """What a folder held."""

    tokenizer: Tokenizer
    config: Any
    module: Any
    loaded: weights.Loaded


def open_folder(folder: Path, kinds: Sequence[Kind], *, parts: Sequence[str] = (), new: bool = False) -> Opened:
    """Read a folder strictly. `parts`: fields of the configuration that must be true, though the checkpoint may lack them; then
    they begin untrained if `new` allows it.
    """
    from hornbook.tokenizers import load_tokenizer

    path = folder / weights.CONFIG
    table = weights.read_json(path)
    check_model_type(path, table, [kind.model_type for kind in kinds])
    kind = next(kind for kind in kinds if kind.model_type == table["model_type"])
    if kind.layout is None:
        config = read_own_config(folder, kind.model_type, kind.config)
    else:
        config = kind.config(**kind.layout.read_config(path, table, weights.tensor_names(folder)))
    with sizes_of(path):
        expected = kind.parameters(config, config.vocabulary)
    weights.check_size(folder, expected)
    config = _with_parts(config, kind, parts, path)
    module = empty_module(kind.module, config, path)
    found = weights.read_weights(folder)
    if kind.layout is None:
        count = weights.fill(weights.own_tensors(module), found, where=folder / weights.WEIGHTS)
        loaded = weights.Loaded(count, len(found))
    else:
        loaded = foreign.fill(module, found, kind.layout, path=folder / weights.WEIGHTS, new=parts if new else ())
    return Opened(load_tokenizer(folder), config, module, loaded)


def _with_parts(config: Any, kind: Kind, parts: Sequence[str], path: Path) -> Any:
    """The configuration with the parts asked for; UsageError for one that the layout does not have."""
    for part in parts:
        if kind.layout is None or part not in kind.layout.heads:
            raise UsageError("{path}: model_type '{kind}' has no {part}", path=path, kind=kind.model_type, part=part)
    return replace(config, **dict.fromkeys(parts, True))


def save_folder(
    folder: Path, kind: Kind, config: Any, module: nn.Module, tokenizer: Tokenizer, *, specials: Mapping[str, int]
) -> None:
    """Write config, weights and tokenizer into an existing folder; `specials`: ids that a foreign config.json names."""
    if kind.layout is None:
        write_own(folder, kind.model_type, config, config.vocabulary, module, tokenizer)
        return
    foreign.write(folder, kind.layout, config, module, specials)
    tokenizer.save_pretrained(folder)
