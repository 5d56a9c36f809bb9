"""A closed vocabulary: words are what stands between spaces, and every other word is a literal <unk>."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers

from hornbook.core.errors import ContentError
from hornbook.tokenizers.alphabet import SPECIAL_TOKENS, special_tokens
from hornbook.tokenizers.chunks import replace_surrogates
from hornbook.tokenizers.config import DEFAULT_SIZE, TokenizerConfig
from hornbook.tokenizers.tokenizer import TextTokenizer

KIND = "words-closed"
_UNKNOWN = SPECIAL_TOKENS["unknown"]
_CONTROL = r"(?<!\S)(?:<pad>|<s>|</s>|<mask>|<sep>)(?!\S)"  # words of a text that would otherwise be read as control tokens
_WORD_BYTES = 150  # memory of one counted word, measured with 10 letters each


def learn_closed(texts: Iterable[str], config: TokenizerConfig) -> TextTokenizer:
    """Every word of the texts, or the `config.size` most frequent (DEFAULT_SIZE and 0 mean every one).

    The Penn Treebank protocol of Mikolov et al. (2010): a literal <unk> is an ordinary type that is predicted and scored.
    ContentError when there is no word, or when the distinct words do not fit in `config.memory_mb`.
    """
    most = config.memory_mb * 10**6 // _WORD_BYTES
    counts: Counter[str] = Counter()
    folding = closed_normalizer(config.lowercase)
    for text in texts:
        counts.update(folding.normalize_str(replace_surrogates(text)).split())
        if len(counts) > most:
            raise ContentError(
                "more than {most} distinct words do not fit in memory_mb = {memory}: use tokenizer bpe, or give more memory",
                most=most,
                memory=config.memory_mb,
            )
    if not counts:
        raise ContentError("no text to learn a tokenizer from: give at least one document that is not empty")
    counts.pop(_UNKNOWN, None)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    if config.size not in (0, DEFAULT_SIZE):
        words = words[: config.size - len(SPECIAL_TOKENS)]
    return closed_tokenizer(words, lowercase=config.lowercase)


def closed_tokenizer(words: Iterable[str], *, lowercase: bool = False) -> TextTokenizer:
    """A tokenizer of these words, in this order after the special tokens; words that are special tokens are not repeated."""
    own = [word for word in words if word not in SPECIAL_TOKENS.values()]
    vocabulary = {word: index for index, word in enumerate([*SPECIAL_TOKENS.values(), *own])}
    backend = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    backend.normalizer = closed_normalizer(lowercase)
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(special_tokens(closed_vocabulary=True))
    specials = {name: vocabulary[token] for name, token in SPECIAL_TOKENS.items() if name != "unknown"}
    return TextTokenizer(backend, KIND, specials=specials)


def closed_normalizer(lowercase: bool) -> normalizers.Normalizer:
    """Turns words that look like control tokens into <unk>, then folds capitals if asked to."""
    hide = normalizers.Replace(Regex(_CONTROL), _UNKNOWN)
    return normalizers.Sequence([normalizers.Lowercase(), hide] if lowercase else [hide])
