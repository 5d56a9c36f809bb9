"""What the layouts share: strict reading of config.json, tensors by their names, tied copies, writing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hornbook.core.errors import ContentError, nearest, translate
from hornbook.core.events import Note
from hornbook.models import weights

HARMLESS = frozenset(
    """model_type architectures bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id mask_token_id unk_token_id
    dtype torch_dtype transformers_version initializer_range use_cache task_specific_params problem_type id2label
    label2id num_labels return_dict output_hidden_states output_attentions output_past chunk_size_feed_forward
    is_encoder_decoder tokenizer_class prefix finetuning_task gradient_checkpointing _name_or_path max_length
    use_bfloat16 pruned_heads torchscript decoder_start_token_id classifier_dropout xla_device transformers.js_config
    is_llama_config""".split()  # noqa: SIM905
)
"""Keys of config.json that do not change what a network computes from ids."""
_LONGEST = 2**22  # positions a network may promise


@dataclass(frozen=True)
class Layout:
    """How transformers writes one kind of network.

    prefix: before the names of the body's tensors, missing where the body alone was saved.
    read_config: (path, config.json, names of the tensors) -> fields of our configuration.
    write_config: (our configuration, special tokens) -> config.json.
    named: our tensors under their names, as views, so that they can be filled and written.
    tied: name of a tensor that may be saved twice -> the one it is a copy of.
    heads: parts that a checkpoint may lack, by the field of our configuration -> what the names of their tensors begin with.
    counters: endings of tensors that are no weights.
    """

    model_type: str
    prefix: str
    read_config: Callable[[Path, Mapping[str, Any], Collection[str]], dict[str, Any]]
    write_config: Callable[[Any, Mapping[str, int]], dict[str, Any]]
    named: Callable[[nn.Module], dict[str, Tensor]]
    tied: Mapping[str, str]
    heads: Mapping[str, tuple[str, ...]]
    counters: tuple[str, ...] = ()


def check_keys(path: Path, table: Mapping[str, Any], sizes: Collection[str], meaning: Mapping[str, Sequence[Any]]) -> None:
    """ContentError for a key of config.json that is unknown, or whose value asks for a network that is not ours."""
    known = {*HARMLESS, *sizes, *meaning}
    for key, value in table.items():
        if key not in known:
            raise ContentError("{path}: unknown key '{key}'.{hint}", path=path, key=key, hint=nearest(key, known))
        if key in meaning and value not in meaning[key]:
            raise unsupported(path, key, value)


def unsupported(path: Path, key: str, value: object) -> ContentError:
    """The error for a value that our networks do not compute."""
    return ContentError("{path}: {key} = {value} is not supported", path=path, key=key, value=value)


def size(path: Path, table: Mapping[str, Any], key: str, default: int | None, *, least: int = 1) -> int:
    """A whole number of config.json; a missing or null one is `default`. ContentError when it is none or too small."""
    value = default if table.get(key) is None else table[key]
    most = _LONGEST if key in ("max_position_embeddings", "n_positions") else 2**31
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < most:
        raise ContentError("{path}: {key} = {value} is not a size", path=path, key=key, value=value)
    return value


def number(path: Path, table: Mapping[str, Any], key: str, default: float) -> float:
    """A finite number of config.json. ContentError when it is none."""
    value = default if table.get(key) is None else table[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e30:
        raise ContentError("{path}: {key} = {value} is not a number", path=path, key=key, value=value)
    return float(value)


def truth(path: Path, table: Mapping[str, Any], key: str, default: bool) -> bool:
    """A true or false of config.json. ContentError when it is neither."""
    value = default if table.get(key) is None else table[key]
    if not isinstance(value, bool):
        raise ContentError("{path}: {key} = {value} is not true or false", path=path, key=key, value=value)
    return value


def renamed(
    module: nn.Module,
    top: Mapping[str, str],
    block: Mapping[str, Sequence[str]],
    where: str,
    sizes: Mapping[str, Sequence[int]] | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """Our tensors under their names, as views.

    `top`: our name -> theirs. `block`: our part of a block -> the parts it is joined from, of equal height or of `sizes`.
    `where`: the place of a block among theirs, with {} for its number.
    """
    for name, tensor in weights.own_tensors(module).items():
        if name in top:
            yield top[name], tensor.detach()
            continue
        _, index, rest = name.split(".", 2)
        part, kind = rest.rsplit(".", 1)
        theirs = block[part]
        heights = (sizes or {}).get(part) or [len(tensor) // len(theirs)] * len(theirs)
        for their, piece in zip(theirs, torch.split(tensor.detach(), list(heights))):
            yield f"{where.format(index)}{their}.{kind}", piece


def fill(
    module: nn.Module, found: Mapping[str, Tensor], layout: Layout, *, path: Path, new: Collection[str] = ()
) -> weights.Loaded:
    """Copy a checkpoint into our network, strictly; a part in `new` (see `heads`) that it lacks stays as it was drawn."""
    targets = layout.named(module)
    named = _arrived(found, layout)
    for copy, original in layout.tied.items():
        if copy in named and copy not in targets:
            if original in named and not torch.equal(named[copy], named[original]):
                raise ContentError(
                    "{path}: the configuration ties {copy} to {original}, but they differ",
                    path=path,
                    copy=copy,
                    original=original,
                )
            named.setdefault(original, named[copy])
            del named[copy]
    notes = []
    for part in new:
        mine = {name for name in targets if name.startswith(layout.heads[part])}
        if mine and mine.isdisjoint(named):
            targets = {name: tensor for name, tensor in targets.items() if name not in mine}
            notes.append(Note(_begins_untrained(part).format(path=path)))
    weights.fill(targets, named, where=path)
    return weights.Loaded(len(found), len(found), tuple(notes))


def _begins_untrained(part: str) -> str:
    if part == "head":
        return translate("{path} has no head for masked tokens: a new one begins untrained")
    if part == "next_sentence":
        return translate("{path} has no next-sentence head: a new one begins untrained")
    return translate("{path} has no pooler: a new one begins untrained")


def _arrived(found: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Tensors under the names that transformers gives them today, without counters."""
    outside = (layout.prefix, *(prefix for prefixes in layout.heads.values() for prefix in prefixes))
    named = {}
    for name, tensor in found.items():
        if name.endswith(layout.counters):
            continue
        current = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))
        named[current if current.startswith(outside) else layout.prefix + current] = tensor
    return named


def write(
    folder: Path,
    layout: Layout,
    config: Any,
    module: nn.Module,
    specials: Mapping[str, int],
    *,
    head: Mapping[str, Tensor] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write config.json and model.safetensors as transformers reads them; with the tensors and the facts of a task's head."""
    tensors = {**layout.named(module), **(head or {})}
    table = {
        **layout.write_config(config, specials),
        "model_type": layout.model_type,
        "vocab_size": config.vocabulary,
        "tie_word_embeddings": config.tied,
        "dtype": str(next(iter(tensors.values())).dtype).removeprefix("torch."),
        **(facts or {}),
    }
    weights.write_json(table, folder / weights.CONFIG)
    weights.write_weights(tensors, folder)


def special_ids(specials: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    """Key of config.json -> id, for the special tokens that there are; `names`: key -> special token."""
    return {key: specials[name] for key, name in names.items() if name in specials}
