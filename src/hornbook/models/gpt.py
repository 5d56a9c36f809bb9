"""GPT in the layout of GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each part, GELU, tied head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn

from hornbook.core.types import Ids, NextScores, Tokenizer
from hornbook.layers.attention import Attend, SelfAttention, check_sizes, head_count
from hornbook.layers.cache import KeyValueCache
from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GELUS, GeluFeedForward
from hornbook.layers.init import normal_, residual_
from hornbook.models import gpt_modern, llama, weights
from hornbook.models.encoder import Frame, StreamEncoder
from hornbook.models.gpt_modern import CausalNetwork, ModernGptConfig, ModernGptModule
from hornbook.models.huggingface.folder import special_ids
from hornbook.models.huggingface.gpt2 import GPT2
from hornbook.models.huggingface.llama import LLAMA
from hornbook.models.llama import LlamaConfig, LlamaModule
from hornbook.models.neural import BATCH_TOKENS, NeuralLM, Scored, pad
from hornbook.models.saved import Kind, open_folder, save_folder


@dataclass(frozen=True)
class GptConfig:
    """Sizes of a GPT-2. Zero: `heads` of 64 (32 below width 256), `inner` of 4 widths, `vocabulary` of the tokenizer."""

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    tied: bool = True
    epsilon: float = 1e-5
    activation: Literal["gelu", "gelu_new"] = "gelu"  # exact, or GPT-2's tanh form: four times slower on a CPU


class GptModule(CausalNetwork):
    """The network: ids (B, T) -> states (B, T, W) for the head. It keeps no carry between calls."""

    def __init__(self, config: GptConfig, vocabulary: int) -> None:
        super().__init__()
        heads = head_count(config.width, config.heads)
        check_sizes(config.width, heads, config.context)
        self.config = config
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(GptBlock(config, heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.head = None if config.tied else nn.Linear(config.width, vocabulary, bias=False)
        normal_(self, 0.02)
        residual_([weight for block in self.blocks for weight in cast(GptBlock, block).residual_weights()], 0.02)

    def encode(self, ids: Tensor, positions: Tensor, attends: list[Attend]) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), each layer looking back by its `attends` -> (B, T, W)."""
        states = self.dropout(self.embedding(ids) + self.positions(positions))
        for block, attend in zip(self.blocks, attends):
            states = block(states, attend)
        return cast(Tensor, self.norm(states))


class GptBlock(nn.Module):
    """Attention, then feed-forward, each reading a normed copy of the stream and adding to it."""

    def __init__(self, config: GptConfig, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.attention = SelfAttention(config.width, heads)
        self.feedforward_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.feedforward = GeluFeedForward(config.width, config.inner or 4 * config.width, GELUS[config.activation])
        self.dropout = Dropout(config.dropout)

    def forward(self, states: Tensor, attend: Attend) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        states = states + self.dropout(self.attention(self.attention_norm(states), attend))
        return states + cast(Tensor, self.dropout(self.feedforward(self.feedforward_norm(states))))

    def residual_weights(self) -> list[Tensor]:
        """The two matrices that write into the stream."""
        return [self.attention.output.weight, self.feedforward.contract.weight]


def parameters(config: GptConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    width, inner = config.width, config.inner or 4 * config.width
    block = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width
    tables = vocabulary * width * (1 if config.tied else 2) + config.context * width
    return tables + config.layers * block + 2 * width


def flops_per_token(config: GptConfig, vocabulary: int) -> float:
    """Training FLOPs per token: 6 per weight that multiplies (embedding lookups do not), and attention over half the context.

    Kaplan et al. 2020 (section 2.1), with causal attention counted at half: 6 x context x width a layer.
    """
    width, inner = config.width, config.inner or 4 * config.width
    matrices = config.layers * (4 * width * width + 2 * width * inner) + vocabulary * width
    return 6.0 * matrices + 6.0 * config.layers * config.context * width


CausalConfig: TypeAlias = GptConfig | ModernGptConfig | LlamaConfig


@dataclass
class GptState:
    """What a decoding remembers: the ids of each row's window, how many there are, and their keys and values."""

    window: Tensor  # (B, context) int64
    lengths: Tensor  # (B,) int64
    cache: KeyValueCache


class GptLM(NeuralLM[GptState]):
    """GPT as a LanguageModel, in the layout its configuration belongs to.

    Texts longer than the context: the window starts at a multiple of half the context and moves on by half a context, so
    every token beyond the first window sees at least half a context before it. Scoring and decoding follow the same rule.
    """

    model_types: ClassVar[tuple[str, ...]] = ("gpt2", "hornbook-gpt", "llama")

    def __init__(self, tokenizer: Tokenizer, config: CausalConfig, module: CausalNetwork | None = None) -> None:
        super().__init__(tokenizer, config, module)
        self.half = config.context // 2

    @classmethod
    def build(cls, config: CausalConfig, vocabulary: int) -> nn.Module:
        """A fresh network of the configuration's layout."""
        return _kind(config).module(config, vocabulary)

    @property
    def encoder(self) -> StreamEncoder:
        """The network as an Encoder of texts up to its context."""
        config, frame = self.config, Frame.stream(self.tokenizer)
        return StreamEncoder(
            self.tokenizer, self.module, width=config.width, context=config.context, frame=frame, save=self.save_files
        )

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, GptState]:
        """(B, V) scores after each prefix, and the state."""
        rows = [self._stream(prefix)[0] for prefix in prefixes]
        windows = [row[self._window_start(len(row) - 1) :] for row in rows]
        with self._inference():
            lengths = torch.tensor([len(window) for window in windows], dtype=torch.int64, device=self._device)  # (B,)
            ids = pad(windows, self._device)  # (B, T)
            cache, states = self._fill(ids)
            last = states[torch.arange(len(lengths), device=self._device), lengths - 1]  # (B, W)
            window = torch.zeros(len(rows), 2 * self.half, dtype=torch.int64, device=self._device)
            window[:, : ids.shape[1]] = ids
            return self._next_scores(last), GptState(window, lengths, cache)

    def step(self, state: GptState, ids: Ids) -> tuple[NextScores, GptState]:
        """Feed one id a row, (B,). Consumes the state."""
        with self._inference():
            new = torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(self._device)  # (B,)
            self._move_full_windows(state)
            state.window[torch.arange(len(new), device=self._device), state.lengths] = new
            attends = state.cache.appending(state.lengths)
            states = self._network.encode(new.unsqueeze(1), state.lengths.unsqueeze(1), attends)  # (B, 1, W)
            state.lengths = state.lengths + 1
            return self._next_scores(states[:, 0]), state

    def select(self, state: GptState, rows: Sequence[int]) -> GptState:
        """An independent copy of the given rows."""
        with torch.inference_mode():
            index = torch.as_tensor(list(rows), dtype=torch.int64, device=self._device)
            lengths = state.lengths[index]
            longest = int(lengths.max()) if len(lengths) else 0
            return GptState(state.window[index], lengths, state.cache.select(index, longest))

    def _window_start(self, position: int) -> int:
        """First input position that the prediction at `position` sees."""
        return max(0, position // self.half - 1) * self.half

    def _fill(self, ids: Tensor) -> tuple[KeyValueCache, Tensor]:
        cache = KeyValueCache(self.config.layers)
        positions = torch.arange(ids.shape[1], device=self._device)
        return cache, self._network.encode(ids, positions, cache.filling())

    def _move_full_windows(self, state: GptState) -> None:
        """Rows without room for one more id keep the second half of their window, encoded afresh."""
        full = torch.nonzero(state.lengths == 2 * self.half).squeeze(1)  # (F,)
        if len(full):
            kept = state.window[full, self.half :]  # (F, half)
            cache, _ = self._fill(kept)
            state.cache.put(full, cache, self.half)
            state.window[full, : self.half] = kept
            state.lengths[full] = self.half

    def _scored(self, documents: Sequence[Ids]) -> Iterator[Scored]:
        streams = [self._stream(document) for document in documents]
        pieces: list[tuple[int, int, int, int]] = []  # (length, document, begin, first counted input position)
        for index, (inputs, _) in enumerate(streams):
            pieces.append((min(len(inputs), 2 * self.half), index, 0, 0))
            for first in range(2 * self.half, len(inputs), self.half):
                begin = first - self.half
                pieces.append((min(len(inputs) - begin, 2 * self.half), index, begin, first))
        pieces.sort()
        while pieces:
            rows = max(1, BATCH_TOKENS // pieces[-1][0])
            batch, pieces = pieces[-rows:], pieces[:-rows]
            ids = pad([streams[index][0][begin : begin + length] for length, index, begin, _ in batch], self._device)
            states, _ = self._network(ids)  # (B, T, W)
            kept = torch.cat([states[row, first - begin : length] for row, (length, _, begin, first) in enumerate(batch)])
            spans = [(index, first, begin + length - first) for length, index, begin, first in batch]
            targets = np.concatenate([streams[index][1][first : first + count] for index, first, count in spans])
            yield kept, torch.from_numpy(targets).to(self._device), spans

    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder; transformers opens the layouts of GPT-2 and Llama."""
        kind, specials = _kind(self.config), {**self.tokenizer.specials, "start": self.start_id}
        config = replace(self.config, vocabulary=self.vocabulary)
        save_folder(folder, kind, config, self.module, self.tokenizer, specials=specials)
        if kind.layout is not None:
            ids = special_ids(specials, {"bos_token_id": "start", "eos_token_id": "end", "pad_token_id": "pad"})
            weights.write_json({**ids, "_from_model_config": True}, folder / "generation_config.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files or transformers' save_pretrained wrote, strictly."""
        opened = open_folder(folder, KINDS)
        model = cls(opened.tokenizer, opened.config, opened.module)
        model.loaded = opened.loaded
        return model


KINDS = (
    Kind("gpt2", GptConfig, GptModule, parameters, GPT2),
    Kind("hornbook-gpt", ModernGptConfig, ModernGptModule, gpt_modern.parameters),
    Kind("llama", LlamaConfig, LlamaModule, llama.parameters, LLAMA),
)
"""The layouts of GPT: the configuration chooses."""


def _kind(config: CausalConfig) -> Kind:
    return next(kind for kind in KINDS if kind.config is type(config))
