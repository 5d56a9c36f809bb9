"""What a training run is told: budget, batch, optimiser, precision, saves. One dataclass for every neural family."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from hornbook.core.errors import UsageError


@dataclass(frozen=True)
class TrainingConfig:
    """Budget and method of one training run.

    The budget is `steps` or `seconds` (exactly one above 0); `seconds` counts everything inside the loop, evaluation and
    saving too, and goes on counting after a resume. A run with a budget in steps is bit-identical after a kill and a resume
    (CPU, float32 or bfloat16, fixed thread count). With a budget in seconds the schedule follows the clock: such a run can
    be resumed, but two runs never see the same schedule.
    """

    steps: int = 0
    seconds: float = 0.0
    rows: int = 16  # of one step, over all ranks
    length: int = 256  # tokens of a row
    samples: int = 0  # types beside the batch's own in the softmax of training, drawn at every step; 0 is the whole vocabulary
    accumulate: int = 1  # pieces in which the rows of one step are computed, to save memory
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: float = 3e-3  # AdamW: embeddings, output, vectors (and all matrices when optimizer is adamw)
    matrix_learning_rate: float = 0.02  # Muon: matrices between layers
    tuned_width: int = 0  # when set, AdamW's rates are multiplied by sqrt(tuned_width / width)
    weight_decay: float = 0.1  # of matrices between layers
    embedding_decay: float = 0.0  # of embeddings and the output matrix
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float = 0.95  # Muon
    warmup: float = 0.02  # fraction of the budget in which the rate rises from 0
    decay: float = 0.4  # fraction of the budget, at its end, in which the rate falls to 0
    clip: float = 1.0  # largest gradient norm, 0 is no limit
    ema: float = 0.0  # decay per step of the running average of the weights, 0 is off
    layer_decay: float = 1.0  # rates are multiplied by it once for every layer that lies above (Howard and Ruder 2018: 1 / 2.6)
    unfreeze: float = 0.0  # fraction of the budget over which layers begin to learn, the top one at once; 0: all at once
    precision: Literal["auto", "float32", "bfloat16", "autocast"] = "auto"
    save_every: int = 0  # steps between checkpoints; 0 goes by save_seconds
    save_seconds: float = 120.0
    keep: int = 2  # checkpoints kept
    evaluate_every: int = 0  # steps between evaluations; 0 spreads `evaluations` over the budget
    evaluations: int = 10
    patience: int = 0  # stop after this many evaluations without a new best, 0 never
    enough: float = -1.0  # stop at an evaluation at or below this
    restore_best: bool = True  # end with the weights of the best evaluation
    resume_changed: bool = False  # continue a checkpoint although corpus, model or settings differ
    ignore_memory: bool = False  # start although the memory estimate is above what the machine has
    seed: int = 1
    device: str = "auto"
    threads: int = 0

    def decisive(self) -> dict[str, Any]:
        """The settings that decide what comes out, by flag; a resume must not change them unasked."""
        free = ("accumulate", "save_every", "save_seconds", "keep", "evaluate_every", "evaluations", "patience", "restore_best")
        also_free = ("resume_changed", "ignore_memory", "device", "threads", "enough")
        unset = {"layer_decay": 1.0, "unfreeze": 0.0, "samples": 0}  # not named while off: older checkpoints do not know them
        named = {
            f"training.{key}": value
            for key, value in asdict(self).items()
            if key not in free + also_free and not (key in unset and value == unset[key])
        }
        return {**named, "training.betas": list(self.betas)}

    def check(self) -> None:
        """Raise UsageError naming the first setting that cannot work."""
        if (self.steps > 0) == (self.seconds > 0):
            raise UsageError("give a training budget: either training.steps or training.seconds must be above 0, and not both")
        bounds = {
            "steps": (self.steps, 0, None),
            "seconds": (self.seconds, 0, None),
            "samples": (self.samples, 0, None),
            "accumulate": (self.accumulate, 1, None),
            "learning-rate": (self.learning_rate, 0, None),
            "matrix-learning-rate": (self.matrix_learning_rate, 0, None),
            "weight-decay": (self.weight_decay, 0, None),
            "embedding-decay": (self.embedding_decay, 0, None),
            "warmup": (self.warmup, 0, 1),
            "decay": (self.decay, 0, 1),
            "clip": (self.clip, 0, None),
            "layer-decay": (self.layer_decay, 0, 1),
            "unfreeze": (self.unfreeze, 0, 1),
            "ema": (self.ema, 0, 0.999999),
            "momentum": (self.momentum, 0, 0.999999),
            "save-every": (self.save_every, 0, None),
            "keep": (self.keep, 1, None),
            "evaluate-every": (self.evaluate_every, 0, None),
            "evaluations": (self.evaluations, 0, None),
            "patience": (self.patience, 0, None),
        }
        for name, (value, low, high) in bounds.items():
            if not value >= low or (high is not None and value > high) or value == float("inf"):
                limits = f">= {low}" if high is None else f"{low}..{high}"
                raise UsageError("training.{name} is {value}: it must be {limits}", name=name, value=value, limits=limits)
        if self.warmup + self.decay > 1:
            raise UsageError(
                "training.warmup {warmup} and training.decay {decay} are more than the whole budget",
                warmup=self.warmup,
                decay=self.decay,
            )
