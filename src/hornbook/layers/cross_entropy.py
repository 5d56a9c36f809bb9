"""Softmax cross-entropy over a large vocabulary without ever holding the logits of all positions.

One pass: chunk by chunk the logits are made, turned into probabilities, and from them both the loss and the gradients to
states and weight, in the forward pass. The full (N, V) matrix, several times half a gigabyte for 4096 positions and 30,000
words, never exists.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

IGNORED = -100
CHUNK_BYTES = 8 * 2**20  # logits of one chunk


def cross_entropy_sum(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Sum of -log softmax(states weight^T + bias)[target] over the targets that are not -100: a float32 (or float64) scalar.

    `states` (N, W) and `weight` (V, W) of one floating dtype, `bias` (V,) or None, `targets` (N,). Products run in the dtype
    of the inputs (under autocast in its dtype), sums in float32 or wider. There may be more states than targets: those behind
    the last target count nothing. A caller whose N changes at every step keeps the sizes of products that way (every new size
    of a product is compiled and kept by oneDNN).
    """
    kind = states.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        states, weight, bias = states.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    counted = targets != IGNORED
    if not bool(counted.all()):
        states, targets = states[: len(targets)][counted], targets[counted]
    total = _FusedCrossEntropy.apply(states, weight, bias, targets)  # type: ignore[no-untyped-call]
    return cast(Tensor, total)


def chunk_rows(vocabulary: int, bytes_per_logit: int) -> int:
    """Positions whose logits are made together."""
    return max(16, CHUNK_BYTES // (vocabulary * bytes_per_logit) // 16 * 16)


class _FusedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        wide = torch.float64 if states.dtype == torch.float64 else torch.float32
        rows = min(chunk_rows(len(weight), states.element_size()), max(len(states), 1))
        needs_states, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        states_gradient = torch.empty_like(states) if needs_states else None  # (N, W)
        weight_gradient = _Accumulator(weight, wide) if needs_weight else None  # (V, W)
        bias_gradient = torch.zeros(len(weight), dtype=wide, device=weight.device) if needs_bias else None
        buffer = states.new_empty(rows, len(weight))
        firsts = torch.arange(rows, device=states.device) * len(weight)  # flat position of each row of a chunk
        chosen = torch.empty(len(targets), dtype=wide, device=states.device)  # probability of each target
        for start in range(0, len(states), rows):
            chunk = states[start : start + rows]  # (R, W)
            logits = buffer[: len(chunk)]  # (R, V)
            if bias is None:
                torch.mm(chunk, weight.t(), out=logits)
            else:
                torch.addmm(bias, chunk, weight.t(), out=logits)
            # the softmax kernel sums in float32 for bfloat16 too; a float32 copy of the logits gained nothing (docs/log.md)
            probabilities = torch.softmax(logits, dim=-1, out=logits)
            # flat positions of the targets: gather and scatter_ along an axis copy the whole matrix on a CPU
            known = targets[start : start + rows]
            flat = firsts[: len(known)] + known  # (R,)
            picked = probabilities.view(-1)[flat]
            chosen[start : start + rows] = picked
            probabilities.view(-1)[flat] = picked - 1  # now the gradient of the loss to the logits
            probabilities[len(known) :].zero_()
            if states_gradient is not None:
                torch.mm(probabilities, weight, out=states_gradient[start : start + rows])
            if weight_gradient is not None:
                weight_gradient.add_product(probabilities.t(), chunk)
            if bias_gradient is not None:
                bias_gradient += probabilities.sum(0)
        ctx.save_for_backward(states_gradient, None if weight_gradient is None else weight_gradient.total(), bias_gradient)
        ctx.dtypes = (weight.dtype, None if bias is None else bias.dtype)
        return _total_loss(chosen, states[: len(targets)], weight, bias, targets)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        scale = gradients[0]
        states, weight, bias = ctx.saved_tensors
        weight_dtype, bias_dtype = ctx.dtypes
        return (
            None if states is None else states * scale.to(states.dtype),
            None if weight is None else (weight * scale).to(weight_dtype),
            None if bias is None else (bias * scale).to(bias_dtype),
            None,
        )


class _Accumulator:
    """Sum of products. Each product sums in float32 inside the matrix kernel; in bfloat16 up to eight of them are added in
    place by the kernel itself (a float32 sum at every chunk costs a third of the head), then moved to a float32 total."""

    FLUSH = 8

    def __init__(self, like: Tensor, wide: torch.dtype) -> None:
        self.part = torch.empty_like(like)
        self.products = 0
        self.wide = wide
        self.sum: Tensor | None = None

    def add_product(self, left: Tensor, right: Tensor) -> None:
        """Add left @ right."""
        if self.products == 0:
            torch.mm(left, right, out=self.part)
        else:
            self.part.addmm_(left, right)
        self.products += 1
        if self.part.dtype != self.wide and self.products == self.FLUSH:
            self._flush()

    def total(self) -> Tensor:
        """The sum so far."""
        if self.sum is None:
            return self.part if self.products else self.part.zero_()
        if self.products:
            self._flush()
        return self.sum

    def _flush(self) -> None:
        self.sum = self.part.to(self.wide) if self.sum is None else self.sum.add_(self.part)
        self.products = 0


def _total_loss(chosen: Tensor, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """-sum log p of the targets; those too unlikely for the number format are computed again from their logits."""
    rare = chosen < 1e-30
    losses = -chosen.log()
    if bool(rare.any()):
        losses[rare] = -token_log_probs(states[rare], weight, bias, targets[rare])
    return losses.sum()


def token_log_probs(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """log softmax(states weight^T + bias)[target] of every target, (N,) float32 (float64 for such states), chunk by chunk."""
    wide = torch.float64 if states.dtype == torch.float64 else torch.float32
    rows = chunk_rows(len(weight), 4)
    result = torch.empty(len(states), dtype=wide, device=states.device)
    for start in range(0, len(states), rows):
        logits = next_logits(states[start : start + rows], weight, bias)  # (R, V)
        picked = logits.gather(1, targets[start : start + rows].unsqueeze(1)).squeeze(1)
        result[start : start + rows] = picked - torch.logsumexp(logits, dim=-1)
    return result


def next_logits(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(N, W) states -> (N, V) logits in float32 (float64 for such states)."""
    logits = torch.mm(states, weight.t())
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits if bias is None else logits + bias
