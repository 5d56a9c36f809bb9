"""Llama: LlamaForCausalLM."""

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

_TOP = {"embedding.weight": "model.embed_tokens.weight", "norm.weight": "model.norm.weight", "head.weight": "lm_head.weight"}
_BLOCK = {
    "attention_norm": ("input_layernorm",),
    "attention.query_key_value": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention.output": ("self_attn.o_proj",),
    "feedforward_norm": ("post_attention_layernorm",),
    "feedforward.expand": ("mlp.gate_proj", "mlp.up_proj"),
    "feedforward.contract": ("mlp.down_proj",),
}
_MEANING = {  # key -> the values under which our network computes the same
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "rope_interleaved": (False,),
}
_KEYS = set(
    """vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads head_dim
    max_position_embeddings rms_norm_eps tie_word_embeddings rope_theta rope_scaling rope_parameters attention_dropout
    pretraining_tp""".split()  # noqa: SIM905
)
_STRETCH = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    check_keys(path, table, _KEYS, _MEANING)
    return {
        "vocabulary": size(path, table, "vocab_size", 32000),
        "context": size(path, table, "max_position_embeddings", 2048),
        "width": size(path, table, "hidden_size", 4096),
        "layers": size(path, table, "num_hidden_layers", 32),
        "heads": size(path, table, "num_attention_heads", 32),
        "key_heads": size(path, table, "num_key_value_heads", 0, least=0),
        "head_size": size(path, table, "head_dim", 0, least=0),
        "inner": size(path, table, "intermediate_size", 11008),
        "epsilon": number(path, table, "rms_norm_eps", 1e-6),
        "tied": truth(path, table, "tie_word_embeddings", False),
        **_read_rotary(path, table),
    }


def _read_rotary(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """Base and stretch of the angles, from today's rope_parameters or yesterday's rope_theta and rope_scaling."""
    key = "rope_parameters" if table.get("rope_parameters") else "rope_scaling"
    rope = table.get(key) or {}
    if not isinstance(rope, Mapping):
        raise unsupported(path, key, rope)
    kind = rope.get("rope_type", rope.get("type", "default"))
    stretch = _STRETCH if kind == "llama3" else ()
    if kind not in ("default", "llama3") or rope.keys() - {"rope_type", "type", "rope_theta", *stretch}:
        raise unsupported(path, key, dict(rope))
    base = number(path, rope if "rope_theta" in rope else table, "rope_theta", 10000.0)
    values = tuple(number(path, rope, name, 0.0) for name in stretch)
    if base <= 0 or (values and not (values[0] > 0 and values[2] > values[1] > 0 and values[3] >= 1)):
        raise unsupported(path, key, dict(rope))
    return {"base": base, "stretch": values}


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    heads = head_count(config.width, config.heads)
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.base}
    if config.stretch:
        *factors, original = config.stretch
        rope |= {"rope_type": "llama3", **dict(zip(_STRETCH, [*factors, int(original)], strict=True))}
    return {
        "architectures": ["LlamaForCausalLM"],
        "max_position_embeddings": config.context,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": heads,
        "num_key_value_heads": config.key_heads or heads,
        "head_dim": config.head_size or config.width // heads,
        "intermediate_size": gated_inner(config.width, config.inner),
        "hidden_act": "silu",
        "rms_norm_eps": config.epsilon,
        "attention_bias": False,
        "mlp_bias": False,
        "rope_theta": config.base,
        "rope_parameters": rope,
        **special_ids(specials, {"bos_token_id": "start", "eos_token_id": "end", "pad_token_id": "pad"}),
    }


def _named(module: nn.Module) -> dict[str, Tensor]:
    first: Any = module.blocks[0].attention  # type: ignore[index, union-attr]
    queries, keys = first.heads * first.size, first.key_heads * first.size
    sizes = {"attention.query_key_value": (queries, keys, keys)}
    return dict(renamed(module, _TOP, _BLOCK, "model.layers.{}.", sizes))


LLAMA = Layout(
    model_type="llama",
    prefix="model.",
    read_config=_read_config,
    write_config=_write_config,
    named=_named,
    tied={"lm_head.weight": "model.embed_tokens.weight"},
    heads={"head": ("lm_head.",)},
    counters=(".rotary_emb.inv_freq",),
)
