"""The protocols every room is built against. Nobody inherits from them; mypy and the contract tests check them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import nn

Ids: TypeAlias = NDArray[Any]  # (n,) token ids, an unsigned or signed integer type
TokenScores: TypeAlias = NDArray[np.float32]  # (n + 1,) natural logs: every token of a document, then "end"
NextScores: TypeAlias = NDArray[np.float32]  # (B, V) natural logs of the next token, rows sum to 1 after exp

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)
X = TypeVar("X")
Y = TypeVar("Y")

SPECIALS = ("pad", "unknown", "start", "end", "mask", "separator")
"""Fixed names of the special tokens. A tokenizer may lack some, never `end`."""


class Tokenizer(Protocol):
    """Text to token ids and back."""

    @property
    def size(self) -> int:
        """Vocabulary size, special tokens included; every id is below it."""
        ...

    @property
    def specials(self) -> Mapping[str, int]:
        """Special token name (see `SPECIALS`) to id."""
        ...

    def encode(self, text: str) -> Ids:
        """Ids of a text, no special tokens added; text that looks like a special token is spelled out."""
        ...

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """The same for many texts at once, using every core."""
        ...

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of the ids; special tokens give nothing."""
        ...

    def save_pretrained(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json into an existing folder."""
        ...


class LanguageModel(Protocol[S]):
    """A normalised left-to-right model over documents; only these report bits per byte.

    Every document is scored from a fresh state: the first token given nothing, then every token given those before it,
    then the `end` token. `log_probs` and `start`/`step` give the same numbers.
    """

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that training set."""
        ...

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural log-probabilities per document: its tokens, then `end`. Batched inside."""
        ...

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, S]:
        """(B, V) scores after each prefix, and the state; prefixes may be empty and differ in length."""
        ...

    def step(self, state: S, ids: Ids) -> tuple[NextScores, S]:
        """Feed one id a row, (B,). Consumes the state: use only what it returns."""
        ...

    def select(self, state: S, rows: Sequence[int]) -> S:
        """An independent copy of the given rows; rows may repeat or drop (beams)."""
        ...


class ConditionalModel(Protocol[C_contra, S]):
    """A translation decoder, a captioner: a language model once its conditions are given."""

    def given(self, conditions: Sequence[C_contra]) -> LanguageModel[S]:
        """The language model in which row i belongs to `conditions[i]`; `select` moves it along."""
        ...


@dataclass(frozen=True)
class Loss:
    """A sum and what to divide it by, so that accumulation and ranks divide once by the true global count."""

    total: torch.Tensor  # () sum over the counted tokens, natural logs
    count: int
    parts: Mapping[str, tuple[float, int]]  # name -> (sum, count), for reporting
    read: int | None = None  # tokens of text that were read, where not each is counted: a masked model guesses one in seven

    @property
    def tokens(self) -> int:
        """Tokens of text read, by which speed and budgets are told."""
        return self.count if self.read is None else self.read


Predictor: TypeAlias = Callable[[Sequence[X]], list[Y]]
"""What a task ranks: an HMM tagger, a language model per label and a BERT head compete as one of these."""


class CausalModule(Protocol):
    """What the causal objective needs of a network: hidden states, and apart from them the output table (its loss is fused).

    `carry` is None or what the previous call returned for the stretch of text just before (recurrent state). A network without
    one also takes `documents` (B, T): it looks back within each document of a row alone.
    """

    def __call__(self, ids: torch.Tensor, carry: Any = None, **apart: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """(B, T) ids -> (B, T, W) states whose product with `output_weight` gives the next token's logits, and the carry."""
        ...

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W), often the embedding table itself."""
        ...

    @property
    def output_bias(self) -> nn.Parameter | None:
        """(V,) or None."""
        ...


class MaskedModel(Protocol):
    """BERT and its kin: each token given all the others. Without a chain rule it is no LanguageModel."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that training set."""
        ...

    def masked_log_probs(self, rows: Sequence[Ids], places: Sequence[int]) -> NextScores:
        """(B, V) natural logs of the token at `places[i]` of `rows[i]`, which is hidden by `mask`.

        Rows hold no start, end or separator (the model adds its own) and may hold more masks. Batched inside.
        """
        ...

    def pseudo_log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len,) natural logs of each token given all others, one hidden at a time (Salazar et al. 2020). Batched inside."""
        ...


class MaskedModule(Protocol):
    """What the masked objective needs of a network: states, and the head that reads only the hidden positions."""

    def __call__(
        self, ids: torch.Tensor, documents: torch.Tensor | None = None, segments: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, T) ids -> (B, T, W) states.

        `documents` (B, T) int32 numbers the pieces of text within a row, -1 is padding; None: every row is one piece. A
        position sees its own piece only, and positions count from 0 in each. `segments` (B, T) int64 are token types.
        """
        ...

    def transform(self, states: torch.Tensor) -> torch.Tensor:
        """(N, W) -> (N, E) states whose product with `output_weight` gives the logits of the hidden tokens."""
        ...

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, E), often the embedding table itself."""
        ...

    @property
    def output_bias(self) -> nn.Parameter | None:
        """(V,) or None."""
        ...

    def next_sentence(self, states: torch.Tensor) -> torch.Tensor:
        """(B, W) states of the first token -> (B, 2) logits: the second segment follows the first, or not."""
        ...
