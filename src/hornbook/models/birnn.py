"""A forward and a backward recurrent language model over one table of embeddings (ELMo: Peters et al. 2018): an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from hornbook.core.types import Ids, NextScores
from hornbook.layers.cross_entropy import next_logits
from hornbook.layers.dropout import VariationalDropout, drop_words
from hornbook.layers.recurrent import CELLS, RecurrentStack
from hornbook.models import weights
from hornbook.models.encoder import Frame, TextEncoder
from hornbook.models.neural import Network, empty_module, pad, read_own_config, write_own
from hornbook.models.rnn import RnnConfig, recurrent_parameters

MODEL_TYPE = "hornbook-birnn"
_ROWS = 64  # rows run side by side


@dataclass(frozen=True)
class BiRnnConfig:
    """Sizes of each of the two networks, and what they forget in training. `embedding` 0 is `width`; the head is tied."""

    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    layers: int = 1
    width: int = 512
    embedding: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    word_dropout: float = 0.0
    weight_drop: float = 0.0


class BiRnnModule(nn.Module):
    """Both networks: ids (B, T) -> states (B, T, 2E): of the one that read up to a token, and of the one that read down to it.

    `counts` (V,) are the tokens seen in training: what a word is worth before anything is known about its place.
    """

    counts: Tensor

    def __init__(self, config: BiRnnConfig, vocabulary: int) -> None:
        super().__init__()
        self.config = config
        embedding = config.embedding or config.width
        widths = [embedding, *[config.width] * (config.layers - 1), embedding]
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout = VariationalDropout(config.dropout)
        self.left, self.right = (
            RecurrentStack(CELLS[config.cell], widths, self.dropout, weight_drop=config.weight_drop) for _ in range(2)
        )
        self.output_bias = nn.Parameter(self.embedding.weight.new_zeros(vocabulary))
        self.register_buffer("counts", torch.zeros(vocabulary, dtype=torch.float64))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def forward(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """(B, T) ids -> (B, T, 2E) states; `documents` (B, T) is -1 behind the end of each row."""
        backwards = self.backwards(ids) if documents is None else self._backwards_of_lengths(ids, (documents >= 0).sum(1))
        return torch.cat([self.forwards(ids), backwards], dim=-1)

    def forwards(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, E): state t has read ids 0 to t."""
        return cast(Tensor, self.left(self._embedded(ids))[0])

    def backwards(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, E): state t has read ids T - 1 down to t."""
        return cast(Tensor, self.right(self._embedded(ids.flip(1)))[0].flip(1))

    def _backwards_of_lengths(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """The same for rows whose ends are padding, which is read last and so by nothing that counts."""
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)  # (B, T)
        mirrored = torch.where(places < lengths.unsqueeze(1), lengths.unsqueeze(1) - 1 - places, places)
        states = self.right(self._embedded(ids.gather(1, mirrored)))[0]
        return cast(Tensor, states.gather(1, mirrored.unsqueeze(-1).expand_as(states)))

    def _embedded(self, ids: Tensor) -> Tensor:
        states = self.embedding(ids)
        if self.training:
            states = drop_words(states, ids, self.embedding.num_embeddings, self.config.word_dropout)
        return cast(Tensor, self.dropout(states))

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, E)."""
        return cast(nn.Parameter, self.embedding.weight)


def parameters(config: BiRnnConfig, vocabulary: int) -> int:
    """Number of trained weights, counts of tokens not among them."""
    one = RnnConfig(cell=config.cell, layers=config.layers, width=config.width, embedding=config.embedding)
    return vocabulary * ((config.embedding or config.width) + 1) + 2 * recurrent_parameters(one)


class BiRnn(Network):
    """A pair of networks with its tokenizer, for states of tokens and for words hidden in a text."""

    model_types: ClassVar[tuple[str, ...]] = (MODEL_TYPE,)

    @classmethod
    def build(cls, config: Any, vocabulary: int) -> BiRnnModule:
        """A fresh pair."""
        return BiRnnModule(config, vocabulary)

    @property
    def encoder(self) -> TextEncoder:
        """The networks as an Encoder; texts of any length. Two texts of a pair are read as two documents in a row."""
        width = 2 * (self.config.embedding or self.config.width)
        stream, ends = Frame.stream(self.tokenizer), Frame.masked(self.tokenizer)
        frame = Frame(ends.before, stream.between, ends.after)
        return TextEncoder(self.tokenizer, self.module, width=width, frame=frame, save=self.save_files)

    def both_sides_log_probs(self, rows: Sequence[Ids], places: Sequence[int]) -> NextScores:
        """(B, V) natural logs of the token at `places[i]` of `rows[i]`, which itself is not read, from both sides of it.

        With left and right independent given the token, p(w | left, right) is proportional to
        p(w | left) p(w | right) / p(w); p(w) is its share in training. Rows hold no start and end.
        """
        specials = self.tokenizer.specials
        start, end = specials.get("start", specials["end"]), specials["end"]
        before = [np.concatenate([[start], row[:place]]).astype(np.int64) for row, place in zip(rows, places, strict=True)]
        behind = [np.concatenate([row[place + 1 :], [end]]).astype(np.int64)[::-1] for row, place in zip(rows, places)]
        with self._inference():
            left, right = self._last_scores(self._network.left, before), self._last_scores(self._network.right, behind)
            counts = self._network.counts.double() + 1
            prior = (counts / counts.sum()).log().to(left)  # (V,)
            return cast(NextScores, (left + right - prior).log_softmax(-1).cpu().numpy())

    def _last_scores(self, stack: RecurrentStack, rows: Sequence[Ids]) -> Tensor:
        """(B, V) float32 log-probabilities of what comes after each row."""
        network = self._network
        scores = []
        for first in range(0, len(rows), _ROWS):
            group = rows[first : first + _ROWS]
            states, _ = stack(network.embedding(pad(group, self._device)))  # (B, T, E)
            lasts = torch.as_tensor([len(row) - 1 for row in group], device=self._device)
            last = states[torch.arange(len(group), device=self._device), lasts]  # (B, E)
            scores.append(next_logits(last, network.output_weight, network.output_bias).log_softmax(-1).float())
        return torch.cat(scores)

    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder."""
        write_own(folder, MODEL_TYPE, self.config, self.vocabulary, self.module, self.tokenizer)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, strictly."""
        from hornbook.tokenizers import load_tokenizer

        config: BiRnnConfig = read_own_config(folder, MODEL_TYPE, BiRnnConfig)
        weights.check_size(folder, parameters(config, config.vocabulary))
        module = empty_module(cls.build, config, folder / weights.CONFIG)
        weights.fill(weights.own_tensors(module), weights.read_weights(folder), where=folder / weights.WEIGHTS)
        return cls(load_tokenizer(folder), config, module)
