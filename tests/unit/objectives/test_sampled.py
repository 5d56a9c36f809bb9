"""A softmax over some of the vocabulary: the whole one in the limit, an estimate of it before."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from hornbook import catalog
from hornbook.core.errors import UsageError
from hornbook.corpus.batches import Batch
from hornbook.models.rnn import RnnConfig, RnnModule
from hornbook.objectives.causal import causal_loss
from hornbook.objectives.sampled import sampled_loss
from hornbook.tasks.lessons import objective

TYPES = 400
COUNTS = (1e5 / np.arange(1, TYPES + 1)).astype(np.int64)


def drawn(rows: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.multinomial(torch.from_numpy(COUNTS / COUNTS.sum()), rows * (length + 1), replacement=True)
    ids = ids.view(rows, length + 1)
    return ids[:, :-1], ids[:, 1:].clone()


def network() -> RnnModule:
    torch.manual_seed(0)
    module = RnnModule(RnnConfig(width=16), TYPES).double()
    with torch.no_grad():
        module.embedding.weight.mul_(8)
    return module


def test_with_every_type_among_the_candidates_it_is_the_causal_loss() -> None:
    module, (inputs, targets) = network(), drawn(3, 9)
    targets[1, :4] = -100
    whole, _ = causal_loss(module, Batch(inputs, targets, True))
    found, _ = sampled_loss(COUNTS, 200_000)(module, Batch(inputs, targets, True))
    assert found.count == whole.count == 23
    assert torch.allclose(found.total, whole.total, rtol=1e-6)
    weights = list(module.parameters())
    for one, other in zip(torch.autograd.grad(found.total, weights), torch.autograd.grad(whole.total, weights)):
        assert torch.allclose(one, other, atol=1e-5)


def test_candidates_estimate_the_sum_over_the_vocabulary() -> None:
    """E[sum over candidates of exp(logit) / Q] is the whole sum, where the targets are drawn as the counts say."""
    logits = torch.randn(TYPES, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    class Constant(torch.nn.Module):
        output_weight = torch.nn.Parameter(torch.zeros(TYPES, 1, dtype=torch.float64))
        output_bias = torch.nn.Parameter(logits)

        def forward(self, ids: torch.Tensor, carry: object = None) -> tuple[torch.Tensor, None]:
            return torch.zeros(*ids.shape, 1, dtype=torch.float64), None

    torch.manual_seed(1)
    goal, module, sums = sampled_loss(COUNTS, 40), Constant(), []
    for _ in range(400):
        inputs, targets = drawn(4, 10)
        loss, _ = goal(module, Batch(inputs, targets, True))
        # every position has the same sum Z': loss = sum over targets of log Z' - logit + log Q(target), so count one target
        table = COUNTS + 1.0
        share, draw = table / table.sum(), table**0.75 / (table**0.75).sum()
        inclusion = 1 - (1 - share) ** 40 * (1 - draw) ** 40
        known = targets.flatten().numpy()
        sums.append(math.exp((float(loss.total.detach()) + (logits.numpy() - np.log(inclusion))[known].sum()) / 40))
    assert np.mean(sums) == pytest.approx(float(logits.exp().sum()), rel=0.03)


def test_only_candidates_are_moved_and_the_step_decides_them() -> None:
    module, (inputs, targets) = network(), drawn(2, 8)
    goal = sampled_loss(COUNTS, 20)
    gradients = []
    for _ in range(2):
        torch.manual_seed(7)
        loss, _ = goal(module, Batch(inputs, targets, True))
        gradients.append(torch.autograd.grad(loss.total, module.bias)[0])
    assert torch.equal(*gradients)
    moved = set(gradients[0].nonzero().flatten().tolist())
    assert set(targets.flatten().tolist()) <= moved and len(moved) <= 16 + 20


def test_a_small_vocabulary_is_not_sampled_and_a_masked_network_refuses() -> None:
    recipe = catalog.recipe("lstm")
    config = recipe.styles["classic"]
    config = replace(config, training=replace(config.training, samples=100))
    assert objective(recipe, config, lambda: COUNTS) is causal_loss
    assert objective(recipe, config, lambda: np.tile(COUNTS, 2)) is not causal_loss
    masked = catalog.recipe("bert")
    config = masked.styles["classic"]
    with pytest.raises(UsageError, match="masked"):
        objective(masked, replace(config, training=replace(config.training, samples=100)), lambda: COUNTS)
