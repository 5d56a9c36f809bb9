"""Checkpoints on the disk: contents, pruning, damage, alarms; precision checks; logs and the display."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import TinyBatches, objective, tiny

from hornbook.core.errors import ContentError
from hornbook.core.events import Evaluation, Finished, Step
from hornbook.training import TrainingConfig, checkpoint, precision_report, resume, train
from hornbook.training.carry import flatten, rebuild
from hornbook.training.position import Position
from hornbook.training.precision import Trial, choose, fast_float32
from hornbook.training.progress import JsonLog, TensorBoardLog
from hornbook.training.tensors import read_tensors, write_tensors

CONFIG = TrainingConfig(steps=6, precision="float32", save_every=1, keep=3)
CPU = torch.device("cpu")


def test_written_tensors_are_read_by_the_library(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(3, 4),
        "b": torch.arange(5),
        "c": torch.randn(2, 2).bfloat16(),
        "empty": torch.zeros(0),
        "scalar": torch.tensor(2.0, dtype=torch.float64),
        "turned": torch.randn(4, 3).T,
    }
    write_tensors(tmp_path / "x.safetensors", tensors)
    for found in (load_file(tmp_path / "x.safetensors"), read_tensors(tmp_path / "x.safetensors")):
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in tensors.items())
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(ContentError, match=r"x\.safetensors cannot be read"):
        read_tensors(tmp_path / "x.safetensors")


def test_files_and_pruning(tmp_path: Path) -> None:
    list(train(tiny(), objective, TinyBatches(), CONFIG, folder=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-4", "step-5", "step-6"]
    newest = tmp_path / "step-6"
    names = {"model.safetensors", "optim.safetensors", "extra.safetensors", "state.json", "manifest.json"}
    assert {path.name for path in newest.iterdir()} == names
    state = json.loads((newest / "state.json").read_text())
    assert state["position"]["index"] == 6 and "torch" in state["versions"] and state["identity"]["training.seed"] == 1
    checkpoint.remove_checkpoints(tmp_path)
    assert not tmp_path.exists()


def test_space_alarm(tmp_path: Path) -> None:
    assert checkpoint.space_alarm(tmp_path, 1000, 2) is None
    alarm = checkpoint.space_alarm(tmp_path / "not" / "yet", 10**18, 2)
    assert alarm is not None and "MB free" in alarm.text and "training.keep" in alarm.remedy


def test_stale_folders_of_dead_writers_go(tmp_path: Path) -> None:
    list(train(tiny(), objective, TinyBatches(), CONFIG, folder=tmp_path))
    dead = 2**22 + 1  # above the largest process number of Linux
    (tmp_path / f".tmp-step-7-{dead}").mkdir()
    (tmp_path / "step-6").rename(tmp_path / f".old-step-6-{dead}")  # killed between two renames
    assert resume(tmp_path).position.step == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-4", "step-5", "step-6"]


def test_position_of_another_version_is_refused() -> None:
    record = Position(step=3).record()
    assert Position.from_record(record).step == 3
    with pytest.raises(ContentError, match="newer"):
        Position.from_record({**record, "newer": 1})


def test_carry_structures_survive() -> None:
    carry = ({"h": torch.ones(2), "c": [torch.zeros(1), None]}, torch.tensor(3.0))
    named, shape = flatten(carry, "carry/0/")
    again = rebuild(json.loads(json.dumps(shape)), named, CPU)
    assert isinstance(again, tuple) and torch.equal(again[0]["h"], torch.ones(2)) and again[0]["c"][1] is None
    with pytest.raises(TypeError):
        from hornbook.training.carry import detach

        detach(3)


def faster_when(setting: str) -> Callable[[Callable[[], object]], float]:
    return lambda product: 1.0 if torch.get_float32_matmul_precision() == setting else 2.0


def test_fast_float32_is_refused_where_it_is_not_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_float32_matmul_precision()
    try:
        a = torch.randn(512, 512, generator=torch.Generator().manual_seed(0))
        torch.set_float32_matmul_precision("medium")
        error = float(((a @ a).double() - a.double() @ a.double()).abs().max() / (a.double() @ a.double()).abs().max())
        chosen = fast_float32(CPU, seconds=faster_when("medium"))
        assert chosen == ("medium" if error < 1e-5 else "highest") == torch.get_float32_matmul_precision()
        assert fast_float32(CPU, seconds=faster_when("highest")) == "highest"  # right but slower
        monkeypatch.setenv("HORNBOOK_FAST_FP32", "0")
        assert fast_float32(CPU, seconds=faster_when("medium")) == "highest"
    finally:
        torch.set_float32_matmul_precision(before)


def test_precision_report_leaves_the_setting() -> None:
    before = torch.get_float32_matmul_precision()
    report = precision_report("cpu")
    assert report["device"] == "cpu" and "GFLOP/s" in report["bfloat16"]
    assert float(report["float32"].rsplit(" ", 1)[1]) < 1e-5
    assert torch.get_float32_matmul_precision() == before


def test_precision_is_the_fastest_that_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hornbook.training.precision.bfloat16_matmul_pays", lambda device: True)
    good, slow, wrong = Trial(1.0, 5.0, 2.0), Trial(0.95, 5.0, 2.0), Trial(0.1, 6.0, 2.0)
    plain = Trial(1.0, 5.0, 2.0)

    def named(**trials: Trial) -> str:
        return choose(lambda name: trials[name], CPU)[0]

    assert named(float32=plain, bfloat16=Trial(0.5, 5.01, 2.1), autocast=good) == "bfloat16"
    assert named(float32=plain, bfloat16=wrong, autocast=Trial(0.6, 5.0, 2.0)) == "autocast"
    assert named(float32=plain, bfloat16=slow, autocast=slow) == "float32"

    def lacking(name: str) -> Trial:
        if name != "float32":
            raise RuntimeError("not implemented for 'BFloat16'")
        return plain

    assert choose(lacking, CPU)[0] == "float32"
    monkeypatch.setattr("hornbook.training.precision.bfloat16_matmul_pays", lambda device: False)
    assert named(float32=plain) == "float32"


@pytest.mark.parametrize("precision", ["auto", "bfloat16", "autocast"])
def test_every_precision_learns(precision: str) -> None:
    config = TrainingConfig(steps=40, precision=precision, learning_rate=0.03)  # type: ignore[arg-type]
    module = tiny(width=32)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    steps = [event for event in train(module, objective, TinyBatches(), config) if isinstance(event, Step)]
    assert steps[-1].loss < 0.75 * steps[0].loss
    assert all(tensor.dtype == before[name].dtype for name, tensor in module.state_dict().items())


def test_trials_leave_no_trace() -> None:
    """Automatic precision that settles on float32 trains exactly as float32 does."""
    results = []
    for precision in ("auto", "float32"):
        module = tiny(dropout=0.2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hornbook.training.precision.FAST_ENOUGH", 0.0)
            list(train(module, objective, TinyBatches(), TrainingConfig(steps=3, precision=precision)))  # type: ignore[arg-type]
        results.append(module.state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_log_drops_what_a_resume_does_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with JsonLog(path) as log:
        for step in (1, 2, 3):
            log(Step(step, 1.0, step, 0.1, 10.0, 0.1, 1.0))
    path.write_text(path.read_text() + '{"event": "st')  # killed while writing
    with JsonLog(path, from_step=2) as log:
        log(Evaluation(2, 0.1, 2, {"loss": 1.5}, True))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(record["event"], record["step"]) for record in records] == [("step", 1), ("step", 2), ("evaluation", 2)]
    assert records[2]["metrics"] == {"loss": 1.5}


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `track` is not installed")
    log = TensorBoardLog(tmp_path)
    for event in (Step(1, 2.5, 100, 0.5, 2000.0, 0.1, 1.0), Finished(1, 100, 0.7, "budget")):
        log(event)
    log.close()
    assert next(iter(tmp_path.glob("events.*"))).stat().st_size > 100
