"""A network as an encoder: what a task's head sits on, and what sentence vectors are made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.types import Ids, Tokenizer

WHOLE = 10**9
"""The context of a network that reads texts of any length."""
Offsets: TypeAlias = NDArray[np.int64]  # (length, 2)
Texts: TypeAlias = Sequence[str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Frame:
    """The tokens that a network expects around a text, or around and between the two texts of a pair.

    typed: whether it is told the second text of a pair, and the end behind it, from the first.
    """

    before: tuple[int, ...] = ()
    between: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    typed: bool = False

    @classmethod
    def masked(cls, tokenizer: Tokenizer, *, doubled: bool = False, typed: bool = False) -> Frame:
        """`start text end`; `start first separator second end`, or `end end` between two texts as RoBERTa has it (doubled)."""
        specials = tokenizer.specials
        end = specials["end"]
        between = (end, end) if doubled else (specials.get("separator", end),)
        return cls((specials.get("start", end),), between, (end,), typed)

    @classmethod
    def stream(cls, tokenizer: Tokenizer) -> Frame:
        """`start text` and `start first end start second`: what a left-to-right model reads in training."""
        end = tokenizer.specials["end"]
        start = tokenizer.specials.get("start", end)
        return cls((start,), (end, start))


@dataclass(frozen=True, eq=False)
class Rows:
    """Texts as rows of ids, added tokens included, to be batched in any company.

    offsets: for each text (length, 2) where every token begins and ends in it, in characters, (0, 0) for added tokens; in a
    pair each token's in its own text. segments: of pairs, 1 for the second text where the network tells them apart. cut: how
    many texts were longer than the context and lost their ends.
    """

    ids: list[NDArray[np.int64]]
    offsets: list[Offsets] | None = None
    segments: list[NDArray[np.int64]] | None = None
    cut: int = 0


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Texts as a network reads them. `offsets`, `segments` and `cut` as in `Rows`.

    extra: vectors of words that the table of word vectors does not hold, by the ids behind it.
    """

    ids: Tensor  # (B, T) int64
    documents: Tensor  # (B, T) int32: 0 for a text, -1 for padding
    lengths: Tensor  # (B,) int64, added tokens included, at least 1
    offsets: list[Offsets] | None = None
    cut: int = 0
    segments: Tensor | None = None  # (B, T) int64
    extra: Tensor | None = None  # (E, W)


@dataclass(frozen=True, eq=False)
class Encoded:
    """States of the tokens of texts; those behind a text's length mean nothing."""

    states: Tensor  # (B, T, W)
    lengths: Tensor  # (B,) int64


class TextEncoder:
    """Texts to states, by a bidirectional network (protocol Encoder).

    `save` writes the network with its tokenizer into a folder, from which it opens again.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        module: nn.Module,
        *,
        width: int,
        context: int = WHOLE,
        frame: Frame | None = None,
        save: Callable[[Path], None] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.module = module
        self.width = width
        self.context = context
        self.frame = frame or Frame.masked(tokenizer)
        self._save = save

    def prepare(self, texts: Texts) -> TextBatch:
        """Texts, or pairs of texts, as one batch; what exceeds the context is cut off and counted."""
        return self.stack(self.rows(texts))

    def rows(self, texts: Texts, *, offsets: bool = True) -> Rows:
        """The same not yet side by side; without `offsets` it is faster."""
        pairs = [text for text in texts if not isinstance(text, str)]
        if not pairs:
            ids, places = self._tokens([text for text in texts if isinstance(text, str)], offsets)
            return self.framed(ids, offsets=places)
        if len(pairs) < len(texts):
            raise TypeError("texts and pairs of texts are mixed")
        first, first_places = self._tokens([pair[0] for pair in pairs], offsets)
        second, second_places = self._tokens([pair[1] for pair in pairs], offsets)
        joined = None if first_places is None or second_places is None else [*first_places, *second_places]
        return self.framed(first, second, offsets=joined)

    def _tokens(self, texts: Sequence[str], offsets: bool) -> tuple[Sequence[Ids], list[Offsets] | None]:
        tokenizer: Any = self.tokenizer
        if not offsets or not hasattr(tokenizer, "encode_with_offsets"):
            return tokenizer.encode_batch(texts), None
        found = tokenizer.encode_with_offsets(texts)
        return [ids for ids, _ in found], [places for _, places in found]

    def batch(self, rows: Sequence[Ids], *, offsets: Sequence[Offsets] | None = None) -> TextBatch:
        """Rows of ids without added tokens as one batch."""
        return self.stack(self.framed(rows, offsets=offsets))

    def framed(
        self, first: Sequence[Ids], second: Sequence[Ids] | None = None, *, offsets: Sequence[Offsets] | None = None
    ) -> Rows:
        """Rows of ids with the added tokens, cut to the context, none empty; `offsets` of all first texts, then the second."""
        frame, parts = [self.frame.before, self.frame.after], [first]
        if second is not None:
            frame, parts = [self.frame.before, self.frame.between, self.frame.after], [first, second]
        room = self.context - sum(map(len, frame))
        ids: list[NDArray[np.int64]] = []
        places: list[Offsets] = []
        segments: list[NDArray[np.int64]] = []
        cut = 0
        for index in range(len(first)):
            lengths = _kept([len(part[index]) for part in parts], room)
            cut += sum(lengths) < sum(len(part[index]) for part in parts)
            row = _joined(frame, [np.asarray(part[index][:kept], np.int64) for part, kept in zip(parts, lengths)])
            ids.append(row if len(row) else np.array([self.tokenizer.specials.get("pad", 0)], np.int64))
            if offsets is not None:
                own = [offsets[index + number * len(first)][:kept] for number, kept in enumerate(lengths)]
                added = [np.zeros((len(tokens), 2), np.int64) for tokens in frame]
                places.append(_joined(added, own) if len(row) else np.zeros((1, 2), np.int64))
            if second is not None and self.frame.typed:
                leading = len(frame[0]) + lengths[0] + len(frame[1])
                segments.append((np.arange(len(ids[-1])) >= leading).astype(np.int64))
        return Rows(ids, None if offsets is None else places, segments or None, cut)

    def stack(self, rows: Rows) -> TextBatch:
        """Rows side by side, padding behind the shorter ones."""
        lengths = np.array([len(row) for row in rows.ids], np.int64)
        shape = len(rows.ids), int(lengths.max(initial=1))
        ids = np.full(shape, self.tokenizer.specials.get("pad", 0), np.int64)
        documents = np.full(shape, -1, np.int32)
        segments = None if rows.segments is None else np.zeros(shape, np.int64)
        for index, row in enumerate(rows.ids):
            ids[index, : len(row)], documents[index, : len(row)] = row, 0
            if segments is not None and rows.segments is not None:
                segments[index, : len(row)] = rows.segments[index]
        device = next(self.module.parameters()).device
        return TextBatch(
            torch.from_numpy(ids).to(device),
            torch.from_numpy(documents).to(device),
            torch.from_numpy(lengths).to(device),
            rows.offsets,
            rows.cut,
            None if segments is None else torch.from_numpy(segments).to(device),
        )

    def encode(self, batch: TextBatch) -> Encoded:
        """States of a batch, with gradients where they are wanted."""
        even = bool((batch.documents >= 0).all())
        apart = {} if batch.segments is None else {"segments": batch.segments}
        return Encoded(self.module(batch.ids, None if even else batch.documents, **apart), batch.lengths)

    def shares(self, batch: TextBatch) -> Tensor:
        """(B, T) what each state adds to the mean of its text, added tokens counted as sentence-transformers has it."""
        return (batch.documents >= 0) / batch.lengths.unsqueeze(1)

    def mean(self, batch: TextBatch, encoded: Encoded) -> Tensor:
        """(B, W) float32: one vector a text."""
        return (encoded.states.float() * self.shares(batch).unsqueeze(2)).sum(dim=1)

    def save_files(self, folder: Path) -> None:
        """Write the network as it is now, with its tokenizer, into an existing folder."""
        assert self._save is not None, "this encoder was built without a way to be saved"
        self._save(folder)


class StreamEncoder(TextEncoder):
    """Texts to states, by a network that reads from left to right: state t knows tokens 0 to t. `start` stands before them."""

    def encode(self, batch: TextBatch) -> Encoded:
        """States of a batch; what stands behind a text, and so its padding, is not seen by it."""
        return Encoded(self.module(batch.ids)[0], batch.lengths)

    def shares(self, batch: TextBatch) -> Tensor:
        """(B, T) the same for every token; nothing for `start`, whose state is the same in every text, unless it is alone."""
        places = torch.arange(batch.ids.shape[1], device=batch.ids.device)  # (T,)
        counted = (batch.documents >= 0) & ((places > 0) | (batch.lengths == 1).unsqueeze(1))
        return counted / counted.sum(dim=1, keepdim=True)


def _kept(lengths: Sequence[int], room: int) -> list[int]:
    """How much of one or two texts fits into `room` tokens when the longer one is cut first."""
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first = min(lengths[0], max(room - lengths[1], (room + 1) // 2))
    return [first, min(lengths[1], room - first)]


def _joined(added: Sequence[Any], parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """`added[0] parts[0] added[1] parts[1] ... added[-1]`."""
    pieces = [np.asarray(added[0], np.int64)]
    for part, behind in zip(parts, added[1:], strict=True):
        pieces += [part, np.asarray(behind, np.int64)]
    return np.concatenate(pieces)
