"""Checkpoints: whole or absent, the newest good one found again, old ones pruned (P1 to P4).

FOLDER/step-N/ holds model.safetensors (weights and persistent buffers as trained), optim.safetensors, extra.safetensors
(running average, best weights, recurrent carry, as far as the run has them), state.json and manifest.json. Random numbers
need no file: they are a function of seed, step and rank. A damaged checkpoint is renamed bad-step-N, so that saving that
step again does not meet it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from hornbook.core import artifact
from hornbook.core.errors import ContentError, DiskFullError, HornbookError, UsageError, translate
from hornbook.core.events import Alarm
from hornbook.core.runtime import versions
from hornbook.training.position import Position
from hornbook.training.tensors import read_tensors, write_tensors

_STEP = re.compile(r"step-(\d+)")
_LEFTOVER = re.compile(r"\.(?:tmp|old)-(.+)-\d+")


@dataclass(frozen=True)
class TrainingState:
    """Where to continue: the newest whole checkpoint of a folder, or the beginning when there is none."""

    folder: Path
    checkpoint: Path | None = None
    position: Position = field(default_factory=Position)
    identity: Mapping[str, Any] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors of one file of the checkpoint: model, optim or extra."""
        assert self.checkpoint is not None
        return read_tensors(self.checkpoint / f"{name}.safetensors")

    def require(self, identity: Mapping[str, Any], *, allow_changed: bool) -> None:
        """Raise UsageError naming the first setting that differs from the checkpoint's, unless changes are allowed."""
        if self.checkpoint is None or allow_changed:
            return
        for key in sorted(identity.keys() | self.identity.keys()):
            before, now = self.identity.get(key), identity.get(key)
            if before != now:
                raise UsageError(
                    "cannot resume {checkpoint}: {field} was {before} and is {now} now. Use the same settings, another -o, "
                    "or --training.resume-changed yes",
                    checkpoint=self.checkpoint,
                    field=key,
                    before=before,
                    now=now,
                )


def resume(folder: Path) -> TrainingState:
    """Find the newest whole checkpoint of a folder; damaged ones are set aside and named in `alarms`. None: the beginning."""
    clean(folder)
    alarms: list[Alarm] = []
    for path in reversed(checkpoints(folder)):
        try:
            artifact.verify(path)
        except (ContentError, UsageError) as error:
            alarms.append(_quarantine(path, error))
            continue
        position, identity = _read_state(path)  # an error here is no damage: the sums are right
        return TrainingState(folder, path, position, identity, tuple(alarms))
    return TrainingState(folder, alarms=tuple(alarms))


def checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _STEP.fullmatch(path.name)) and path.is_dir()]
    return [path for _, path in sorted(found)]


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished run, and the folder when nothing else is in it."""
    for path in checkpoints(folder):
        _delete(path)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def clean(folder: Path) -> None:
    """Remove what killed writers left in a checkpoint folder."""
    if not folder.is_dir():
        return
    for name in {match[1] for path in folder.iterdir() if (match := _LEFTOVER.fullmatch(path.name))}:
        artifact.remove_stale(folder / name)


def save(
    folder: Path,
    position: Position,
    tensors: Mapping[str, Mapping[str, Tensor]],
    *,
    identity: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write step-N whole, then prune to `keep`. DiskFullError names the last good checkpoint."""
    target = folder / f"step-{position.step}"
    need = size_of(tensors)
    try:
        artifact.require_space(folder, need, what="checkpoint")
        with artifact.writing(target, what="checkpoint") as temporary:
            for name, named in tensors.items():
                write_tensors(temporary / f"{name}.safetensors", named)
            state = {"position": position.record(), "identity": dict(identity), "versions": versions()}
            (temporary / "state.json").write_text(json.dumps(state, indent=1, ensure_ascii=False), "utf-8")
    except DiskFullError as error:
        good = [path for path in checkpoints(folder) if path != target]
        raise DiskFullError(
            "checkpoint step {step} not saved: disk full (need {need:.1f} MB, {free:.1f} MB free); "
            "last good checkpoint: {last}",
            step=position.step,
            need=need / 1e6,
            free=_free(folder) / 1e6,
            last=good[-1] if good else translate("none"),
        ) from error
    prune(folder, keep)
    return target


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints: first renamed, so that no half-deleted one looks whole."""
    for path in checkpoints(folder)[:-keep]:
        _delete(path)


def size_of(tensors: Mapping[str, Mapping[str, Tensor]]) -> int:
    """Bytes of a checkpoint with these tensors."""
    return sum(tensor.numel() * tensor.element_size() + 200 for named in tensors.values() for tensor in named.values()) + 20_000


def space_alarm(folder: Path, size: int, keep: int) -> Alarm | None:
    """An alarm when the disk cannot hold the checkpoints of the run."""
    need, free = size * (keep + 1), _free(folder)
    if need <= free:
        return None
    text = translate("the checkpoints need {need:.1f} MB, the disk of {folder} has {free:.1f} MB free")
    remedy = translate("free some space, choose another folder with -o, or lower training.keep")
    return Alarm(text.format(need=need / 1e6, free=free / 1e6, folder=folder), remedy)


def _read_state(path: Path) -> tuple[Position, dict[str, Any]]:
    try:
        record = json.loads((path / "state.json").read_text("utf-8"))
        return Position.from_record(record["position"]), dict(record["identity"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContentError(
            "{path} is damaged: {error}. Restore the folder or train again.", path=path / "state.json", error=error
        ) from error


def _quarantine(path: Path, error: HornbookError) -> Alarm:
    target = path.with_name(f"bad-{path.name}")
    attempt = 1
    while target.exists():
        attempt += 1
        target = path.with_name(f"bad-{path.name}-{attempt}")
    path.rename(target)
    text = translate("a damaged checkpoint was set aside as {target}: {error}").format(target=target, error=error)
    return Alarm(text, translate("training continues from the checkpoint before it; delete the damaged one when you like"))


def _delete(path: Path) -> None:
    doomed = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _free(folder: Path) -> int:
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free
