"""What stands on an encoder: configurations of classifiers and taggers, readable without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hornbook.core.errors import UsageError


@dataclass(frozen=True)
class ClassifierConfig:
    """What the labels mean.

    kind: 'single', one label a text; 'multi', each label by itself; 'graded', labels in order, of which the median is answered.
    thresholds: of 'multi', from which probability each label is given; of two labels, the second from thresholds[1] on. Empty
        is 0.5 each.
    costs: of 'single', what each answer (column) costs where a label (row) is right; empty is 1 for every wrong one.
    """

    kind: Literal["single", "multi", "graded"] = "single"
    dropout: float = 0.1
    thresholds: tuple[float, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise UsageError("dropout is from 0 to below 1, not {value}", value=self.dropout)
        if any(not 0 <= one <= 1 for one in self.thresholds):
            raise UsageError("thresholds are probabilities from 0 to 1, not {values}", values=self.thresholds)


@dataclass(frozen=True)
class TaggerConfig:
    """What stands on the encoder.

    scheme: what labels mark: spans in BIO, or nothing that has rules ('none').
    tokens: what a text is cut into where it comes without tokens: words, or characters.
    decoder: 'crf' learns which label follows which; 'tokens' judges each by itself and only decodes by the rules.
    characters: filters over the characters of a word, 0 is none.
    recurrent: width of each direction of an LSTM over the words, 0 is none.
    """

    scheme: Literal["bio", "none"] = "bio"
    tokens: Literal["words", "characters"] = "words"
    decoder: Literal["crf", "tokens"] = "crf"
    characters: int = 0
    recurrent: int = 0
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.characters < 0 or self.recurrent < 0 or not 0 <= self.dropout < 1:
            raise UsageError("characters and recurrent are numbers from 0, dropout is from 0 to below 1")
