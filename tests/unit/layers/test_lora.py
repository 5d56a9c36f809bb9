"""Adapters: they begin as nothing, learn alone, merge into equal networks, and are saved small."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Loss
from hornbook.layers.lora import LoraConfig, LoraLinear, adapter_tensors, add_lora, merge_lora
from hornbook.models.adapters import load_adapter, save_adapter
from hornbook.models.bert import BertConfig, BertModule
from hornbook.models.llama import LlamaConfig, LlamaModule
from hornbook.training import TrainingConfig, train

IDS = torch.randint(0, 30, (3, 9), generator=torch.Generator().manual_seed(1))


def network(seed: int = 0) -> BertModule:
    torch.manual_seed(seed)
    return BertModule(BertConfig(layers=2, width=32, heads=2, context=16, dropout=0.0), 30).eval()


def moved(module: nn.Module) -> None:
    with torch.no_grad():
        for tensor in adapter_tensors(module).values():
            tensor.add_(torch.randn_like(tensor) * 0.2)


class Example:
    """Three rows of ids whose states are drawn to one."""

    def part(self, batch_index: int, rank: int, world: int, progress: float = 0.0):
        from dataclasses import make_dataclass

        kind = make_dataclass("Batch", ["inputs", "targets", "fresh"])
        return kind(IDS.numpy(), IDS.numpy(), True)


def pull(module: nn.Module, batch, carry=None):
    return Loss((module(batch.inputs)[..., 0] - 3).square().mean() * 3, 3, {}), None


def test_a_fresh_adapter_changes_nothing_and_all_else_stands_still() -> None:
    module, plain = network(), network()
    names = add_lora(module, LoraConfig(rank=2))
    assert len(names) == 2 * 4 and all(name.startswith("blocks.") for name in names)
    assert torch.equal(module(IDS), plain(IDS))
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert trained == set(adapter_tensors(module)) and len(trained) == 16
    assert {name for name, _ in plain.named_parameters()} == {name for name, _ in module.named_parameters()} - trained


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_merged_equals_unmerged(kind) -> None:
    module = network().to(kind)
    add_lora(module, LoraConfig(rank=3, alpha=5.0))
    moved(module)
    before = module(IDS)
    assert float((before - network().to(kind)(IDS)).detach().abs().max()) > 1e-2
    assert len(merge_lora(module)) == 8
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 0.1}[kind]
    assert float((module(IDS) - before).detach().abs().max()) <= tolerance
    assert not any(isinstance(part, LoraLinear) for part in module.modules())
    assert {name for name, _ in module.named_parameters()} == {name for name, _ in network().named_parameters()}
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_worked_example() -> None:
    module = nn.Sequential(nn.Linear(2, 2))
    with torch.no_grad():
        module[0].weight.copy_(torch.eye(2))
        module[0].bias.zero_()
    add_lora(module, LoraConfig(rank=1, alpha=2.0, names=("0",)))
    with torch.no_grad():
        module[0].down.copy_(torch.tensor([[1.0, 0.0]]))
        module[0].up.copy_(torch.tensor([[0.0], [3.0]]))
    assert module(torch.tensor([[5.0, 7.0]])).tolist() == [[5.0, 7.0 + 2.0 * 3.0 * 5.0]]
    merge_lora(module)
    assert module[0].weight.tolist() == [[1.0, 0.0], [6.0, 1.0]]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_only_adapters_learn(precision) -> None:
    module = network()
    add_lora(module, LoraConfig(rank=2))
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    config = TrainingConfig(steps=15, optimizer="adamw", learning_rate=0.02, precision=precision)
    losses = [event.loss for event in train(module, pull, Example(), config) if hasattr(event, "gradient_norm")]
    assert losses[-1] < 0.9 * losses[0]
    changed = {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}
    assert changed == set(adapter_tensors(module))


def test_files_are_small_and_belong_to_their_network(tmp_path) -> None:
    module = network()
    config = LoraConfig(rank=1, names=("blocks.*.attention.*",))
    add_lora(module, config)
    moved(module)
    save_adapter(module, config, tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < sum(value.numel() * 4 for value in network().parameters()) / 10
    opened = network()
    assert load_adapter(opened, tmp_path) == config
    assert torch.equal(opened(IDS), module(IDS))
    with pytest.raises(ContentError, match="other weights"):
        load_adapter(network(seed=1), tmp_path)


def test_dropout_and_copies_go_on_working() -> None:
    torch.manual_seed(2)
    module = LlamaModule(LlamaConfig(layers=1, width=32, heads=2, context=16), 30)
    add_lora(module, LoraConfig())
    twin = copy.deepcopy(module)
    twin.load_state_dict(module.state_dict())
    assert np.allclose(twin(IDS)[0].detach(), module(IDS)[0].detach())


def test_what_has_no_such_layer_is_told() -> None:
    with pytest.raises(UsageError, match="no linear layer has a name like embed"):
        add_lora(network(), LoraConfig(names=("embed*",)))
    with pytest.raises(UsageError, match="rank 0"):
        LoraConfig(rank=0)
