"""One dial: a budget in seconds becomes sizes. The rule, and what it forecasts.

For every shape on a family's ladder the probe says how many tokens the seconds buy. The rule takes the largest shape that
still sees at least `TOKENS_PER_WEIGHT` training tokens for each of its weights outside the embedding table (Hoffmann et al.
2022 found about 20 where data is fresh and models are large; at these sizes fewer are better, see docs/log.md), where
text seen again counts less and less (Muennighoff et al. 2023, equation 5: after R repetitions as U (1 + 15 (1 - e^(-R/15)))).
So a longer budget gives a larger model until the text, not the time, is the limit.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hornbook.core.runtime import total_memory_mb
from hornbook.recipes import Recipe

TOKENS_PER_WEIGHT = {"gpt": 3.0, "bert": 3.0, "roberta": 3.0, "rnn": 8.0, "lstm": 4.0, "gru": 4.0}
_TRANSFORMERS = (
    *((2, 64), (2, 96), (2, 128), (3, 128), (3, 192), (4, 192), (4, 256), (5, 320), (6, 384), (8, 512)),
    *((10, 640), (12, 768), (16, 1024), (24, 1536), (32, 2048)),
)
_RECURRENT = ((1, 96), (1, 128), (1, 192), (1, 256), (1, 384), (1, 512), (1, 768), (1, 1024), (2, 1024), (2, 1536), (2, 2048))
_PRUNE_TOKENS = 5_000_000
_HALF_LIFE = 15.0  # repetitions after which more of the same text is worth little


@dataclass(frozen=True)
class Sizing:
    """The configuration a budget buys, what it should reach, and the rule in words."""

    config: Any
    tokens: int
    tokens_per_second: float
    parameters: int
    epochs: float
    rule: str

    def __str__(self) -> str:
        return f"{self.parameters / 1e6:.1f} M parameters, about {self.tokens / 1e6:.1f} M tokens"


def size_recipe(
    recipe: Recipe,
    config: Any,
    *,
    seconds: float,
    corpus_tokens: int,
    vocabulary: int,
    speed: Callable[[Any], float],
) -> Sizing:
    """Choose layers and width for `seconds` of training. `speed(config)` is the probe's forecast of training tokens per second.

    What the configuration fixes otherwise (context, rows, rates) stays. Deterministic given the speed.
    """
    ratio = TOKENS_PER_WEIGHT[recipe.name]
    chosen: Sizing | None = None
    for layers, width in ladder(recipe):
        candidate = dataclasses.replace(config, model=dataclasses.replace(config.model, layers=layers, width=width))
        per_second = speed(candidate)
        tokens = int(per_second * seconds)
        weights, table = count_weights(candidate.model, vocabulary)
        worth = effective_tokens(tokens, corpus_tokens)
        if chosen is not None and worth < ratio * weights:
            break
        rule = f"{layers} x {width}: the largest shape that sees {ratio:g} tokens for each weight outside its table"
        chosen = Sizing(candidate, tokens, per_second, weights + table, tokens / max(corpus_tokens, 1), rule)
    assert chosen is not None
    training = dataclasses.replace(chosen.config.training, seconds=seconds, steps=0)
    return dataclasses.replace(chosen, config=dataclasses.replace(chosen.config, training=training))


def ladder(recipe: Recipe) -> tuple[tuple[int, int], ...]:
    """The shapes (layers, width) of a family, smallest first."""
    return _RECURRENT if recipe.batches == "lanes" else _TRANSFORMERS


def size_counts(config: Any, tokens: int, documents: int) -> tuple[Any, str]:
    """An n-gram configuration for so many tokens of text, and the rule in words ('' when nothing was changed).

    From 5 million tokens on, n-grams of orders 4 and up that stand once are left out: on 15 million tokens that made the
    model 2.7 times smaller and 0.001 bits per byte better, on 1 million tokens it was worse (docs/log.md). The memory limit
    rises to half of the machine's.
    """
    from hornbook.statistical.ngram import memory_needed

    model, rule = config.model, ""
    if model.order > 3 and model.minimum_counts == (1,) and tokens > _PRUNE_TOKENS:
        model = dataclasses.replace(model, minimum_counts=(1, 1, 1, 2))
        rule = "orders 4 and up leave out what stands once"
    need = memory_needed(tokens, documents, model) // 10**6 + 1
    if model.memory_mb < need <= 0.5 * total_memory_mb():
        model = dataclasses.replace(model, memory_mb=need)
    return dataclasses.replace(config, model=model), rule


def size_without_steps(recipe: Recipe, config: Any, *, tokens: int, documents: int, seconds: float) -> tuple[Any, str]:
    """The configuration of a model without gradient steps: time for its passes, or what `size_counts` says."""
    if recipe.passes:
        return dataclasses.replace(config, seconds=seconds), ""
    return size_counts(config, tokens, documents)


def effective_tokens(tokens: float, unique: float) -> float:
    """What `tokens` drawn from `unique` are worth in fresh ones: unique (1 + 15 (1 - exp(-repetitions / 15)))."""
    if tokens <= unique:
        return tokens
    return unique * (1 + _HALF_LIFE * (1 - math.exp(-(tokens / unique - 1) / _HALF_LIFE)))


def count_weights(model: Any, vocabulary: int) -> tuple[int, int]:
    """Weights of a network outside and inside its vocabulary tables."""
    parameters: Callable[[Any, int], int] = sys.modules[type(model).__module__].parameters
    total, without = parameters(model, vocabulary), parameters(model, 0)
    return without, total - without


def flops_per_token(model: Any, vocabulary: int) -> float:
    """Training FLOPs per token of a network's configuration."""
    count: Callable[[Any, int], float] = sys.modules[type(model).__module__].flops_per_token
    return count(model, vocabulary)
