"""A classifier of texts over any encoder: one label a text, several, or a grade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.errors import UsageError
from hornbook.corpus.class_batches import ClassExample, stack
from hornbook.models.bag import BagEncoder, encoder_of
from hornbook.models.classifier_heads import LAYOUTS, BagHead, HeadLayout, PooledHead
from hornbook.models.encoder import Rows, TextBatch, TextEncoder, Texts
from hornbook.models.head_configs import ClassifierConfig
from hornbook.models.masked import MaskedLM

_BATCH_TOKENS = 8192


class ClassTensors(Protocol):
    """Tensors of `corpus.class_batches.ClassBatch`."""

    inputs: Any  # (B, T) int64
    documents: Any  # (B, T) int32, -1 behind the end
    segments: Any  # (B, T) int64 or None


class ClassifierModule(nn.Module):
    """Texts -> logits (B, L)."""

    def __init__(self, encoder: TextEncoder, head: nn.Module) -> None:
        super().__init__()
        self.body = encoder.module
        self.head = head
        self._encoder = encoder

    def forward(self, batch: ClassTensors) -> Tensor:
        """(B, L)."""
        lengths = (batch.documents >= 0).sum(1)
        texts = TextBatch(batch.inputs, batch.documents, lengths, segments=batch.segments)
        return cast(Tensor, self.head(self._encoder.encode(texts).states, batch.documents))


class NeuralClassifier:
    """A Predictor of a label a text: (texts) -> labels; of 'multi' tuples of labels. Inputs may be pairs of texts.

    `labels_` by their numbers. A text longer than the network's context is read in windows that overlap by half, whose logits
    are averaged; of a pair that is too long the ends are not read.
    """

    def __init__(self, model: Any, labels: Sequence[str], config: ClassifierConfig | None = None) -> None:
        if len(set(labels)) < 2:
            raise UsageError("a classifier needs two labels or more, found {labels}", labels=", ".join(labels) or "none")
        self.model = model
        self.labels_ = tuple(labels)
        self.config = config or ClassifierConfig()
        self.encoder = encoder_of(model, where=type(model).__name__)
        self.module = ClassifierModule(self.encoder, self._fresh_head())

    @property
    def layout(self) -> HeadLayout | None:
        """How transformers writes the network with a head; None where it does not."""
        if not isinstance(self.model, MaskedLM):
            return None
        return LAYOUTS[getattr(self.model.config, "layout", "modernbert")]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.module.parameters())

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network."""
        self.module.to(device=device, dtype=dtype)
        return self

    def __call__(self, texts: Texts) -> list[Any]:
        """The label of every text; of 'multi' a tuple of labels, which may be empty."""
        return self.decide(self.predict_proba(texts))

    def predict_proba(self, texts: Texts) -> NDArray[np.float64]:
        """(n, L) probabilities; of 'multi' those of each label by itself, else rows that sum to 1."""
        logits = self.logits(texts)
        if self.config.kind == "multi":
            return 1 / (1 + np.exp(-logits))
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return cast(NDArray[np.float64], shifted / shifted.sum(axis=1, keepdims=True))

    def decide(self, probabilities: NDArray[np.float64]) -> list[Any]:
        """The answers to (n, L) probabilities, by the configuration's thresholds or costs."""
        if self.config.kind == "multi":
            given = probabilities >= np.array(self.config.thresholds or [0.5] * len(self.labels_))
            return [tuple(self.labels_[i] for i in np.flatnonzero(row)) for row in given]
        if self.config.kind == "graded":
            found = (probabilities.cumsum(axis=1) >= 0.5).argmax(axis=1)
        elif self.config.costs:
            found = (probabilities @ np.array(self.config.costs)).argmin(axis=1)
        elif self.config.thresholds and len(self.labels_) == 2:
            found = (probabilities[:, 1] >= self.config.thresholds[1]).astype(np.int64)
        else:
            found = probabilities.argmax(axis=1)
        return [self.labels_[i] for i in found]

    def logits(self, texts: Texts) -> NDArray[np.float64]:
        """(n, L), windows of one text averaged. TypeError names the first input that is no text."""
        for number, text in enumerate(texts):
            if not isinstance(text, str) and not (isinstance(text, tuple) and len(text) == 2):
                raise TypeError(f"input {number} is {type(text).__name__}, neither a text nor a pair of texts")
        result = np.zeros((len(texts), len(self.labels_)))
        examples, owners = self._windows(texts)
        order = sorted(range(len(examples)), key=lambda place: -len(examples[place].ids))
        pad = self.encoder.tokenizer.specials.get("pad", 0)
        device = next(self.module.parameters()).device
        with self._inference():
            while order:
                size = max(1, _BATCH_TOKENS // len(examples[order[0]].ids))
                group, order = order[:size], order[size:]
                batch = stack([examples[place] for place in group], pad=pad)
                found = self.module(_tensors(batch, device)).double().cpu().numpy()
                np.add.at(result, owners[group], found)
        return cast(NDArray[np.float64], result / np.bincount(owners, minlength=len(texts)).clip(1)[:, None])

    def examples(self, texts: Texts, labels: Sequence[Sequence[str]]) -> tuple[list[ClassExample], int]:
        """Rows to learn from, and how many texts are longer than the context; of these the beginning is learned from."""
        rows = self.encoder.rows(texts, offsets=False)
        index = {label: number for number, label in enumerate(self.labels_)}
        wanted = np.zeros((len(texts), len(self.labels_)), np.float32)
        for row, names in enumerate(labels):
            wanted[row, [index[name] for name in names]] = 1
        return [one._replace(wanted=right) for one, right in zip(self._plain(rows), wanted)], rows.cut

    def save_files(self, folder: Path) -> None:
        """Write it into an existing folder; as ForSequenceClassification where transformers knows the network."""
        from hornbook.models.classifier_files import save_classifier

        save_classifier(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, or transformers, strictly."""
        from hornbook.models.classifier_files import load_classifier

        model: Self = load_classifier(cls, folder)
        return model

    def _fresh_head(self) -> nn.Module:
        labels, width = len(self.labels_), self.encoder.width
        if isinstance(self.encoder, BagEncoder):
            return BagHead(width, labels, self.config.dropout)
        layout = self.layout
        return (
            PooledHead(width, labels, self.config.dropout)
            if layout is None
            else layout.build(width, labels, self.config.dropout)
        )

    def _windows(self, texts: Texts) -> tuple[list[ClassExample], NDArray[np.int64]]:
        """Every text as one row or several, and whose each is."""
        frame = self.encoder.frame
        room = self.encoder.context - len(frame.before) - len(frame.after)
        if isinstance(self.encoder, BagEncoder) or not all(isinstance(text, str) for text in texts):
            return self._plain(self.encoder.rows(texts, offsets=False)), np.arange(len(texts))
        pieces, owners = [], []
        for number, ids in enumerate(self.encoder.tokenizer.encode_batch([str(text) for text in texts])):
            starts = range(0, max(1, len(ids) - room // 2), max(1, room // 2)) if len(ids) > room else range(1)
            for first in starts:
                pieces.append(ids[first : first + room])
                owners.append(number)
        return self._plain(self.encoder.framed(pieces)), np.array(owners, np.int64)

    def _plain(self, rows: Rows) -> list[ClassExample]:
        nothing = np.zeros(len(self.labels_), np.float32)
        segments: Sequence[NDArray[np.int64] | None] = rows.segments or [None] * len(rows.ids)
        return [ClassExample(ids, types, nothing) for ids, types in zip(rows.ids, segments)]

    @contextmanager
    def _inference(self) -> Iterator[None]:
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.module.train(training)


def _tensors(batch: Any, device: torch.device) -> Any:
    from dataclasses import replace

    segments = None if batch.segments is None else torch.from_numpy(batch.segments).to(device)
    return replace(
        batch,
        inputs=torch.from_numpy(batch.inputs).to(device),
        documents=torch.from_numpy(batch.documents).to(device),
        segments=segments,
    )


def over(model: Any, labels: Sequence[str], config: ClassifierConfig | None = None) -> NeuralClassifier:
    """A fresh classifier over a network of any generation; a head begins with what the network had of it already."""
    from hornbook.models.task_folders import without_head

    classifier = NeuralClassifier(without_head(model), labels, config)
    layout = classifier.layout
    for part, place in ({} if layout is None else layout.inherited).items():
        try:
            source = model.module.get_submodule(place)
        except AttributeError:
            continue
        if source is not None:
            classifier.module.head.get_submodule(part).load_state_dict(source.state_dict())
    return classifier
