"""One block of skip-gram with negative sampling, worked by hand.

The sentence is "a b", the window 1: the pairs are (a -> b) and (b -> a). Two dimensions; with l = ln 3, so that
sigmoid(l) = 3/4, sigmoid(0) = 1/2, sigmoid(-l) = 1/4:

    inputs   a = (1, 0)   b = (0, 1)
    outputs  a = (0, -l)  b = (l, 0)  c = (0, l)

Learning rate 1/10, 2 negatives a pair, 4 shared ones drawn, each of weight 2/4. All four draws are c: weight 2 in all.

    pair a -> b: logit  l, step (1 - 3/4)/10 =  1/40     a with c: logit 0, step -2 * 1/2 / 10 = -1/10
    pair b -> a: logit -l, step (1 - 1/4)/10 =  3/40     b with c: logit l, step -2 * 3/4 / 10 = -3/20

    input a  = (1, 0) + 1/40 (l, 0) - 1/10 (0, l)        output b = (l, 0) + 1/40 (1, 0)
    input b  = (0, 1) + 3/40 (0, -l) - 3/20 (0, l)       output a = (0, -l) + 3/40 (0, 1)
                                                         output c = (0, l) - 1/10 (1, 0) - 3/20 (0, 1)

When all four draws are b, the pair a -> b leaves them out, for b is its target, and b -> a has b against itself:
    logit of b with b: (0, 1).(l, 0) = 0, step -2 * 1/2 / 10 = -1/10
    input a = (1, 0) + 1/40 (l, 0)      input b = (0, 1) + 3/40 (0, -l) - 1/10 (l, 0)
    output b = (l, 0) + 1/40 (1, 0) - 1/10 (0, 1)        output c stays
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from hornbook.embeddings.kernels import InputRows, Noise, Plan, Text
from hornbook.embeddings.negative_kernels import cbow_negative, skipgram_negative
from hornbook.embeddings.overlay import Overlay
from hornbook.embeddings.rounds import padded

L = math.log(3)
A, B, C = 0, 1, 2


def trained(drawn: int, kernel: object = skipgram_negative) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs and outputs after one block, and the totals; every draw of a negative gives `drawn`."""
    inputs, outputs = padded(3, 2), padded(3, 2)
    inputs[:, :2] = [[1, 0], [0, 1], [0, 0]]
    outputs[:, :2] = [[0, -L], [L, 0], [0, L]]
    everything = np.full(3, 2**32 - 1, np.uint32)
    text = Text(np.array([A, B], np.uint32), np.array([0, 2]), np.array([0, 1]), everything)
    noise = Noise(np.zeros(3, np.uint32), np.full(3, drawn, np.uint32))
    plan = Plan(seed=1, epochs=1, window=1, block=4, negative=2, shared=4, rate=0.1, last_rate=0.1)
    tables = [
        Overlay(matrix, np.zeros(len(matrix)), threads=1, capacity=0, direct=True).tables(1)[0] for matrix in (inputs, outputs)
    ]
    totals = np.zeros(4)
    words = InputRows(np.arange(3, dtype=np.int32), np.arange(4))
    kernel(text, words, noise, plan, *tables, 0, 0, totals)  # type: ignore[operator]
    assert not inputs[:, 2:].any() and not outputs[:, 2:].any()
    return inputs[:, :2], outputs[:, :2], totals


def test_negatives_that_are_no_targets() -> None:
    inputs, outputs, totals = trained(C)
    assert inputs[A] == pytest.approx([1 + L / 40, -L / 10], abs=1e-5)
    assert inputs[B] == pytest.approx([0, 1 - 3 * L / 40 - 3 * L / 20], abs=1e-5)
    assert outputs[A] == pytest.approx([0, -L + 3 / 40], abs=1e-5)
    assert outputs[B] == pytest.approx([L + 1 / 40, 0], abs=1e-5)
    assert outputs[C] == pytest.approx([-1 / 10, L - 3 / 20], abs=1e-5)
    # losses: -ln 3/4 - 2 ln 1/2 for a -> b, -ln 1/4 - 2 ln 1/4 for b -> a; two pairs, both looked at, two words
    expected = -math.log(3 / 4) - 2 * math.log(1 / 2) - 3 * math.log(1 / 4)
    assert totals == pytest.approx([expected, 2, 2, 2], abs=1e-5)


def test_a_pair_leaves_out_negatives_that_equal_its_target() -> None:
    inputs, outputs, _ = trained(B)
    assert inputs[A] == pytest.approx([1 + L / 40, 0], abs=1e-5)
    assert inputs[B] == pytest.approx([-L / 10, 1 - 3 * L / 40], abs=1e-5)
    assert outputs[B] == pytest.approx([L + 1 / 40, -1 / 10], abs=1e-5)
    assert outputs[C] == pytest.approx([0, L], abs=1e-5)


def test_cbow_of_one_context_word_is_the_pair_turned_round() -> None:
    # the context of a is b, so b's input meets a's output; with one context word its mean is that word
    inputs, outputs, _ = trained(C, cbow_negative)
    assert inputs[A] == pytest.approx([1 + L / 40, -L / 10], abs=1e-5)
    assert inputs[B] == pytest.approx([0, 1 - 3 * L / 40 - 3 * L / 20], abs=1e-5)
    assert outputs[C] == pytest.approx([-1 / 10, L - 3 / 20], abs=1e-5)
