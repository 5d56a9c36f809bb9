"""A tagger over any encoder: a label for every word, spans of a raw text by characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hornbook.core.errors import UsageError
from hornbook.corpus.labelled import joined
from hornbook.corpus.span_tokens import tokens_of
from hornbook.corpus.tag_batches import TagExample, stack
from hornbook.corpus.tag_rows import Alphabet, TagRow, first_tokens, targets_of, windows
from hornbook.models.encoder import TextEncoder
from hornbook.models.head_configs import TaggerConfig
from hornbook.models.tagger_module import TaggerModule
from hornbook.sequences.chain import Chain, starts_of
from hornbook.sequences.labels import legal_chain, spans_of

Sentences = Sequence[Sequence[str]]
_BATCH_TOKENS = 8192
_LONGEST_ROW = 2048  # tokens of a window where the network itself has no limit
_BETWEEN = " "


class TextSpan(NamedTuple):
    """text[first:last] is of this kind; `score` is the mean probability of its labels."""

    first: int
    last: int
    kind: str
    score: float


class EncoderModel(Protocol):
    """A model of any generation."""

    config: Any
    module: nn.Module

    @property
    def encoder(self) -> TextEncoder:
        """Its network as what a head sits on."""
        ...

    def save_files(self, folder: Path) -> None:
        """Write it into an existing folder."""
        ...


class NeuralTagger:
    """A Predictor of one label a token: (sentences of tokens) -> labels, legal in their scheme.

    `labels_` by their numbers; `alphabet` are the characters that its filters know. Texts longer than the network's context are
    read in windows that overlap, whatever their length.
    """

    def __init__(self, model: EncoderModel, labels: Sequence[str], config: TaggerConfig, *, alphabet: str = "") -> None:
        if len(set(labels)) < 2:
            raise UsageError("a tagger needs two labels or more, found {labels}", labels=", ".join(labels) or "none")
        self.model = model
        self.encoder = model.encoder
        if not hasattr(self.encoder.tokenizer, "encode_with_offsets"):
            raise UsageError("a tagger needs a tokenizer that tells where its tokens stand in the text")
        self.labels_ = tuple(labels)
        self.config = config
        self.alphabet = Alphabet(alphabet)
        rules = legal_chain(labels, "bio") if config.scheme == "bio" else Chain(np.zeros((len(labels), len(labels))))
        self.module = TaggerModule(self.encoder, rules, config, alphabet=self.alphabet.size)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.module.parameters())

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network."""
        self.module.to(device=device, dtype=dtype)
        return self

    def __call__(self, sentences: Sentences) -> list[list[str]]:
        """The best legal labels of every sentence. TypeError names the sentence with what is not a str."""
        paths, starts, _ = self._judged([_placed(number, tokens) for number, tokens in enumerate(sentences)])
        names = [self.labels_[label] for label in paths]
        return [names[first:last] for first, last in pairwise(starts.tolist())]

    def predict_marginals(self, sentences: Sentences) -> list[NDArray[np.float64]]:
        """(T, L) per sentence: the probability of each label of `labels_` at each token."""
        _, starts, marginals = self._judged([_placed(number, tokens) for number, tokens in enumerate(sentences)])
        return [marginals[first:last] for first, last in pairwise(starts.tolist())]

    def tag_texts(self, texts: Sequence[str]) -> list[list[TextSpan]]:
        """The spans of raw texts, by characters; without a scheme of spans every token with its label. TypeError by number."""
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"text {number} is {type(text).__name__}, not str")
        places = [tokens_of(text, self.config.tokens) for text in texts]
        paths, starts, marginals = self._judged(list(zip(texts, places)))
        scores = marginals[np.arange(len(paths)), paths]
        return [
            self._spans(paths[first:last], scores[first:last], spans)
            for spans, (first, last) in zip(places, pairwise(starts.tolist()))
        ]

    def examples(self, sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]], labels: Sentences) -> list[TagExample]:
        """Rows to learn from: texts with the places of their words, and a label for each."""
        index = {label: number for number, label in enumerate(self.labels_)}
        numbers = [np.array([index[label] for label in line], np.int64) for line in labels]
        continuing = np.array([self.config.scheme == "bio" and label.startswith("I") for label in self.labels_])
        rows = self._rows(sentences)
        targets = [targets_of(row, numbers[row.text], continuing) for row in rows]
        return [self._example(row, wanted, sentences) for row, wanted in zip(rows, targets)]

    def emissions(self, sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> tuple[torch.Tensor, NDArray[np.int64]]:
        """(N, L) float32 on the host: scores of the labels of every word, and (B + 1,) where each sentence begins."""
        starts = starts_of([len(places) for _, places in sentences])
        result = torch.zeros(int(starts[-1]), len(self.labels_))
        rows = sorted(self._rows(sentences), key=lambda row: -len(row.ids))
        device = self.module.classifier.weight.device
        pad = self.encoder.tokenizer.specials.get("pad", 0)
        with self._inference():
            while rows:
                size = max(1, _BATCH_TOKENS // max(1, len(rows[0].ids)))
                group, rows = rows[:size], rows[size:]
                batch = stack([self._example(row, row.places * 0, sentences) for row in group], pad=pad)
                found = self.module(_tensors(batch, device)).float().cpu()  # (n, L)
                first = 0
                for row in group:
                    low, high = (place - row.words[0] + first for place in row.own)
                    begin = int(starts[row.text])
                    result[begin + row.own[0] : begin + row.own[1]] = found[low:high]
                    first += len(row.places)
        return result, starts

    def save_files(self, folder: Path) -> None:
        """Write the tagger into an existing folder; as ForTokenClassification where transformers knows the network."""
        from hornbook.models.tagger_files import save_tagger

        save_tagger(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, strictly."""
        from hornbook.models.tagger_files import load_tagger

        tagger: Self = load_tagger(cls, folder)
        return tagger

    def _judged(
        self, sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
        """Labels (N,), where each sentence begins (B + 1,), probabilities (N, L)."""
        emissions, starts = self.emissions(sentences)
        return self.module.chain.decode(emissions, starts), starts, self.module.chain.marginals(emissions, starts)

    def _rows(self, sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[TagRow]:
        """Every sentence as one window or several; none of a sentence without words."""
        tokenizer: Any = self.encoder.tokenizer
        if tokenizer.kind == "words-closed":  # it knows words between blanks alone
            sentences = [_spaced(text, places) for text, places in sentences]
        frame = self.encoder.frame
        added = len(frame.before) + len(frame.after)
        room = max(1, min(self.encoder.context, _LONGEST_ROW) - added)
        rows = []
        for number, (ids, tokens) in enumerate(tokenizer.encode_with_offsets([text for text, _ in sentences])):
            words = np.array(sentences[number][1], np.int64).reshape(-1, 2)
            if not len(words):
                continue
            if not len(ids):  # nothing of the text is known to the network
                ids, tokens = np.array([tokenizer.specials.get("unknown", tokenizer.specials["end"])]), words[:1]
            rows += windows(np.asarray(ids, np.int64), first_tokens(words, tokens), room=room, text=number)
        return rows

    def _example(
        self, row: TagRow, targets: NDArray[np.int64], sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]]
    ) -> TagExample:
        frame = self.encoder.frame
        ids = np.concatenate([np.asarray(frame.before, np.int64), row.ids, np.asarray(frame.after, np.int64)])
        forms: Sequence[NDArray[np.int64]] = ()
        if self.config.characters:
            text, places = sentences[row.text]
            forms = self.alphabet.spell([text[first:last] for first, last in places[row.words[0] : row.words[1]]])
        return TagExample(ids, row.places + len(frame.before), targets, forms)

    def _spans(self, path: NDArray[np.int32], scores: NDArray[np.float64], places: Sequence[tuple[int, int]]) -> list[TextSpan]:
        names = [self.labels_[label] for label in path]
        if self.config.scheme == "none":
            return [TextSpan(*place, name, float(score)) for place, name, score in zip(places, names, scores)]
        return [
            TextSpan(places[first][0], places[last - 1][1], kind, float(scores[first:last].mean()))
            for first, last, kind in spans_of(names, "bio")
        ]

    @contextmanager
    def _inference(self) -> Iterator[None]:
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.module.train(training)


def _placed(number: int, tokens: Sequence[str]) -> tuple[str, Sequence[tuple[int, int]]]:
    """A sentence of tokens as a text, and where each stands in it."""
    for place, token in enumerate(tokens):
        if not isinstance(token, str):
            raise TypeError(f"token {place} of sentence {number} is {type(token).__name__}, not str")
    return joined(tokens)


def _spaced(text: str, places: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """The words of a text between blanks."""
    words = [text[first:last] for first, last in places]
    starts = starts_of([len(word) + len(_BETWEEN) for word in words]).tolist()
    return _BETWEEN.join(words), [(start, start + len(word)) for start, word in zip(starts, words)]


def _tensors(batch: Any, device: torch.device) -> Any:
    from types import SimpleNamespace

    names = ("inputs", "documents", "places", "characters")
    return SimpleNamespace(**{name: torch.from_numpy(getattr(batch, name)).to(device) for name in names})
