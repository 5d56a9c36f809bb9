"""Words of unspaced Chinese, as a segmenter finds them, without needing the segmenter again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from tokenizers import models

from hornbook.core.errors import ContentError
from hornbook.tokenizers.alphabet import FIRST_BYTE, SPECIAL_TOKENS, byte_symbols, spell
from hornbook.tokenizers.config import TokenizerConfig
from hornbook.tokenizers.pieces import count_pretokens

Segmenter = Callable[[str], Sequence[str]]
"""A text to its words, which joined give the text."""
KIND = "words-segmented"


def learn_segmented(sample: Sequence[str], config: TokenizerConfig, segmenter: Segmenter) -> models.Model:
    """A word list with frequencies from a segmenter; later texts are cut along the most probable path through that list.

    That is a Unigram model whose pieces are words, so tokenizer.json holds all of it. A run of text that is not Chinese and
    no known word is cut into known words and bytes. ContentError when the segmenter loses or invents characters.
    """
    pretokens = count_pretokens(sample, KIND, lowercase=config.lowercase)
    counts: Counter[str] = Counter()
    for text, count in zip(pretokens.texts, pretokens.counts.tolist(), strict=True):
        words = [text] if text.isascii() else list(segmenter(text))
        if "".join(words) != text:
            raise ContentError(
                "the segmenter turned '{text}' into {words}: its words must join to the text", text=text, words=words
            )
        for word in words:
            counts[word] += count
    total = sum(counts.values())
    known = [word for word in counts if len(word.encode()) > 1]
    kept = sorted(known, key=lambda word: (-counts[word], word))[: config.size - FIRST_BYTE - 256]
    score = {word: round(float(np.log(count / total)), 6) for word, count in counts.items()}
    floor = min(score.values()) - 1.0  # a byte alone: worse than every word
    vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS.values()]  # no pre-token can hold one
    symbols = byte_symbols()
    vocabulary += [(symbol, score.get(chr(byte), floor) if byte < 0x80 else floor) for byte, symbol in enumerate(symbols)]
    vocabulary += [(spell(word, symbols), score[word]) for word in kept]
    return models.Unigram(vocabulary, unk_id=list(SPECIAL_TOKENS).index("unknown"), byte_fallback=False)
