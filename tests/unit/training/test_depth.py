"""Rates that fall with depth, layers that begin to learn one after the other, parameters that do not learn at all."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny import Tiny, TinyBatches, objective
from torch import Tensor, nn

from hornbook.models.bert import BertConfig, BertModule
from hornbook.models.birnn import BiRnnConfig, BiRnnModule
from hornbook.models.gpt import GptConfig, GptModule
from hornbook.training import TrainingConfig, resume, train
from hornbook.training.depth import levels
from hornbook.training.optim import parameter_groups


class Deep(Tiny):
    """The tiny network as a head on three layers and their table."""

    def __init__(self) -> None:
        super().__init__()
        del self.embedding
        self.body = nn.Module()
        self.body.embedding = nn.Embedding(11, 8)
        self.body.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, ids: Tensor, carry=None):
        states = self.body.embedding(ids)
        for block in self.body.blocks:
            states = states + torch.tanh(block(states))
        return self.mix(states), None

    @property
    def output_weight(self) -> nn.Parameter:
        return self.body.embedding.weight


def run(module: nn.Module, **settings):
    config = TrainingConfig(**{"steps": 12, "rows": 8, "length": 6, "optimizer": "adamw", "precision": "float32"} | settings)
    list(train(module, objective, TinyBatches(), config))
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def deep() -> Deep:
    torch.manual_seed(1)
    return Deep()


def test_levels_of_networks() -> None:
    bert = levels(BertModule(BertConfig(layers=3, width=32, heads=2, pooler=True), 20))
    assert bert["embedding.weight"] == bert["positions.weight"] == 0
    assert {level for name, level in bert.items() if name.startswith("blocks.1.")} == {2}
    assert bert["pooler.weight"] == bert["head.dense.weight"] == 4
    assert min(level for name, level in bert.items() if "norm" in name) == 0  # that of the embeddings
    gpt = levels(GptModule(GptConfig(layers=2, width=32, heads=2), 20))
    assert gpt["norm.weight"] == 3 and gpt["blocks.0.attention.output.weight"] == 1
    pair = levels(BiRnnModule(BiRnnConfig(width=8, layers=2), 20))
    assert pair["left.layers.1.weight_hh_l0"] == pair["right.layers.1.weight_hh_l0"] == 2
    assert levels(nn.Embedding(3, 2)) == {"weight": 0}
    head = nn.Module()
    head.classifier = nn.Linear(2, 2)
    head.body = nn.Module()
    head.body.embedding = nn.Embedding(3, 2)
    assert levels(head) == {"classifier.weight": 1, "classifier.bias": 1, "body.embedding.weight": 0}


def test_rates_fall_with_depth() -> None:
    groups = parameter_groups(deep(), TrainingConfig(steps=1, optimizer="adamw", learning_rate=0.1, layer_decay=0.5))
    rate = {name: group.learning_rate for group in groups for name in group.names}
    assert rate["mix.weight"] == rate["mix.bias"] == 0.1
    assert rate["body.blocks.2.weight"] == 0.05 and rate["body.blocks.0.bias"] == 0.0125
    assert rate["body.embedding.weight"] == pytest.approx(0.1 / 16)
    muon = parameter_groups(deep(), TrainingConfig(steps=1, matrix_learning_rate=0.2, layer_decay=0.5))
    assert next(group for group in muon if "body.blocks.1.weight" in group.names).learning_rate == 0.05


def test_off_means_the_groups_of_before() -> None:
    plain = parameter_groups(deep(), TrainingConfig(steps=1))
    assert len(plain) == 3 and all(group.opens == 0 for group in plain)
    assert "training.layer_decay" not in TrainingConfig(steps=1).decisive()
    assert TrainingConfig(steps=1, layer_decay=0.9, unfreeze=0.5).decisive()["training.unfreeze"] == 0.5


def test_layers_open_from_the_top() -> None:
    begin = {name: value.detach().clone() for name, value in deep().named_parameters()}

    def moved(steps: int) -> set[str]:
        after = run(deep(), steps=steps, unfreeze=1.0, warmup=0.0, decay=0.0, restore_best=False)
        return {name for name, value in after.items() if not torch.equal(value, begin[name])}

    module = deep()
    seen: list[set[str]] = []
    config = TrainingConfig(steps=8, optimizer="adamw", unfreeze=1.0, warmup=0.0, decay=0.0, precision="float32")
    for event in train(module, objective, TinyBatches(), config):
        if hasattr(event, "gradient_norm"):
            seen.append({name for name, value in module.named_parameters() if not torch.equal(value, begin[name])})
    tops = {"mix.weight", "mix.bias", "bias"}
    assert seen[0] == tops
    assert seen[1] == tops and seen[3] == tops | {"body.blocks.2.weight", "body.blocks.2.bias"}
    assert "body.blocks.0.weight" not in seen[5] and "body.blocks.0.weight" in seen[7]
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert moved(8) >= tops


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_frozen_stays_to_the_bit_and_comes_back(precision, tmp_path) -> None:
    module = deep()
    for parameter in module.body.blocks.parameters():
        parameter.requires_grad_(False)
    frozen = {name: value.detach().clone() for name, value in module.named_parameters() if not value.requires_grad}
    assert frozen
    after = run(module, precision=precision)
    assert all(torch.equal(after[name], value) and after[name].dtype == torch.float32 for name, value in frozen.items())
    assert not torch.equal(after["mix.weight"], deep().mix.weight)


def test_a_thawing_run_goes_on_to_the_bit(tmp_path) -> None:
    settings = {"optimizer": "adamw", "unfreeze": 0.8, "layer_decay": 0.7, "precision": "float32", "save_every": 3, "keep": 9}
    config = TrainingConfig(steps=10, **settings)
    whole, part = deep(), deep()
    list(train(whole, objective, TinyBatches(), config, folder=tmp_path / "whole"))
    running = train(part, objective, TinyBatches(), config, folder=tmp_path / "part")
    for event in running:
        if getattr(event, "step", 0) == 5 and hasattr(event, "gradient_norm"):
            break
    running.close()
    again = deep()
    list(train(again, objective, TinyBatches(), config, state=resume(tmp_path / "part"), folder=tmp_path / "part"))
    expected = copy.deepcopy(whole.state_dict())
    assert all(torch.equal(value, expected[name]) for name, value in again.state_dict().items())
