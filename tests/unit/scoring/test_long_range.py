import math

import numpy as np
import pytest
import torch

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.batches import LaneBatches
from hornbook.corpus.shards import ShardSplit
from hornbook.models.rnn import RnnConfig, RnnLM
from hornbook.objectives.causal import causal_loss
from hornbook.scoring.long_range import SYMBOLS, context_curve, recall_curve, recall_documents
from hornbook.training import TrainingConfig, train

SIZE, FIRST = 40, 6


class Ids:
    def __init__(self):
        self.size = SIZE
        self.specials = {"pad": 0, "unknown": 1, "start": 2, "end": 3, "mask": 4, "separator": 5}


class SeesBack:
    """Knows a token that repeats the one `lag` before it, as soon as it sees that one; guesses evenly otherwise."""

    def __init__(self, lag):
        self.lag, self.tokenizer, self.parameters = lag, Ids(), 0

    def log_probs(self, documents):
        even, sure = math.log(1 / 10), math.log(0.9)
        return [
            np.array([sure if i >= self.lag and d[i] == d[i - self.lag] else even for i in range(len(d))] + [even], np.float32)
            for d in documents
        ]


@pytest.fixture(scope="module")
def periodic():
    """Documents that repeat themselves every 12 tokens."""
    generator = np.random.default_rng(0)
    return ShardSplit.from_documents([np.tile(generator.integers(FIRST, SIZE, 12), 8) for _ in range(20)])


def test_the_curve_falls_where_the_context_reaches_the_lag(periodic):
    curve = context_curve(SeesBack(12), periodic, contexts=(0, 8, 9, 11, 12, 32), scored=4)
    losses = {point.context: point.loss for point in curve.points}
    even, sure = -math.log(0.1), -math.log(0.9)
    assert losses[0] == losses[8] == pytest.approx(even, rel=1e-6)
    assert losses[9] == pytest.approx((3 * even + sure) / 4, rel=1e-6)  # the last of four tokens sees twelve back
    assert losses[12] == losses[32] == pytest.approx(sure, rel=1e-6)
    assert curve.reach == 12 and curve.stretches == 400
    assert curve.points[0].worse == pytest.approx(even - sure, rel=1e-5) and curve.points[-1].worse == 0
    low, high = curve.points[0].loss_ci95
    assert low <= losses[0] <= high


def test_what_is_too_short_is_refused(periodic):
    with pytest.raises(ContentError, match="no held-out document has 504 tokens"):
        context_curve(SeesBack(12), periodic, contexts=(0, 500))
    with pytest.raises(UsageError, match="two lengths"):
        context_curve(SeesBack(12), periodic, contexts=(5,))
    with pytest.raises(UsageError, match="at least 2"):
        recall_documents(3, lags=(1,), first_id=FIRST)


def test_recall_texts_hide_one_symbol_behind_others():
    documents, lags = recall_documents(200, lags=(2, 5, 9), first_id=FIRST)
    assert set(lags) == {2, 5, 9}
    for document, lag in zip(documents, lags):
        assert len(document) == lag + 1 and document[0] == document[-1] and document[-2] == FIRST + 2 * SYMBOLS
        assert FIRST <= document[0] < FIRST + SYMBOLS
        assert (document[1:-2] >= FIRST + SYMBOLS).all() and (document[1:-2] < FIRST + 2 * SYMBOLS).all()


def test_a_trained_network_recalls_what_a_fresh_one_does_not():
    lags = (2, 3)
    documents, _ = recall_documents(4_000, lags=lags, first_id=FIRST, seed=1)
    torch.manual_seed(1)  # else the weights are what the tests before this one left
    model = RnnLM(Ids(), RnnConfig(cell="gru", width=32))
    asked, asked_lags = recall_documents(300, lags=lags, first_id=FIRST, seed=2)
    fresh = recall_curve(model, asked, asked_lags, first_id=FIRST)
    batches = LaneBatches(ShardSplit.from_documents(documents), rows=32, length=24, specials=Ids().specials, seed=1)
    config = TrainingConfig(steps=300, optimizer="adamw", learning_rate=0.02, precision="float32", rows=32, length=24)
    for _ in train(model.module, causal_loss, batches, config):
        pass
    trained = recall_curve(model, asked, asked_lags, first_id=FIRST)
    assert [point.lag for point in trained] == [2, 3]
    assert all(point.accuracy < 0.4 for point in fresh)
    assert all(point.accuracy > 0.9 and point.accuracy_ci95[0] > 0.8 for point in trained)


class Counting(SeesBack):
    """Counts the stretches it was asked."""

    asked = 0

    def log_probs(self, documents):
        self.asked += len(documents)
        return super().log_probs(documents)


def test_without_time_the_first_stretches_alone_are_asked(periodic):
    contexts = (0, 12, 32)
    whole, short = Counting(12), Counting(12)
    assert context_curve(whole, periodic, contexts=contexts, stretches=100).stretches == 100
    curve = context_curve(short, periodic, contexts=contexts, stretches=100, seconds=0.0)
    assert curve.stretches == 16 and short.asked == 16 * 3 and whole.asked == 100 * 3
    again = context_curve(SeesBack(12), periodic, contexts=contexts, stretches=100, seconds=0.0)
    assert again == curve
