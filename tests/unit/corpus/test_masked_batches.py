"""Masked batches: every token once an epoch, the original behind the mask, the same rows however they are asked for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.masked_batches import MaskedBatches, held_out_rows
from hornbook.corpus.masking import Masking
from hornbook.corpus.packing import pack_documents
from hornbook.corpus.shards import ShardSplit

IGNORED = -100


class Numbers:
    """A vocabulary of numbers with the usual special tokens."""

    def __init__(self, size=100_000):
        self.size = size
        self.specials = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}


def corpus(lengths, every=3):
    """Documents in which every id is different; a word begins with each `every`th token."""
    ids = iter(range(6, 6 + sum(lengths)))
    split = ShardSplit.from_documents([[next(ids) for _ in range(length)] for length in lengths])
    flags = np.concatenate([np.empty(0, bool), *(np.arange(length) % every == 0 for length in lengths)])
    return ShardSplit(split.tokens, split.starts, split.raw_bytes, np.packbits(flags, bitorder="little"))


def make(split, rows=4, length=16, seed=5, **masking):
    return MaskedBatches(split, Numbers(), rows=rows, length=length, masking=Masking(**masking), seed=seed)


lengths = st.lists(st.integers(0, 60), min_size=1, max_size=15).filter(any)
units = st.sampled_from(["tokens", "words", "spans"])


@settings(max_examples=40, deadline=None)
@given(lengths, st.integers(8, 40), units, st.integers(0, 70), st.integers(0, 2))
def test_an_epoch_holds_every_token_once_and_pieces_are_stretches_of_documents(sizes, length, unit, epoch, static):
    split = corpus(sizes)
    batches = make(split, rows=3, length=length, units=unit, static_copies=static)
    seen = []
    for batch in batches.epoch(epoch):
        for row, documents in zip(batch.originals, batch.documents):
            assert np.array_equal(np.sort(documents[documents >= 0]), documents[documents >= 0])
            assert (row[documents < 0] == 0).all() and (np.diff(np.flatnonzero(documents >= 0)) == 1).all()
            for number in range(documents.max() + 1):
                piece = row[documents == number]
                assert piece[0] == 2 and piece[-1] == 3 and piece.size > 2
                assert (np.diff(piece[1:-1]) == 1).all()
                document = np.searchsorted(split.starts, piece[[1, -2]] - 6, side="right")
                assert document[0] == document[1]
                seen.append(piece[1:-1])
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(6, 6 + split.tokens.size))


@settings(max_examples=40, deadline=None)
@given(lengths, units, st.integers(1, 6), st.integers(0, 300), st.integers(0, 3))
def test_a_batch_depends_on_its_index_only_and_ranks_share_it_out(sizes, unit, rows, index, static):
    split = corpus(sizes)
    used = make(split, rows=rows, units=unit, static_copies=static)
    for before in (0, 7, index + 1):
        used[before]
    expected = used[index]
    for world in range(1, rows + 1):
        fresh = make(split, rows=rows, units=unit, static_copies=static)
        parts = [fresh.part(index, rank, world) for rank in range(world)]
        for name in ("inputs", "targets", "documents"):
            assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(expected, name))


def test_consecutive_batches_are_the_epochs_one_after_the_other():
    split = corpus([40, 3, 25, 9, 70, 1])
    batches = make(split, rows=3)
    flat = np.concatenate([batches[index].originals for index in range(200)])
    wanted = np.concatenate([batch.originals for number in range(70) for batch in batches.epoch(number)])
    count = min(len(flat), len(wanted))
    assert count > 64 * 8 and np.array_equal(flat[:count], wanted[:count])


@settings(max_examples=40, deadline=None)
@given(lengths, units, st.floats(0.05, 1.0))
def test_only_text_is_predicted_and_replacements_are_never_special(sizes, unit, rate):
    batch = make(corpus(sizes), units=unit, rate=rate, masked=0.5, random=0.5)[0]
    predicted = batch.targets != IGNORED
    assert (batch.targets[predicted] >= 6).all() and (batch.documents[predicted] >= 0).all()
    assert ((batch.inputs[predicted] == 4) | (batch.inputs[predicted] >= 6)).all()
    assert batch.counted == predicted.sum()


@settings(max_examples=40, deadline=None)
@given(lengths, st.sampled_from(["words", "spans"]), st.integers(0, 50))
def test_whole_words_are_never_half_masked(sizes, unit, index):
    batch = make(corpus(sizes), units=unit, rate=0.3)[index]
    predicted = batch.targets != IGNORED
    split = corpus(sizes)
    for row in range(len(batch.inputs)):
        text = np.flatnonzero((batch.documents[row] >= 0) & (batch.originals[row] >= 6))
        for before, here in pairwise(text):
            place = batch.originals[row, here] - 6
            document = np.searchsorted(split.starts, place, side="right") - 1
            inside = (place - split.starts[document]) % 3 != 0
            if here == before + 1 and inside:
                assert predicted[row, before] == predicted[row, here]


@pytest.mark.parametrize("rate", [0.15, 0.3, 0.5])
def test_single_tokens_meet_the_rate_to_the_token_in_every_row(rate):
    batches = make(corpus([14] * 400), rows=400, length=16, rate=rate)
    counts = (batches[0].targets != IGNORED).sum(axis=1)
    assert set(counts) <= {int(14 * rate), int(14 * rate) + 1}
    assert abs(counts.mean() / 14 - rate) < 0.01


@pytest.mark.parametrize("unit", ["words", "spans"])
def test_every_token_is_predicted_equally_often_however_long_its_word(unit):
    flags = np.array([1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0], bool)
    split = ShardSplit.from_documents([np.arange(6, 26)])
    split = ShardSplit(split.tokens, split.starts, split.raw_bytes, np.packbits(flags, bitorder="little"))
    batches = make(split, rows=8000, length=22, units=unit, rate=0.2)
    share = (batches[0].targets != IGNORED)[:, 1:21].mean(axis=0)
    assert np.abs(share - 0.2).max() < 0.02  # four standard errors


def test_replacements_have_their_shares_and_are_spread_over_the_vocabulary():
    tokenizer = Numbers(size=56)
    split = ShardSplit.from_documents([np.full(126, 6 + number % 50) for number in range(600)])
    batch = MaskedBatches(split, tokenizer, rows=600, length=128, masking=Masking(rate=0.5), seed=3)[0]
    predicted = batch.targets != IGNORED
    shown, wanted = batch.inputs[predicted], batch.targets[predicted]
    masked, kept = shown == 4, shown == wanted
    assert abs(masked.mean() - 0.8) < 0.01 and abs(kept.mean() - 0.1 - 0.1 / 50) < 0.01
    counts = np.bincount(shown[~masked & ~kept], minlength=56)
    assert (counts[:6] == 0).all() and counts[6:].min() > 0.5 * counts[6:].mean()


def test_spans_are_geometric_and_replaced_as_a_whole():
    split = corpus([126] * 500, every=1)
    batch = make(split, rows=500, length=128, units="spans", masked=0.5, random=0.0)[0]
    runs = []
    for predicted, shown in zip(batch.targets != IGNORED, batch.inputs == 4):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], predicted.astype(int), [0]])))
        runs += (edges[1::2] - edges[::2]).tolist()
        assert (shown <= predicted).all()
    # a geometric of 0.2 cut at 10 has mean 3.80; neighbours that are both chosen make some runs longer
    assert 3.6 < np.mean(runs) < 5.2


def test_static_masks_come_round_and_dynamic_ones_do_not():
    split = corpus([14] * 6)
    masks = lambda batches, epoch: sorted(
        tuple(row) for batch in batches.epoch(epoch) for row in np.where(batch.targets == IGNORED, 0, batch.targets)
    )
    static, dynamic = make(split, static_copies=2, rate=0.3), make(split, rate=0.3)
    assert masks(static, 0) == masks(static, 2) == masks(static, 4) != masks(static, 1)
    assert len({str(masks(dynamic, epoch)) for epoch in (0, 1, 2, 64, 128)}) == 5


def test_the_rate_may_change_and_a_higher_one_adds():
    batches = make(corpus([100] * 5), length=64, rate=0.3, last_rate=0.15)
    few, many = batches.part(0, 0, 1, mask_rate=0.15), batches.part(0, 0, 1, mask_rate=0.3)
    assert ((few.targets != IGNORED) <= (many.targets != IGNORED)).all() and few.counted < many.counted
    assert np.array_equal(batches.part(0, 0, 1, 1.0).targets, few.targets)
    assert np.array_equal(batches[0].targets, many.targets)


def test_cut_points_move_and_pieces_stay_few():
    starts = np.array([0, 1000])
    cuts = {tuple(np.sort(pack_documents(starts, length=130, key=key).begins)) for key in range(20)}
    assert len(cuts) > 10 and {len(cut) for cut in cuts} == {8}  # ceil(1000 / 128)


def test_short_documents_fill_the_rows():
    generator = np.random.default_rng(1)
    sizes = np.minimum(generator.geometric(1 / 25, 20_000), 300)
    packing = pack_documents(np.concatenate([[0], np.cumsum(sizes)]), length=128, key=7)
    assert packing.fill > 0.995
    sizes = generator.integers(64, 120, 5_000)  # no two fit into one row: they are cut
    packing = pack_documents(np.concatenate([[0], np.cumsum(sizes)]), length=128, key=7)
    assert packing.fill > 0.99 and packing.sizes.min() >= 8 and packing.sizes.size < 10_000


def test_held_out_rows_are_the_same_at_every_call_and_bounded():
    split = corpus([30, 4, 50, 11, 90, 2])
    first, second = (list(held_out_rows(split, Numbers(), length=16, masking=Masking(), tokens=64)) for _ in range(2))
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(first, second, strict=True))
    assert max(batch.inputs.size for batch in first) <= 64
    tokens = np.concatenate([batch.originals[batch.originals >= 6] for batch in first])
    assert np.array_equal(np.sort(tokens), np.arange(6, 6 + split.tokens.size))


def test_what_cannot_be_is_said():
    split = corpus([10])
    with pytest.raises(UsageError, match="at least 1 row of at least 8"):
        make(split, length=4)
    with pytest.raises(UsageError, match="cannot be shared by 9 ranks"):
        make(split).part(0, 0, 9)
    with pytest.raises(UsageError, match="where they begin"):
        make(ShardSplit.from_documents([[6, 7]]), units="words")
    with pytest.raises(ContentError, match="no documents"):
        make(corpus([0]))
    with pytest.raises(UsageError, match="mask rate"):
        make(split)[0] and make(split).part(0, 0, 1, mask_rate=1.5)
    with pytest.raises(UsageError, match="together at most 1"):
        Masking(masked=0.8, random=0.4)
    with pytest.raises(UsageError, match="unknown units"):
        Masking(units="word")
