"""Groups, Muon against its definition, AdamW against torch's class, the running average, the schedule."""

from __future__ import annotations

import pytest
import torch
from tiny import tiny

from hornbook.training import TrainingConfig
from hornbook.training.flat import FlatWeights
from hornbook.training.optim import Average, Optimizer, orthogonalise, parameter_groups
from hornbook.training.schedule import rate_factor, step_fraction


def test_groups_by_what_a_parameter_is() -> None:
    groups = parameter_groups(tiny(recurrent=True), TrainingConfig(steps=1, weight_decay=0.3, embedding_decay=0.01))
    by_name = {name: (group.rule, group.learning_rate, group.weight_decay) for group in groups for name in group.names}
    assert by_name["mix.weight"] == ("muon", 0.02, 0.3)
    assert by_name["recurrent.weight_hh_l0"][0] == "muon"
    assert by_name["embedding.weight"] == ("adamw", 3e-3, 0.01)
    assert by_name["mix.bias"] == by_name["bias"] == ("adamw", 3e-3, 0.0)
    plain = parameter_groups(tiny(), TrainingConfig(steps=1, optimizer="adamw", weight_decay=0.3, tuned_width=32))
    assert {group.rule for group in plain} == {"adamw"}
    assert plain[0].weight_decay == 0.3 and plain[0].learning_rate == pytest.approx(3e-3 * (32 / 8) ** 0.5)


def test_adam_follows_the_definition() -> None:
    """Loshchilov and Hutter 2019, algorithm 2, written out in float64."""
    config = TrainingConfig(steps=1, optimizer="adamw", weight_decay=0.1)
    module = tiny().double()
    weights = FlatWeights(module, [group.names for group in parameter_groups(module, config)])
    optimizer = Optimizer(weights, parameter_groups(module, config), config)
    expected = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    mean = {name: torch.zeros_like(value) for name, value in expected.items()}
    square = {name: torch.zeros_like(value) for name, value in expected.items()}
    torch.manual_seed(0)
    for step in range(1, 6):
        for name, parameter in module.named_parameters():
            gradient = torch.randn_like(parameter)
            assert parameter.grad is not None
            parameter.grad.copy_(gradient)
            mean[name] = 0.9 * mean[name] + 0.1 * gradient
            square[name] = 0.95 * square[name] + 0.05 * gradient**2
            rate, decay = 3e-3 * 0.5, 0.1 if name == "mix.weight" else 0.0
            move = (mean[name] / (1 - 0.9**step)) / ((square[name] / (1 - 0.95**step)).sqrt() + 1e-10)
            expected[name] = expected[name] * (1 - rate * decay) - rate * move
        optimizer.step(0.5)
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(64, 64), (48, 160), (160, 48)])
def test_orthogonalise_gives_the_polar_factor(shape: tuple[int, int]) -> None:
    """The factor U V^T of U S V^T: all singular values near 1, directions kept."""
    torch.manual_seed(1)
    matrix = torch.randn(*shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalise(matrix)
    values = torch.linalg.svdvals(found)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.2
    cosine = float((found * (u @ v)).sum() / (found.norm() * (u @ v).norm()))
    assert cosine > 0.98
    assert float(orthogonalise(torch.zeros(8, 8)).abs().max()) == 0.0


def test_muon_moves_by_the_rate_whatever_the_gradient() -> None:
    config = TrainingConfig(steps=1, weight_decay=0.0)
    module = tiny(width=32)
    weights = FlatWeights(module, [group.names for group in parameter_groups(module, config)])
    optimizer = Optimizer(weights, parameter_groups(module, config), config)
    torch.manual_seed(2)
    moves = []
    for scale in (1e-4, 1e4):
        before = module.mix.weight.detach().clone()
        weights.gradient.zero_()
        assert module.mix.weight.grad is not None
        module.mix.weight.grad.copy_(torch.randn(32, 32) * scale)
        optimizer.step(0.5)
        moves.append(float(torch.linalg.matrix_norm(module.mix.weight.detach() - before, 2)))
    assert moves == pytest.approx([0.01, 0.01], rel=0.2)


def test_state_is_named_and_comes_back() -> None:
    config = TrainingConfig(steps=1)
    module = tiny(recurrent=True)
    groups = parameter_groups(module, config)
    weights = FlatWeights(module, [group.names for group in groups])
    optimizer = Optimizer(weights, groups, config)
    weights.gradient.normal_()
    optimizer.step(1.0)
    state = {name: tensor.clone() for name, tensor in optimizer.state().items()}
    assert {"momentum/mix.weight", "mean/embedding.weight", "square/bias"} <= state.keys()
    other = Optimizer(weights, groups, config)
    other.load_state(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in other.state().items())


def test_average_of_a_short_run_forgets_the_start() -> None:
    module = tiny()
    weights = FlatWeights(module, [[name for name, _ in module.named_parameters()]])
    average = Average(weights, 0.9999)
    weights.master.fill_(3.0)
    for applied in range(1, 60):
        average.update(applied)
    assert float(average.value.mean()) == pytest.approx(3.0, abs=1e-3)


def test_narrow_weights_follow_the_master() -> None:
    module = tiny()
    weights = FlatWeights(module, [[name for name, _ in module.named_parameters()]], compute=torch.bfloat16)
    weights.master.add_(1e-5)  # below the resolution of bfloat16 near 1: kept in the master
    weights.refresh()
    assert module.mix.weight.dtype == torch.bfloat16
    assert torch.equal(module.mix.weight.data, weights.view(weights.master, "mix.weight").bfloat16())
    weights.release()
    assert module.mix.weight.dtype == torch.float32
    assert torch.equal(module.mix.weight.data, weights.view(weights.master, "mix.weight"))


def test_schedule_by_hand() -> None:
    factors = [rate_factor(f, warmup=0.2, decay=0.4) for f in (0.0, 0.1, 0.2, 0.5, 0.6, 0.8, 1.0, 1.5)]
    assert factors == pytest.approx([0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0])
    assert rate_factor(0.0, warmup=0.0, decay=0.0) == rate_factor(1.0, warmup=0.0, decay=0.0) == 1.0
    assert [step_fraction(step, 2) for step in (1, 2)] == [0.25, 0.75]
