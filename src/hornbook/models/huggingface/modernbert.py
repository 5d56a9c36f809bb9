"""ModernBERT: ModernBertForMaskedLM, ModernBertModel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hornbook.layers.attention import head_count
from hornbook.layers.feedforward import gated_inner
from hornbook.models.huggingface.folder import (
    Layout,
    check_keys,
    number,
    renamed,
    size,
    special_ids,
    truth,
    unsupported,
)

_TOP = {
    "embedding.weight": "model.embeddings.tok_embeddings.weight",
    "embedding_norm.weight": "model.embeddings.norm.weight",
    "norm.weight": "model.final_norm.weight",
    "head.dense.weight": "head.dense.weight",
    "head.norm.weight": "head.norm.weight",
    "head.bias": "decoder.bias",
    "head.weight": "decoder.weight",
}
_BLOCK = {
    "attention_norm": ("attn_norm",),
    "attention.query_key_value": ("attn.Wqkv",),
    "attention.output": ("attn.Wo",),
    "feedforward_norm": ("mlp_norm",),
    "feedforward.expand": ("mlp.Wi",),
    "feedforward.contract": ("mlp.Wo",),
}
_MEANING = {  # key -> the values under which our network computes the same
    "hidden_activation": ("gelu",),
    "classifier_activation": ("gelu",),
    "norm_bias": (False,),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "decoder_bias": (True,),
    "classifier_bias": (False,),
    "position_embedding_type": ("absolute", "rope"),
    "rope_scaling": (None,),
}
_KEYS = set(
    """vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads max_position_embeddings norm_eps
    layer_norm_eps local_attention global_attn_every_n_layers layer_types global_rope_theta local_rope_theta rope_parameters
    tie_word_embeddings initializer_cutoff_factor attention_dropout embedding_dropout mlp_dropout classifier_pooling
    deterministic_flash_attn reference_compile repad_logits_with_grad sparse_prediction
    sparse_pred_ignore_index""".split()  # noqa: SIM905
)


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    check_keys(path, table, _KEYS, _MEANING)
    layers = size(path, table, "num_hidden_layers", 22)
    return {
        "vocabulary": size(path, table, "vocab_size", 50368),
        "context": size(path, table, "max_position_embeddings", 8192),
        "width": size(path, table, "hidden_size", 768),
        "layers": layers,
        "heads": size(path, table, "num_attention_heads", 12),
        "inner": size(path, table, "intermediate_size", 1152),
        "dropout": number(path, table, "mlp_dropout", 0.0),
        "epsilon": number(path, table, "norm_eps", 1e-5),
        "neighbourhood": size(path, table, "local_attention", 128),
        "global_every": _global_every(path, table, layers),
        "global_base": _base(path, table, "full_attention", "global_rope_theta", 160000.0),
        "local_base": _base(path, table, "sliding_attention", "local_rope_theta", 10000.0),
        "tied": truth(path, table, "tie_word_embeddings", True),
        "head": any(name.startswith(("head.", "decoder.")) for name in names),
    }


def _global_every(path: Path, table: Mapping[str, Any], layers: int) -> int:
    """How often a layer attends to everything, from a number or from the list of layers."""
    types = table.get("layer_types")
    if types is None:
        return size(path, table, "global_attn_every_n_layers", 3)
    if not isinstance(types, list) or len(types) != layers:
        raise unsupported(path, "layer_types", types)
    later = [index for index, kind in enumerate(types) if kind == "full_attention" and index]
    every = later[0] if later else layers
    if types != ["sliding_attention" if index % every else "full_attention" for index in range(layers)]:
        raise unsupported(path, "layer_types", types)
    return every


def _base(path: Path, table: Mapping[str, Any], kind: str, old_key: str, default: float) -> float:
    """Base of the angles of one kind of layer, from today's rope_parameters or yesterday's key."""
    rope = table.get("rope_parameters") or {}
    part = rope.get(kind) or {} if isinstance(rope, Mapping) else None
    plain = isinstance(part, Mapping) and part.get("rope_type", "default") == "default"
    if not plain or part.keys() - {"rope_type", "rope_theta"}:  # type: ignore[union-attr]
        raise unsupported(path, "rope_parameters", rope)
    base = number(path, part if "rope_theta" in part else table, "rope_theta" if "rope_theta" in part else old_key, default)  # type: ignore[operator, arg-type]
    if base <= 0:
        raise unsupported(path, old_key, base)
    return base


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    every = config.global_every
    return {
        "architectures": ["ModernBertForMaskedLM" if config.head else "ModernBertModel"],
        "max_position_embeddings": config.context,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": head_count(config.width, config.heads),
        "intermediate_size": gated_inner(config.width, config.inner),
        "norm_eps": config.epsilon,
        "local_attention": config.neighbourhood,
        "global_attn_every_n_layers": every,
        "layer_types": ["sliding_attention" if index % every else "full_attention" for index in range(config.layers)],
        "global_rope_theta": config.global_base,
        "local_rope_theta": config.local_base,
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": config.global_base},
            "sliding_attention": {"rope_type": "default", "rope_theta": config.local_base},
        },
        "mlp_dropout": config.dropout,
        "embedding_dropout": config.dropout,
        "attention_dropout": config.dropout,
        "decoder_bias": True,
        **special_ids(
            specials,
            {
                "pad_token_id": "pad",
                "bos_token_id": "start",
                "cls_token_id": "start",
                "eos_token_id": "end",
                "sep_token_id": "separator",
            },
        ),
    }


def _named(module: nn.Module) -> dict[str, Tensor]:
    return dict(renamed(module, _TOP, _BLOCK, "model.layers.{}."))


MODERNBERT = Layout(
    model_type="modernbert",
    prefix="model.",
    read_config=_read_config,
    write_config=_write_config,
    named=_named,
    tied={"decoder.weight": "model.embeddings.tok_embeddings.weight"},
    heads={"head": ("head.", "decoder.")},
)
