"""All trained weights in one buffer: one norm, one average, one exchange between ranks per step, whatever the number of layers.

The optimiser works on `master` (float32, or float64 when the module is). When the module computes in a narrower type
(bfloat16), its parameters are slices of a second buffer that is refreshed from the master after every update (mixed
precision training, Micikevicius et al. 2018, section 3.1: without a master copy small updates vanish in rounding).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_ALIGNMENT = 64  # elements; keeps every slice on a cache line, so that kernels choose the same path in every run


class FlatWeights:
    """The trained parameters of a module as slices of flat buffers, grouped so that one optimiser call serves a group.

    `groups` lists the names of each group in order; `compute` is the type the module computes in, None for its own.
    """

    def __init__(self, module: nn.Module, groups: Sequence[Sequence[str]], *, compute: torch.dtype | None = None) -> None:
        self.parameters = dict(module.named_parameters())
        self.original = {name: self.parameters[name].dtype for group in groups for name in group}
        trained = {name for group in groups for name in group}
        self.frozen = {name: parameter.data for name, parameter in self.parameters.items() if name not in trained}
        self.slices: dict[str, tuple[int, int]] = {}
        self.spans: list[tuple[int, int]] = []
        size = 0
        for group in groups:
            begin = size
            for name in group:
                count = self.parameters[name].numel()
                self.slices[name] = (size, size + count)
                size += -(-count // _ALIGNMENT) * _ALIGNMENT
            self.spans.append((begin, size))
        some = next(iter(self.parameters.values()))
        wide = torch.float64 if all(kind == torch.float64 for kind in self.original.values()) else torch.float32
        self.master = torch.zeros(size, dtype=wide, device=some.device)  # (P,)
        self.gradient = torch.zeros_like(self.master)  # (P,) sum over the counted tokens, later their mean
        self.load(self.master, {name: self.parameters[name].data for name in self.slices})
        self.compute = compute if compute is not None and compute != wide else None
        self.narrow = self.master.to(self.compute) if self.compute is not None else None  # (P,) what the module reads
        self._attach()
        self.refresh_frozen()

    def _attach(self) -> None:
        buffer = self.master if self.narrow is None else self.narrow
        for name in self.slices:
            parameter = self.parameters[name]
            parameter.grad = None
            parameter.data = self.view(buffer, name)
            if self.narrow is None:
                parameter.grad = self.view(self.gradient, name)  # autograd adds into it

    def view(self, buffer: Tensor, name: str, *, begin: int = 0) -> Tensor:
        """The slice of a flat buffer (whose first element is element `begin` of all weights) of a parameter, in its shape."""
        first, last = self.slices[name]
        return buffer[first - begin : last - begin].view(self.parameters[name].shape)

    def named(self, buffer: Tensor) -> dict[str, Tensor]:
        """Every parameter's slice of a flat buffer, by name."""
        return {name: self.view(buffer, name) for name in self.slices}

    def load(self, buffer: Tensor, values: Mapping[str, Tensor]) -> None:
        """Fill a flat buffer from named tensors."""
        for name in self.slices:
            self.view(buffer, name).copy_(values[name])

    def collect(self, *, first: bool) -> None:
        """After a backward pass: take the module's gradients into `gradient` (added, or copied when it is the first)."""
        if self.narrow is None:
            return
        for name in self.slices:
            given = self.parameters[name].grad
            target = self.view(self.gradient, name)
            if given is None:
                if first:
                    target.zero_()
            elif first:
                target.copy_(given)
            else:
                target.add_(given)
            self.parameters[name].grad = None

    def clear(self) -> None:
        """Before the first backward pass of a step."""
        if self.narrow is None:
            self.gradient.zero_()

    def refresh(self, source: Tensor | None = None) -> None:
        """Give the module the weights of `source` (default: the master), in its computing type."""
        if self.narrow is not None:
            self.narrow.copy_(self.master if source is None else source)
        elif source is not None and source is not self.master:
            self.master.copy_(source)

    def refresh_frozen(self) -> None:
        """Give the module what is not trained, in its computing type: one layer reads both (an adapter and its matrix)."""
        for name, values in self.frozen.items():
            if self.compute is not None and values.is_floating_point():
                self.parameters[name].data = values.to(self.compute)

    @contextmanager
    def showing(self, source: Tensor | None) -> Iterator[None]:
        """Inside the block the module has the weights of `source` (a running average, say)."""
        if source is None:
            yield
            return
        kept = None if self.narrow is not None else self.master.clone()
        self.refresh(source)
        try:
            yield
        finally:
            self.refresh(kept)

    def release(self, source: Tensor | None = None) -> None:
        """Give the module its own parameters again, with the weights of `source` (default: the master), in their first type."""
        buffer = self.master if source is None else source
        for name, kind in self.original.items():
            parameter = self.parameters[name]
            parameter.grad = None
            parameter.data = self.view(buffer, name).to(kind, copy=True)
        for name, values in self.frozen.items():
            self.parameters[name].data = values
