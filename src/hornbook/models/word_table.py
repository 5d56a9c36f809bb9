"""A table of words as a network: each word of a text by itself, for taggers from scratch and over word vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn

from hornbook.models import weights
from hornbook.models.encoder import Frame, TextEncoder
from hornbook.models.neural import Network, empty_module, read_own_config, write_own
from hornbook.tokenizers import TextTokenizer
from hornbook.tokenizers.closed import closed_tokenizer

MODEL_TYPE = "hornbook-words"


@dataclass(frozen=True)
class WordTableConfig:
    """Size of the table.

    fixed: how many of its last rows are not trained: words of given vectors that the training text does not have.
    word_dropout: the part of the words of a text that are read as unknown in training.
    """

    width: int = 100
    vocabulary: int = 0
    fixed: int = 0
    word_dropout: float = 0.0


class WordTableModule(nn.Module):
    """ids (B, T) -> vectors (B, T, W)."""

    fixed: Tensor

    def __init__(self, config: WordTableConfig, vocabulary: int, *, unknown: int = 1) -> None:
        super().__init__()
        self.config = config
        self.unknown = unknown
        self.embedding = nn.Embedding(vocabulary - config.fixed, config.width)
        self.register_buffer("fixed", torch.zeros(config.fixed, config.width))
        bound = (3.0 / config.width) ** 0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound)

    def forward(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """(B, T) -> (B, T, W); `documents` says nothing here: no word sees another."""
        if self.training and self.config.word_dropout:
            hidden = torch.rand(ids.shape, device=ids.device) < self.config.word_dropout
            ids = ids.masked_fill(hidden, self.unknown)
        learned = self.embedding.num_embeddings
        states = cast(Tensor, self.embedding(ids.clamp(max=learned - 1)))  # (B, T, W)
        if not len(self.fixed):
            return states
        return torch.where((ids < learned).unsqueeze(2), states, self.fixed[(ids - learned).clamp(min=0)])

    @property
    def output_weight(self) -> nn.Parameter:
        """(V, W)."""
        return cast(nn.Parameter, self.embedding.weight)


class WordTable(Network):
    """Words with a vector each; a word that is not among them has that of `unknown`."""

    model_types: ClassVar[tuple[str, ...]] = (MODEL_TYPE,)

    @classmethod
    def build(cls, config: Any, vocabulary: int) -> WordTableModule:
        """A fresh table."""
        return WordTableModule(config, vocabulary)

    @classmethod
    def of_words(cls, words: Iterable[str], config: WordTableConfig, *, lowercase: bool = False) -> Self:
        """A table with random vectors for these words, each once."""
        forms = dict.fromkeys(word.lower() for word in words) if lowercase else dict.fromkeys(words)
        return cls(closed_tokenizer(forms, lowercase=lowercase), config)

    @property
    def encoder(self) -> TextEncoder:
        """The table as an Encoder; texts of any length, no added tokens."""
        return TextEncoder(self.tokenizer, self.module, width=self.config.width, frame=Frame(), save=self.save_files)

    def fixing(self, rows: int) -> Self:
        """The same table with its last rows no longer trained."""
        config = replace(self.config, fixed=rows)
        found = WordTable(self.tokenizer, config)
        whole = self._network.embedding.weight.detach()
        with torch.no_grad():
            found._network.embedding.weight.copy_(whole[: len(whole) - rows])
            found._network.fixed.copy_(whole[len(whole) - rows :])
        return cast(Self, found)

    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder."""
        write_own(folder, MODEL_TYPE, self.config, self.vocabulary, self.module, self.tokenizer)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, strictly."""
        from hornbook.tokenizers import load_tokenizer

        config: WordTableConfig = read_own_config(folder, MODEL_TYPE, WordTableConfig)
        weights.check_size(folder, config.vocabulary * config.width)
        module = empty_module(cls.build, config, folder / weights.CONFIG)
        weights.fill(weights.own_tensors(module), weights.read_weights(folder), where=folder / weights.WEIGHTS)
        tokenizer: TextTokenizer = load_tokenizer(folder)
        return cls(tokenizer, config, module)
