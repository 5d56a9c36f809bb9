"""Unigram language model tokenization (Kudo 2018, "Subword Regularization", section 3.2), learned deterministically.

The library's own trainer gives other scores on every run and needed 81 s for 4 MB of Chinese; this one is repeatable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import models

from hornbook.tokenizers.alphabet import FIRST_BYTE, SPECIAL_TOKENS, byte_symbols, spell
from hornbook.tokenizers.bpe import learn_byte_merges
from hornbook.tokenizers.config import TokenizerConfig
from hornbook.tokenizers.pieces import Pretokens, count_pretokens

_SEEDS = 2.0  # candidates for each piece that is kept
_SHRINK = 0.75  # share that survives a round
_PASSES = 2  # expectation-maximisation passes a round, as SentencePiece makes
_RARE = 1e-9  # probability of a character without a piece: below any other, far above underflow


def learn_unigram(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    """The Unigram model of a sample: candidates from byte pair encoding, estimated and pruned until `config.size` remain."""
    room = config.size - FIRST_BYTE - 256
    learned = learn_byte_merges(sample, config, size=FIRST_BYTE + 256 + int(_SEEDS * room))
    candidates = _texts(learned.names[FIRST_BYTE + 256 :])
    pretokens = count_pretokens(sample, config.kind, lowercase=config.lowercase)
    scores = _estimate(candidates, pretokens, room)
    symbols = byte_symbols()
    floor = min(scores.values(), default=0.0) - 1.0  # a byte alone: worse than every piece
    vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS.values()]  # no pre-token can hold one
    vocabulary += [(symbol, scores.pop(chr(byte), floor) if byte < 0x80 else floor) for byte, symbol in enumerate(symbols)]
    pieces = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
    vocabulary += [(spell(text, symbols), score) for text, score in pieces]
    return models.Unigram(vocabulary, unk_id=list(SPECIAL_TOKENS).index("unknown"), byte_fallback=False)


def _estimate(candidates: list[str], pretokens: Pretokens, room: int) -> dict[str, float]:
    """Text -> log-probability of every ASCII character and of the `room` best other pieces."""
    from hornbook.tokenizers import unigram_kernels as kernels

    ascii_characters = [chr(code) for code in range(0x80)]
    codes, starts = kernels.flatten(pretokens.texts)
    counts = pretokens.counts.astype(np.float64)
    pieces = ascii_characters + candidates
    probabilities: NDArray[np.float64] = np.full(len(pieces), 1.0 / len(pieces))
    while True:
        piece_codes, piece_starts = kernels.flatten(pieces)
        capacity = 1 << (2 * len(piece_codes)).bit_length()
        trie = kernels.build_trie(piece_codes, piece_starts, capacity)
        for _ in range(_PASSES):
            expected, _ = kernels.expect(codes, starts, counts, *trie, probabilities, _RARE)
            probabilities = _maximise(expected)
        extra = len(pieces) - len(ascii_characters) - room
        if extra <= 0:
            break
        other = kernels.alternatives(piece_codes, piece_starts, *trie, probabilities, _RARE)
        with np.errstate(divide="ignore"):
            loss = expected * (np.log(np.maximum(probabilities, 1e-300)) - other)  # what removing the piece costs
        loss[[index for index, piece in enumerate(pieces) if len(piece) == 1]] = np.inf
        keep = max(room, int(_SHRINK * (len(pieces) - len(ascii_characters))))
        order = np.argsort(-loss[len(ascii_characters) :], kind="stable")[:keep]
        kept = np.concatenate([np.arange(len(ascii_characters)), len(ascii_characters) + np.sort(order)])
        pieces, probabilities = [pieces[index] for index in kept.tolist()], probabilities[kept]
        probabilities = np.maximum(probabilities, _RARE)
        probabilities /= probabilities.sum()
    floor = probabilities[probabilities > 0].min(initial=1.0)
    scores = np.log(np.maximum(probabilities, floor))
    return {piece: round(float(score), 6) for piece, score in zip(pieces, scores, strict=True)}


def _maximise(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from expected counts, exp(digamma) in place of the count: a sparse prior, as SentencePiece has."""
    counts = np.maximum(expected, 0.1)
    raised = np.exp(_digamma(counts) - _digamma(np.array([counts.sum()])))
    result: NDArray[np.float64] = np.maximum(raised / raised.sum(), _RARE)
    return result


def _digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Digamma for x > 0: recurrence up to 6, then the asymptotic series (Abramowitz and Stegun 6.3.5 and 6.3.18)."""
    shift = sum(1.0 / (x + step) for step in range(6))
    y = x + 6.0
    result: NDArray[np.float64] = np.log(y) - 0.5 / y - 1 / (12 * y**2) + 1 / (120 * y**4) - 1 / (252 * y**6) - shift
    return result


def _texts(names: Sequence[str]) -> list[str]:
    """The texts that entries of the byte alphabet spell, without those that are part of a character."""
    values = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
    spelled = (bytes(map(values.__getitem__, name)).decode(errors="ignore") for name in names)
    return [text for text, name in zip(spelled, names, strict=True) if len(text.encode()) == len(name)]
