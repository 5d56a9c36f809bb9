"""Starting values of weights."""

from __future__ import annotations

import math

from torch import Tensor, nn


def normal_(module: nn.Module, deviation: float) -> None:
    """Draw the matrices of every linear layer and embedding from a normal distribution; biases start at zero."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Embedding)):
            nn.init.normal_(part.weight, std=deviation)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


def residual_(weights: list[Tensor], deviation: float) -> None:
    """Projections into the residual stream, scaled by 1 / sqrt(their number) (Radford et al. 2019, section 2.3)."""
    for weight in weights:
        nn.init.normal_(weight, std=deviation / math.sqrt(len(weights)))


def fan_in_uniform_(module: nn.Module) -> None:
    """Every linear matrix uniform with standard deviation 1 / sqrt(its input width)."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            bound = math.sqrt(3 / part.in_features)
            nn.init.uniform_(part.weight, -bound, bound)
