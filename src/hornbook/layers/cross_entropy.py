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
CHUNK_BYTES = 16 * 2**20  # logits of one chunk


def cross_entropy_sum(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Sum of -log softmax(states weight^T + bias)[target] over the targets that are not -100: a float32 (or float64) scalar.

    `states` (N, W) and `weight` (V, W) of one floating dtype, `bias` (V,) or None, `targets` (N,). Products run in the dtype
    of the inputs (under autocast in its dtype), sums in float32 or wider.
    """
    kind = states.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        states, weight = states.to(dtype), weight.to(dtype)
    counted = targets != IGNORED
    if not bool(counted.all()):
        states, targets = states[counted], targets[counted]
    total = _FusedCrossEntropy.apply(states, weight, bias, targets)  # type: ignore[no-untyped-call]
    return cast(Tensor, total)


def chunk_rows(vocabulary: int, bytes_per_logit: int) -> int:
    """Positions whose logits are made together."""
    return max(16, CHUNK_BYTES // (vocabulary * bytes_per_logit) // 16 * 16)


class _FusedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        positions, vocabulary = len(states), len(weight)
        wide = torch.float64 if states.dtype == torch.float64 else torch.float32
        rows = min(chunk_rows(vocabulary, states.element_size()), max(positions, 1))
        needs_states, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        states_gradient = torch.empty_like(states) if needs_states else None  # (N, W)
        weight_gradient = torch.zeros(weight.shape, dtype=wide, device=weight.device) if needs_weight else None  # (V, W)
        bias_gradient = torch.zeros(vocabulary, dtype=wide, device=weight.device) if needs_bias else None
        logits_buffer = states.new_empty(rows, vocabulary)
        weight_buffer = torch.empty_like(weight) if needs_weight else None
        chosen = torch.empty(positions, dtype=wide, device=states.device)  # probability of each target
        for start in range(0, positions, rows):
            chunk = states[start : start + rows]  # (R, W)
            target = targets[start : start + rows].unsqueeze(1)  # (R, 1)
            logits = torch.mm(chunk, weight.t(), out=logits_buffer[: len(chunk)])  # (R, V)
            if bias is not None:
                logits += bias
            probabilities = torch.softmax(logits, dim=-1, out=logits)
            picked = probabilities.gather(1, target)
            chosen[start : start + rows] = picked.squeeze(1)
            # gradient of the loss to the logits: probabilities - one-hot(target)
            probabilities.scatter_(1, target, picked - 1)
            if states_gradient is not None:
                torch.mm(probabilities, weight, out=states_gradient[start : start + rows])
            if weight_gradient is not None:
                weight_gradient += torch.mm(probabilities.t(), chunk, out=weight_buffer)
            if bias_gradient is not None:
                bias_gradient += torch.mv(probabilities.t(), torch.ones_like(chunk[:, 0]))
        ctx.save_for_backward(states_gradient, weight_gradient, bias_gradient)
        ctx.dtypes = (weight.dtype, None if bias is None else bias.dtype)
        return -chosen.log().sum()

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
