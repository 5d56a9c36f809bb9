"""Training: one loop that yields events, optimisers, checkpoints, precision, several processes, progress."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hornbook.training.checkpoint import TrainingState, remove_checkpoints, resume
    from hornbook.training.config import TrainingConfig
    from hornbook.training.loop import train
    from hornbook.training.precision import precision_report

_HOMES = {
    "TrainingConfig": "config",
    "TrainingState": "checkpoint",
    "precision_report": "precision",
    "remove_checkpoints": "checkpoint",
    "resume": "checkpoint",
    "train": "loop",
}
__all__ = ["TrainingConfig", "TrainingState", "precision_report", "remove_checkpoints", "resume", "train"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is asked for: importing this room loads no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
