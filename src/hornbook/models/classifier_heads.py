"""What stands on an encoder to give labels to texts: the heads of transformers' ForSequenceClassification, and our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from hornbook.layers.dropout import Dropout
from hornbook.layers.feedforward import GELUS


class PooledHead(nn.Module):
    """Mean, maximum and last state side by side (Howard and Ruder 2018, section 3.3), a norm and a linear layer."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(3 * width)
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(3 * width, labels)
        _small(self.classifier)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) states and (B, T) -1 behind the ends -> (B, L)."""
        inside = (documents >= 0).unsqueeze(2)  # (B, T, 1)
        lengths = inside.sum(1)  # (B, 1)
        mean = (states * inside).sum(1) / lengths.to(states.dtype)
        most = states.masked_fill(~inside, torch.finfo(states.dtype).min).amax(1)
        last = states[torch.arange(len(states), device=states.device), lengths.squeeze(1) - 1]
        return cast(Tensor, self.classifier(self.dropout(self.norm(torch.cat([mean, most, last], dim=1)))))


class BagHead(nn.Module):
    """The mean of word vectors, then a linear layer (fastText, Joulin et al. 2017, section 2)."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(width, labels)
        nn.init.zeros_(self.classifier.weight)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) -> (B, L)."""
        inside = (documents >= 0).unsqueeze(2)
        return cast(Tensor, self.classifier(self.dropout((states * inside).sum(1) / inside.sum(1).to(states.dtype))))


class BertHead(nn.Module):
    """BertForSequenceClassification: pooler, dropout, linear, on the first state."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.pooler, self.dropout, self.classifier = nn.Linear(width, width), Dropout(dropout), nn.Linear(width, labels)
        _small(self.pooler, self.classifier)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) -> (B, L)."""
        return cast(Tensor, self.classifier(self.dropout(torch.tanh(self.pooler(states[:, 0])))))


class RobertaHead(nn.Module):
    """RobertaForSequenceClassification: dropout, dense, tanh, dropout, linear, on the first state."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dense, self.dropout, self.out_proj = nn.Linear(width, width), Dropout(dropout), nn.Linear(width, labels)
        _small(self.dense, self.out_proj)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) -> (B, L)."""
        return cast(Tensor, self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(states[:, 0]))))))


class DistilBertHead(nn.Module):
    """DistilBertForSequenceClassification: dense, ReLU, dropout, linear, on the first state."""

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dense, self.dropout, self.classifier = nn.Linear(width, width), Dropout(dropout), nn.Linear(width, labels)
        _small(self.dense, self.classifier)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) -> (B, L)."""
        return cast(Tensor, self.classifier(self.dropout(torch.relu(self.dense(states[:, 0])))))


class ModernBertHead(nn.Module):
    """ModernBertForSequenceClassification over the mean of all states: dense, GELU, norm, dropout, linear.

    Dense and norm are those that guessed hidden tokens before.
    """

    def __init__(self, width: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(width, width, bias=False), nn.LayerNorm(width, bias=False)
        self.dropout, self.classifier = Dropout(dropout), nn.Linear(width, labels)
        _small(self.dense, self.classifier)

    def forward(self, states: Tensor, documents: Tensor) -> Tensor:
        """(B, T, W) -> (B, L)."""
        inside = (documents >= 0).unsqueeze(2)
        mean = (states * inside).sum(1) / inside.sum(1).to(states.dtype)
        return cast(Tensor, self.classifier(self.dropout(self.norm(GELUS["gelu"](self.dense(mean))))))


def _small(*layers: nn.Linear) -> None:
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


@dataclass(frozen=True)
class HeadLayout:
    """A head that transformers knows: our parts under its names, its architecture, and what a network has of it already.

    inherited: part of the head -> where in the network, on which it stood before, it can be found.
    facts: keys of config.json that go with it.
    """

    build: Callable[[int, int, float], nn.Module]
    names: Mapping[str, str]
    architecture: str
    inherited: Mapping[str, str]
    facts: Mapping[str, Any]


def _roberta(family: str) -> HeadLayout:
    names = {"dense": "classifier.dense", "out_proj": "classifier.out_proj"}
    return HeadLayout(RobertaHead, names, f"{family}ForSequenceClassification", {}, {})


LAYOUTS: Mapping[str, HeadLayout] = {
    "bert": HeadLayout(
        BertHead,
        {"pooler": "bert.pooler.dense", "classifier": "classifier"},
        "BertForSequenceClassification",
        {"pooler": "pooler"},
        {},
    ),
    "roberta": _roberta("Roberta"),
    "xlm-roberta": _roberta("XLMRoberta"),
    "distilbert": HeadLayout(
        DistilBertHead,
        {"dense": "pre_classifier", "classifier": "classifier"},
        "DistilBertForSequenceClassification",
        {},
        {},
    ),
    "modernbert": HeadLayout(
        ModernBertHead,
        {"dense": "head.dense", "norm": "head.norm", "classifier": "classifier"},
        "ModernBertForSequenceClassification",
        {"dense": "head.dense", "norm": "head.norm"},
        {"classifier_pooling": "mean"},
    ),
}
"""By the layout of the network below."""
