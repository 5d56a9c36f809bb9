"""Learn a tokenizer from text in one pass and bounded memory. The same text and configuration give the same tokenizer.json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tokenizers
from tokenizers import decoders, models

from hornbook.core.errors import ContentError, UsageError
from hornbook.tokenizers.alphabet import CONTINUING, SPECIAL_TOKENS, byte_symbols, cutter, pre_tokenizer, special_tokens, spell
from hornbook.tokenizers.bpe import learn_bpe, numbered
from hornbook.tokenizers.chunks import anywhere, between_pretokens
from hornbook.tokenizers.closed import learn_closed
from hornbook.tokenizers.config import TokenizerConfig
from hornbook.tokenizers.pieces import count_characters, count_pretokens, normalizer
from hornbook.tokenizers.sample import sample_text
from hornbook.tokenizers.segmented import KIND as SEGMENTED
from hornbook.tokenizers.segmented import Segmenter, learn_segmented
from hornbook.tokenizers.tokenizer import TextTokenizer
from hornbook.tokenizers.unigram import learn_unigram
from hornbook.tokenizers.wordpiece import learn_wordpiece

# Memory that learning takes for each byte of sampled text, at worst (Chinese without spaces, almost every pre-token distinct).
# Measured as the growth of the peak resident size of a fresh process; docs/log.md has the table.
_MEMORY_PER_BYTE = {"bpe": 60, "wordpiece": 64, "unigram": 64, "chars": 8, "words": 24, SEGMENTED: 64, "bytes": 8}


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig, *, segmenter: Segmenter | None = None) -> TextTokenizer:
    """Learn a tokenizer from documents, read once and never held together; ContentError when there is no text.

    A text larger than `config.memory_mb` allows is sampled evenly (`sample_text`). A closed vocabulary counts every word.
    `segmenter`, for kind `words` only, finds the words of Chinese text; without it each Chinese character is a word.
    """
    if segmenter and (config.kind != "words" or config.closed_vocabulary):
        raise UsageError(
            "a segmenter is of use to tokenizer words with an open vocabulary only, not to {kind}", kind=config.kind
        )
    if config.closed_vocabulary:
        return learn_closed(texts, config)
    kind = SEGMENTED if segmenter else config.kind
    limit = config.memory_mb * 10**6 // _MEMORY_PER_BYTE[kind]
    boundary = anywhere if kind in ("chars", "bytes") else between_pretokens(cutter(kind).pre_tokenize_str)
    sample = sample_text(texts, limit=limit, boundary=boundary, seed=config.seed)
    if not sample:
        raise ContentError("no text to learn a tokenizer from: give at least one document that is not empty")
    if segmenter:
        return assemble(learn_segmented(sample, config, segmenter), kind, lowercase=config.lowercase)
    learn = {
        "bpe": learn_bpe,
        "wordpiece": learn_wordpiece,
        "unigram": learn_unigram,
        "chars": _characters,
        "words": _words,
        "bytes": _bytes,
    }
    return assemble(learn[kind](sample, config), kind, lowercase=config.lowercase)


def assemble(model: models.Model, kind: str, *, lowercase: bool) -> TextTokenizer:
    """A lossless tokenizer around a model over the byte alphabet whose first ids are the special tokens."""
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = normalizer(lowercase)
    backend.pre_tokenizer = pre_tokenizer(kind)
    joined = decoders.ByteLevel()
    backend.decoder = decoders.Sequence([decoders.Replace(CONTINUING, ""), joined]) if kind == "wordpiece" else joined
    backend.add_special_tokens(special_tokens())
    return TextTokenizer(backend, kind, specials={name: index for index, name in enumerate(SPECIAL_TOKENS)})


def _bytes(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    return models.BPE(numbered([*SPECIAL_TOKENS.values(), *byte_symbols()]), [])


def _characters(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    """Every character of the text while there is room; others, and those never seen, are spelled in bytes."""
    found = count_characters(sample, lowercase=config.lowercase)
    return _whole((text for text in found.texts if not text.isascii()), config)


def _words(sample: Sequence[str], config: TokenizerConfig) -> models.Model:
    """The most frequent words with their leading space; others are spelled in bytes."""
    found = count_pretokens(sample, config.kind, lowercase=config.lowercase)
    return _whole((text for text in found.texts if len(text) > 1 or not text.isascii()), config)


def _whole(units: Iterable[str], config: TokenizerConfig) -> models.Model:
    """A model that knows whole pre-tokens and bytes, and nothing between."""
    symbols = byte_symbols()
    names = [*SPECIAL_TOKENS.values(), *symbols]
    names += [spell(unit, symbols) for unit, _ in zip(units, range(config.size - len(names)))]
    return models.BPE(numbered(names), [], ignore_merges=True)
