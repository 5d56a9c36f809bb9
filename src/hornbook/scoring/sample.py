"""A share of a split, for scores that must be quick: whole documents where there are many, their beginnings where few."""

from __future__ import annotations

import numpy as np

from hornbook.core.types import Ids, Tokenizer
from hornbook.corpus.shards import ShardSplit

_MANY = 200  # documents from which on whole ones are taken
_BACK = 64  # tokens to look back for a cut that splits no character


def shorten(split: ShardSplit, tokenizer: Tokenizer, *, tokens: int) -> ShardSplit:
    """About `tokens` tokens of a split, spread evenly over it; the split itself when it is not longer.

    Among 200 documents or more every k-th is taken. Of fewer, each is cut to the same share of its tokens, between
    characters; its raw bytes are then those of the decoded beginning, which a lossless tokenizer gives back exactly.
    """
    total = int(split.tokens.size)
    if total <= tokens:
        return split
    share = tokens / total
    if len(split) >= _MANY:
        chosen = np.unique(np.linspace(0, len(split) - 1, max(1, round(share * len(split)))).round().astype(np.int64))
        return ShardSplit.from_documents([split.document(int(i)) for i in chosen], [int(split.raw_bytes[i]) for i in chosen])
    documents, sizes = [], []
    for index in range(len(split)):
        document = split.document(index)
        cut, size = _cut(document, tokenizer, round(share * document.size), int(split.raw_bytes[index]))
        documents.append(document[:cut])
        sizes.append(size)
    return ShardSplit.from_documents(documents, sizes)


def _cut(document: Ids, tokenizer: Tokenizer, wanted: int, raw_bytes: int) -> tuple[int, int]:
    """The longest beginning of at most `wanted` tokens that ends between characters, and its bytes."""
    if wanted >= document.size:
        return int(document.size), raw_bytes
    for cut in range(wanted, max(0, wanted - _BACK), -1):
        text = tokenizer.decode(document[:cut])
        if not text.endswith("\ufffd"):
            return cut, len(text.encode("utf-8"))
    return 0, 0
