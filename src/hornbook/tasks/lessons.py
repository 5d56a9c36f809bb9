"""What a network is taught by and judged by: batches and objective, and a score of held-out text, as its recipe reads.

A recipe says how text becomes batches ('blocks', 'lanes', 'masked'); here is, for each of them, all that follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.corpus.shards import ShardSplit
from hornbook.recipes import Recipe
from hornbook.scoring.lm import bits_per_byte
from hornbook.scoring.significance import Units
from hornbook.tokenizers import TextTokenizer

if TYPE_CHECKING:
    from hornbook.scoring.masked import MaskedScore
    from hornbook.tasks.pretrain import Data

_HELD_OUT_TOKENS = 8192  # places of a batch of pairs


@dataclass(frozen=True)
class Lesson:
    """What `training.train` needs beside the network."""

    batches: Any
    objective: Callable[..., Any]


class Score(Protocol):
    """What held-out text says of a model."""

    @property
    def units(self) -> Units:
        """For paired tests between models on the same text; a lower ratio is better."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain values under the names that `--json` prints."""
        ...


def objective(recipe: Recipe, config: Any, counts: Callable[[], NDArray[np.int64]]) -> Callable[..., Any]:
    """What a recipe's network minimises; `counts()` gives how often each type occurs in the training text, (V,)."""
    samples = config.training.samples
    if recipe.batches == "masked":
        from hornbook.objectives.masked import masked_loss

        if samples:
            raise UsageError("training.samples is for models that guess every token: a masked one guesses few")
        return masked_loss
    if samples:
        from hornbook.objectives.sampled import WORTH, sampled_loss

        if len(table := counts()) > WORTH * samples:
            return sampled_loss(table, samples)
    from hornbook.objectives.causal import causal_loss

    return causal_loss


def lesson(recipe: Recipe, config: Any, data: Data) -> Lesson:
    """Batches of the training split, or of the texts it is mixed from or with by their shares, and the recipe's objective."""
    parts = data.parts()
    goal = objective(recipe, config, data.token_counts)
    if len(parts) == 1:
        return Lesson(_batches(recipe, config, parts[0][0], data.tokenizer), goal)
    from hornbook.corpus.mixed_batches import MixedBatches, row_shares

    shares = row_shares(config.training.rows, [share for _, share in parts])
    texts = [
        _batches(recipe, replace(config, training=replace(config.training, rows=rows)), split, data.tokenizer)
        for (split, _), rows in zip(parts, shares)
    ]
    return Lesson(MixedBatches(texts), goal)


def _batches(recipe: Recipe, config: Any, split: ShardSplit, tokenizer: TextTokenizer) -> Any:
    if recipe.batches == "masked":
        return _masked_batches(config, split, tokenizer)
    from hornbook.corpus.batches import BlockBatches, LaneBatches

    kind, training = BlockBatches if recipe.batches == "blocks" else LaneBatches, config.training
    return kind(split, rows=training.rows, length=training.length, specials=tokenizer.specials, seed=training.seed)


def score(recipe: Recipe, config: Any, model: Any, split: ShardSplit) -> Score:
    """Bits per byte of a language model; of a masked model how it guesses hidden tokens."""
    if recipe.batches != "masked":
        return bits_per_byte(model, split)
    return _masked_score(config, model, split)


def quick_score(recipe: Recipe, config: Any, model: Any, sample: ShardSplit) -> dict[str, float]:
    """A point of the learning curve: bits per byte, where there are any, and nats per token."""
    if recipe.batches == "masked":
        guesses = _masked_score(config, model, sample)
        return {"loss": guesses.nats, "masked_accuracy": guesses.accuracy}
    found = bits_per_byte(model, sample, resamples=2)  # the interval of a point is not shown
    loss = math.log(found.perplexity)
    return {"loss": loss} if found.bits_per_byte is None else {"bits_per_byte": found.bits_per_byte, "loss": loss}


def _masked_batches(config: Any, split: ShardSplit, tokenizer: TextTokenizer) -> Any:
    from hornbook.corpus.masked_batches import MaskedBatches
    from hornbook.corpus.pair_batches import PairBatches

    training = config.training
    shape: Mapping[str, Any] = {"rows": training.rows, "length": training.length, "seed": training.seed}
    if config.pairs != "none" and not (config.model.next_sentence and config.model.types > 1):
        raise UsageError(
            "pairs '{pairs}' need BERT's layout, with model.next-sentence true and model.types 2: RoBERTa's has neither",
            pairs=config.pairs,
        )
    if config.pairs == "none":
        return MaskedBatches(split, tokenizer, masking=config.masking, **shape)
    return PairBatches(split, tokenizer, masking=config.masking, objective=config.pairs, **shape)


def _masked_score(config: Any, model: Any, split: ShardSplit) -> MaskedScore:
    """How a masked model guesses held-out text: in rows as it was trained on, pairs for a model of pairs.

    Judged on rows of one segment, which it never saw, a model of pairs seems to forget while it learns (docs/log.md).
    """
    from hornbook.scoring.masked import hidden_rows, masked_score

    pairs = list(_held_out_pairs(config, split, model.tokenizer))
    rows = pairs or hidden_rows(split, model.tokenizer, length=config.training.length)
    return masked_score(model.module, rows, pairs)


def _held_out_pairs(config: Any, split: ShardSplit, tokenizer: TextTokenizer) -> Iterable[Any]:
    """The same pairs at every call, whatever the seed of the training; none where the held-out text has too few sentences."""
    from hornbook.corpus.masked_batches import HELD_OUT_SEED
    from hornbook.corpus.masking import Masking
    from hornbook.corpus.pair_batches import PairBatches

    if config.pairs == "none":
        return ()
    length = config.training.length
    shape: Mapping[str, Any] = {"rows": max(1, _HELD_OUT_TOKENS // length), "length": length, "seed": HELD_OUT_SEED}
    try:
        return PairBatches(split, tokenizer, masking=Masking(static_copies=1), objective=config.pairs, **shape).epoch()
    except ContentError:
        return ()
