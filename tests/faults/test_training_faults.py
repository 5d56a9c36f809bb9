"""Damaged checkpoints (P3), full disks (P4), numbers that are not finite (P6), too little memory (P19)."""

from __future__ import annotations

import errno
import json
import math
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "training"))

from tiny import Tiny, TinyBatches, fingerprint, objective, tiny

from hornbook.core.errors import ContentError, DiskFullError
from hornbook.core.events import Alarm, Saved, Step
from hornbook.training import TrainingConfig, resume, train

pytestmark = pytest.mark.faults
CONFIG = TrainingConfig(steps=10, precision="float32", save_every=2, ema=0.9, evaluations=0)


def run(module: Tiny, folder: Path, stop: int = 0, config: TrainingConfig = CONFIG) -> list[object]:
    """Train, from the newest good checkpoint; `stop` abandons the run right after that step's save."""
    events: list[object] = []
    for event in train(module, objective, TinyBatches(), config, folder=folder, state=resume(folder)):
        events.append(event)
        if isinstance(event, Saved) and event.step == stop:
            break
    return events


def cut(name: str, keep: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    return damage


def flip(name: str, place: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[int(len(data) * place)] ^= 1
        (folder / name).write_bytes(bytes(data))

    return damage


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "weights: one bit": flip("model.safetensors", 0.9),
    "weights: one bit of the header": flip("model.safetensors", 0.01),
    "weights: cut in half": cut("model.safetensors", 0.5),
    "weights: empty": cut("model.safetensors", 0.0),
    "weights: missing": remove("model.safetensors"),
    "optimiser: one bit": flip("optim.safetensors", 0.5),
    "optimiser: missing": remove("optim.safetensors"),
    "average: cut": cut("extra.safetensors", 0.99),
    "state: one bit": flip("state.json", 0.3),
    "state: empty": cut("state.json", 0.0),
    "manifest: cut": cut("manifest.json", 0.7),
    "manifest: missing": remove("manifest.json"),
    "folder: empty": lambda folder: (shutil.rmtree(folder), folder.mkdir())[1],  # type: ignore[func-returns-value]
}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> str:
    module = tiny(recurrent=True)
    run(module, tmp_path_factory.mktemp("whole"))
    return fingerprint(module)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(name: str, tmp_path: Path, unbroken: str) -> None:
    """Expectation: an alarm names bad-step-6, the run goes on from step 4 and ends with the weights of the unbroken run."""
    run(tiny(recurrent=True), tmp_path, stop=6)
    DAMAGES[name](tmp_path / "step-6")
    module = tiny(seed=8, recurrent=True)
    events = run(module, tmp_path)
    alarms = [event for event in events if isinstance(event, Alarm)]
    assert len(alarms) == 1 and "bad-step-6" in alarms[0].text
    assert next(event.step for event in events if isinstance(event, Step)) == 5
    assert fingerprint(module) == unbroken
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad-step-6", "step-10", "step-8"]


def test_all_checkpoints_damaged_begins_anew(tmp_path: Path, unbroken: str) -> None:
    """Expectation: one alarm for each, then a training from step 1."""
    run(tiny(recurrent=True), tmp_path, stop=6)
    for name in ("step-4", "step-6"):
        flip("model.safetensors", 0.5)(tmp_path / name)
    module = tiny(recurrent=True)
    events = run(module, tmp_path)
    assert len([event for event in events if isinstance(event, Alarm)]) == 2
    assert fingerprint(module) == unbroken


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    """Expectation: one line that names what differs; the checkpoint stays where it is."""
    run(tiny(recurrent=True), tmp_path, stop=6)
    told = TrainingConfig(**{**vars(CONFIG), "resume_changed": True})
    with pytest.raises(ContentError, match=r"step-6 does not fit the model: recurrent\.\w+ is unexpected"):
        run(tiny(), tmp_path, config=told)
    with pytest.raises(ContentError, match=r"does not fit the model: bias is \(11,\) != \(12,\)"):
        run(tiny(recurrent=True, size=12), tmp_path, config=told)
    assert (tmp_path / "step-6").exists()


def test_every_write_call_may_meet_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expectation: DiskFullError (28) naming the last good checkpoint, nothing half-written, and the run resumes from it."""
    real, calls = os.write, 0

    def count(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", count)
    run(tiny(), tmp_path / "count", stop=2)
    in_one_save = calls
    assert in_one_save >= 15
    for failing in range(in_one_save):
        folder, calls = tmp_path / str(failing), 0

        def full(descriptor: int, data: bytes, failing: int = failing) -> int:
            nonlocal calls
            calls += 1
            if calls > in_one_save + failing:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(descriptor, data)

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(
            DiskFullError, match=r"checkpoint step 4 not saved: disk full.*last good checkpoint: .*step-2"
        ) as caught:
            run(tiny(), folder, config=TrainingConfig(**{**vars(CONFIG), "steps": 4}))
        assert caught.value.exit_code == 28
        assert [path.name for path in folder.iterdir()] == ["step-2"]
    monkeypatch.setattr(os, "write", real)
    assert resume(folder).position.step == 2


def test_files_of_limited_size(tmp_path: Path) -> None:
    """The same by the system itself (RLIMIT_FSIZE), before the first checkpoint. Expectation: 28, no litter."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(DiskFullError, match="last good checkpoint: none"):
            run(tiny(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_seen_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expectation: an alarm at the start, and a DiskFullError with both numbers at the first save."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type(usage)(usage.total, usage.total - 5000, 5000))
    events: list[object] = []
    with pytest.raises(DiskFullError, match=r"need 0\.\d MB, 0\.0 MB free"):
        for event in train(tiny(), objective, TinyBatches(), CONFIG, folder=tmp_path):
            events.append(event)
    alarms = [event for event in events if isinstance(event, Alarm)]
    assert len(alarms) == 1 and "MB free" in alarms[0].text and alarms[0] in events[:2]


def spoiled_weight(value: float) -> Callable[[Tiny, int], None]:
    def spoil(module: Tiny, step: int) -> None:
        if step == 6:
            module.mix.weight.data[0, 0] = value

    return spoil


def spoiled_gradient(module: Tiny, step: int) -> None:
    if step == 6:
        module.mix.weight.register_hook(lambda gradient: gradient * math.nan)


def no_spoil(module: Tiny, step: int) -> None:
    """Nothing: the settings themselves are bad."""


@pytest.mark.parametrize(
    ("spoil", "change"),
    [
        (spoiled_weight(math.nan), {}),
        (spoiled_weight(math.inf), {}),
        (spoiled_weight(-math.inf), {"optimizer": "adamw"}),
        (spoiled_weight(math.nan), {"ema": 0.0}),
        (spoiled_weight(math.nan), {"precision": "bfloat16"}),
        (spoiled_weight(math.nan), {"precision": "autocast"}),
        (spoiled_weight(math.nan), {"accumulate": 4}),
        (spoiled_weight(math.nan), {"clip": 0.0}),
        (spoiled_gradient, {}),
        (spoiled_gradient, {"save_every": 1}),
        (no_spoil, {"learning_rate": 1e38, "matrix_learning_rate": 1e38, "clip": 0.0}),
        (no_spoil, {"learning_rate": 1e6, "matrix_learning_rate": 1e6, "steps": 40}),
        (no_spoil, {"learning_rate": 1e38, "optimizer": "adamw", "save_every": 1, "steps": 40}),
    ],
)
def test_nothing_that_is_not_finite_is_saved(
    tmp_path: Path, spoil: Callable[[Tiny, int], None], change: dict[str, object]
) -> None:
    """Expectation: a one-line error (or a run that stays finite); every saved file is finite."""
    config = TrainingConfig(**{**vars(CONFIG), "steps": 20, **change})
    module, failed = tiny(recurrent=True), ""
    try:
        for event in train(module, objective, TinyBatches(), config, folder=tmp_path):
            if isinstance(event, Step):
                spoil(module, event.step)
    except ContentError as error:
        failed = str(error)
    if spoil is not no_spoil:
        assert "not finite" in failed and "\n" not in failed
        assert "Last good checkpoint" in failed
    for path in tmp_path.glob("step-*"):
        for name in ("model", "optim", "extra"):
            tensors = resume(tmp_path).tensors(name) if path == resume(tmp_path).checkpoint else {}
            assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
        assert json.loads((path / "state.json").read_text())["position"]["skipped_in_row"] == 0
    if not failed:
        assert all(bool(torch.isfinite(p).all()) for p in module.parameters())
