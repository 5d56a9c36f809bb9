"""Which number format a step is fastest and right in, measured on this machine, not assumed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from hornbook.training.device import pick_device

DISPATCH_BOUND = 0.005  # seconds of a step so small that the number format does not decide its speed
FAST_ENOUGH = 0.9  # a faster way must save a tenth, or the plain one stays


@dataclass(frozen=True)
class Trial:
    """One measured training step: seconds, nats per token, norm of the gradient."""

    seconds: float
    loss: float
    norm: float


def compute_type(precision: str) -> torch.dtype | None:
    """The type of the module's parameters under a precision; None keeps their own."""
    return torch.bfloat16 if precision == "bfloat16" else None


def forward_context(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The context of a forward pass."""
    if precision == "autocast":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def bfloat16_matmul_pays(device: torch.device) -> bool:
    """Whether a 512 x 512 product is faster in bfloat16: keeps the longer check away from machines that emulate it."""
    a = torch.randn(512, 512, device=device, generator=torch.Generator(device).manual_seed(0))
    narrow = a.to(torch.bfloat16)
    return _seconds(lambda: narrow @ narrow, device) < _seconds(lambda: a @ a, device)


def choose(trial: Callable[[str], Trial], device: torch.device) -> tuple[str, dict[str, Trial]]:
    """The fastest precision whose step agrees with float32; `trial` makes a real step in a precision and leaves no trace.

    Agreement: loss within 2 % and gradient norm within 20 % of float32 on the same batch. A precision in which the module
    cannot compute (an operator without that type) is left out.
    """
    if not bfloat16_matmul_pays(device):
        return "float32", {}
    trials = {"float32": trial("float32")}
    plain = trials["float32"]
    if plain.seconds < DISPATCH_BOUND:
        return "float32", trials
    for name in ("bfloat16", "autocast"):
        try:
            measured = trial(name)
        except RuntimeError:  # an operator without this type
            continue
        trials[name] = measured
        right = (
            abs(measured.loss - plain.loss) <= 0.02 * abs(plain.loss) and abs(measured.norm - plain.norm) <= 0.2 * plain.norm
        )
        if right and measured.seconds < FAST_ENOUGH * plain.seconds:
            return name, trials
    return "float32", trials


def fast_float32(device: torch.device, *, seconds: Callable[[Callable[[], object]], float] | None = None) -> str:
    """Let torch take its faster float32 matrix product where that is still float32; returns the setting: 'highest' or 'medium'.

    'medium' permits bfloat16 and TF32 products, and on some processors (AVX-512 without AMX) only reroutes to a faster
    library. So it is taken only if the error of a 512 x 512 product stays below 1e-5 and it saves a tenth of the time.
    HORNBOOK_FAST_FP32=0 switches it off.
    """
    torch.set_float32_matmul_precision("highest")
    if os.environ.get("HORNBOOK_FAST_FP32", "1") == "0" or device.type == "mps":
        return "highest"
    measure = seconds or (lambda product: _seconds(product, device))
    a = torch.randn(512, 512, device=device, generator=torch.Generator(device).manual_seed(0))
    exact = a.double() @ a.double()
    plain = measure(lambda: a @ a)
    torch.set_float32_matmul_precision("medium")
    error = float(((a @ a).double() - exact).abs().max() / exact.abs().max())
    if error < 1e-5 and measure(lambda: a @ a) < FAST_ENOUGH * plain:
        return "medium"
    torch.set_float32_matmul_precision("highest")
    return "highest"


def precision_report(name: str = "auto") -> dict[str, str]:
    """What the self-checks find on this machine, for a reader: speed and error of a 512 x 512 product in each format."""
    device = pick_device(name)
    before = torch.get_float32_matmul_precision()
    a = torch.randn(512, 512, device=device, generator=torch.Generator(device).manual_seed(0))
    narrow = a.to(torch.bfloat16)
    exact = a.cpu().double() @ a.cpu().double()

    def described(product: Callable[[], torch.Tensor]) -> str:
        error = float((product().cpu().double() - exact).abs().max() / exact.abs().max())
        return f"{2 * 512**3 / _seconds(product, device) / 1e9:.0f} GFLOP/s, relative error {error:.0e}"

    try:
        torch.set_float32_matmul_precision("highest")
        report = {"device": str(device), "float32": described(lambda: a @ a)}
        torch.set_float32_matmul_precision("medium")
        report["float32 'medium'"] = described(lambda: a @ a)
        report["float32 setting"] = fast_float32(device)
        report["bfloat16"] = described(lambda: narrow @ narrow)
    finally:
        torch.set_float32_matmul_precision(before)
    return report


def _seconds(product: Callable[[], object], device: torch.device) -> float:
    best = float("inf")
    for _ in range(4):
        begin = time.perf_counter()
        product()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begin)
    return best
