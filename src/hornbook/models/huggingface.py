"""Names and layouts of Hugging Face checkpoints, both directions: GPT-2."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hornbook.core.errors import ContentError, nearest
from hornbook.layers.attention import head_count
from hornbook.models import weights

# our part of a block -> GPT-2's, and whether its matrix is stored input by output (Conv1D) where ours is output by input
_BLOCK = {
    "attention_norm": ("ln_1", False),
    "attention.query_key_value": ("attn.c_attn", True),
    "attention.output": ("attn.c_proj", True),
    "feedforward_norm": ("ln_2", False),
    "feedforward.expand": ("mlp.c_fc", True),
    "feedforward.contract": ("mlp.c_proj", True),
}
_TOP = {
    "embedding.weight": "transformer.wte.weight",
    "positions.weight": "transformer.wpe.weight",
    "norm.weight": "transformer.ln_f.weight",
    "norm.bias": "transformer.ln_f.bias",
    "head.weight": "lm_head.weight",
}
_MEANING = {  # key -> the values under which our network computes the same
    "activation_function": ("gelu", "gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "reorder_and_upcast_attn": (False,),
    "add_cross_attention": (False,),
    "is_decoder": (False, True),
}
_HARMLESS = set(
    """model_type architectures bos_token_id eos_token_id pad_token_id sep_token_id cls_token_id mask_token_id dtype torch_dtype
    transformers_version initializer_range use_cache attn_pdrop resid_pdrop embd_pdrop summary_activation summary_first_dropout
    summary_proj_to_labels summary_type summary_use_proj n_ctx n_special predict_special_tokens task_specific_params
    problem_type id2label label2id num_labels return_dict output_hidden_states output_attentions chunk_size_feed_forward
    is_encoder_decoder tokenizer_class prefix finetuning_task gradient_checkpointing _name_or_path max_length use_bfloat16
    pruned_heads torchscript decoder_start_token_id unk_token_id""".split()  # noqa: SIM905
)
_SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "layer_norm_epsilon", "tie_word_embeddings")


def write_gpt2(folder: Path, config: Any, module: nn.Module, specials: Mapping[str, int]) -> None:
    """Write config.json, generation_config.json and model.safetensors as transformers' GPT2LMHeadModel reads them."""
    ids = {"bos_token_id": specials["start"], "eos_token_id": specials["end"]}
    if "pad" in specials:
        ids["pad_token_id"] = specials["pad"]
    tensors = {name: tensor for name, tensor in _renamed(module).items()}
    table = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config.vocabulary,
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
        "tie_word_embeddings": config.tied,
        "dtype": str(next(iter(tensors.values())).dtype).removeprefix("torch."),
        **ids,
    }
    weights.write_json(table, folder / weights.CONFIG)
    weights.write_json({**ids, "_from_model_config": True}, folder / "generation_config.json")
    weights.write_weights(tensors, folder)


def read_gpt2_config(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a GptConfig from a GPT-2 config.json. ContentError names a key that is unknown or asks for another network."""
    known = _HARMLESS | _MEANING.keys() | set(_SIZES)
    for key, value in table.items():
        if key not in known:
            raise ContentError("{path}: unknown key '{key}'.{hint}", path=path, key=key, hint=nearest(key, known))
        if key in _MEANING and value not in _MEANING[key]:
            raise ContentError("{path}: {key} = {value} is not supported", path=path, key=key, value=value)
    sizes = {
        "vocabulary": table.get("vocab_size", 50257),
        "context": table.get("n_positions", 1024),
        "width": table.get("n_embd", 768),
        "layers": table.get("n_layer", 12),
        "heads": table.get("n_head", 12),
        "inner": table.get("n_inner") or 0,
    }
    for key, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or not (0 if key == "inner" else 1) <= value < 2**31:
            raise ContentError("{path}: {key} = {value} is not a size", path=path, key=key, value=value)
    return {
        **sizes,
        "dropout": float(table.get("resid_pdrop", 0.1)),
        "epsilon": float(table.get("layer_norm_epsilon", 1e-5)),
        "tied": table.get("tie_word_embeddings", True) is not False,
        "activation": "gelu" if table.get("activation_function") == "gelu" else "gelu_new",
    }


def fill_gpt2(module: nn.Module, found: Mapping[str, Tensor], path: Path) -> int:
    """Copy a GPT-2 checkpoint into our network; the number of tensors copied. ContentError as weights.fill."""
    named = {}
    for name, tensor in found.items():
        if not name.endswith((".attn.bias", ".attn.masked_bias")):  # masks that old checkpoints carry
            bare = name.removeprefix("transformer.")
            named[bare if bare.startswith("lm_head.") else "transformer." + bare] = tensor
    targets = _renamed(module)
    if "lm_head.weight" not in targets and "lm_head.weight" in named:
        head = named.pop("lm_head.weight")
        if not torch.equal(head, named.get("transformer.wte.weight", head)):
            raise ContentError("{path}: the configuration ties lm_head.weight to the embedding, but they differ", path=path)
    return weights.fill(targets, named, where=path)


def _renamed(module: nn.Module) -> dict[str, Tensor]:
    """Our tensors under GPT-2's names; matrices as transposed views, so that they can be written and filled."""
    result = {}
    for name, tensor in weights.own_tensors(module).items():
        if name in _TOP:
            result[_TOP[name]] = tensor.detach()
            continue
        _, index, rest = name.split(".", 2)
        part, kind = rest.rsplit(".", 1)
        theirs, transposed = _BLOCK[part]
        view = tensor.detach().t() if transposed and kind == "weight" else tensor.detach()
        result[f"transformer.h.{index}.{theirs}.{kind}"] = view
    return result
