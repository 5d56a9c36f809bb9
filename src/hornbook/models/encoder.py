"""A network as an encoder: what a task's head sits on, and what sentence vectors are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.types import Ids, Tokenizer


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Texts as a network reads them, each between `start` and `end`.

    offsets: for each text (length, 2) where every token begins and ends in it, in characters, (0, 0) for added tokens; None
    when the tokenizer does not tell. cut: how many texts were longer than the context and lost their ends.
    """

    ids: Tensor  # (B, T) int64
    documents: Tensor  # (B, T) int32: 0 for a text, -1 for padding
    lengths: Tensor  # (B,) int64, added tokens included
    offsets: list[NDArray[np.int64]] | None = None
    cut: int = 0


@dataclass(frozen=True, eq=False)
class Encoded:
    """States of the tokens of texts; those behind a text's length mean nothing."""

    states: Tensor  # (B, T, W)
    lengths: Tensor  # (B,) int64


class TextEncoder:
    """Texts to states, by a bidirectional network (protocol Encoder)."""

    def __init__(self, tokenizer: Tokenizer, module: nn.Module, *, width: int, context: int) -> None:
        self.tokenizer = tokenizer
        self.module = module
        self.width = width
        self.context = context

    def prepare(self, texts: Sequence[str]) -> TextBatch:
        """Tokenize texts; what exceeds the context is cut off and counted."""
        tokenizer: Any = self.tokenizer
        if not hasattr(tokenizer, "encode_with_offsets"):
            return self.batch(tokenizer.encode_batch(texts))
        pairs = tokenizer.encode_with_offsets(texts)
        return self.batch([ids for ids, _ in pairs], offsets=[offsets for _, offsets in pairs])

    def batch(self, rows: Sequence[Ids], *, offsets: Sequence[NDArray[np.int64]] | None = None) -> TextBatch:
        """Rows of ids without added tokens as one batch."""
        room = self.context - 2
        specials = self.tokenizer.specials
        longest = 2 + max((min(len(row), room) for row in rows), default=0)
        ids = np.full((len(rows), longest), specials.get("pad", 0), dtype=np.int64)
        documents = np.full((len(rows), longest), -1, dtype=np.int32)
        lengths = np.empty(len(rows), dtype=np.int64)
        for index, row in enumerate(rows):
            kept = row[:room]
            lengths[index] = length = len(kept) + 2
            ids[index, 0], ids[index, 1 : length - 1] = specials.get("start", specials["end"]), kept
            ids[index, length - 1] = specials["end"]
            documents[index, :length] = 0
        placed = None if offsets is None else [np.pad(spans[:room], ((1, 1), (0, 0))) for spans in offsets]
        device = next(self.module.parameters()).device
        return TextBatch(
            torch.from_numpy(ids).to(device),
            torch.from_numpy(documents).to(device),
            torch.from_numpy(lengths).to(device),
            placed,
            sum(len(row) > room for row in rows),
        )

    def encode(self, batch: TextBatch) -> Encoded:
        """States of a batch, with gradients where they are wanted."""
        even = int(batch.lengths.min()) == batch.ids.shape[1] if len(batch.lengths) else True
        return Encoded(self.module(batch.ids, None if even else batch.documents), batch.lengths)
