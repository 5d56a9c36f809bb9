"""A smaller split that still stands for the whole one: for learning curves, and for tests that must end in time."""

from __future__ import annotations

import numpy as np

from hornbook.core.types import Ids, Tokenizer
from hornbook.corpus.shards import ShardSplit
from hornbook.scoring.blocks import paragraph_blocks, token_blocks
from hornbook.scoring.lm import FEW_DOCUMENTS


def shorten(split: ShardSplit, tokenizer: Tokenizer, *, tokens: int, seed: int = 1) -> ShardSplit:
    """About `tokens` tokens of a split: whole documents drawn at random, or the beginning of each where they are few.

    A beginning ends at the end of a line where lines are long enough to be found, and brings its own raw bytes. A split that
    is small enough comes back as it is.
    """
    lengths = np.diff(split.starts)
    if int(lengths.sum()) <= tokens:
        return split
    order = np.random.default_rng(seed).permutation(len(split))
    taken = order[: int(np.searchsorted(np.cumsum(lengths[order]), tokens)) + 1]
    if len(taken) > FEW_DOCUMENTS:
        chosen = np.sort(taken[:-1])
        return ShardSplit.from_documents([split.document(int(index)) for index in chosen], split.raw_bytes[chosen].tolist())
    share = tokens / int(lengths.sum())
    pieces = [_beginning(split.document(i), int(split.raw_bytes[i]), tokenizer, share) for i in range(len(split))]
    return ShardSplit.from_documents([ids for ids, _ in pieces], [size for _, size in pieces])


def _beginning(ids: Ids, raw_bytes: int, tokenizer: Tokenizer, share: float) -> tuple[Ids, int]:
    """The first `share` of a document and its raw bytes."""
    if len(ids) * share < 1:
        return ids, raw_bytes
    blocks = paragraph_blocks(tokenizer, ids, raw_bytes, target=max(1, int(raw_bytes * share)))
    if blocks is None or blocks.ends[0] > 1.5 * len(ids) * share:
        blocks = token_blocks(tokenizer, ids, raw_bytes, length=max(1, int(len(ids) * share)))
    return ids[: int(blocks.ends[0])], max(1, round(float(blocks.bytes[0])))
