"""A masked network of the parts of our modern GPT: the same layers, looking to both sides (docs/log.md says what it gains)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor, nn

from hornbook.layers.attention import attention_around, head_count
from hornbook.layers.feedforward import GELUS
from hornbook.layers.init import fan_in_uniform_
from hornbook.models import gpt_modern
from hornbook.models.bert import PREDICTED, MaskedHead, MaskedNetwork
from hornbook.models.gpt_modern import ModernGptConfig, ModernGptModule


@dataclass(frozen=True)
class OwnBertConfig:
    """Sizes. Zero: `heads` of 64 (32 below width 256), `inner` of 4 widths, `vocabulary` of the tokenizer."""

    layers: int = 4
    width: int = 256
    heads: int = 0
    context: int = 256
    inner: int = 0
    vocabulary: int = 0
    dropout: float = 0.0
    head: bool = True
    tied: bool = True


class OwnBertModule(MaskedNetwork):
    """The network: ids (B, T) -> states (B, T, W): rotary positions, normed queries and keys, shortcuts, no biases inside.

    It has no token types: segments are not read.
    """

    def __init__(self, config: OwnBertConfig, vocabulary: int) -> None:
        super().__init__()
        self.config = config
        self.heads = head_count(config.width, config.heads)
        self.trunk = ModernGptModule(_trunk(config), vocabulary)
        self.head = (
            MaskedHead(config.width, vocabulary, GELUS["gelu"], epsilon=1e-5, bias=False, tied=config.tied)
            if config.head
            else None
        )
        if self.head is not None:
            fan_in_uniform_(self.head.dense)

    @property
    def embedding(self) -> nn.Embedding:  # type: ignore[override]
        """The table of tokens."""
        return self.trunk.embedding

    def encode(self, ids: Tensor, positions: Tensor, allowed: Tensor | None, segments: Tensor | None) -> Tensor:
        """(B, T) ids at `positions` (T,) or (B, T), attending where `allowed` (B, T, T) -> (B, T, W)."""
        dtype = self.embedding.weight.dtype
        attend = attention_around(allowed, self.heads, dtype, self.config.dropout if self.training else 0.0)
        states: Tensor = self.trunk.encode(ids, positions, [attend] * self.config.layers)
        return states


def parameters(config: OwnBertConfig, vocabulary: int) -> int:
    """Number of weights of the network."""
    head = config.width**2 + config.width + vocabulary * (1 if config.tied else 1 + config.width) if config.head else 0
    return gpt_modern.parameters(_trunk(config), vocabulary) + head


def flops_per_token(config: OwnBertConfig, vocabulary: int) -> float:
    """Training FLOPs per token, with the head at the guessed positions alone and attention over the whole context."""
    body = gpt_modern.flops_per_token(_trunk(config), 0) + 6.0 * config.layers * config.context * config.width
    return body + PREDICTED * 6.0 * (config.width**2 + vocabulary * config.width)


def _trunk(config: OwnBertConfig) -> ModernGptConfig:
    """The same sizes; the trunk's own head is the table, which nothing reads."""
    shared: dict[str, Any] = {field.name: getattr(config, field.name) for field in fields(ModernGptConfig)}
    return ModernGptConfig(**{**shared, "tied": True})
