"""What a network is taught by and judged by: batches and objective, and a score of held-out text, as its recipe reads.

A recipe says how text becomes batches ('blocks', 'lanes', 'masked'); here is, for each of them, all that follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from hornbook.corpus.shards import ShardSplit
from hornbook.recipes import Recipe
from hornbook.scoring.lm import bits_per_byte
from hornbook.scoring.significance import Units
from hornbook.tokenizers import TextTokenizer

if TYPE_CHECKING:
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


def objective(recipe: Recipe) -> Callable[..., Any]:
    """What a recipe's network minimises."""
    if recipe.batches == "masked":
        from hornbook.objectives.masked import masked_loss

        return masked_loss
    from hornbook.objectives.causal import causal_loss

    return causal_loss


def lesson(recipe: Recipe, config: Any, data: Data) -> Lesson:
    """Batches of the training split, mixed with those of an older text where it is replayed, and the recipe's objective."""
    split = data.shards.split("train")
    if data.replay is None:
        return Lesson(_batches(recipe, config, split, data.tokenizer), objective(recipe))
    from hornbook.corpus.mixed_batches import MixedBatches, row_shares

    shares = row_shares(config.training.rows, (1 - data.replay_share, data.replay_share))
    texts = [
        _batches(recipe, replace(config, training=replace(config.training, rows=rows)), one, data.tokenizer)
        for one, rows in zip((split, data.replay.split("train")), shares)
    ]
    return Lesson(MixedBatches(texts), objective(recipe))


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
    from hornbook.scoring.masked import masked_score

    rows, pairs = _held_out(config, split, model.tokenizer)
    return masked_score(model.module, rows, pairs)


def quick_score(recipe: Recipe, config: Any, model: Any, sample: ShardSplit) -> dict[str, float]:
    """A point of the learning curve: bits per byte, where there are any, and nats per token."""
    if recipe.batches == "masked":
        facts = score(recipe, config, model, sample).facts()
        return {"loss": facts["masked_nats_per_token"], "masked_accuracy": facts["masked_accuracy"]}
    found = bits_per_byte(model, sample, resamples=2)  # the interval of a point is not shown
    loss = math.log(found.perplexity)
    return {"loss": loss} if found.bits_per_byte is None else {"bits_per_byte": found.bits_per_byte, "loss": loss}


def _masked_batches(config: Any, split: ShardSplit, tokenizer: TextTokenizer) -> Any:
    from hornbook.corpus.masked_batches import MaskedBatches
    from hornbook.corpus.pair_batches import PairBatches

    training = config.training
    shape: Mapping[str, Any] = {"rows": training.rows, "length": training.length, "seed": training.seed}
    if config.pairs == "none":
        return MaskedBatches(split, tokenizer, masking=config.masking, **shape)
    return PairBatches(split, tokenizer, masking=config.masking, objective=config.pairs, **shape)


def _held_out(config: Any, split: ShardSplit, tokenizer: TextTokenizer) -> tuple[Iterable[Any], Iterable[Any]]:
    """Rows in which 15 % of single tokens are hidden, so that all ways of masking are judged alike, and pairs if trained for.

    Both are the same at every call, whatever the seed of the training.
    """
    from hornbook.corpus.masked_batches import HELD_OUT_SEED, held_out_rows
    from hornbook.corpus.masking import Masking
    from hornbook.corpus.pair_batches import PairBatches

    length, masking = config.training.length, Masking(static_copies=1)
    rows = held_out_rows(split, tokenizer, length=length, masking=masking)
    if config.pairs == "none" or len(split) < 2:
        return rows, ()
    count = max(1, _HELD_OUT_TOKENS // length)
    shape: Mapping[str, Any] = {"rows": count, "length": length, "seed": HELD_OUT_SEED}
    return rows, PairBatches(split, tokenizer, masking=masking, objective=config.pairs, **shape).epoch()
