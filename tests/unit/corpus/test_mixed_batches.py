"""Several texts in one batch: their shares, and that the batch is the same on however many ranks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import UsageError
from hornbook.corpus.batches import BlockBatches, LaneBatches
from hornbook.corpus.masked_batches import MaskedBatches
from hornbook.corpus.masking import Masking
from hornbook.corpus.mixed_batches import MixedBatches, row_shares, tempered
from hornbook.corpus.shards import ShardSplit

weights = st.lists(st.floats(0.001, 1000), min_size=1, max_size=6)


class Numbers:
    def __init__(self) -> None:
        self.size = 1000
        self.specials = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}


def split(first: int, lengths: tuple[int, ...]) -> ShardSplit:
    """Documents of ids from `first` on, all different."""
    ids = iter(range(first, first + sum(lengths)))
    return ShardSplit.from_documents([[next(ids) for _ in range(length)] for length in lengths])


def mixed(kind: str, rows: tuple[int, int] = (5, 2)) -> MixedBatches:
    shape = {"length": 12, "seed": 3}
    splits = (split(10, (30, 7, 41, 12)), split(500, (9, 33)))
    if kind == "masked":
        return MixedBatches(
            [MaskedBatches(one, Numbers(), rows=count, masking=Masking(), **shape) for one, count in zip(splits, rows)]
        )
    make = BlockBatches if kind == "blocks" else LaneBatches
    return MixedBatches([make(one, rows=count, specials=Numbers().specials, **shape) for one, count in zip(splits, rows)])


@given(weights, st.integers(0, 60))
def test_rows_are_shared_by_weight_to_the_row(shares: list[float], more: int) -> None:
    rows = len(shares) + more
    found = row_shares(rows, shares)
    assert sum(found) == rows and min(found) >= 1
    wanted = np.array(shares) / sum(shares) * rows
    if wanted.min() >= 1:
        assert (np.abs(np.array(found) - wanted) < 1).all()
    order = np.argsort(shares, kind="stable")
    assert (np.diff(np.array(found)[order]) >= -1).all()


def test_rows_that_cannot_be_shared_are_refused() -> None:
    assert row_shares(32, (0.9, 0.1)) == [29, 3] and row_shares(4, (0.999, 0.001)) == [3, 1]
    for rows, shares in ((1, (0.5, 0.5)), (8, (1.0, 0.0)), (8, (1.0, float("nan")))):
        with pytest.raises(UsageError, match="cannot be shared"):
            row_shares(rows, shares)


@given(st.lists(st.floats(1, 1e9), min_size=2, max_size=6), st.floats(0.2, 20))
def test_temperature_flattens_and_keeps_the_order(sizes: list[float], temperature: float) -> None:
    found = tempered(sizes, temperature)
    assert sum(found) == pytest.approx(1) and min(found) > 0
    for one, other, a, b in zip(sizes, sizes[1:], found, found[1:]):
        assert np.log(a / b) == pytest.approx(np.log(one / other) / temperature, abs=1e-6)
    with pytest.raises(UsageError, match="above 0"):
        tempered(sizes, 0.0)


@pytest.mark.parametrize("kind", ["masked", "blocks", "lanes"])
@settings(max_examples=15, deadline=None)
@given(index=st.integers(0, 30), world=st.integers(1, 7))
def test_the_parts_of_the_ranks_are_the_batch(kind: str, index: int, world: int) -> None:
    batches = mixed(kind)
    whole = batches[index]
    parts = [batches.part(index, rank, world) for rank in range(world)]
    for field in dataclasses.fields(whole):
        value = getattr(whole, field.name)
        if isinstance(value, np.ndarray):
            assert np.array_equal(np.concatenate([getattr(part, field.name) for part in parts]), value)
            assert min(len(getattr(part, field.name)) for part in parts) >= 1
        else:
            assert all(getattr(part, field.name) == value for part in parts)


@pytest.mark.parametrize("kind", ["masked", "blocks", "lanes"])
def test_every_text_has_its_rows_and_goes_through_its_own_epochs(kind: str) -> None:
    batches, first, second = mixed(kind), *mixed(kind).texts
    for index in (0, 1, 9, 4):
        whole = batches[index]
        assert np.array_equal(whole.inputs[:5], first[index].inputs) and np.array_equal(whole.inputs[5:], second[index].inputs)
        assert whole.fresh == (first[index].fresh or second[index].fresh)
    assert batches.rows == 7 and batches.tokens_per_epoch == first.tokens_per_epoch + second.tokens_per_epoch


def test_schedules_of_masks_reach_the_texts_and_too_many_ranks_are_refused() -> None:
    splits = (split(10, (400,)), split(500, (400,)))
    rising = Masking(rate=0.1, last_rate=0.6)
    batches = MixedBatches([MaskedBatches(one, Numbers(), rows=6, length=32, masking=rising, seed=1) for one in splits])
    hidden = [np.count_nonzero(batches.part(0, 0, 1, progress).targets[rows] != -100) for progress in (0.0, 1.0)
              for rows in (slice(0, 6), slice(6, 12))]  # fmt: skip
    assert min(hidden[2:]) > 3 * max(hidden[:2])
    with pytest.raises(UsageError, match="give every rank a row"):
        batches.part(0, 0, 13)
