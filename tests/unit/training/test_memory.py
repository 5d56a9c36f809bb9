"""Memory: what autograd keeps is counted, too much is refused before the start, running out is one line."""

from __future__ import annotations

import pytest
import torch
from tiny import Rows, Tiny, TinyBatches, objective, tiny

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Note
from hornbook.training import TrainingConfig, memory, train

CONFIG = TrainingConfig(steps=2, precision="float32")


def test_kept_bytes_by_hand() -> None:
    """x * x keeps x; exp keeps its result; a view counts once; a weight does not count."""
    weight = torch.randn(64, requires_grad=True)
    with memory.SavedTensors([weight]) as saved:
        product = weight * weight  # keeps only the weight
        assert saved.bytes == 0
        exponential = product.exp()  # keeps its result: 64 floats
        assert saved.bytes == 256
        (exponential.view(8, 8) * exponential.view(8, 8)).sum()  # the same storage again
        assert saved.bytes == 256


def test_a_training_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: 1e6)
    with pytest.raises(UsageError, match=r"training\.accumulate.*ignore-memory"):
        list(train(tiny(), objective, TinyBatches(), CONFIG))
    forced = TrainingConfig(**{**vars(CONFIG), "ignore_memory": True})
    notes = [event.text for event in train(tiny(), objective, TinyBatches(), forced) if isinstance(event, Note)]
    assert any("MB of memory" in text for text in notes)
    assert memory.machine_memory() == 1e6


def test_machine_memory_is_plausible() -> None:
    assert 1e8 < memory.machine_memory() < 1e14


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")]
)
def test_running_out_of_memory_is_one_line(error: Exception) -> None:
    calls = 0

    def greedy(module: Tiny, batch: Rows, carry: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise error
        return objective(module, batch, carry)

    with pytest.raises(ContentError, match=r"out of memory.*training\.rows.*training\.accumulate") as caught:
        list(train(tiny(), greedy, TinyBatches(), CONFIG))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_other_errors_of_a_step_stay_themselves() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory.memory_errors():
        raise RuntimeError("shape mismatch")
