"""Recurrent networks: one recipe in three cells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from hornbook.models.rnn import RnnConfig
from hornbook.recipes import Recipe
from hornbook.training import TrainingConfig


@dataclass(frozen=True)
class RnnRecipe:
    """Configuration of a recurrent network."""

    model: RnnConfig = field(default_factory=RnnConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


_CLASSIC = RnnRecipe(
    RnnConfig(cell="lstm", layers=1, width=512),
    # rare words: with a second moment that remembers 20 steps (0.95) each of them jumps when it comes (docs/log.md)
    TrainingConfig(
        optimizer="muon",
        rows=32,
        length=64,
        samples=1024,  # half the time for the same perplexity on the Penn Treebank (docs/log.md)
        learning_rate=6e-3,
        tuned_width=256,
        betas=(0.9, 0.999),
        warmup=0.1,
        weight_decay=0.01,
    ),
)

LSTM = Recipe(
    name="lstm",
    title="LSTM",
    generation=3,
    model="hornbook.models.rnn:RnnLM",
    styles=MappingProxyType({"classic": _CLASSIC}),
    batches="lanes",
)
GRU = replace(
    LSTM,
    name="gru",
    title="GRU",
    styles=MappingProxyType({"classic": replace(_CLASSIC, model=replace(_CLASSIC.model, cell="gru"))}),
)
RNN = replace(
    LSTM,
    name="rnn",
    title="RNN (Elman)",
    styles=MappingProxyType({"classic": replace(_CLASSIC, model=replace(_CLASSIC.model, cell="rnn"))}),
)
