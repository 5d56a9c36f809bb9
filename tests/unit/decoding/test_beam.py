import itertools
import math

import numpy as np
import pytest

from bigram_table import SPECIALS, BigramTable, Letters, random_table
from hornbook.core.errors import UsageError
from hornbook.decoding import BeamConfig, GenerationConfig, beam_search, generate

END = SPECIALS["end"]


def every_text(model, prompt, longest):
    """(ids, log probability, length with end) of every possible continuation, by enumeration."""
    letters = range(4, model.tokenizer.size)
    before = int(prompt[-1]) if len(prompt) else SPECIALS["start"]
    for length in range(longest + 1):
        for ids in itertools.product(letters, repeat=length):
            path = [before, *ids] + ([END] if length < longest else [])
            yield ids, sum(math.log(model.table[a, b]) for a, b in itertools.pairwise(path)), len(path) - 1


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_is_exhaustive_search(alpha, seed):
    model = BigramTable(Letters("abc"), random_table(3, seed, sharpness=2.0))
    prompts = ["", "a", "cb"]
    found = beam_search(model, prompts, BeamConfig(beams=81, results=3, max_tokens=4, length_penalty=alpha))
    for prompt, beams in zip(prompts, found, strict=True):
        every = {
            ids: log_prob / length**alpha for ids, log_prob, length in every_text(model, model.tokenizer.encode(prompt), 4)
        }
        best = sorted(every.values(), reverse=True)[:3]
        np.testing.assert_allclose([beam.score for beam in beams], best, atol=1e-5)
        np.testing.assert_allclose([every[beam.ids] for beam in beams], best, atol=1e-5)  # equals may come in any order
        assert len({beam.ids for beam in beams}) == 3


def test_one_beam_is_greedy():
    model = BigramTable(Letters("abcdef"), random_table(6, 8, end=0.2))
    prompts = ["", "f", "cc"]
    greedy = generate(model, prompts, GenerationConfig(max_tokens=15, temperature=0))
    beams = beam_search(model, prompts, BeamConfig(beams=1, max_tokens=15, length_penalty=0))
    for one, (beam,) in zip(greedy, beams, strict=True):
        if one.reason == "end" or one.log_prob >= beam.log_prob:  # an `end` met on the way is a finished hypothesis too
            assert beam.text == one.text
            assert beam.log_prob == pytest.approx(one.log_prob, abs=1e-5)
        assert beam.log_prob >= one.log_prob - 1e-5


def test_prompts_do_not_disturb_each_other():
    model = BigramTable(Letters("abcdefgh"), random_table(8, 1, end=0.5))
    prompts = ["", "a", "gh", "a"]
    config = BeamConfig(beams=4, results=4, max_tokens=9)
    assert beam_search(model, prompts, config) == [beam_search(model, [prompt], config)[0] for prompt in prompts]
    assert beam_search(model, [], config) == []


def test_more_beams_are_not_worse():
    model = BigramTable(Letters("abcdefgh"), random_table(8, 3, end=0.05, sharpness=0.3))
    scores = [beam_search(model, ["a"], BeamConfig(beams=beams, max_tokens=8))[0][0].score for beams in (1, 4, 64)]
    assert scores[0] <= scores[1] + 1e-9 <= scores[2] + 2e-9


def test_specials_are_never_written_and_stop_cuts_the_text():
    table = np.full((7, 7), 0.01)
    table[:, SPECIALS["unknown"]] = 5.0
    table[SPECIALS["start"], 4] = table[4, 5] = table[5, 6] = table[6, END] = 1.0
    (beams,) = beam_search(BigramTable(Letters("abc"), table), [""], BeamConfig(beams=3, results=3, max_tokens=6, stop=("c",)))
    assert beams[0].ids == (4, 5, 6)
    assert beams[0].text == "ab"
    assert all(number >= 4 for beam in beams for number in beam.ids)


def test_more_results_than_beams_is_refused():
    with pytest.raises(UsageError, match="3 results need"):
        BeamConfig(beams=2, results=3)
