"""RoBERTa and XLM-R: RobertaForMaskedLM, XLMRobertaForMaskedLM, and the encoders alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hornbook.core.errors import ContentError
from hornbook.models.huggingface.bert import named_as_bert, read_sizes, write_sizes
from hornbook.models.huggingface.folder import Layout, size

_HEAD = {
    "head.dense.weight": "lm_head.dense.weight",
    "head.dense.bias": "lm_head.dense.bias",
    "head.norm.weight": "lm_head.layer_norm.weight",
    "head.norm.bias": "lm_head.layer_norm.bias",
    "head.bias": "lm_head.bias",
    "head.weight": "lm_head.decoder.weight",
}


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    padding = size(path, table, "pad_token_id", 1, least=0)
    fields = read_sizes(path, table, names)
    context = fields["context"] - padding - 1  # positions begin behind the padding id
    if context < 2:
        raise ContentError(
            "{path}: {key} = {value} is not a size", path=path, key="max_position_embeddings", value=fields["context"]
        )
    head = any(name.startswith("lm_head.") for name in names)
    return {**fields, "context": context, "layout": table["model_type"], "padding": padding, "head": head}


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    family = "Roberta" if config.layout == "roberta" else "XLMRoberta"
    return {"architectures": [family + ("ForMaskedLM" if config.head else "Model")], **write_sizes(config, specials)}


def _named(module: nn.Module) -> dict[str, Tensor]:
    return named_as_bert(module, "roberta.", _HEAD, ("lm_head.bias", "lm_head.decoder.bias"))


def _layout(model_type: str) -> Layout:
    return Layout(
        model_type=model_type,
        prefix="roberta.",
        read_config=_read_config,
        write_config=_write_config,
        named=_named,
        tied={
            "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
            "lm_head.decoder.bias": "lm_head.bias",
        },
        heads={"head": ("lm_head.",)},
        counters=("embeddings.position_ids", "embeddings.token_type_ids"),
    )


ROBERTA = _layout("roberta")
XLM_ROBERTA = _layout("xlm-roberta")
