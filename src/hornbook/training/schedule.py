"""Learning rate by the elapsed fraction of the budget: warm up, stay, decay to zero (Hu et al. 2024, MiniCPM, section 4)."""

from __future__ import annotations


def rate_factor(fraction: float, *, warmup: float, decay: float) -> float:
    """Factor of the learning rate after `fraction` (0..1) of the budget: rises over `warmup`, falls over the last `decay`."""
    fraction = min(max(fraction, 0.0), 1.0)
    if fraction < warmup:
        return fraction / warmup
    if fraction > 1.0 - decay:
        return (1.0 - fraction) / decay
    return 1.0


def step_fraction(step: int, steps: int) -> float:
    """Elapsed fraction at the middle of step `step` (1-based) of `steps`: the first and the last step both move the weights."""
    return (step - 0.5) / steps
