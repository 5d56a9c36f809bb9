"""Compiled loops behind pair_batches.py: sentences, pairs of segments, rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hornbook.corpus.masking_kernels import draw, share
from hornbook.corpus.packing_kernels import copy_tokens

NOT_END, END, END_BEFORE_SPACE, CLOSER = 0, 1, 2, 3
"""What a token is for a sentence: inside it, its end, its end where space follows, or what may follow the end ('"')."""
_DRAWS = 16  # random numbers set aside for each pair
_TRIES = 8


@njit(cache=True, nogil=True)
def find_sentences(tokens: Any, starts: Any, kinds: Any, spaced: Any, longest: Any, begins: Any, firsts: Any) -> Any:
    """Write where sentences begin, begins (sentences + 1,), and each document's first, firsts (docs + 1,); returns how many.

    kinds (V,) of END and so on; spaced (V,) whether a token begins with space. With an empty `begins` it only counts.
    Sentences of more than `longest` tokens are cut, before a space where there is one.
    """
    found = 0
    for document in range(starts.size - 1):
        if begins.size:
            firsts[document] = found
        before, space, state = starts[document], starts[document], NOT_END
        for place in range(starts[document], starts[document + 1]):
            kind, cut = kinds[tokens[place]], -1
            ended = state == END or (state == END_BEFORE_SPACE and spaced[tokens[place]])
            if place == starts[document] or (ended and kind == NOT_END):
                cut = place
            elif place - before == longest:
                cut = space if space > before else place
            if cut >= 0:
                if begins.size:
                    begins[found] = cut
                found += 1
                before = cut
                state = state if cut < place else NOT_END
            if spaced[tokens[place]]:
                space = place
            if kind in (END, NOT_END) or (kind == END_BEFORE_SPACE and state != END):
                state = kind
    if begins.size:
        begins[found] = starts[-1]
        firsts[-1] = found
    return found


@njit(cache=True, nogil=True)
def _while_they_fit(begins: Any, sentence: Any, last: Any, room: Any) -> Any:
    """The sentence behind those that fit into `room` tokens, at least one."""
    behind = sentence + 1
    while behind < last and begins[behind + 1] - begins[sentence] <= room:
        behind += 1
    return behind


@njit(cache=True, nogil=True)
def _from_elsewhere(begins: Any, firsts: Any, documents: Any, own: Any, room: Any, key: Any, number: Any) -> Any:
    """(begin, tokens) of sentences of a random document that is not documents[own], at most `room` tokens."""
    sentence, last = 0, 0
    for attempt in range(_TRIES):  # a first sentence that fits, so that its end does not give it away
        other = np.int64(draw(key, number + 2 * attempt) % np.uint64(documents.size - 1))
        document = documents[other + 1 if other >= own else other]
        last = firsts[document + 1]
        count = np.uint64(last - firsts[document])
        sentence = firsts[document] + np.int64(draw(key, number + 2 * attempt + 1) % count)
        if begins[sentence + 1] - begins[sentence] <= room:
            break
    behind = _while_they_fit(begins, sentence, last, room)
    return begins[sentence], min(begins[behind] - begins[sentence], room)


@njit(cache=True, nogil=True)
def plan_pairs(begins: Any, firsts: Any, documents: Any, room: Any, short: Any, foreign: Any, key: Any, plan: Any) -> Any:
    """Fill plan (pairs, 5): begin and tokens of the first segment, of the second, and the label; returns the number of pairs.

    documents: those with sentences, in order. room: tokens of both segments together; with probability `short` a pair aims
    at 2 to room tokens. `foreign`: label 1 takes the second segment from another document, else the two change places.
    """
    pairs = 0
    for own in range(documents.size):
        sentence, last = firsts[documents[own]], firsts[documents[own] + 1]
        while sentence < last:
            number = pairs * (_DRAWS + 2 * _TRIES)
            target = room
            if share(draw(key, number)) < short:
                target = 2 + np.int64(draw(key, number + 1) % np.uint64(room - 1))
            behind = _while_they_fit(begins, sentence, last, target)
            begin, end, middle = begins[sentence], begins[behind], sentence + 1
            if behind - sentence > 1:
                middle = sentence + 1 + np.int64(draw(key, number + 2) % np.uint64(behind - sentence - 1))
            cut = begins[middle]
            label = np.int64(draw(key, number + 3) & np.uint64(1))
            if foreign:
                if label == 1 or behind - sentence == 1:
                    free = target - (cut - begin) if target > cut - begin else min(room // 4, room - (cut - begin))
                    other, size = _from_elsewhere(begins, firsts, documents, own, free, key, number + 4)
                    plan[pairs] = (begin, cut - begin, other, size, 1)
                    behind = middle  # what was not used comes with the next pair
                else:
                    plan[pairs] = (begin, cut - begin, cut, end - cut, 0)
            elif end - begin == 1:
                plan[pairs] = (begin, 1, end, 0, -100)
            else:
                cut = (begin + end) // 2 if behind - sentence == 1 else cut
                plan[pairs] = (begin, cut - begin, cut, end - cut, 0)
                if label == 1:
                    plan[pairs] = (cut, end - cut, begin, cut - begin, 1)
            sentence = behind
            pairs += 1
    return pairs


@njit(cache=True, nogil=True)
def fill_pairs(
    tokens: Any,
    words: Any,
    plan: Any,
    rows: Any,
    start: Any,
    separator: Any,
    end: Any,
    inputs: Any,
    documents: Any,
    starts: Any,
    segments: Any,
    labels: Any,
) -> None:
    """Write `start first separator second end` of rows (B,) of the plan into arrays (B, T) that hold padding."""
    for number in range(rows.size):
        begin, size, other, other_size, label = plan[rows[number]]
        labels[number] = label
        inputs[number, 0], documents[number, 0] = start, 0
        column = copy_tokens(tokens, words, begin, size, inputs[number], starts[number], documents[number], 1, 0)
        if other_size:
            inputs[number, column], documents[number, column] = separator, 0
            first = column + 1
            column = copy_tokens(
                tokens, words, other, other_size, inputs[number], starts[number], documents[number], first, 0
            )  # fmt: skip
            segments[number, first : column + 1] = 1
        inputs[number, column], documents[number, column] = end, 0
