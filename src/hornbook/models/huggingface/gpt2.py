"""GPT-2: GPT2LMHeadModel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hornbook.layers.attention import head_count
from hornbook.models.huggingface.folder import Layout, check_keys, number, renamed, size, special_ids, truth

_TOP = {
    "embedding.weight": "transformer.wte.weight",
    "positions.weight": "transformer.wpe.weight",
    "norm.weight": "transformer.ln_f.weight",
    "norm.bias": "transformer.ln_f.bias",
    "head.weight": "lm_head.weight",
}
_BLOCK = {
    "attention_norm": ("ln_1",),
    "attention.query_key_value": ("attn.c_attn",),
    "attention.output": ("attn.c_proj",),
    "feedforward_norm": ("ln_2",),
    "feedforward.expand": ("mlp.c_fc",),
    "feedforward.contract": ("mlp.c_proj",),
}
_MEANING = {  # key -> the values under which our network computes the same
    "activation_function": ("gelu", "gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "reorder_and_upcast_attn": (False, True),
    "add_cross_attention": (False,),
    "is_decoder": (False, True),
}
_KEYS = set(
    """vocab_size n_positions n_embd n_layer n_head n_inner layer_norm_epsilon tie_word_embeddings attn_pdrop resid_pdrop
    embd_pdrop summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj n_ctx n_special
    predict_special_tokens""".split()  # noqa: SIM905
)


def _read_config(path: Path, table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    check_keys(path, table, _KEYS, _MEANING)
    return {
        "vocabulary": size(path, table, "vocab_size", 50257),
        "context": size(path, table, "n_positions", 1024),
        "width": size(path, table, "n_embd", 768),
        "layers": size(path, table, "n_layer", 12),
        "heads": size(path, table, "n_head", 12),
        "inner": size(path, table, "n_inner", 0, least=0),
        "dropout": number(path, table, "resid_pdrop", 0.1),
        "epsilon": number(path, table, "layer_norm_epsilon", 1e-5),
        "tied": truth(path, table, "tie_word_embeddings", True),
        "activation": "gelu" if table.get("activation_function") == "gelu" else "gelu_new",
    }


def _write_config(config: Any, specials: Mapping[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "n_positions": config.context,
        "n_embd": config.width,
        "n_layer": config.layers,
        "n_head": head_count(config.width, config.heads),
        "n_inner": config.inner or None,
        "activation_function": config.activation,
        "layer_norm_epsilon": config.epsilon,
        "attn_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        **special_ids(specials, {"bos_token_id": "start", "eos_token_id": "end", "pad_token_id": "pad"}),
    }


def _named(module: nn.Module) -> dict[str, Tensor]:
    """Matrices of blocks transposed: GPT-2 stores them input by output (its Conv1D)."""
    tensors = renamed(module, _TOP, _BLOCK, "transformer.h.{}.")
    return {name: tensor.t() if ".h." in name and tensor.dim() == 2 else tensor for name, tensor in tensors}


GPT2 = Layout(
    model_type="gpt2",
    prefix="transformer.",
    read_config=_read_config,
    write_config=_write_config,
    named=_named,
    tied={"lm_head.weight": "transformer.wte.weight"},
    heads={"head": ("lm_head.",)},
    counters=(".attn.bias", ".attn.masked_bias"),  # masks that old checkpoints carry
)
