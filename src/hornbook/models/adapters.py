"""Files of adapters: a few hundred kilobytes beside the network they belong to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError
from hornbook.layers.lora import LoraConfig, adapter_tensors, add_lora
from hornbook.models import weights

MODEL_TYPE = "hornbook-adapter"


def save_adapter(module: nn.Module, config: LoraConfig, folder: Path) -> None:
    """Write config.json and model.safetensors of a network's adapters into an existing folder."""
    tensors = adapter_tensors(module)
    record = {"model_type": MODEL_TYPE, "config": to_dict(config), "base": _fingerprint(module)}
    weights.write_json(record, folder / weights.CONFIG)
    weights.write_weights(tensors, folder)


def load_adapter(module: nn.Module, folder: Path) -> LoraConfig:
    """Put saved adapters into the network they were trained beside, frozen as then. ContentError when it is another one."""
    path = folder / weights.CONFIG
    record = weights.read_json(path)
    if record.get("model_type") != MODEL_TYPE or not isinstance(record.get("config"), dict):
        raise ContentError("{path} is no adapter", path=path)
    if record.get("base") != _fingerprint(module):
        raise ContentError("{path}: the adapter was trained beside a network with other weights", path=path)
    table = {**record["config"], "names": tuple(record["config"].get("names", ()))}
    config: LoraConfig = from_dict(LoraConfig, table, where=str(path))
    add_lora(module, config)
    weights.fill(adapter_tensors(module), weights.read_weights(folder), where=folder / weights.WEIGHTS)
    return config


def _fingerprint(module: nn.Module) -> str:
    """Short digest of all weights but the adapters', rounded as they are."""
    digest = hashlib.sha256()
    adapters = {id(tensor) for tensor in adapter_tensors(module).values()}
    for name, tensor in module.named_parameters():
        if id(tensor) not in adapters:
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()[:16]
