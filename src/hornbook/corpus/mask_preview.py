"""What a masked model will be trained on, for a person to read before the training starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import translate
from hornbook.corpus.batches import IGNORED
from hornbook.corpus.masking import MaskedBatch, require_mask
from hornbook.corpus.token_texts import TokenTexts
from hornbook.tokenizers.tokenizer import TextTokenizer


@dataclass(frozen=True)
class MaskCounts:
    """How much of a batch is predicted, and as what it is shown."""

    places: int  # rows times length
    tokens: int  # of text
    predicted: int
    masked: int  # shown as the mask token
    random: int  # shown as another token
    kept: int  # shown as themselves
    stretches: int  # predicted tokens next to each other count as one
    second_wrong: float | None  # share of pairs whose second segment does not follow; None without pairs

    def __str__(self) -> str:
        text = translate(
            "{predicted} of {tokens} tokens predicted ({share:.1%}), in {stretches} stretches; "
            "shown masked {masked:.1%}, as another token {random:.1%}, as they are {kept:.1%}; places in use {used:.1%}"
        )
        whole = max(1, self.predicted)
        return text.format(
            predicted=self.predicted,
            tokens=self.tokens,
            share=self.predicted / max(1, self.tokens),
            stretches=self.stretches,
            masked=self.masked / whole,
            random=self.random / whole,
            kept=self.kept / whole,
            used=self.used,
        )

    @property
    def used(self) -> float:
        """Share of the places that hold tokens of text."""
        return self.tokens / max(1, self.places)


def count_masks(batch: MaskedBatch, tokenizer: TextTokenizer) -> MaskCounts:
    """Count what is predicted in a batch."""
    predicted = batch.targets != IGNORED
    masked = predicted & (batch.inputs == require_mask(tokenizer.specials))
    kept = predicted & (batch.inputs == batch.targets)
    text = (batch.documents >= 0) & ~np.isin(batch.originals, list(tokenizer.specials.values()))
    begins = predicted.copy()
    begins[:, 1:] &= ~predicted[:, :-1]
    labels = None if batch.labels is None else batch.labels[batch.labels != IGNORED]
    return MaskCounts(
        places=batch.inputs.size,
        tokens=int(text.sum()),
        predicted=int(predicted.sum()),
        masked=int(masked.sum()),
        random=int((predicted & ~masked & ~kept).sum()),
        kept=int(kept.sum()),
        stretches=int(begins.sum()),
        second_wrong=None if labels is None or not labels.size else float(labels.mean()),
    )


def preview_masks(batch: MaskedBatch, tokenizer: TextTokenizer, rows: int = 3) -> list[str]:
    """The first rows as text: `the [cat→MASK] sat on [a→the] mat`; pieces of a row apart by ' ‖ ', segments by ' ⇥ '.

    Predicted tokens next to each other share a bracket when they are shown in the same way; a token shown as itself is
    [mat=].
    """
    texts = TokenTexts.of(tokenizer)
    specials = np.fromiter(tokenizer.specials.values(), np.int64)
    return [
        _row(batch, number, texts, specials, require_mask(tokenizer.specials)) for number in range(min(rows, len(batch.inputs)))
    ]


def _row(batch: MaskedBatch, number: int, texts: TokenTexts, specials: NDArray[np.int64], mask: int) -> str:
    inputs, targets, originals = batch.inputs[number], batch.targets[number], batch.originals[number]
    shown = np.select([targets == IGNORED, inputs == mask, inputs == targets], [0, 1, 2], 3)
    text = (batch.documents[number] >= 0) & ~(np.isin(originals, specials))
    piece = batch.documents[number].astype(np.int64)
    segment = np.zeros_like(piece) if batch.segments is None else batch.segments[number]
    places = np.flatnonzero(text)
    if not places.size:
        return ""
    how = np.stack([shown, piece, segment])[:, places]
    changes = np.flatnonzero(np.any(how[:, 1:] != how[:, :-1], axis=0) | (np.diff(places) > 1)) + 1
    written, before = "", -1
    for run in np.split(places, changes):
        here = int(run[0])
        if before >= 0 and piece[here] != piece[before]:
            written += " ‖ "
        elif before >= 0 and segment[here] != segment[before]:
            written += " ⇥ "
        written += _marked(texts.join(originals[run]), texts.join(inputs[run]), int(shown[here]))
        before = here
    return " ".join(written.split())


def _marked(before: str, after: str, shown: int) -> str:
    """A run of tokens that are shown in the same way; the space around it stays outside the bracket."""
    if shown == 0:
        return before
    bare = before.strip() or before
    left, right = before.split(bare, 1)
    what = {1: "→MASK", 2: "=", 3: f"→{after.strip()}"}[shown]
    return f"{left}[{bare}{what}]{right}"
