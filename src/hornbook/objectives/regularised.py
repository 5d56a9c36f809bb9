"""The causal objective of recurrent networks, with penalties on large and on fast-changing states (Merity et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from hornbook.core.types import CausalModule, Loss
from hornbook.layers.cross_entropy import IGNORED, cross_entropy_sum
from hornbook.objectives.causal import CausalBatch


class RecurrentModule(CausalModule, Protocol):
    """A causal network that shows its last states before dropout."""

    dropout: Callable[[Tensor], Tensor]

    def undropped(self, ids: Tensor, carry: Any = None) -> tuple[Tensor, Any]:
        """(B, T) ids -> (B, T, W) states, and the carry."""
        ...


def regularised_loss(*, activation: float = 0.0, slowness: float = 0.0) -> Callable[..., tuple[Loss, Any]]:
    """An objective: negative log-likelihood with two penalties that act on the gradient alone.

    `activation` weighs the mean square of the dropped states (AR), `slowness` the mean square of the change from one state to
    the next before dropout (TAR): Merity et al. 2017, section 4.6, equations there without numbers. The value of `total` stays
    the likelihood, so that losses of training and held-out text compare; `parts` reports both penalties, summed over targets.
    """

    def objective(module: RecurrentModule, batch: CausalBatch, carry: Any = None) -> tuple[Loss, Any]:
        raw, carry = module.undropped(batch.inputs, carry)  # (B, T, W)
        states = module.dropout(raw)
        flat = batch.targets.reshape(-1)
        likelihood = cross_entropy_sum(states.reshape(-1, states.shape[-1]), module.output_weight, module.output_bias, flat)
        count = int((flat != IGNORED).sum())
        size = states.float().square().mean() * count
        change = (raw[:, 1:] - raw[:, :-1]).float().square().mean() * count if raw.shape[1] > 1 else size * 0
        penalty = activation * size + slowness * change
        parts = {"activation": (float(size.detach()), count), "slowness": (float(change.detach()), count)}
        return Loss(total=likelihood + (penalty - penalty.detach()), count=count, parts=parts), carry

    return objective
