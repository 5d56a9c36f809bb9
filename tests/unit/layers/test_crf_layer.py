"""The chain of labels over a network's scores: equal to all paths written out, to torch's own steps and to the kernels."""

from __future__ import annotations

import itertools
import math
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from hornbook.layers.crf import LinearChain, likelihood_by_steps
from hornbook.sequences import log_partition
from hornbook.sequences.chain import Chain, starts_of
from hornbook.sequences.labels import legal_chain

LABELS = ("O", "B-X", "I-X", "B-Y", "I-Y")
LENGTHS = (3, 0, 1, 4)


def drawn(lengths: tuple[int, ...] = LENGTHS, *, free: bool = False) -> tuple[LinearChain, Tensor, np.ndarray, Tensor]:
    torch.manual_seed(3)
    rules = Chain(np.zeros((len(LABELS), len(LABELS)))) if free else legal_chain(LABELS, "bio")
    layer = LinearChain(rules).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    starts = starts_of(lengths)
    emissions = torch.randn(int(starts[-1]), len(LABELS), dtype=torch.float64, requires_grad=True)
    targets = (
        torch.randint(0, len(LABELS), (len(emissions),)) if free else torch.tensor([0, 1, 2, 3, 3, 4, 4, 1][: len(emissions)])
    )
    return layer, emissions, starts, targets


def brute(layer: LinearChain, scores: Tensor) -> dict[tuple[int, ...], Tensor]:
    """The score of every permitted path of one sentence."""
    found = {}
    for path in itertools.product(range(len(LABELS)), repeat=len(scores)):
        legal = layer.start_rules[path[0]] and layer.end_rules[path[-1]]
        if legal and all(layer.transition_rules[a, b] for a, b in pairwise(path)):
            total = layer.start[path[0]] + layer.end[path[-1]] + sum(scores[t, label] for t, label in enumerate(path))
            found[path] = total + sum(layer.transition[a, b] for a, b in pairwise(path))
    return found


def test_likelihood_and_gradients_are_those_of_all_paths() -> None:
    layer, emissions, starts, targets = drawn()
    layer.loss(emissions, starts, targets).mul(2.0).backward()
    ours = [emissions.grad, *(parameter.grad for parameter in layer.parameters())]
    emissions.grad = None
    layer.zero_grad()
    total = torch.zeros((), dtype=torch.float64)
    for first, last in pairwise(starts.tolist()):
        if last > first:
            paths = brute(layer, emissions[first:last])
            total = total + torch.logsumexp(torch.stack(list(paths.values())), 0) - paths[tuple(targets[first:last].tolist())]
    assert layer.loss(emissions, starts, targets).item() == pytest.approx(total.item(), rel=1e-12)
    (2.0 * total).backward()
    for mine, theirs in zip(ours, [emissions.grad, *(parameter.grad for parameter in layer.parameters())]):
        assert mine is not None and theirs is not None
        torch.testing.assert_close(mine, theirs)


def test_best_paths_and_marginals_are_those_of_all_paths() -> None:
    layer, emissions, starts, _ = drawn()
    paths, marginals = layer.decode(emissions, starts), layer.marginals(emissions, starts)
    for first, last in pairwise(starts.tolist()):
        if last == first:
            continue
        scores = {path: score.item() for path, score in brute(layer, emissions[first:last]).items()}
        assert tuple(paths[first:last].tolist()) == max(scores, key=lambda path: scores[path])
        weights = {path: math.exp(score) for path, score in scores.items()}
        for place in range(last - first):
            for label in range(len(LABELS)):
                share = sum(weight for path, weight in weights.items() if path[place] == label) / sum(weights.values())
                assert marginals[first + place, label] == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("lengths", [LENGTHS, (8,), (1,) * 8, (0, 0, 8)])
@pytest.mark.parametrize("free", [True, False])
def test_steps_of_torch_give_the_same(lengths: tuple[int, ...], free: bool) -> None:
    layer, emissions, starts, targets = drawn(lengths, free=free)
    if not free:
        targets = torch.zeros_like(targets)
    fused = torch.autograd.grad(layer.loss(emissions, starts, targets), [emissions, *layer.parameters()])
    names = ("transition", "start", "end")
    tables = [layer._permitted(name, getattr(layer, name)) for name in names]
    steps = likelihood_by_steps(emissions, *tables, starts, targets)
    assert steps.item() == pytest.approx(layer.loss(emissions, starts, targets).item())
    for mine, theirs in zip(fused, torch.autograd.grad(steps, [emissions, *layer.parameters()])):
        torch.testing.assert_close(mine, theirs)


def test_the_gradient_is_the_slope() -> None:
    layer, emissions, starts, targets = drawn()

    def loss(scores: Tensor, transition: Tensor, start: Tensor, end: Tensor) -> Tensor:
        tables = {"transition": transition, "start": start, "end": end}
        module = LinearChain(legal_chain(LABELS, "bio")).double()
        return torch.func.functional_call(
            _Loss(module), {f"layer.{k}": v for k, v in tables.items()}, (scores, starts, targets)
        )

    points = [emissions, *(parameter.detach().clone().requires_grad_() for parameter in layer.parameters())]
    assert torch.autograd.gradcheck(loss, points)


class _Loss(torch.nn.Module):
    def __init__(self, layer: LinearChain) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *arguments: object) -> Tensor:
        return self.layer.loss(*arguments)  # type: ignore[arg-type]


def test_no_illegal_labels_whatever_the_scores() -> None:
    layer, _, _, _ = drawn()
    emissions = torch.zeros(6, len(LABELS))
    emissions[:, 2] = 1e4  # I-X everywhere
    paths = layer.decode(emissions, starts_of((3, 3)))
    assert [LABELS[label] for label in paths] == ["B-X", "I-X", "I-X"] * 2
    forbidden = layer.loss(emissions, starts_of((3, 3)), torch.full((6,), 2))
    assert forbidden.item() == math.inf


def test_narrow_scores_are_added_up_in_float32() -> None:
    layer, emissions, starts, targets = drawn()
    narrow = emissions.detach().to(torch.bfloat16)
    wide = layer.float().loss(narrow.float(), starts, targets)
    assert layer.loss(narrow, starts, targets).item() == wide.item()
    assert wide.dtype == torch.float32


def test_it_is_fast() -> None:
    """The pass forward and back costs little more than the kernel alone: no step in Python for a position."""
    torch.manual_seed(1)
    layer = LinearChain(legal_chain(LABELS, "bio"))
    starts = starts_of([40] * 64)
    emissions = torch.randn(64 * 40, len(LABELS), requires_grad=True)
    targets = torch.zeros(64 * 40, dtype=torch.int64)

    def once(work: object) -> float:
        begin = time.process_time()
        for _ in range(5):
            work()  # type: ignore[operator]
        return time.process_time() - begin

    def steps() -> None:
        tables = [layer._permitted(name, getattr(layer, name)) for name in ("transition", "start", "end")]
        likelihood_by_steps(emissions, *tables, starts, targets).backward()

    def fused() -> None:
        layer.loss(emissions, starts, targets).backward()

    fused(), steps()
    ratio = min(once(fused) for _ in range(5)) / min(once(steps) for _ in range(5))
    assert ratio < 0.6
    assert log_partition(emissions.detach().numpy(), starts, layer.chain()).shape == (64,)
