"""How well a model that guesses hidden tokens knows a text. Without a chain rule none of this is bits per byte."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.core.errors import ContentError, translate
from hornbook.core.types import Ids, MaskedModel
from hornbook.scoring.lm import HeldOut
from hornbook.scoring.significance import Interval, Units, bootstrap_ratio

_LENGTH = 128  # tokens of a window


@dataclass(frozen=True, eq=False)
class PseudoScore:
    """Every token of windows of text, guessed with all others in sight.

    Pseudo-perplexity is exp of the mean -log P(token | all others) (Salazar et al. 2020, equation 4). Since each token is
    guessed with its neighbours on both sides in sight, it is far below a perplexity, and `pseudo_bits_per_byte` far below bits
    per byte: compare them only between models of this kind. Intervals: windows drawn anew.
    """

    nats: Units  # of every window, over its tokens
    bits: Units | None  # of every window, over the bytes of its text; None where bytes mean nothing
    tokens: int
    offered_tokens: int
    seconds: float
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What `hornbook evaluate --json` prints."""
        low, high = bootstrap_ratio(self.nats)
        return {
            "pseudo_perplexity": math.exp(self.nats.ratio),
            "pseudo_perplexity_ci95": [math.exp(low), math.exp(high)],
            "pseudo_bits_per_byte": self.bits.ratio if self.bits else None,
            "pseudo_bits_per_byte_ci95": _listed(bootstrap_ratio(self.bits)) if self.bits else None,
            "tokens": self.tokens,
            "offered_tokens": self.offered_tokens,
            "windows": len(self.nats),
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
        }


def pseudo_score(model: MaskedModel, split: HeldOut, *, tokens: int = 4_096, seed: int = 1) -> PseudoScore:
    """Score windows of 128 tokens, drawn evenly from a split until they hold about `tokens`; every token costs a pass.

    ContentError for an empty split.
    """
    began = time.perf_counter()
    windows, offered = _windows(split, tokens, seed)
    scores = model.pseudo_log_probs(windows)
    nats = np.array([-row.sum(dtype=np.float64) for row in scores])
    lengths = np.array([float(len(window)) for window in windows])
    closed = getattr(model.tokenizer, "kind", "") == "words-closed" or any(
        (np.asarray(window) == model.tokenizer.specials.get("unknown", -1)).any() for window in windows
    )
    notes, bits = [], None
    if closed:
        notes.append(translate("unknown tokens do not pay for their spelling: no pseudo bits per byte"))
    else:
        size = [len(model.tokenizer.decode(window).encode()) for window in windows]
        bits = Units(nats / math.log(2), np.array(size, np.float64))
    if int(lengths.sum()) < offered:
        text = translate("{count} of {offered} tokens, in windows of at most {length} drawn with seed {seed}")
        notes.append(text.format(count=int(lengths.sum()), offered=offered, length=_LENGTH, seed=seed))
    spent = time.perf_counter() - began
    return PseudoScore(Units(nats, lengths), bits, int(lengths.sum()), offered, spent, tuple(notes))


def _windows(split: HeldOut, tokens: int, seed: int) -> tuple[list[Ids], int]:
    """Stretches of documents, in the order of the text, and how many tokens the split holds."""
    places, offered = [], 0
    for index in range(len(split)):
        length = len(split.document(index))
        offered += length
        places += [(index, begin) for begin in range(0, length, _LENGTH)]
    if not places:
        raise ContentError("the held-out split is empty: nothing to score")
    wanted = max(1, math.ceil(tokens / _LENGTH))
    order = np.random.default_rng([seed, 11]).permutation(len(places))
    chosen, held = [], 0
    for number in order.tolist():
        index, begin = places[number]
        window = np.asarray(split.document(index)[begin : begin + _LENGTH])
        chosen.append((number, window))
        held += len(window)
        if held >= wanted * _LENGTH:
            break
    return [window for _, window in sorted(chosen, key=lambda one: one[0])], offered


def _listed(interval: Interval) -> list[float]:
    return list(interval)
