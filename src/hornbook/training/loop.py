"""The only training loop: a generator of events. Who consumes it prints, logs, measures and stops; there are no callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hornbook.core.errors import Interrupted, UsageError, translate
from hornbook.core.events import Evaluation, Event, Finished, Note, Saved, Step
from hornbook.core.runtime import local_ranks
from hornbook.training import checkpoint
from hornbook.training.alarms import learning_alarms
from hornbook.training.checkpoint import TrainingState
from hornbook.training.config import TrainingConfig
from hornbook.training.device import pick_device
from hornbook.training.distributed import Ranks
from hornbook.training.learner import Learner, not_finite, require_finite
from hornbook.training.memory import memory_errors, require_memory
from hornbook.training.optim import parameter_groups
from hornbook.training.position import Position
from hornbook.training.precision import choose, compute_type, fast_float32
from hornbook.training.schedule import rate_factor, step_fraction
from hornbook.training.signals import Signals, StopNow
from hornbook.training.step import Batches, Objective, Shared, Stepper

SKIPS_TO_STOP = 3
EVALUATION_SHARE = 0.15  # of a budget in seconds that evaluations on the way may take


def train(
    module: nn.Module,
    objective: Objective,
    batches: Batches,
    config: TrainingConfig,
    *,
    state: TrainingState | None = None,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    folder: Path | None = None,
    identity: Mapping[str, Any] | None = None,
) -> Iterator[Event]:
    """Train `module` in place and yield what happens; at the end it holds the final weights (average or best, as configured).

    `objective(module, batch, carry)` gives a `Loss` summed over counted tokens; `batches.part(index, rank, world, progress)`
    gives the rows of one rank. `state` is `resume(folder)` to continue. `evaluate()` measures the module on held-out text:
    a dict with "error" (of a task), "loss" (nats per token) or "bits_per_byte", lower is better; the first of them decides.
    `folder` receives checkpoints step-N.
    `identity` is what a resume must not change silently (corpus fingerprint, model settings).

    Raises UsageError (settings, another run's checkpoints), ContentError (three steps in a row not finite, out of memory),
    DiskFullError, Interrupted (SIGINT, after saving). On SIGTERM it saves and ends with Finished(reason="terminated").
    """
    config.check()
    run = _Run(module, objective, batches, config, evaluate, folder, identity or {})
    with Signals() as run.signals:
        try:
            yield from run.begin(state)
            while run.reason is None:
                yield run.step()
                if run.evaluation_due():
                    yield from run.measure()
                if run.save_due():
                    yield from run.save()
            yield from run.end()
        finally:
            run.release()


class _Run:
    """The parts of one training run and where it stands."""

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        batches: Batches,
        config: TrainingConfig,
        evaluate: Callable[[], Mapping[str, float]] | None,
        folder: Path | None,
        identity: Mapping[str, Any],
    ) -> None:
        self.module, self.batches, self.config, self.evaluate, self.folder = module, batches, config, evaluate, folder
        self.started = time.monotonic()
        self.signals = Signals()
        self.ranks = Ranks()
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = pick_device(config.device, local_rank=self.ranks.rank)
        module.to(self.device)
        self.stepper = Stepper(module, objective, batches, config, ranks=self.ranks)
        self.groups = parameter_groups(module, config)
        self.identity = {**config.decisive(), **identity, "parameters": sum(p.numel() for p in module.parameters())}
        self.position = Position()
        self.seconds_before = 0.0
        self.learner: Learner | None = None
        self.final: Tensor | None = None
        self.reason: str | None = None
        self.fraction = 0.0
        self.saved_at = time.monotonic()
        self.step_seconds = self.evaluation_seconds = self.save_seconds = 0.0  # how long each took last
        self.evaluated_seconds = 0.0  # all evaluations together

    # ---- begin -------------------------------------------------------------------------------------------------------

    def begin(self, state: TrainingState | None) -> Iterator[Event]:
        """Decide the precision, lay out weights and optimiser, take a checkpoint up."""
        if state is None and self.folder is not None and checkpoint.checkpoints(self.folder):
            raise UsageError(
                "{folder} has checkpoints of an earlier run: continue it with --resume or choose another -o", folder=self.folder
            )
        if state is not None:
            yield from state.alarms
            state.require(self.identity, allow_changed=self.config.resume_changed)
            self.position = state.position
            self.seconds_before = state.position.seconds
            if any(state.identity.get(key) != self.identity[key] for key in ("training.steps", "training.seconds")):
                self.position.finished = None  # a longer budget
        self.module.train()
        yield from self._choose_precision()
        self.learner = Learner(self.module, self.groups, self.config, precision=self.precision, ranks=self.ranks)
        if state is not None and state.checkpoint is not None:
            yield from self.learner.restore(state, self.stepper.carries)
            text = translate("resumed {checkpoint}: step {step}, {seconds:.0f} s trained")
            yield Note(text.format(checkpoint=state.checkpoint, step=self.position.step, seconds=self.position.seconds))
        yield from self._require_room(self.learner)
        clock = self.ranks.sum_numbers([self.elapsed() if self.ranks.rank == 0 else 0.0])[0]
        self.fraction = self._fraction(clock)
        self.reason = self.position.finished or self._over(clock, 0.0)

    def _choose_precision(self) -> Iterator[Event]:
        choices = self.position.choices
        if "matmul" in choices:
            torch.set_float32_matmul_precision(choices["matmul"])
        else:
            choices["matmul"] = fast_float32(self.device)
        if self.config.precision != "auto":
            choices["precision"] = self.config.precision
        elif "precision" not in choices:
            names = [group.names for group in self.groups]
            double = any(parameter.dtype == torch.float64 for parameter in self.module.parameters())
            precision, trials = (
                ("float32", {})
                if double
                else choose(lambda name: self.stepper.trial(names, name, compute_type(name)), self.device)
            )
            choices["precision"] = self._agree(precision)
            if trials:
                measured = ", ".join(f"{name} {trial.seconds * 1e3:.0f} ms" for name, trial in trials.items())
                yield Note(
                    translate("precision {precision}: a small step took {measured}").format(
                        precision=precision, measured=measured
                    )
                )
        before = choices.setdefault("threads", str(torch.get_num_threads()))
        if before != str(torch.get_num_threads()):
            text = translate(
                "the checkpoint was made with {before} threads, now there are {now}: the result will not be bit-identical"
            )
            yield Note(text.format(before=before, now=torch.get_num_threads()))
        self.precision = choices["precision"]

    def _require_room(self, learner: Learner) -> Iterator[Event]:
        """Memory is refused, disk space is an alarm: it may still be freed."""
        tensors = learner.tensors(self.stepper.carries, self.position)
        master = learner.weights.master
        held = (
            checkpoint.size_of(tensors) + (2 if learner.weights.narrow is None else 3) * master.numel() * master.element_size()
        )
        kept = self.stepper.kept_bytes(learner.weights, self.precision)
        need = require_memory(held, kept, device=self.device, force=self.config.ignore_memory)
        yield Note(translate("about {need:.0f} MB of memory for this training").format(need=need))
        if self.folder is not None:
            alarm = checkpoint.space_alarm(self.folder, checkpoint.size_of(tensors), self.config.keep)
            if alarm is not None and self.ranks.rank == 0:
                yield alarm

    def _agree(self, precision: str) -> str:
        names = ("float32", "bfloat16", "autocast")
        chosen = self.ranks.sum_numbers([names.index(precision) if self.ranks.rank == 0 else 0.0])
        return names[int(chosen[0])]

    # ---- step --------------------------------------------------------------------------------------------------------

    def step(self) -> Step:
        """One optimiser step; ContentError after three in a row that were not finite, or out of memory."""
        assert self.learner is not None
        position, begin = self.position, time.monotonic()
        position.step += 1
        with memory_errors():
            sums = self.stepper.gradient(
                position.index, position.step, self.learner.awake(self.fraction), self.precision, self.fraction
            )
            shared = self.stepper.share(sums, clock=self._clock(), signals=self.signals)
            self.fraction = self._fraction(shared.elapsed)
            factor = rate_factor(self.fraction, warmup=self.config.warmup, decay=self.config.decay)
            norm, applied = self.stepper.apply(shared, self.learner.weights, self.learner.optimizer, factor)
        self._count(shared, factor, applied=applied)
        self.step_seconds = time.monotonic() - begin
        position.seconds = self.elapsed()
        self.reason = self._stop(shared.terminated, shared.interrupted) or self._over(shared.elapsed, shared.margin)
        return Step(
            step=position.step,
            loss=shared.loss,
            tokens=position.tokens,
            seconds=position.seconds,
            tokens_per_second=shared.tokens / max(self.step_seconds, 1e-9),
            learning_rate=self.groups[0].learning_rate * factor,
            gradient_norm=norm,
            skipped=not applied,
        )

    def _count(self, shared: Shared, factor: float, *, applied: bool) -> None:
        position = self.position
        position.index += 1
        position.tokens += shared.tokens
        if not applied:
            position.skipped += 1
            position.skipped_in_row += 1
            self._stop_if_stuck(position.index - 1, factor)
            return
        position.applied += 1
        position.skipped_in_row = 0
        if position.first_loss is None:
            position.first_loss = shared.loss
        kept = shared.loss if position.last_loss is None else position.last_loss
        position.last_loss = 0.95 * kept + 0.05 * shared.loss
        if self.learner is not None and self.learner.average is not None:
            self.learner.average.update(position.applied)

    def _stop_if_stuck(self, index: int, factor: float) -> None:
        if self.position.skipped_in_row < SKIPS_TO_STOP:
            return
        rate = self.groups[0].learning_rate * factor
        raise not_finite(
            step=self.position.step, rate=rate, batches=(index - SKIPS_TO_STOP + 1, index), last=self._last_checkpoint()
        )

    def _last_checkpoint(self) -> str:
        found = checkpoint.checkpoints(self.folder) if self.folder is not None else []
        return str(found[-1]) if found else translate("none")

    def elapsed(self) -> float:
        """Seconds inside the loop, before the resume too."""
        return self.seconds_before + time.monotonic() - self.started

    def _fraction(self, elapsed: float) -> float:
        if self.config.steps:
            return step_fraction(self.position.step, self.config.steps)
        return min(1.0, elapsed / self.config.seconds)

    def _clock(self) -> tuple[float, float]:
        """Seconds so far, and seconds to keep for half a step, the last evaluation and the last save."""
        return self.elapsed(), 0.5 * self.step_seconds + self.evaluation_seconds + self.save_seconds

    def _over(self, elapsed: float, margin: float) -> str | None:
        if self.config.steps:
            return "budget" if self.position.step >= self.config.steps else None
        return "budget" if elapsed + margin >= self.config.seconds else None

    @staticmethod
    def _stop(terminated: bool, interrupted: bool) -> str | None:
        return "interrupted" if interrupted else "terminated" if terminated else None

    # ---- evaluation --------------------------------------------------------------------------------------------------

    def evaluation_due(self) -> bool:
        """Whether to measure after this step; the last measurement is part of the end."""
        if self.evaluate is None or self.reason is not None:
            return False
        if self.config.evaluate_every:
            return self.position.step % self.config.evaluate_every == 0
        dear = self.evaluated_seconds + self.evaluation_seconds > EVALUATION_SHARE * self.fraction * self.config.seconds
        if self.config.seconds and self.evaluation_seconds and dear:
            return False
        return int(self.fraction * self.config.evaluations) > self.position.evaluations

    def measure(self) -> Iterator[Event]:
        """Measure the weights that would be handed over now; remember the best."""
        assert self.learner is not None and self.evaluate is not None
        begin = time.monotonic()
        metrics = self._metrics()
        self.ranks.wait()
        mine = [_measure_of(metrics), metrics.get("loss", math.nan), time.monotonic() - begin]
        value, loss, seconds, terminated, interrupted = self.ranks.sum_numbers(
            [*(mine if self.ranks.rank == 0 else (0.0, 0.0, 0.0)), self.signals.terminated, self.signals.interrupted]
        )
        self.evaluation_seconds, self.evaluated_seconds = seconds, self.evaluated_seconds + seconds
        self.reason = self._stop(terminated > 0, interrupted > 0) or self.reason
        position = self.position
        position.seconds = self.elapsed()
        if self.reason in ("terminated", "interrupted") and math.isnan(value):
            return  # given up half-way
        position.held_out = None if math.isnan(loss) else loss
        position.evaluated = position.step
        position.evaluations = int(self.fraction * self.config.evaluations)
        best = math.isfinite(value) and (position.best is None or value < position.best)
        if best:
            position.best, position.best_step, position.without_best = value, position.step, 0
            if self.config.restore_best:
                self.learner.best = self.learner.shown().clone()
        else:
            position.without_best += 1
            if self.config.patience and position.without_best >= self.config.patience and self.reason is None:
                self.reason = "patience"
        if value <= self.config.enough and self.reason is None:
            self.reason = "target"
        yield Evaluation(position.step, position.seconds, position.tokens, metrics or {"loss": value}, best)

    def _metrics(self) -> dict[str, float]:
        assert self.learner is not None and self.evaluate is not None
        metrics: dict[str, float] = {}
        if self.ranks.rank != 0:
            return metrics
        threads = torch.get_num_threads()
        torch.set_num_threads(threads * local_ranks() if self.ranks.world > 1 else threads)  # the other ranks are waiting
        average = self.learner.average
        self.module.eval()
        try:
            with self.learner.weights.showing(None if average is None else average.value), torch.no_grad():
                try:
                    self.signals.interruptible(True)
                    metrics = {name: float(value) for name, value in self.evaluate().items()}
                except StopNow:
                    metrics = {}
                finally:
                    self.signals.interruptible(False)
        finally:
            self.module.train()
            torch.set_num_threads(threads)
        return metrics

    # ---- saving ------------------------------------------------------------------------------------------------------

    def save_due(self) -> bool:
        """Whether to save after this step (never while steps are being skipped); the last save is part of the end."""
        if self.folder is None or self.reason is not None or self.position.skipped_in_row:
            return False
        if self.config.save_every:
            return self.position.step % self.config.save_every == 0
        due = self.ranks.rank == 0 and time.monotonic() - self.saved_at >= self.config.save_seconds
        return self.ranks.sum_numbers([float(due)])[0] > 0

    def save(self) -> Iterator[Event]:
        """Save a checkpoint, unless something in it is not finite: then ContentError."""
        assert self.folder is not None and self.learner is not None
        begin = time.monotonic()
        tensors = self.learner.tensors(self.stepper.carries, self.position)
        self.position.seconds = self.elapsed()
        if self.ranks.rank == 0:
            require_finite(tensors, step=self.position.step, last=self._last_checkpoint())
            path = checkpoint.save(self.folder, self.position, tensors, identity=self.identity, keep=self.config.keep)
            yield Saved(self.position.step, path)
        self.ranks.wait()
        self.saved_at = time.monotonic()
        self.save_seconds = self.saved_at - begin

    # ---- end ---------------------------------------------------------------------------------------------------------

    def end(self) -> Iterator[Event]:
        """Last measurement, last save, alarms, hand the weights over."""
        assert self.learner is not None
        stopped = self.reason in ("terminated", "interrupted")
        if self.evaluate is not None and not stopped and self.position.evaluated != self.position.step:
            yield from self.measure()
        self.position.finished = None if stopped else self.reason
        if self.folder is not None:
            yield from self.save()
        require_finite({"model": self.learner.model_tensors()}, step=self.position.step, last=self._last_checkpoint())
        if self.reason == "interrupted":
            raise self._interruption()
        self.final = self.learner.shown()
        if self.learner.best is not None and self.reason != "terminated":
            self.final = self.learner.best
        if self.reason != "terminated":
            yield from learning_alarms(self.position, self.batches)
        yield Finished(self.position.step, self.position.tokens, self.position.seconds, self.reason or "budget")

    def _interruption(self) -> Interrupted:
        if self.folder is None:
            return Interrupted("stopped at step {step}; no folder was given, so nothing was saved", step=self.position.step)
        return Interrupted(
            "stopped at step {step}, saved in {folder}: give the same command with --resume to continue",
            step=self.position.step,
            folder=self.folder,
        )

    def release(self) -> None:
        """Give the module its own parameters back."""
        if self.learner is not None:
            self.learner.release(self.learner.shown() if self.final is None else self.final)


def _measure_of(metrics: Mapping[str, float]) -> float:
    for name in ("error", "loss", "bits_per_byte"):
        if name in metrics:
            return metrics[name]
    if metrics:
        raise UsageError("evaluate() must give 'error', 'loss' or 'bits_per_byte', it gave {names}", names=", ".join(metrics))
    return math.nan
