"""A worked example for paper and pencil: what a language model costs, in bits per byte.

The model knows two characters, 人 and a. From the beginning of a text and after every character it says

    next:        人     a     end
    beginning    1/2   1/4   1/4
    after 人     1/4   1/4   1/2
    after a      1/8   1/2   3/8

The text "人人a" costs   1/2 * 1/4 * 1/4 * 3/8 = 3/256: log2(256/3) = 6.415 bits,
the text "a" costs       1/4 * 3/8            = 3/32:  log2(32/3)  = 3.415 bits.

UTF-8 writes 人 in 3 bytes and a in 1: 3 + 3 + 1 and 1, together 8 bytes. So the model costs 9.830 / 8 = 1.2288 bits per byte.
Six predictions were made (four characters and two ends): perplexity 2 ** (9.830 / 6) = 3.1131.
"""

import math

import numpy as np
import pytest

from bigram_table import BigramTable, Letters
from hornbook.corpus.shards import ShardSplit
from hornbook.decoding import BeamConfig, GenerationConfig, beam_search, generate
from hornbook.scoring import bits_per_byte

END, REN, A = 3, 4, 5


@pytest.fixture
def model():
    table = np.zeros((6, 6))
    table[2, [REN, A, END]] = 1 / 2, 1 / 4, 1 / 4  # 2 is `start`
    table[REN, [REN, A, END]] = 1 / 4, 1 / 4, 1 / 2
    table[A, [REN, A, END]] = 1 / 8, 1 / 2, 3 / 8
    table[[0, 1, END], END] = 1  # never reached
    return BigramTable(Letters("人a"), table)


def test_bits_per_byte_and_perplexity(model):
    texts = ["人人a", "a"]
    split = ShardSplit.from_documents(model.tokenizer.encode_batch(texts), [len(text.encode()) for text in texts])
    score = bits_per_byte(model, split)
    bits = math.log2(256 / 3) + math.log2(32 / 3)
    assert score.bytes == 8 and score.tokens == 6
    assert score.bits_per_byte == pytest.approx(bits / 8, rel=1e-6) == pytest.approx(1.2288, abs=1e-4)
    assert score.perplexity == pytest.approx(2 ** (bits / 6), rel=1e-6) == pytest.approx(3.1131, abs=1e-4)


def test_greedy_decoding_takes_the_likely_step_and_beam_search_the_likely_text(model):
    """Greedy: 人 (1/2), then end (1/2): "人", 1/4. The empty text is as likely (1/4); per token "人" wins, (1/4) ** (1/2)."""
    (greedy,) = generate(model, [""], GenerationConfig(temperature=0))
    assert (greedy.text, greedy.reason) == ("人", "end")
    assert greedy.log_prob == pytest.approx(math.log(1 / 4), rel=1e-6)
    ((best, second),) = beam_search(model, [""], BeamConfig(beams=4, results=2, length_penalty=0, max_tokens=6))
    assert {best.text, second.text} == {"", "人"}
    assert best.log_prob == pytest.approx(second.log_prob, rel=1e-6) == pytest.approx(math.log(1 / 4), rel=1e-6)
    # after "a" it goes on: "aa" or end? 1/2 * 3/8 < 3/8, so the text ends; greedily it would repeat a for ever
    ((ended,),) = beam_search(model, ["a"], BeamConfig(beams=4, length_penalty=0, max_tokens=6))
    (endless,) = generate(model, ["a"], GenerationConfig(temperature=0, max_tokens=6))
    assert (ended.text, endless.text) == ("", "aaaaaa")
