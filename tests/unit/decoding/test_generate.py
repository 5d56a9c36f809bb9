import itertools
import math

import numpy as np
import pytest

from bigram_table import SPECIALS, BigramTable, Letters, random_table
from hornbook.core.errors import UsageError
from hornbook.decoding import GenerationConfig, generate, stream

END = SPECIALS["end"]
FORBIDDEN = [SPECIALS["pad"], SPECIALS["unknown"], SPECIALS["start"]]


def bigram(letters="abc", seed=1, end=0.1):
    return BigramTable(Letters(letters), random_table(len(letters), seed, end=end))


def test_greedy_follows_the_most_likely_path():
    model = bigram("abcdefgh", seed=3)
    for prompt in ["", "a", "hb"]:
        path, last = [], model.tokenizer.encode(prompt)[-1] if prompt else SPECIALS["start"]
        for _ in range(12):
            row = model.table[last].copy()
            row[FORBIDDEN] = 0
            last = int(row.argmax())
            path.append(last)
            if last == END:
                break
        (result,) = generate(model, [prompt], GenerationConfig(max_tokens=12, temperature=0))
        assert [*result.ids, *([END] if result.reason == "end" else [])] == path
        assert result.text == model.tokenizer.decode(path)


def test_log_prob_is_the_models_own():
    model = bigram()
    for result in generate(model, ["a", "bc"], GenerationConfig(samples=8, max_tokens=6, temperature=0.5, top_k=2)):
        path = [*model.tokenizer.encode(["a", "bc"][result.prompt])[-1:], *result.ids]
        path += [END] if result.reason == "end" else []
        expected = sum(math.log(model.table[a, b]) for a, b in itertools.pairwise(path))
        assert result.log_prob == pytest.approx(expected, abs=1e-5)
        assert (len(result.ids) == 6) == (result.reason == "length")


def test_sampling_frequencies_are_the_probabilities():
    model = bigram("abcd", seed=5)
    samples = 20_000
    results = generate(model, ["b"], GenerationConfig(max_tokens=1, samples=samples, seed=11, batch_rows=5_000))
    counts = np.bincount([result.ids[0] if result.ids else END for result in results], minlength=model.tokenizer.size)
    expected = model.table[model.tokenizer.encode("b")[0]].copy()
    expected[FORBIDDEN] = 0
    expected = expected / expected.sum() * samples
    assert counts[FORBIDDEN].sum() == 0
    chi_square = ((counts - expected)[3:] ** 2 / expected[3:]).sum()
    assert chi_square < 18.47  # 4 degrees of freedom: exceeded by chance once in 1,000


def test_temperature_sharpens_the_frequencies():
    model = bigram("abcd", seed=5)
    results = generate(model, ["b"], GenerationConfig(max_tokens=1, samples=4_000, temperature=0.5, batch_rows=4_000))
    counts = np.bincount([result.ids[0] if result.ids else END for result in results], minlength=model.tokenizer.size)
    expected = model.table[model.tokenizer.encode("b")[0]] ** 2
    expected[FORBIDDEN] = 0
    assert np.abs(counts / 4_000 - expected / expected.sum()).max() < 0.03


@pytest.mark.parametrize("batch_rows", [1, 2, 7, 100])
def test_what_shares_a_batch_changes_nothing(batch_rows):
    model = bigram("abcdef", seed=2, end=0.3)
    prompts = ["", "a", "fe", "abc", "a"]
    config = GenerationConfig(max_tokens=20, samples=3, seed=4, top_p=0.9)
    together = generate(model, prompts, config)
    other = generate(model, prompts, GenerationConfig(max_tokens=20, samples=3, seed=4, top_p=0.9, batch_rows=batch_rows))
    alone = [result for prompt in prompts for result in generate(model, [prompt], config)]
    assert [result.text for result in together] == [result.text for result in other] == [result.text for result in alone]
    assert [(result.prompt, result.sample) for result in together] == [(p, s) for p in range(5) for s in range(3)]
    assert len({result.text for result in together[:3]}) > 1


def test_seeds():
    model = bigram("abcdef", seed=2)
    texts = [generate(model, ["a"], GenerationConfig(max_tokens=30, seed=seed))[0].text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_stop_string_across_tokens_is_cut_off():
    table = np.zeros((7, 7))  # a -> b -> c -> a ...
    table[SPECIALS["start"], 4] = table[4, 5] = table[5, 6] = table[6, 4] = 1
    model = BigramTable(Letters("abc"), table + 1e-12)
    config = GenerationConfig(max_tokens=50, temperature=0, stop=("zz", "ca"))
    (result,) = generate(model, ["a"], config)
    assert (result.text, result.reason) == ("b", "stop")
    assert "".join(stream(model, "a", config)) == "b"
    (result,) = generate(model, ["a"], GenerationConfig(max_tokens=5, temperature=0, stop=("bb",)))
    assert (result.text, result.reason) == ("bcabc", "length")


def test_end_stops():
    table = np.full((7, 7), 1e-12)
    table[4, 5] = table[5, END] = 1
    (result,) = generate(BigramTable(Letters("abc"), table), ["a"], GenerationConfig(temperature=0))
    assert (result.text, result.ids, result.reason) == ("b", (5,), "end")


def test_stream_never_splits_a_character():
    text = "汉字é🙂a"
    letters = Letters(utf8=True)
    ids = letters.encode(text)
    model = FixedText(letters, ids)
    pieces = list(stream(model, "", GenerationConfig(temperature=0, max_tokens=len(ids))))
    assert pieces == list(text)
    broken = list(stream(model, "", GenerationConfig(temperature=0, max_tokens=4)))
    assert broken == ["汉", "\ufffd"]
    assert generate(model, [""], GenerationConfig(temperature=0))[0].text == text
    prompted = generate(model, ["汉字"], GenerationConfig(temperature=0))[0]
    assert (prompted.text, prompted.reason) == ("é🙂a", "end")


def test_stream_is_generate():
    model = bigram("abcdef", seed=9)
    for seed in range(20):
        config = GenerationConfig(max_tokens=40, seed=seed, stop=("ab", "fe", "cc"))
        assert "".join(stream(model, "ab", config)) == generate(model, ["ab"], config)[0].text


@pytest.mark.parametrize("field", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}, {"samples": 0}, {"max_tokens": 0}])
def test_impossible_settings_are_refused(field):
    with pytest.raises(UsageError, match=next(iter(field)).replace("_", "-")):
        GenerationConfig(**field)


class FixedText:
    """A model that is sure of one text; the state is the position of each row."""

    def __init__(self, tokenizer, ids):
        self.tokenizer = tokenizer
        self.path = [*ids, END]

    def start(self, prefixes):
        return self._at(np.array([len(prefix) for prefix in prefixes]))

    def step(self, state, ids):
        return self._at(state + 1)

    def select(self, state, rows):
        return state[list(rows)].copy()

    def _at(self, state):
        scores = np.full((len(state), self.tokenizer.size), -20, np.float32)
        scores[np.arange(len(state)), [self.path[position] for position in state]] = 0
        return scores, state
