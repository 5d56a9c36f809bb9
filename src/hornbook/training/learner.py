"""Everything a training changes: weights, optimiser, running average, best weights; as named tensors and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hornbook.core.errors import ContentError, translate
from hornbook.core.events import Event, Note
from hornbook.training.carry import Carry, flatten, rebuild
from hornbook.training.checkpoint import TrainingState
from hornbook.training.config import TrainingConfig
from hornbook.training.distributed import Ranks
from hornbook.training.flat import FlatWeights
from hornbook.training.optim import Average, Group, Optimizer
from hornbook.training.position import Position
from hornbook.training.precision import compute_type


class Learner:
    """Weights and what belongs to them, laid out for a precision; all ranks begin with rank 0's weights."""

    def __init__(self, module: nn.Module, groups: list[Group], config: TrainingConfig, *, precision: str, ranks: Ranks) -> None:
        self.module = module
        self.weights = FlatWeights(module, [group.names for group in groups], compute=compute_type(precision))
        ranks.share(self.weights.master)
        self.weights.refresh()
        self.optimizer = Optimizer(self.weights, groups, config)
        self.average = Average(self.weights, config.ema) if config.ema else None
        self.best: Tensor | None = None  # (P,) weights of the best evaluation
        self.ranks = ranks

    def shown(self) -> Tensor:
        """(P,) the weights that are measured and handed over: the running average where there is one."""
        return self.weights.master if self.average is None else self.average.value

    def awake(self, progress: float) -> FlatWeights:
        """The weights; those that do not learn yet at this part of the budget ask for no gradient."""
        self.optimizer.thaw(progress)
        return self.weights

    def release(self, source: Tensor) -> None:
        """Give the module its own parameters again, with the weights of `source`, all of them learning."""
        self.optimizer.thaw(1.0)
        self.weights.release(source)

    def model_tensors(self) -> dict[str, Tensor]:
        """Weights as trained, frozen parameters and persistent buffers, by name."""
        saved = self.module.state_dict().keys()
        buffers = {name: buffer for name, buffer in self.module.named_buffers() if name in saved}
        return {**self.weights.named(self.weights.master), **self.weights.frozen, **buffers}

    def tensors(self, carries: list[Carry], position: Position) -> dict[str, dict[str, Tensor]]:
        """The files of a checkpoint; every rank must call it. Notes the structure of the carries in `position`."""
        extra: dict[str, Tensor] = {}
        if self.average is not None:
            extra |= {f"average/{name}": tensor for name, tensor in self.weights.named(self.average.value).items()}
        if self.best is not None:
            extra |= {f"best/{name}": tensor for name, tensor in self.weights.named(self.best).items()}
        shapes: list[list[Any]] = [[] for _ in range(self.ranks.world)]
        for piece, carry in enumerate(carries):
            named, _ = flatten(carry, "")
            gathered = {name: self.ranks.gather(tensor) for name, tensor in named.items()}
            for rank in range(self.ranks.world):
                prefix = f"carry/{rank}/{piece}/"
                shapes[rank].append(flatten(carry, prefix)[1])
                extra |= {prefix + name: parts[rank] for name, parts in gathered.items()}
        position.carry = [shape for rank in shapes for shape in rank]
        return {"model": self.model_tensors(), "optim": self.optimizer.state(), "extra": extra}

    def restore(self, state: TrainingState, carries: list[Carry]) -> Iterator[Event]:
        """Take a checkpoint up, `carries` in place. ContentError when it does not fit the model."""
        own, model = self.model_tensors(), state.tensors("model")
        for name in sorted(own.keys() | model.keys()):
            if name not in model or name not in own:
                problem = translate("missing") if name in own else translate("unexpected")
            elif own[name].shape != model[name].shape:
                problem = f"{tuple(model[name].shape)} != {tuple(own[name].shape)}"
            else:
                own[name].copy_(model[name])
                continue
            raise ContentError(
                "{checkpoint} does not fit the model: {name} is {problem}",
                checkpoint=state.checkpoint,
                name=name,
                problem=problem,
            )
        self.weights.refresh()
        self.weights.refresh_frozen()
        self.optimizer.load_state(state.tensors("optim"))
        extra = state.tensors("extra")
        if self.average is not None and (average := _under(extra, "average/")):
            self.weights.load(self.average.value, average)
        if best := _under(extra, "best/"):
            self.best = torch.zeros_like(self.weights.master)
            self.weights.load(self.best, best)
        yield from self._restore_carries(state.position.carry, extra, carries)

    def _restore_carries(self, shapes: list[Any], extra: dict[str, Tensor], carries: list[Carry]) -> Iterator[Event]:
        pieces = len(carries)
        if len(shapes) == pieces * self.ranks.world:
            mine = shapes[self.ranks.rank * pieces : (self.ranks.rank + 1) * pieces]
            carries[:] = [rebuild(shape, extra, self.weights.master.device) for shape in mine]
        elif any(shape is not None for shape in shapes):
            yield Note(translate("the number of processes or pieces changed: recurrent states start empty"))


def require_finite(tensors: Mapping[str, Mapping[str, Tensor]], *, step: int, last: str) -> None:
    """ContentError when a floating-point tensor holds NaN or infinity: such a file is never written (P6)."""
    for named in tensors.values():
        for name, tensor in named.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise ContentError(
                    "training stopped at step {step}: {name} is not finite, so nothing was saved. Last good checkpoint: "
                    "{checkpoint}. Lower the learning rate or look at the weights you started from.",
                    step=step,
                    name=name,
                    checkpoint=last,
                )


def not_finite(*, step: int, rate: float, batches: tuple[int, int], last: str) -> ContentError:
    """The error of a run in which several steps in a row could not be applied."""
    return ContentError(
        "training stopped at step {step}: loss or gradient was not finite {count} times in a row (learning rate {rate:.3g}"
        ", batches {first} to {last}). Last good checkpoint: {checkpoint}. Lower the learning rate or look at the weights "
        "you started from.",
        step=step,
        count=batches[1] - batches[0] + 1,
        rate=rate,
        first=batches[0],
        last=batches[1],
        checkpoint=last,
    )


def _under(named: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in named.items() if name.startswith(prefix)}
