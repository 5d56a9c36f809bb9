"""Masked language modelling: which tokens of a row are predicted and what stands in their place (Devlin et al. 2019, 3.1).

Units are chosen, not tokens: single tokens, whole words, or spans of words. Every unit is chosen with the same probability,
the mask rate; what is chosen is a function of the row's key alone, and a higher rate adds to what a lower one chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError, nearest
from hornbook.core.types import Tokenizer
from hornbook.corpus.batches import IGNORED

UNITS = ("tokens", "words", "spans")


@dataclass(frozen=True)
class Masking:
    """What the masked objective hides: `rate` of the tokens; of those `masked` become the mask token, `random` another token.

    rate: share of the tokens that are predicted. `last_rate`: where it ends when it changes linearly over the training.
    units: single "tokens", whole "words" (each token of them with its own replacement), or "spans" of 1 to `longest_span`
        words, geometric with `span_stop`, one replacement a span (Joshi et al. 2020, SpanBERT, section 3.1).
    static_copies: 0 draws every epoch anew (dynamic masking, Liu et al. 2019, section 4.1); n repeats the masks, and the rows,
        of the first n epochs: 1 is static masking, 10 what BERT's own data had.
    """

    rate: float = 0.15
    last_rate: float | None = None
    masked: float = 0.8
    random: float = 0.1
    units: Literal["tokens", "words", "spans"] = "tokens"
    span_stop: float = 0.2
    longest_span: int = 10
    static_copies: int = 0

    def __post_init__(self) -> None:
        for name, value in (("rate", self.rate), ("last_rate", self.rate_at(1.0))):
            check_rate(name, value)
        if self.masked < 0 or self.random < 0 or self.masked + self.random > 1 + 1e-9:
            raise UsageError(
                "masked = {masked} and random = {random}: shares of the masked tokens, together at most 1",
                masked=self.masked,
                random=self.random,
            )
        if self.units not in UNITS:
            raise UsageError("unknown units of masking '{units}'.{hint}", units=self.units, hint=nearest(self.units, UNITS))
        if not 0 < self.span_stop < 1 or self.longest_span < 1 or self.static_copies < 0:
            raise UsageError("span_stop must lie between 0 and 1, longest_span be at least 1 and static_copies at least 0")

    def rate_at(self, progress: float) -> float:
        """The mask rate when this part of the training (0 to 1) is over."""
        return self.rate if self.last_rate is None else self.rate + (self.last_rate - self.rate) * min(1.0, progress)


@dataclass(frozen=True, eq=False)
class MaskedBatch:
    """Rows for the masked objective. `labels`: 0 where the second segment follows the first, 1 where it does not."""

    inputs: NDArray[np.int64]  # (B, T) some tokens replaced
    targets: NDArray[np.int64]  # (B, T) the original token where it is predicted, IGNORED elsewhere
    documents: NDArray[np.int32]  # (B, T) number of the piece of text within its row, -1 for padding
    segments: NDArray[np.int64] | None = None  # (B, T) token types, only for pairs
    labels: NDArray[np.int64] | None = None  # (B,) only for pairs
    fresh: bool = True

    @property
    def counted(self) -> int:
        """How many tokens are predicted."""
        return int(np.count_nonzero(self.targets != IGNORED))

    @property
    def originals(self) -> NDArray[np.int64]:
        """(B, T) the ids before masking."""
        return np.where(self.targets == IGNORED, self.inputs, self.targets)


class Masker:
    """Masks rows with the ids of one tokenizer. UsageError when it has no mask token."""

    def __init__(self, masking: Masking, tokenizer: Tokenizer) -> None:
        self.masking = masking
        self.mask = require_mask(tokenizer.specials)
        self._specials = np.unique(np.fromiter(tokenizer.specials.values(), np.int64))
        if self._specials.size >= tokenizer.size:
            raise UsageError("the tokenizer has only special tokens: there is nothing to predict")
        self._maskable = np.ones(tokenizer.size, np.bool_)
        self._maskable[self._specials] = False

    def __call__(
        self,
        inputs: NDArray[np.int64],
        documents: NDArray[np.int32],
        starts: NDArray[np.bool_],
        *,
        keys: NDArray[np.uint64],
        rate: float,
    ) -> NDArray[np.int64]:
        """Mask inputs (B, T) in place and return the targets (B, T).

        documents (B, T); starts (B, T) true where a unit of one word begins; keys (B,): equal keys, equal masks. The tokens
        chosen in a row are rate * maskable tokens, rounded up or down at random so that the mean is right; whole words and
        spans miss that number by less than the length of the longest.
        """
        from hornbook.corpus.masking_kernels import mask_rows

        check_rate("mask_rate", rate)
        masking, targets = self.masking, np.empty_like(inputs)
        spans = masking.units == "spans"
        mask_rows(
            inputs, targets, documents, starts, keys, self._maskable, self._specials, self.mask, float(rate),
            float(masking.masked), float(masking.random), masking.span_stop, masking.longest_span if spans else 1, spans,
        )  # fmt: skip
        return targets


def check_rate(name: str, rate: float) -> None:
    """UsageError unless a mask rate lies above 0 and at most at 1."""
    if not 0 < rate <= 1:
        raise UsageError("{name} = {value}: a mask rate lies above 0 and at most at 1; 0.15 is usual", name=name, value=rate)


def require_mask(specials: Mapping[str, int]) -> int:
    """The id of the mask token; UsageError when the tokenizer has none."""
    if "mask" not in specials:
        raise UsageError("the tokenizer has no mask token: train another one, or choose one of BERT's kin")
    return specials["mask"]
