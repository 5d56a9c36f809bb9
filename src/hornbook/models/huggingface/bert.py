"""BERT: BertForMaskedLM, BertForPreTraining (with the next-sentence head), BertModel (no head). MiniLM is one of these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hornbook.layers.attention import head_count
from hornbook.models.huggingface.folder import Layout, check_keys, number, renamed, size, special_ids, truth

_TOP = {
    "embedding.weight": "embeddings.word_embeddings.weight",
    "positions.weight": "embeddings.position_embeddings.weight",
    "types.weight": "embeddings.token_type_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
    "pooler.weight": "pooler.dense.weight",
    "pooler.bias": "pooler.dense.bias",
}
_HEAD = {
    "head.dense.weight": "cls.predictions.transform.dense.weight",
    "head.dense.bias": "cls.predictions.transform.dense.bias",
    "head.norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "head.norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "head.bias": "cls.predictions.bias",
    "head.weight": "cls.predictions.decoder.weight",
    "following.weight": "cls.seq_relationship.weight",
    "following.bias": "cls.seq_relationship.bias",
}
_BLOCK = {
    "attention.query_key_value": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention.output": ("attention.output.dense",),
    "attention_norm": ("attention.output.LayerNorm",),
    "feedforward.expand": ("intermediate.dense",),
    "feedforward.contract": ("output.dense",),
    "feedforward_norm": ("output.LayerNorm",),
}
_MEANING = {  # key -> the values under which our network computes the same
    "hidden_act": ("gelu", "gelu_new", "gelu_pytorch_tanh"),
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "add_cross_attention": (False,),
}
_KEYS = set(
    """vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size max_position_embeddings type_vocab_size
    layer_norm_eps tie_word_embeddings hidden_dropout_prob attention_probs_dropout_prob directionality pooler_fc_size
    pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type""".split()  # noqa: SIM905
)


def read_sizes(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Fields that BERT and RoBERTa read alike; whether there is a pooler, the tensors say."""
    check_keys(path, table, _KEYS, _MEANING)
    return {
        "vocabulary": size(path, table, "vocab_size", 30522),
        "context": size(path, table, "max_position_embeddings", 512),
        "width": size(path, table, "hidden_size", 768),
        "layers": size(path, table, "num_hidden_layers", 12),
        "heads": size(path, table, "num_attention_heads", 12),
        "inner": size(path, table, "intermediate_size", 3072),
        "types": size(path, table, "type_vocab_size", 2),
        "dropout": number(path, table, "hidden_dropout_prob", 0.1),
        "epsilon": number(path, table, "layer_norm_eps", 1e-12),
        "tied": truth(path, table, "tie_word_embeddings", True),
        "activation": "gelu" if table.get("hidden_act", "gelu") == "gelu" else "gelu_new",
        "pooler": any(name.endswith("pooler.dense.weight") for name in names),
    }


def write_sizes(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    """Keys that BERT and RoBERTa write alike."""
    return {
        "max_position_embeddings": config.offset + config.context,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": head_count(config.width, config.heads),
        "intermediate_size": config.inner or 4 * config.width,
        "type_vocab_size": config.types,
        "hidden_act": config.activation,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "layer_norm_eps": config.epsilon,
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "pad_token_id": config.padding,
        **special_ids(specials, {"bos_token_id": "start", "eos_token_id": "end"}),
    }


def named_as_bert(module: nn.Module, prefix: str, head: Mapping[str, str], second: tuple[str, str]) -> dict[str, Tensor]:
    """Our tensors under the names of BERT's encoder, and of a head.

    `second`: where transformers keeps the head's bias, and where it keeps another that it adds in its place in an untied head.
    """
    top = {**{ours: prefix + theirs for ours, theirs in _TOP.items()}, **head}
    tensors = dict(renamed(module, top, _BLOCK, prefix + "encoder.layer.{}."))
    first, other = second
    if first in tensors and head["head.weight"] in tensors:
        tensors[other] = tensors[first]  # the last one filled in stays
    return tensors


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {
        **read_sizes(path, table, names),
        "layout": "bert",
        "padding": size(path, table, "pad_token_id", 0, least=0),
        "head": any(name.startswith("cls.predictions.") for name in names),
        "next_sentence": "cls.seq_relationship.weight" in names,
    }


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    kind = "BertForPreTraining" if config.next_sentence else "BertForMaskedLM" if config.head else "BertModel"
    return {"architectures": [kind], **write_sizes(config, specials)}


def _named(module: nn.Module) -> dict[str, Tensor]:
    return named_as_bert(module, "bert.", _HEAD, ("cls.predictions.bias", "cls.predictions.decoder.bias"))


BERT = Layout(
    model_type="bert",
    prefix="bert.",
    read_config=_read_config,
    write_config=_write_config,
    named=_named,
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    heads={"head": ("cls.predictions.",), "next_sentence": ("cls.seq_relationship.",), "pooler": ("bert.pooler.",)},
    counters=("embeddings.position_ids", "embeddings.token_type_ids"),
)
