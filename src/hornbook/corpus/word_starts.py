"""Where words begin in token shards: needed to mask whole words.

Spaces, line ends, punctuation and the scripts of two neighbouring tokens decide, read off the tokenizer alone. Chinese and
other text without spaces is cut by a segmenter that is passed in, and its words are matched to tokens by characters: a token
that holds the end of one word and the beginning of the next joins the two. Without a segmenter each token is a word there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.events import Event, Progress
from hornbook.corpus.batches import read_only
from hornbook.corpus.shards import Shards, ShardSplit, add_words
from hornbook.corpus.token_texts import TokenTexts
from hornbook.tokenizers.chinese import UNSPACED
from hornbook.tokenizers.tokenizer import TextTokenizer

Segment: TypeAlias = Callable[[Sequence[str]], list[list[str]]]
"""Many texts to the words of each; joined, the words are the text."""
_AT_ONCE = 1 << 18  # tokens; a multiple of 8
_SENTENCE = re.compile(r"[^\n。！？]{1,2000}[\n。！？]*|[\n。！？]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")


def add_word_starts(
    shards: Shards,
    tokenizer: TextTokenizer,
    *,
    segment: Segment | None = None,
    segmenter: str = "tokens",
    fingerprint: str = "",
    log: Callable[[Event], None] = lambda event: None,
) -> Shards:
    """Find word starts in every split, store them beside the tokens, and open the shards again.

    `segment` cuts text without spaces into words, for example `HmmSegmenter.segment_many`; `segmenter` and `fingerprint` say
    which one it was. Memory: about 60 MB whatever the size. UsageError when the tokenizer is another one, ContentError when
    the segmenter changes a text, DiskFullError.
    """
    shards.require_tokenizer(tokenizer)
    texts = TokenTexts.of(tokenizer)
    total, done = sum(split.tokens.size for split in shards.splits.values()), 0

    def find(split: ShardSplit) -> Iterator[NDArray[np.bool_]]:
        nonlocal done
        for flags in word_starts(split, texts, segment=segment):
            yield flags
            done += flags.size
            log(Progress("words", done, total, "tokens"))

    return add_words(shards, find, segmenter=segmenter, fingerprint=fingerprint)


def word_starts(split: ShardSplit, texts: TokenTexts, *, segment: Segment | None = None) -> Iterator[NDArray[np.bool_]]:
    """Whether a word begins with each token of a split, in order, in parts of a multiple of 8 tokens (but the last)."""
    from hornbook.corpus.word_kernels import mark_starts

    tokens, starts = read_only(split.tokens), read_only(split.starts)
    state: NDArray[np.uint8] = np.zeros(1, np.uint8)  # the kind of the last character
    for begin in range(0, tokens.size, _AT_ONCE):
        part = tokens[begin : begin + _AT_ONCE]
        first, behind = np.searchsorted(starts, [begin, begin + part.size])
        documents = np.unique(starts[first:behind] - begin)  # where they begin in this part
        flags, open_to = np.zeros(part.size, np.bool_), np.zeros(part.size, np.bool_)
        mark_starts(part, documents, texts.first, texts.last, texts.cut, state, flags, open_to)
        if segment is not None and open_to.any():
            _follow_words(part, documents, texts, segment, flags, open_to)
        yield flags


def with_word_starts(split: ShardSplit, tokenizer: TextTokenizer, *, segment: Segment | None = None) -> ShardSplit:
    """The same for a split in memory."""
    from dataclasses import replace

    flags = [np.empty(0, np.bool_), *word_starts(split, TokenTexts.of(tokenizer), segment=segment)]
    return replace(split, words=np.packbits(np.concatenate(flags), bitorder="little"))


def _follow_words(
    tokens: NDArray[Any],
    documents: NDArray[np.int64],
    texts: TokenTexts,
    segment: Segment,
    flags: NDArray[np.bool_],
    open_to: NDArray[np.bool_],
) -> None:
    """Set the flags of tokens next to unspaced text (`open_to`) as the segmenter has them."""
    spelled = [texts.texts[one] for one in tokens.tolist()]
    sizes = np.fromiter(map(len, spelled), np.int64, len(spelled))
    whole = np.frombuffer(b"".join(spelled), np.uint8)
    begins = np.concatenate([[0], np.cumsum(sizes)])  # (tokens + 1,) bytes
    leads = (whole & 0xC0) != 0x80
    characters = np.concatenate([[0], np.cumsum(leads)])  # (bytes + 1,) characters before each byte
    edges = np.unique(np.concatenate([[0], begins[documents], [whole.size]]))
    words = np.zeros(int(characters[-1]) + 1, np.bool_)  # by character: whether a word begins there
    known = np.zeros_like(words)
    sentences: list[str] = []
    places: list[int] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        lead = begin + int(np.argmax(leads[begin:end])) if begin < end else end
        try:  # a part may begin or end inside a character
            text, _ = codecs.utf_8_decode(whole[lead:end].tobytes(), "strict", False)
        except UnicodeDecodeError:  # bytes that are no text: their tokens stay words of their own
            continue
        place = int(characters[begin])
        for sentence in _SENTENCE.findall(text):
            if _UNSPACED.search(sentence):
                sentences.append(sentence)
                places.append(place)
            place += len(sentence)
    for sentence, place, found in zip(sentences, places, segment(sentences), strict=True):
        if "".join(found) != sentence:
            raise ContentError(
                "the segmenter turned '{text}' into {words}: its words must join to the text", text=sentence, words=found
            )
        ends = np.cumsum([0, *map(len, found)])
        words[place + ends[:-1]] = True
        known[place : place + len(sentence)] = True
    at = np.flatnonzero(open_to & (sizes > 0))
    at = at[leads[begins[at]]]
    at = at[known[characters[begins[at]]]]
    flags[at] = words[characters[begins[at]]]
    flags[documents] = True
