"""The loop: same mathematics for pieces and whole batches, exact resume, guards, early stopping, what it hands over."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from tiny import Rows, Tiny, TinyBatches, fingerprint, objective, tiny

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Alarm, Evaluation, Event, Finished, Saved, Step
from hornbook.training import TrainingConfig, resume, train
from hornbook.training.device import on_device

PLAIN = TrainingConfig(steps=12, precision="float32", save_every=3, evaluations=0, warmup=0.2)


def losses(events: Iterable[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, Step)]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_pieces_equal_the_whole_batch(optimizer: str) -> None:
    config = TrainingConfig(steps=5, precision="float32", optimizer=optimizer, clip=0.5)  # type: ignore[arg-type]
    whole, pieces = tiny().double(), tiny().double()
    first = losses(train(whole, objective, TinyBatches(), config))
    second = losses(train(pieces, objective, TinyBatches(), TrainingConfig(**{**vars(config), "accumulate": 4})))
    assert first == pytest.approx(second, abs=1e-12)
    for one, other in zip(whole.parameters(), pieces.parameters()):
        # Muon rounds to bfloat16 inside, which turns a difference in the last place into one of 2^-8
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12 if optimizer == "adamw" else 1e-3)


def test_gradient_is_the_mean_over_counted_tokens() -> None:
    """Against autograd on the whole batch: the norm that the loop reports, with parts of unequal counts."""
    module, batches = tiny().double(), TinyBatches()
    batch = batches.part(0, 0, 1)
    loss, _ = objective(module, on_device(batch, torch.device("cpu")), None)
    (loss.total / loss.count).backward()
    expected = math.sqrt(sum(float((p.grad**2).sum()) for p in module.parameters() if p.grad is not None))
    module.zero_grad()
    config = TrainingConfig(steps=1, precision="float32", accumulate=3)
    step = next(event for event in train(module, objective, batches, config) if isinstance(event, Step))
    assert step.gradient_norm == pytest.approx(expected, rel=1e-12)
    assert step.loss == pytest.approx(float(loss.total.detach()) / loss.count, rel=1e-12)
    assert step.tokens == loss.count


@pytest.mark.parametrize("options", [{"recurrent": True, "dropout": 0.1}, {"dropout": 0.2}])
@pytest.mark.parametrize("stop", [1, 5, 11])
def test_resume_is_exact(tmp_path: Path, options: dict[str, object], stop: int) -> None:
    config = TrainingConfig(**{**vars(PLAIN), "ema": 0.9, "accumulate": 2, "evaluate_every": 4, "save_every": 1})
    whole = tiny(**options)

    def run(module: Tiny, folder: Path, state: object = None) -> Iterable[Event]:
        measure = lambda: {"loss": float(sum((p**2).sum() for p in module.parameters()))}
        return train(module, objective, TinyBatches(), config, state=state, evaluate=measure, folder=folder)  # type: ignore[arg-type]

    expected = losses(run(whole, tmp_path / "whole"))
    broken = tiny(**options)
    for event in run(broken, tmp_path / "broken"):
        if isinstance(event, Saved) and event.step == stop:
            break
    torch.manual_seed(99)
    again = tiny(seed=5, **options)  # other weights: everything must come from the checkpoint
    rest = losses(run(again, tmp_path / "broken", resume(tmp_path / "broken")))
    assert rest == expected[stop:]
    assert fingerprint(again) == fingerprint(whole)


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    module = tiny()
    list(train(module, objective, TinyBatches(), PLAIN, folder=tmp_path))
    again = tiny(seed=5)
    events = list(train(again, objective, TinyBatches(), PLAIN, folder=tmp_path, state=resume(tmp_path)))
    assert not losses(events) and isinstance(events[-1], Finished)
    assert fingerprint(again) == fingerprint(module)


def test_resume_refuses_other_settings(tmp_path: Path) -> None:
    list(train(tiny(), objective, TinyBatches(), PLAIN, folder=tmp_path, identity={"corpus": "aa"}))
    with pytest.raises(UsageError, match="corpus was aa and is bb"):
        list(train(tiny(), objective, TinyBatches(), PLAIN, folder=tmp_path, state=resume(tmp_path), identity={"corpus": "bb"}))
    other = TrainingConfig(**{**vars(PLAIN), "learning_rate": 0.5})
    with pytest.raises(UsageError, match=r"training\.learning_rate was 0.003 and is 0.5"):
        list(train(tiny(), objective, TinyBatches(), other, folder=tmp_path, state=resume(tmp_path), identity={"corpus": "aa"}))
    told = TrainingConfig(**{**vars(other), "resume_changed": True, "steps": 14})
    events = train(tiny(), objective, TinyBatches(), told, folder=tmp_path, state=resume(tmp_path), identity={"corpus": "bb"})
    assert len(losses(events)) == 2


def test_a_fresh_start_does_not_mix_with_an_earlier_run(tmp_path: Path) -> None:
    list(train(tiny(), objective, TinyBatches(), PLAIN, folder=tmp_path))
    with pytest.raises(UsageError, match="earlier run"):
        next(iter(train(tiny(), objective, TinyBatches(), PLAIN, folder=tmp_path)))


def test_carry_is_dropped_when_fresh_and_kept_otherwise() -> None:
    seen: list[bool] = []

    def watching(module: Tiny, batch: Rows, carry: object) -> object:
        if len(batch.inputs) > 1:  # one row alone is the memory estimate before the start
            seen.append(carry is not None)
        return objective(module, batch, carry)

    config = TrainingConfig(steps=9, precision="float32")
    list(train(tiny(recurrent=True), watching, TinyBatches(epoch=4), config))  # type: ignore[arg-type]
    assert seen == [False, True, True, True, False, True, True, True, False]


def test_one_step_that_is_not_finite_is_skipped() -> None:
    calls = 0

    def sometimes(module: Tiny, batch: Rows, carry: object) -> object:
        nonlocal calls
        calls += len(batch.inputs) > 1
        loss, carry = objective(module, batch, carry)
        return (type(loss)(loss.total * (math.nan if calls == 3 else 1.0), loss.count, {}), carry)

    module = tiny(recurrent=True)
    events = list(train(module, sometimes, TinyBatches(), TrainingConfig(steps=6, precision="float32")))  # type: ignore[arg-type]
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.skipped for step in steps] == [False, False, True, False, False, False]
    assert all(bool(torch.isfinite(p).all()) for p in module.parameters())
    assert any(isinstance(event, Alarm) and "1 of 6" in event.text for event in events)


def test_early_stopping_ends_with_the_best_weights(tmp_path: Path) -> None:
    values = iter([3.0, 2.0, 2.5, 2.6, 2.7, 2.8])
    module, best = tiny(), ""

    def measure() -> dict[str, float]:
        nonlocal best
        value = next(values)
        if value == 2.0:
            best = fingerprint(module)
        return {"loss": value}

    config = TrainingConfig(steps=100, precision="float32", evaluate_every=2, patience=3)
    events = list(train(module, objective, TinyBatches(), config, evaluate=measure, folder=tmp_path))
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.reason == "patience" and finished.step == 10
    assert [event.best for event in events if isinstance(event, Evaluation)] == [True, True, False, False, False]
    assert fingerprint(module) == best


def test_average_is_what_is_measured_and_handed_over() -> None:
    module = tiny()
    shown: list[str] = []

    def measure() -> dict[str, float]:
        shown.append(fingerprint(module))
        return {"bits_per_byte": 1.0}

    config = TrainingConfig(steps=8, precision="float32", ema=0.99, restore_best=False)
    list(train(module, objective, TinyBatches(), config, evaluate=measure))
    other = tiny()
    list(train(other, objective, TinyBatches(), TrainingConfig(**{**vars(config), "ema": 0.0})))
    assert fingerprint(module) == shown[-1] != fingerprint(other)


def test_budget_in_seconds_is_kept_and_goes_on(tmp_path: Path) -> None:
    config = TrainingConfig(seconds=0.6, precision="float32", save_seconds=0.2)
    events = list(train(tiny(), objective, TinyBatches(), config, folder=tmp_path))
    finished, steps = events[-1], [event for event in events if isinstance(event, Step)]
    assert isinstance(finished, Finished) and 0.5 < finished.seconds < 1.5
    assert len([event for event in events if isinstance(event, Saved)]) >= 2
    assert max(step.learning_rate for step in steps) == pytest.approx(0.02, rel=0.05)
    again = list(train(tiny(), objective, TinyBatches(), config, folder=tmp_path, state=resume(tmp_path)))
    assert not losses(again)  # the time was used up before the resume


def test_a_run_that_learns_nothing_raises_an_alarm() -> None:
    config = TrainingConfig(steps=30, precision="float32", learning_rate=0.0, matrix_learning_rate=0.0)
    alarms = [event for event in train(tiny(), objective, TinyBatches(), config) if isinstance(event, Alarm)]
    assert len(alarms) == 1 and "did not fall" in alarms[0].text
    config = TrainingConfig(steps=60, precision="float32", learning_rate=0.03)
    assert not [event for event in train(tiny(), objective, TinyBatches(), config) if isinstance(event, Alarm)]


def test_the_module_is_free_again_after_an_abandoned_run() -> None:
    module = tiny()
    events = train(module, objective, TinyBatches(), TrainingConfig(steps=5, precision="bfloat16"))
    next(event for event in events if isinstance(event, Step))
    assert module.mix.weight.dtype == torch.bfloat16
    events.close()  # type: ignore[attr-defined]
    assert module.mix.weight.dtype == torch.float32 and module.mix.weight.grad is None
    batch = TinyBatches().part(0, 0, 1)
    loss, _ = objective(module, on_device(batch, torch.device("cpu")), None)
    loss.total.backward()
    assert module.mix.weight.grad is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "budget"),
        ({"seconds": 1.0}, "not both"),
        ({"accumulate": 0}, "accumulate"),
        ({"warmup": 0.7, "decay": 0.7}, "whole budget"),
        ({"learning_rate": float("nan")}, "learning-rate"),
        ({"device": "gpu"}, "unknown device"),
    ],
)
def test_settings_are_checked_first(change: dict[str, object], message: str) -> None:
    config = TrainingConfig(**{**vars(PLAIN), **change})
    with pytest.raises(UsageError, match=message):
        next(iter(train(tiny(), objective, TinyBatches(), config)))


def test_all_parameters_frozen_is_an_error() -> None:
    module = tiny()
    module.requires_grad_(False)
    with pytest.raises(UsageError, match="frozen"):
        next(iter(train(module, objective, TinyBatches(), PLAIN)))


def test_frozen_parameters_stay_and_are_saved(tmp_path: Path) -> None:
    module = tiny()
    module.embedding.weight.requires_grad_(False)
    before = module.embedding.weight.clone()
    list(train(module, objective, TinyBatches(), PLAIN, folder=tmp_path))
    assert torch.equal(module.embedding.weight, before)
    assert "embedding.weight" in resume(tmp_path).tensors("model")


def test_three_in_a_row_stop_the_run_and_say_where(tmp_path: Path) -> None:
    calls = 0

    def broken(module: Tiny, batch: Rows, carry: object) -> object:
        nonlocal calls
        calls += len(batch.inputs) > 1
        loss, carry = objective(module, batch, carry)
        return (type(loss)(loss.total * (math.inf if calls > 7 else 1.0), loss.count, {}), carry)

    with pytest.raises(ContentError) as caught:
        list(train(tiny(), broken, TinyBatches(), PLAIN, folder=tmp_path))  # type: ignore[arg-type]
    text = str(caught.value)
    assert "step 10" in text and "batches 7 to 9" in text and "step-6" in text and "learning rate" in text


class Clock:
    """A clock that shows what the test says has passed, however busy the machine is."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_dear_evaluations_do_not_eat_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation of 0.2 s in a budget of 2 s: once or twice on the way, once at the end, and the end is in time."""
    clock = Clock()
    monkeypatch.setattr("hornbook.training.loop.time", clock)

    def measure() -> dict[str, float]:
        clock.now += 0.2
        return {"loss": 1.0}

    def timed(module: Tiny, batch: Rows, carry: object) -> object:
        clock.now += 0.01
        return objective(module, batch, carry)  # type: ignore[arg-type]

    config = TrainingConfig(seconds=2.0, precision="float32", evaluations=20)
    events = list(train(tiny(), timed, TinyBatches(), config, evaluate=measure))  # type: ignore[arg-type]
    finished = events[-1]
    assert isinstance(finished, Finished) and 1.5 < finished.seconds < 2.3
    assert 1 <= len([event for event in events if isinstance(event, Evaluation)]) <= 4


def test_held_out_worse_than_counting_is_an_alarm() -> None:
    config = TrainingConfig(steps=60, precision="float32", learning_rate=0.03)
    events = train(tiny(), objective, TinyBatches(), config, evaluate=lambda: {"loss": 9.0})
    assert ["9.000" in event.text for event in events if isinstance(event, Alarm)] == [True]
