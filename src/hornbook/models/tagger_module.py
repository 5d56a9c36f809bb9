"""The network of a tagger: the state of the first token of every word, what the word looks like, its neighbours, a score."""

from __future__ import annotations

from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from hornbook.layers.characters import CharacterFilters
from hornbook.layers.crf import Independent, LinearChain
from hornbook.layers.dropout import Dropout
from hornbook.layers.recurrent import CELLS, RecurrentStack
from hornbook.models.encoder import TextBatch, TextEncoder
from hornbook.models.head_configs import TaggerConfig
from hornbook.sequences.chain import Chain, starts_of

NO_LABEL = -100


class TagTensors(Protocol):
    """Tensors of `corpus.tag_batches.TagBatch`."""

    inputs: Any  # (B, T) int64
    documents: Any  # (B, T) int32, -1 behind the end
    places: Any  # (B, K) int64: the first token of every word, -1 behind the last
    characters: Any  # (B, K, C) int64, C may be 0


class TaggerModule(nn.Module):
    """Tokens of rows -> emissions (N, L) of their words, one row after the other."""

    def __init__(self, encoder: TextEncoder, rules: Chain, config: TaggerConfig, *, alphabet: int) -> None:
        super().__init__()
        self.body = encoder.module
        self._encoder = encoder
        width = encoder.width
        self.characters = CharacterFilters(alphabet, config.characters, dropout=config.dropout) if config.characters else None
        width += config.characters
        self.dropout = Dropout(config.dropout)
        self.context = WordContext(width, config.recurrent) if config.recurrent else None
        self.classifier = nn.Linear(2 * config.recurrent if config.recurrent else width, rules.states)
        if self.context is None:
            nn.init.normal_(self.classifier.weight, std=0.02)
            nn.init.zeros_(self.classifier.bias)
        self.chain = LinearChain(rules) if config.decoder == "crf" else Independent(rules)

    def forward(self, batch: TagTensors) -> Tensor:
        """(N, L): scores of the labels of every word."""
        lengths = (batch.documents >= 0).sum(1)
        states = self._encoder.encode(TextBatch(batch.inputs, batch.documents, lengths)).states  # (B, T, W)
        inside = batch.places >= 0  # (B, K)
        rows = torch.arange(len(states), device=states.device).unsqueeze(1)  # (B, 1)
        words = states[rows, batch.places.clamp(min=0)]  # (B, K, W)
        if self.characters is not None:
            looks = self.characters(batch.characters.flatten(0, 1)).unflatten(0, inside.shape)  # (B, K, F)
            words = torch.cat([words, looks.to(words.dtype)], dim=2)
        words = self.dropout(words)
        if self.context is not None:
            words = self.dropout(self.context(words, inside.sum(1)))
        return cast(Tensor, self.classifier(words[inside]))

    def loss(self, emissions: Tensor, places: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """The sum over words that have a target (B, K), and their number; emissions (N, L) of all words."""
        counted = targets != NO_LABEL
        flat = targets[places >= 0]
        starts = starts_of(counted.sum(1).tolist())
        chosen = flat != NO_LABEL
        return self.chain.loss(emissions[chosen], starts, flat[chosen]), int(starts[-1])


class WordContext(nn.Module):
    """An LSTM over the words in both directions."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.left, self.right = (RecurrentStack(CELLS["lstm"], [inner, width], nn.Identity()) for _ in range(2))

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """(B, K, W) of `lengths` (B,) words -> (B, K, 2 width)."""
        places = torch.arange(words.shape[1], device=words.device).expand(words.shape[:2])  # (B, K)
        last = lengths.unsqueeze(1) - 1
        mirror = torch.where(places <= last, last - places, places).unsqueeze(2)  # (B, K, 1): padding is read last
        mirrored = words.gather(1, mirror.expand_as(words))
        backwards = self.right(mirrored)[0]
        return torch.cat([self.left(words)[0], backwards.gather(1, mirror.expand_as(backwards))], dim=2)
