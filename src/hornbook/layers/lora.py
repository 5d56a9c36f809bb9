"""Adapters of low rank in place of training whole matrices: LoRA (Hu et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn import functional

from hornbook.core.errors import UsageError


@dataclass(frozen=True)
class LoraConfig:
    """Rank and scale of the adapters, and the linear layers that get one, by patterns of their names (* and ?).

    The change of a matrix is alpha / rank times the product of two of `rank` rows and columns (section 4.1). All matrices of
    the blocks get one unless told otherwise: that was worth more than a higher rank in two of them (Dettmers et al. 2023,
    section 4).
    """

    rank: int = 8
    alpha: float = 16.0
    names: tuple[str, ...] = ("blocks.*",)

    def __post_init__(self) -> None:
        if self.rank < 1 or not 0 < self.alpha < math.inf:
            raise UsageError("lora: rank {rank} and alpha {alpha} must be above 0", rank=self.rank, alpha=self.alpha)


class LoraLinear(nn.Linear):
    """A linear layer that stands still, and two narrow matrices beside it that learn. The change begins at zero."""

    down: nn.Parameter  # (R, in)
    up: nn.Parameter  # (out, R)
    scale: float

    @classmethod
    def around(cls, base: nn.Linear, config: LoraConfig) -> LoraLinear:
        """The layer with its own weights, not copied, and a fresh adapter on their device and in their type."""
        adapted = cls.__new__(cls)
        nn.Module.__init__(adapted)
        adapted.in_features, adapted.out_features = base.in_features, base.out_features
        adapted.weight, adapted.bias = base.weight, base.bias
        adapted.down = nn.Parameter(base.weight.new_empty(config.rank, base.in_features))
        adapted.up = nn.Parameter(base.weight.new_zeros(base.out_features, config.rank))
        adapted.scale = config.alpha / config.rank
        nn.init.kaiming_uniform_(adapted.down, a=math.sqrt(5))
        return adapted.train(base.training)

    def forward(self, states: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        narrow = functional.linear(states, self.down)  # (..., R)
        return functional.linear(states, self.weight, self.bias) + self.scale * functional.linear(narrow, self.up)

    def merged(self) -> nn.Linear:
        """A plain layer with the change added to its weights."""
        plain = nn.Linear.__new__(nn.Linear)
        nn.Module.__init__(plain)
        plain.in_features, plain.out_features = self.in_features, self.out_features
        plain.weight, plain.bias = self.weight, self.bias
        wide = torch.promote_types(self.weight.dtype, torch.float32)  # in bfloat16 the change would be rounded twice
        with torch.no_grad():
            plain.weight.copy_(self.weight.to(wide) + self.scale * (self.up.to(wide) @ self.down.to(wide)))
        return plain.train(self.training)


def add_lora(module: nn.Module, config: LoraConfig) -> list[str]:
    """Put adapters into a network and freeze all else in it; the names of the layers. UsageError when no layer matches."""
    linear = [name for name, part in module.named_modules() if type(part) is nn.Linear]
    chosen = [name for name in linear if any(fnmatchcase(name, pattern) for pattern in config.names)]
    if not chosen:
        raise UsageError(
            "lora: no linear layer has a name like {patterns}; there are {names}",
            patterns=", ".join(config.names),
            names=", ".join(linear[:8]) or "none",
        )
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for name in chosen:
        _put(module, name, LoraLinear.around(_linear(module, name), config))
    return chosen


def merge_lora(module: nn.Module) -> list[str]:
    """Add the adapters to the weights and take them out again: an ordinary network, all of it trainable; the names merged."""
    found = [(name, part) for name, part in module.named_modules() if isinstance(part, LoraLinear)]
    for name, part in found:
        _put(module, name, part.merged())
    if found:
        for parameter in module.parameters():
            parameter.requires_grad_(True)
    return [name for name, _ in found]


def adapter_tensors(module: nn.Module) -> dict[str, Tensor]:
    """The weights of the adapters by name."""
    parts = ((name, part) for name, part in module.named_modules() if isinstance(part, LoraLinear))
    return {f"{name}.{kind}": getattr(part, kind) for name, part in parts for kind in ("down", "up")}


def _linear(module: nn.Module, name: str) -> nn.Linear:
    part = module.get_submodule(name)
    assert isinstance(part, nn.Linear)
    return part


def _put(module: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, part)
