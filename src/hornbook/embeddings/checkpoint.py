"""Checkpoints of a training of word vectors: whole or absent, the newest good one found again (P1 to P4).

FOLDER/round-N/ holds model.safetensors, state.json and manifest.json. Random numbers need no file: they are a function of
seed, epoch and chunk. A damaged checkpoint is renamed bad-round-N, and the one before it is used.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, DiskFullError, HornbookError, UsageError, translate
from hornbook.core.events import Alarm
from hornbook.core.runtime import versions
from hornbook.embeddings.formats.folder import damaged, map_tensors, write_tensors

_ROUND = re.compile(r"round-(\d+)")
_KEEP = 2
_ROOM = 50_000  # bytes of the small files


@dataclass(frozen=True)
class Checkpoint:
    """What a run goes on from. `arrays` are mapped from the file."""

    folder: Path
    position: Mapping[str, Any]
    identity: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def require(self, identity: Mapping[str, Any]) -> None:
        """UsageError naming the first setting that differs from the checkpoint's."""
        now = json.loads(json.dumps(dict(identity)))
        for key in sorted(now.keys() | self.identity.keys()):
            if self.identity.get(key) != now.get(key):
                raise UsageError(
                    "cannot resume {checkpoint}: {field} was {before} and is {now} now. Use the same settings or "
                    "another folder.",
                    checkpoint=self.folder,
                    field=key,
                    before=self.identity.get(key),
                    now=now.get(key),
                )


def newest(folder: Path) -> tuple[Checkpoint | None, list[Alarm]]:
    """The newest whole checkpoint of a folder (None: there is none), and an alarm for each damaged one set aside."""
    alarms: list[Alarm] = []
    if folder.is_dir():
        for name in {path.name.split("-", 1)[1].rsplit("-", 1)[0] for path in folder.glob(".*-round-*-*")}:
            artifact.remove_stale(folder / name)
    for path in reversed(_checkpoints(folder)):
        try:
            artifact.verify(path)
            state = _read_state(path / "state.json")
            return Checkpoint(path, state["position"], state["identity"], map_tensors(path / "model.safetensors")), alarms
        except (ContentError, UsageError) as error:
            alarms.append(_set_aside(path, error))
    return None, alarms


def save(
    folder: Path,
    step: int,
    arrays: Mapping[str, NDArray[Any]],
    *,
    position: Mapping[str, Any],
    identity: Mapping[str, Any],
) -> Path:
    """Write round-`step` whole and delete all but the newest two. DiskFullError names the last good one."""
    target = folder / f"round-{step}"
    need = sum(array.nbytes for array in arrays.values()) + _ROOM
    try:
        artifact.require_space(folder, need, what="checkpoint")
        with artifact.writing(target, what="checkpoint") as temporary:
            write_tensors(arrays, temporary / "model.safetensors")
            state = {"position": dict(position), "identity": dict(identity), "versions": versions()}
            (temporary / "state.json").write_text(json.dumps(state, indent=1, ensure_ascii=False), "utf-8")
    except DiskFullError as error:
        good = [path for path in _checkpoints(folder) if path != target]
        raise DiskFullError(
            "checkpoint {name} not saved: the disk is full (need {need:.1f} MB); last good checkpoint: {last}",
            name=target,
            need=need / 1e6,
            last=good[-1] if good else translate("none"),
        ) from error
    for path in _checkpoints(folder)[:-_KEEP]:
        _delete(path)
    return target


def remove(folder: Path) -> None:
    """Delete the checkpoints of a run, and the folder when nothing else is in it."""
    for path in _checkpoints(folder):
        _delete(path)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _ROUND.fullmatch(path.name)) and path.is_dir()]
    return [path for _, path in sorted(found)]


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text("utf-8"))
        return {"position": dict(state["position"]), "identity": dict(state["identity"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, str(error)) from error


def _set_aside(path: Path, error: HornbookError) -> Alarm:
    target, attempt = path.with_name(f"bad-{path.name}"), 1
    while target.exists():
        attempt += 1
        target = path.with_name(f"bad-{path.name}-{attempt}")
    path.rename(target)
    text = translate("a damaged checkpoint was set aside as {target}: {error}").format(target=target, error=error)
    return Alarm(text, translate("training continues from the checkpoint before it; delete the damaged one when you like"))


def _delete(path: Path) -> None:
    """First renamed, so that no half-deleted checkpoint looks whole."""
    doomed = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
