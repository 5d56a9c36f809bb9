"""WordPiece: the longest known piece first, other pieces for the start of a word than for its inside (Wu et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models, pre_tokenizers

from hornbook.core.groups import groups
from hornbook.tokenizers.alphabet import CONTINUING, FIRST_BYTE, SPECIAL_TOKENS, byte_symbols
from hornbook.tokenizers.bpe import learn_byte_merges, numbered
from hornbook.tokenizers.config import TokenizerConfig
from hornbook.tokenizers.pieces import GROUP, Pretokens, count_pretokens

_FIRST_PIECE = FIRST_BYTE + 256


def learn_wordpiece(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    """Pieces are those of byte pair encoding; the ones used most, at the start or inside of words, are kept for that place.

    All 256 bytes exist in both places, so that every text can be spelled.
    """
    learned = learn_byte_merges(sample, config, size=config.size)
    reader = tokenizers.Tokenizer(models.BPE(numbered(learned.names), learned.merges))
    reader.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pretokens = count_pretokens(sample, config.kind, lowercase=config.lowercase)
    counts = _count_places(reader, pretokens, size=len(learned.names))
    counts[:, :_FIRST_PIECE] = 0
    best = np.argsort(-counts, axis=None, kind="stable")  # ties: starts before insides, then in the order of learning
    best = best[counts.ravel()[best] > 0]

    symbols = byte_symbols()
    names = [*SPECIAL_TOKENS.values(), *symbols, *(CONTINUING + symbol for symbol in symbols)]
    for place, index in zip(*np.unravel_index(best[: config.size - len(names)], counts.shape), strict=True):
        names.append((CONTINUING if place else "") + learned.names[int(index)])
    return models.WordPiece(
        numbered(names),
        unk_token=SPECIAL_TOKENS["unknown"],
        continuing_subword_prefix=CONTINUING,
        max_input_chars_per_word=1000,
    )


def _count_places(reader: tokenizers.Tokenizer, pretokens: Pretokens, *, size: int) -> NDArray[np.int64]:
    """(2, size): how often each piece starts a pre-token, and how often it stands inside one."""
    counts: NDArray[np.int64] = np.zeros((2, size), dtype=np.int64)
    done = 0
    for group in groups(pretokens.texts, GROUP, each=16):
        for encoding, count in zip(
            reader.encode_batch_fast(group), pretokens.counts[done : done + len(group)].tolist(), strict=True
        ):
            first, *inside = encoding.ids
            counts[0, first] += count
            for piece in inside:
                counts[1, piece] += count
        done += len(group)
    return counts
