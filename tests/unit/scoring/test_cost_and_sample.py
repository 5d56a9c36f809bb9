import numpy as np
import pytest

from bigram_table import BigramTable, Letters, random_table
from hornbook.corpus.shards import ShardSplit
from hornbook.scoring.cost import count_parameters, folder_size_mb, measure_cost, measure_latency, median_ms
from hornbook.scoring.sample import shorten


def test_latency_counts_what_it_times():
    model = Counting()
    latency = measure_latency(model, steps=10, warm_up=3)
    assert (latency.steps, latency.score_tokens, model.steps) == (10, 13, 13)
    assert 0 < latency.step_ms < 50 and 0 < latency.score_ms < 50


def test_slow_models_are_timed_on_fewer_steps():
    latency = measure_latency(Counting(), steps=10_000_000, warm_up=2, seconds=0.05)
    assert 1 <= latency.steps < 100_000


def test_cost_of_a_folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "weights").write_bytes(bytes(1_500_000))
    (tmp_path / "config").write_bytes(bytes(500_000))
    assert folder_size_mb(tmp_path) == 2.0
    cost = measure_cost(Counting(), tmp_path)
    assert cost.size_mb == 2.0 and cost.parameters == count_parameters(Counting()) == 49
    assert cost.peak_rss_mb > 10


def test_median_of_calls():
    calls = []
    assert median_ms(lambda: calls.append(1), repeats=5, warm_up=2, seconds=1) < 5
    assert len(calls) == 7


def split_of(texts):
    letters = Letters("ab\n")
    return letters, ShardSplit.from_documents([letters.encode(text) for text in texts], [2 * len(text) for text in texts])


def test_shorten_draws_whole_documents():
    letters, split = split_of(["ab" * (i % 7 + 1) for i in range(500)])
    small = shorten(split, letters, tokens=1000)
    assert 900 <= small.tokens.size <= 1000
    assert small.raw_bytes.sum() == 2 * small.tokens.size
    assert shorten(split, letters, tokens=1000).tokens.tolist() == small.tokens.tolist()
    assert shorten(split, letters, tokens=1000, seed=2).raw_bytes.tolist() != small.raw_bytes.tolist()
    assert shorten(split, letters, tokens=10**6) is split


@pytest.mark.parametrize("line", [50, 5_000])
def test_shorten_takes_the_beginnings_of_few_documents(line):
    texts = [("a" * (line - 1) + "\n") * (10_000 * size // line) for size in (1, 2, 4)]
    letters, split = split_of(texts)
    small = shorten(split, letters, tokens=7_000)
    assert len(small) == 3
    for index, text in enumerate(texts):
        begin = letters.decode(small.document(index))
        assert text.startswith(begin)
        assert len(begin) == pytest.approx(len(text) / 10, rel=0.5)
        assert begin.endswith("\n") or line > 1_000
        assert small.raw_bytes[index] == 2 * len(begin)


class Counting(BigramTable):
    def __init__(self):
        super().__init__(Letters("abc"), random_table(3, 1))
        self.steps = 0
        self.parameters = int(np.prod(self.table.shape))

    def step(self, state, ids):
        self.steps += 1
        return super().step(state, ids)
