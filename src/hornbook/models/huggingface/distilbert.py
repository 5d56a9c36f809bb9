"""DistilBERT: DistilBertForMaskedLM, DistilBertModel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hornbook.layers.attention import head_count
from hornbook.models.huggingface.folder import Layout, check_keys, number, renamed, size, truth

_TOP = {
    "embedding.weight": "distilbert.embeddings.word_embeddings.weight",
    "positions.weight": "distilbert.embeddings.position_embeddings.weight",
    "norm.weight": "distilbert.embeddings.LayerNorm.weight",
    "norm.bias": "distilbert.embeddings.LayerNorm.bias",
    "head.dense.weight": "vocab_transform.weight",
    "head.dense.bias": "vocab_transform.bias",
    "head.norm.weight": "vocab_layer_norm.weight",
    "head.norm.bias": "vocab_layer_norm.bias",
    "head.bias": "vocab_projector.bias",
    "head.weight": "vocab_projector.weight",
}
_BLOCK = {
    "attention.query_key_value": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    "attention.output": ("attention.out_lin",),
    "attention_norm": ("sa_layer_norm",),
    "feedforward.expand": ("ffn.lin1",),
    "feedforward.contract": ("ffn.lin2",),
    "feedforward_norm": ("output_layer_norm",),
}
_MEANING = {"activation": ("gelu", "gelu_new", "gelu_pytorch_tanh")}
_KEYS = set(
    """vocab_size dim n_layers n_heads hidden_dim max_position_embeddings tie_word_embeddings tie_weights_ dropout
    attention_dropout qa_dropout seq_classif_dropout sinusoidal_pos_embds""".split()  # noqa: SIM905
)


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    check_keys(path, table, _KEYS, _MEANING)  # sinusoidal positions are saved as a table like any other
    return {
        "vocabulary": size(path, table, "vocab_size", 30522),
        "context": size(path, table, "max_position_embeddings", 512),
        "width": size(path, table, "dim", 768),
        "layers": size(path, table, "n_layers", 6),
        "heads": size(path, table, "n_heads", 12),
        "inner": size(path, table, "hidden_dim", 3072),
        "types": 0,
        "dropout": number(path, table, "dropout", 0.1),
        "epsilon": 1e-12,
        "tied": truth(path, table, "tie_word_embeddings", True),
        "activation": "gelu" if table.get("activation", "gelu") == "gelu" else "gelu_new",
        "layout": "distilbert",
        "padding": size(path, table, "pad_token_id", 0, least=0),
        "head": any(name.startswith("vocab_") for name in names),
    }


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["DistilBertForMaskedLM" if config.head else "DistilBertModel"],
        "max_position_embeddings": config.context,
        "dim": config.width,
        "n_layers": config.layers,
        "n_heads": head_count(config.width, config.heads),
        "hidden_dim": config.inner or 4 * config.width,
        "activation": config.activation,
        "dropout": config.dropout,
        "attention_dropout": config.dropout,
        "pad_token_id": config.padding,
    }


def _named(module: nn.Module) -> dict[str, Tensor]:
    return dict(renamed(module, _TOP, _BLOCK, "distilbert.transformer.layer.{}."))


DISTILBERT = Layout(
    model_type="distilbert",
    prefix="distilbert.",
    read_config=_read_config,
    write_config=_write_config,
    named=_named,
    tied={"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"},
    heads={"head": ("vocab_",)},
    counters=("embeddings.position_ids",),
)
