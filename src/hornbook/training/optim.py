"""Optimisers over flat weights: Muon for matrices between layers, fused AdamW for tables and vectors; running average.

Which parameter goes where is decided by what it is: the weight of an embedding and the module's `output_weight` are tables,
other two-dimensional weights are matrices, one-dimensional ones are vectors. Weight decay is for matrices; tables have
their own (0 unless asked); vectors, which are biases and norm scales, have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hornbook.core.errors import ContentError, UsageError
from hornbook.training.config import TrainingConfig
from hornbook.training.flat import FlatWeights


@dataclass(frozen=True)
class Group:
    """Parameters that one rule updates."""

    rule: str  # muon | adamw
    names: tuple[str, ...]
    learning_rate: float
    weight_decay: float


def parameter_groups(module: nn.Module, config: TrainingConfig) -> list[Group]:
    """Sort a module's trained parameters into groups. UsageError when it has none."""
    tables, width = _tables(module)
    roles: dict[str, list[str]] = {"matrix": [], "kernel": [], "table": [], "vector": []}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in tables:
            roles["table"].append(name)
        elif parameter.ndim == 2 and min(parameter.shape) > 1:
            roles["matrix"].append(name)
        else:
            roles["kernel" if parameter.ndim > 2 else "vector"].append(name)
    if not any(roles.values()):
        raise UsageError("the model has no parameter to train: all are frozen")
    rate = config.learning_rate
    if config.tuned_width and width:  # rates of AdamW fall with the root of the width (Yang et al. 2022, table 8, softened)
        rate *= math.sqrt(config.tuned_width / width)
    muon = config.optimizer == "muon"
    groups = [
        Group(
            "muon" if muon else "adamw",
            tuple(roles["matrix"]),
            config.matrix_learning_rate if muon else rate,
            config.weight_decay,
        ),
        Group("adamw", tuple(roles["kernel"]), rate, config.weight_decay),
        Group("adamw", tuple(roles["table"]), rate, config.embedding_decay),
        Group("adamw", tuple(roles["vector"]), rate, 0.0),
    ]
    return [group for group in groups if group.names]


def _tables(module: nn.Module) -> tuple[set[int], int]:
    found: set[int] = set()
    width = 0
    for part in module.modules():
        weight = getattr(part, "output_weight", None)
        if isinstance(part, (nn.Embedding, nn.EmbeddingBag)):
            weight = part.weight
        if isinstance(weight, Tensor) and weight.ndim == 2:
            found.add(id(weight))
            width = max(width, weight.shape[1])
    return found, width


class Optimizer:
    """Updates the master weights from their gradient; its state is named by parameter, so that a checkpoint can be read."""

    def __init__(self, weights: FlatWeights, groups: list[Group], config: TrainingConfig) -> None:
        self.weights = weights
        self.muon: list[Muon] = []
        flat: list[dict[str, object]] = []
        self._adam: list[tuple[Group, nn.Parameter]] = []
        for group, (begin, end) in zip(groups, weights.spans):
            if group.rule == "muon":
                self.muon.append(Muon(weights, group, momentum=config.momentum))
                continue
            parameter = nn.Parameter(weights.master[begin:end])
            parameter.grad = weights.gradient[begin:end]
            self._adam.append((group, parameter))
            flat.append({"params": [parameter], "lr": group.learning_rate, "weight_decay": group.weight_decay})
        self.adam = torch.optim.AdamW(flat, betas=config.betas, eps=1e-10, fused=True) if flat else None

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update with every learning rate multiplied by `factor`."""
        for muon in self.muon:
            muon.step(factor)
        if self.adam is not None:
            for (group, _), options in zip(self._adam, self.adam.param_groups):
                options["lr"] = group.learning_rate * factor
            self.adam.step()

    def state(self) -> dict[str, Tensor]:
        """Named tensors of the state: momentum/NAME, mean/NAME, square/NAME and the count of updates."""
        named: dict[str, Tensor] = {}
        for muon in self.muon:
            named |= {f"momentum/{name}": tensor for name, tensor in muon.named().items()}
        for kind, name, tensor in self._adam_slices():
            named[f"{kind}/{name}"] = tensor
        for position, (_, parameter) in enumerate(self._adam):
            assert self.adam is not None
            named[f"updates/{position}"] = self.adam.state[parameter].get("step", torch.zeros(())).reshape(1)
        return named

    def load_state(self, saved: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave. ContentError names a missing or extra tensor."""
        for _, parameter in self._adam:
            self._begin(parameter)
        expected = self.state()
        for name in sorted(expected.keys() ^ saved.keys()):
            where = "missing" if name in expected else "unexpected"
            raise ContentError("the checkpoint does not fit the optimiser: {name} is {where}", name=name, where=where)
        for name, tensor in expected.items():
            tensor.copy_(saved[name])

    def _begin(self, parameter: nn.Parameter) -> None:
        assert self.adam is not None
        state = self.adam.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)

    def _adam_slices(self) -> list[tuple[str, str, Tensor]]:
        found: list[tuple[str, str, Tensor]] = []
        for group, parameter in self._adam:
            self._begin(parameter)
            assert self.adam is not None
            state = self.adam.state[parameter]
            offset = self.weights.slices[group.names[0]][0]
            for kind, key in (("mean", "exp_avg"), ("square", "exp_avg_sq")):
                for name in group.names:
                    begin, end = self.weights.slices[name]
                    shape = self.weights.parameters[name].shape
                    found.append((kind, name, state[key][begin - offset : end - offset].view(shape)))
        return found


class Muon:
    """Momentum, orthogonalised: all directions of a matrix move alike (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

    def __init__(self, weights: FlatWeights, group: Group, *, momentum: float) -> None:
        self.weights = weights
        self.group = group
        self.keep = momentum
        begin, end = weights.spans[0]
        if group.names[0] not in weights.slices or weights.slices[group.names[0]][0] != begin:
            raise AssertionError("Muon's group comes first")
        self.begin, self.end = begin, end
        self.momentum = torch.zeros_like(weights.master[begin:end])
        self.update = torch.zeros_like(self.momentum)

    def step(self, factor: float) -> None:
        """One update: Nesterov momentum, Newton-Schulz, decay, move."""
        gradient = self.weights.gradient[self.begin : self.end]
        master = self.weights.master[self.begin : self.end]
        rate = self.group.learning_rate * factor
        self.momentum.lerp_(gradient, 1 - self.keep)
        torch.lerp(gradient, self.momentum, self.keep, out=self.update)
        master.mul_(1 - rate * self.group.weight_decay)
        for name in self.group.names:
            update = self._view(self.update, name)  # (M, N)
            rows, columns = update.shape
            self.weights.view(self.weights.master, name).add_(
                orthogonalise(update), alpha=-rate * math.sqrt(max(1.0, rows / columns))
            )

    def named(self) -> dict[str, Tensor]:
        """The momentum of every matrix."""
        return {name: self._view(self.momentum, name) for name in self.group.names}

    def _view(self, buffer: Tensor, name: str) -> Tensor:
        begin, end = self.weights.slices[name]
        return buffer[begin - self.begin : end - self.begin].view(self.weights.parameters[name].shape)


def orthogonalise(matrix: Tensor, *, steps: int = 5) -> Tensor:
    """(M, N) -> (M, N) with singular values near 1: quintic Newton-Schulz iteration in bfloat16 (Muon post, same section)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(torch.bfloat16)  # (S, L), S <= L
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T  # (S, S)
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)


class Average:
    """Running average of the weights; short runs average over fewer steps, so that the start does not weigh on the end."""

    def __init__(self, weights: FlatWeights, decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.value = weights.master.clone()

    @torch.no_grad()
    def update(self, applied: int) -> None:
        """After update number `applied` (1-based)."""
        decay = min(self.decay, (1 + applied) / (10 + applied))
        self.value.lerp_(self.weights.master, 1 - decay)
