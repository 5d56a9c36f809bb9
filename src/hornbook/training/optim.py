"""Optimisers over flat weights: Muon for matrices between layers, fused AdamW for tables and vectors; running average.

Which parameter goes where is decided by what it is: the weight of an embedding and the module's `output_weight` are tables,
other two-dimensional weights are matrices, one-dimensional ones are vectors. Weight decay is for matrices; tables have
their own (0 unless asked); vectors, which are biases and norm scales, have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.training.config import TrainingConfig
from hornbook.training.depth import levels
from hornbook.training.flat import FlatWeights


@dataclass(frozen=True)
class Group:
    """Parameters that one rule updates."""

    rule: str  # muon | adamw
    names: tuple[str, ...]
    learning_rate: float
    weight_decay: float
    opens: float = 0.0  # part of the budget before which it stands still


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
    groups = [group for group in groups if group.names]
    if config.layer_decay == 1.0 and config.unfreeze == 0.0:
        return groups
    return _by_level(groups, levels(module), config)


def _by_level(groups: list[Group], level_of: Mapping[str, int], config: TrainingConfig) -> list[Group]:
    """The groups by level: rates fall with depth (Howard and Ruder 2018, section 3.2), and layers open from the top (3.3)."""
    top = max(level_of[name] for group in groups for name in group.names)
    parts: list[Group] = []
    for group in groups:
        for level in range(top, -1, -1):
            names = tuple(name for name in group.names if level_of[name] == level)
            depth = top - level
            rate, opens = group.learning_rate * config.layer_decay**depth, config.unfreeze * depth / max(1, top)
            if names:
                parts.append(replace(group, names=names, learning_rate=rate, opens=opens))
    return parts


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
        self.rules: list[Muon | Adam] = []
        for group, span in zip(groups, weights.spans):
            if group.rule == "muon":
                self.rules.append(Muon(weights, group, span, momentum=config.momentum))
            else:
                self.rules.append(Adam(weights, group, span, betas=config.betas))

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update of what learns now with every learning rate multiplied by `factor`."""
        for rule in self.rules:
            if self._learns(rule.group):
                rule.step(factor)

    def thaw(self, progress: float) -> None:
        """Before a gradient: only groups that are open at this part of the budget get one."""
        for rule in self.rules:
            if rule.group.opens:
                for name in rule.group.names:
                    self.weights.parameters[name].requires_grad_(progress >= rule.group.opens)

    def _learns(self, group: Group) -> bool:
        return self.weights.parameters[group.names[0]].requires_grad

    def state(self) -> dict[str, Tensor]:
        """Named tensors of the state: momentum/NAME, mean/NAME, square/NAME and the counts of updates."""
        named: dict[str, Tensor] = {}
        for position, rule in enumerate(self.rules):
            named |= rule.named()
            if isinstance(rule, Adam):
                named[f"updates/{position}"] = rule.updates.reshape(1)
        return named

    def load_state(self, saved: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave. ContentError names a missing or extra tensor."""
        expected = self.state()
        for name in sorted(expected.keys() ^ saved.keys()):
            where = "missing" if name in expected else "unexpected"
            raise ContentError(
                "the checkpoint does not fit the optimiser: {name} is {where}", name=name, where=translate(where)
            )
        for name, tensor in expected.items():
            tensor.copy_(saved[name])


class Adam:
    """AdamW (Loshchilov and Hutter 2019, algorithm 2) over one flat span, by torch's fused kernel."""

    def __init__(self, weights: FlatWeights, group: Group, span: tuple[int, int], *, betas: tuple[float, float]) -> None:
        self.weights, self.group, self.span = weights, group, span
        self.betas = (float(betas[0]), float(betas[1]))
        self.master = weights.master[slice(*span)]
        self.mean = torch.zeros_like(self.master)
        self.square = torch.zeros_like(self.master)
        self.updates = torch.zeros((), dtype=torch.float32, device=self.master.device)

    def step(self, factor: float) -> None:
        """One update. The functional form is used: the class would import the compiler, two seconds of every start."""
        adamw(
            [self.master],
            [self.weights.gradient[slice(*self.span)]],
            [self.mean],
            [self.square],
            [],
            [self.updates],
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.group.learning_rate * factor,
            weight_decay=self.group.weight_decay,
            eps=1e-10,
            maximize=False,
        )

    def named(self) -> dict[str, Tensor]:
        """First and second moment of every parameter."""
        moments = (("mean", self.mean), ("square", self.square))
        return {
            f"{kind}/{name}": self.weights.view(buffer, name, begin=self.span[0])
            for kind, buffer in moments
            for name in self.group.names
        }


class Muon:
    """Momentum, orthogonalised: all directions of a matrix move alike (Jordan 2024, kellerjordan.github.io/posts/muon)."""

    def __init__(self, weights: FlatWeights, group: Group, span: tuple[int, int], *, momentum: float) -> None:
        self.weights, self.group, self.span = weights, group, span
        self.keep = momentum
        self.momentum = torch.zeros_like(weights.master[slice(*span)])
        self.update = torch.zeros_like(self.momentum)

    def step(self, factor: float) -> None:
        """One update: Nesterov momentum, Newton-Schulz, decay, move."""
        begin = self.span[0]
        gradient, master = self.weights.gradient[slice(*self.span)], self.weights.master[slice(*self.span)]
        rate = self.group.learning_rate * factor
        self.momentum.lerp_(gradient, 1 - self.keep)
        torch.lerp(gradient, self.momentum, self.keep, out=self.update)
        master.mul_(1 - rate * self.group.weight_decay)
        for name in self.group.names:
            update = self.weights.view(self.update, name, begin=begin)  # (M, N)
            scale = math.sqrt(max(1.0, update.shape[0] / update.shape[1]))
            self.weights.view(self.weights.master, name).add_(orthogonalise(update), alpha=-rate * scale)

    def named(self) -> dict[str, Tensor]:
        """The momentum of every matrix."""
        return {f"momentum/{name}": self.weights.view(self.momentum, name, begin=self.span[0]) for name in self.group.names}


_POLYNOMIALS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
_MARGIN = 1.02  # keeps the largest singular value below 1 in bfloat16


def orthogonalise(matrix: Tensor) -> Tensor:
    """(M, N) -> (M, N) with singular values near 1: five odd polynomials, each the best for what the last one left.

    Amsel et al. 2025, The Polar Express, algorithm 1. In bfloat16, as its section 4 allows. Measured on Gaussian 256 x 256:
    root mean square distance of the singular values from 1 is 0.12, with Muon's first Newton-Schulz coefficients 0.21.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(torch.bfloat16)  # (S, L), S <= L
    x = x / (x.norm() * _MARGIN).clamp(min=1e-7)
    for a, b, c in _POLYNOMIALS:
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
