"""Batches: every token a target exactly once an epoch, the same order however it is asked for, lanes that follow the text."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.batches import BlockBatches, LaneBatches
from hornbook.corpus.shards import ShardSplit

SPECIALS = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}
START, END, FIRST = 2, 3, 6


def corpus(lengths):
    """Documents in which every token id is different, so that a target names its place in the corpus."""
    ids = iter(range(FIRST, FIRST + sum(lengths)))
    return ShardSplit.from_documents([[next(ids) for _ in range(length)] for length in lengths])


lengths = st.lists(st.integers(0, 12), min_size=1, max_size=12)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 9))


def counted(batches):
    targets = np.concatenate([batch.targets.ravel() for batch in batches])
    return targets[targets != -100]


def check_once(split, targets):
    tokens = np.sort(targets[targets != END])
    assert np.array_equal(tokens, np.arange(FIRST, FIRST + split.tokens.size))
    assert np.count_nonzero(targets == END) == len(split)


@settings(max_examples=60, deadline=None)
@given(lengths, shapes, st.integers(0, 5))
def test_blocks_count_every_token_once_an_epoch(sizes, shape, epoch):
    rows, length = shape
    split = corpus(sizes)
    batches = BlockBatches(split, rows=rows, length=length, specials=SPECIALS, seed=7)
    first = epoch * batches.blocks_per_epoch
    targets = []
    for number in range(first, first + batches.blocks_per_epoch):
        targets.append(batches[number // rows].targets[number % rows])
    targets = np.concatenate(targets)
    check_once(split, targets[targets != -100])
    assert batches.tokens_per_epoch == split.tokens.size + len(split)


@settings(max_examples=60, deadline=None)
@given(lengths, shapes, st.integers(0, 3))
def test_lanes_count_every_token_once_an_epoch_and_are_the_stream(sizes, shape, epoch):
    rows, length = shape
    split = corpus(sizes)
    batches = LaneBatches(split, rows=rows, length=length, specials=SPECIALS, seed=3)
    first = epoch * batches.batches_per_epoch
    parts = [batches[index] for index in range(first, first + batches.batches_per_epoch)]
    assert [part.fresh for part in parts] == [True] + [False] * (len(parts) - 1)
    inputs = np.concatenate([part.inputs for part in parts], axis=1)
    targets = np.concatenate([part.targets for part in parts], axis=1)
    follows = (targets[:, :-1] == inputs[:, 1:]) | (targets[:, :-1] == -100)
    assert follows.all()  # batch i + 1 goes on where batch i ended, in every row
    if batches.stream_length >= rows * length:
        check_once(split, targets[targets != -100])
        lanes = [
            inputs[row, : (row + 1) * batches.stream_length // rows - row * batches.stream_length // rows]
            for row in range(rows)
        ]
        stream = np.concatenate(lanes)
        turned = np.roll(stream, -int(np.flatnonzero(stream == START)[0]))
        documents = [np.array([START, *split.document(i), END]) for i in range(len(split))]
        found, place = [], 0
        while place < turned.size:  # the stream is whole documents, each once
            end = place + 1 + int(np.argmax(turned[place:] == END))
            found.append(tuple(turned[place:end]))
            place = end
        assert sorted(found) == sorted(map(tuple, documents))


@settings(max_examples=60, deadline=None)
@given(lengths, st.integers(1, 4), st.integers(3, 9), st.integers(0, 3))
def test_cuts_that_move_leave_the_lanes_as_they_are(sizes, rows, length, epoch):
    split = corpus(sizes)
    even = LaneBatches(split, rows=rows, length=length, specials=SPECIALS, seed=3)
    moved = LaneBatches(split, rows=rows, length=length, specials=SPECIALS, seed=3, spread=(length - 1) // 2)
    span = range(epoch * even.batches_per_epoch, (epoch + 1) * even.batches_per_epoch)
    parts, expected = [moved[index] for index in span], [even[index] for index in span]
    assert moved.batches_per_epoch == even.batches_per_epoch
    assert all(abs(part.inputs.shape[1] - length) <= 2 * moved.spread for part in parts)
    for name in ("inputs", "targets"):
        found, wanted = (np.concatenate([getattr(p, name) for p in side], axis=1) for side in (parts, expected))
        assert np.array_equal(found, wanted)
    again = LaneBatches(split, rows=rows, length=length, specials=SPECIALS, seed=3, spread=(length - 1) // 2)
    assert np.array_equal(again[span[-1]].inputs, parts[-1].inputs)  # any batch at once


def test_cuts_move_differently_in_every_epoch_and_are_even_on_average():
    batches = LaneBatches(corpus([4_000]), rows=2, length=20, specials=SPECIALS, seed=1, spread=8)
    epochs = [
        [batches[epoch * batches.batches_per_epoch + i].inputs.shape[1] for i in range(batches.batches_per_epoch)]
        for epoch in range(3)
    ]
    assert epochs[0] != epochs[1] != epochs[2]
    assert all(np.mean(widths) == 20 for widths in epochs) and min(epochs[0]) < 12 and max(epochs[0]) > 28
    with pytest.raises(UsageError, match="more than 20 tokens"):
        LaneBatches(corpus([9]), rows=1, length=20, specials=SPECIALS, seed=1, spread=10)


@settings(max_examples=40, deadline=None)
@given(lengths, shapes, st.sampled_from([BlockBatches, LaneBatches]), st.data())
def test_a_batch_depends_on_its_index_only_and_ranks_share_it_out(sizes, shape, kind, data):
    rows, length = shape
    split = corpus(sizes)
    make = lambda: kind(split, rows=rows, length=length, specials=SPECIALS, seed=11)
    in_order = make()
    expected = [in_order[index] for index in range(8)]
    shuffled = make()
    for index in data.draw(st.permutations(range(8))):
        assert np.array_equal(shuffled[index].inputs, expected[index].inputs)
        assert np.array_equal(shuffled[index].targets, expected[index].targets)
    for world in range(1, rows + 1):
        parts = [make().part(5, rank, world) for rank in range(world)]
        assert np.array_equal(np.concatenate([part.inputs for part in parts]), expected[5].inputs)
        assert np.array_equal(np.concatenate([part.targets for part in parts]), expected[5].targets)


def test_a_hand_checkable_example():
    """Two documents, one row: the stream is `<s> 6 7 </s> <s> 8 </s>` or its other order, turned by the epoch's offset."""
    batches = LaneBatches(corpus([2, 1]), rows=1, length=7, specials=SPECIALS, seed=1)
    for index in range(20):
        batch = batches[index]
        stream = batch.inputs[0]
        turned = np.roll(stream, -int(np.flatnonzero(stream == START)[0])).tolist()
        assert turned in ([2, 6, 7, 3, 2, 8, 3], [2, 8, 3, 2, 6, 7, 3])
        follower = np.roll(stream, -1)
        assert np.array_equal(batch.targets[0], np.where(follower == START, -100, follower))
        assert batch.counted == 5


def test_epochs_differ_in_order_and_offset_and_seeds_differ():
    split = corpus([40] * 50)
    batches = BlockBatches(split, rows=4, length=16, specials=SPECIALS, seed=1)
    per_epoch = batches.blocks_per_epoch // 4
    assert not np.array_equal(batches[0].inputs, batches[per_epoch + 1].inputs)
    assert not np.array_equal(batches[0].inputs, BlockBatches(split, rows=4, length=16, specials=SPECIALS, seed=2)[0].inputs)
    cuts = {tuple(batches[index].inputs[0, :2].tolist()) for index in range(200)}
    assert len(cuts) > 100  # blocks do not begin at the same places again and again


def test_the_order_is_the_same_on_every_machine():
    batches = BlockBatches(corpus([3, 4, 5]), rows=2, length=6, specials=SPECIALS, seed=1)
    assert batches[0].inputs.tolist() == EXPECTED_BLOCKS
    lanes = LaneBatches(corpus([3, 4, 5]), rows=2, length=6, specials=SPECIALS, seed=1)
    assert lanes[0].inputs.tolist() == EXPECTED_LANES


def test_a_tokenizer_without_start_opens_documents_with_end():
    batches = BlockBatches(corpus([2, 2]), rows=1, length=8, specials={"end": 3}, seed=1)
    batch = batches[0]
    assert sorted(batch.inputs[0].tolist()) == [3, 3, 3, 3, 6, 7, 8, 9]
    assert sorted(counted([batch]).tolist()) == [3, 3, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", [BlockBatches, LaneBatches])
def test_corpora_smaller_than_a_batch_work(kind):
    for sizes in ([0], [1], [0, 0, 0], [5]):
        batches = kind(corpus(sizes), rows=16, length=64, specials=SPECIALS, seed=1)
        batch = batches[1000]
        assert batch.inputs.shape == batch.targets.shape == (16, 64)
        assert batch.counted >= 16 // 2
        assert batches.batches_per_epoch == 1


def test_refusals():
    with pytest.raises(ContentError, match="no documents"):
        BlockBatches(ShardSplit.from_documents([]), rows=1, length=1, specials=SPECIALS, seed=1)
    with pytest.raises(UsageError, match="at least 1"):
        BlockBatches(corpus([3]), rows=0, length=1, specials=SPECIALS, seed=1)
    with pytest.raises(UsageError, match="give every rank a row"):
        BlockBatches(corpus([3]), rows=2, length=1, specials=SPECIALS, seed=1).part(0, 0, 3)


@pytest.mark.parametrize("documents", [1, 100_000])
@pytest.mark.parametrize("kind", [BlockBatches, LaneBatches])
def test_a_batch_takes_well_below_a_millisecond(kind, documents, tmp_path):
    tokens = np.arange(2_000_000, dtype=np.uint16) % 60_000
    tokens.tofile(tmp_path / "tokens.bin")
    starts = np.linspace(0, tokens.size, documents + 1).astype(np.int64)
    mapped = np.memmap(tmp_path / "tokens.bin", np.uint16, "r")
    split = ShardSplit(mapped, starts, np.diff(starts))
    batches = kind(split, rows=16, length=256, specials=SPECIALS, seed=1)
    assert batches[0].inputs.dtype == np.int64
    times = []
    for index in range(1, 60):
        begin = time.thread_time()  # of this thread alone: others may load the machine
        assert batches[index].inputs.shape == (16, 256)
        times.append(time.thread_time() - begin)
    assert np.median(times) < 1e-3  # measured: a tenth of it


EXPECTED_BLOCKS = [[9, 10, 11, 12, 3, 2], [13, 14, 15, 16, 17, 3]]
EXPECTED_LANES = [[13, 14, 15, 16, 17, 3], [8, 3, 2, 9, 10, 11]]
