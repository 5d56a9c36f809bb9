"""What an n-gram model knows, for people to read: counts, P(next | context), perplexity with and without unknown words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hornbook.core.types import Ids, LanguageModel, Tokenizer
from hornbook.statistical.stream import check_ids

if TYPE_CHECKING:
    from hornbook.statistical.ngram import NgramLM


@dataclass(frozen=True)
class Continuation:
    """One possible next token."""

    id: int
    text: str
    count: int | None  # occurrences after `Listing.known_context`; None when the model has no counts
    probability: float  # P(token | context), smoothed
    log10: float


@dataclass(frozen=True)
class Listing:
    """The most probable next tokens after a context."""

    context: tuple[str, ...]
    known_context: tuple[str, ...]  # its longest end that the model has seen going on; () when order 1 decides
    known_count: int | None  # occurrences of the known context (of all tokens for ())
    continuations: tuple[Continuation, ...]  # most probable first


@dataclass(frozen=True)
class Perplexity:
    """Perplexity of a text per token, ends of documents counted, and what unknown words do to it."""

    including_unknown: float
    excluding_unknown: float  # over the known tokens only; not a number when there are none
    tokens: int
    unknown: int


def next_words(model: NgramLM, context: str | Ids, *, top: int = 10, starts_document: bool = False) -> Listing:
    """P(next | context) and counts of the `top` most probable tokens; ContentError on an id outside the vocabulary."""
    trie, tokenizer = model.trie_, model.tokenizer
    ids = np.asarray(tokenizer.encode(context) if isinstance(context, str) else context, dtype=np.int64)
    check_ids(ids, trie.vocabulary_size)
    read = np.append(trie.vocabulary_size, ids) if starts_document else ids
    scores = model.after([read])[0][0]
    best = np.argsort(-scores, kind="stable")[:top]
    known = read[max(read.size - trie.order + 1, 0) :]
    while known.size and not _continues(model, known):
        known = known[1:]
    continuations = tuple(
        Continuation(
            int(word),
            _spell(tokenizer, int(word), trie.vocabulary_size),
            count(model, np.append(known, word)),
            math.exp(scores[word]),
            float(scores[word]) / math.log(10),
        )
        for word in best.tolist()
    )
    spelled = tuple(_spell(tokenizer, int(word), trie.vocabulary_size) for word in read)
    total = model.tokens_ if model.trie_.counts.size else None
    known_count = count(model, known) if known.size else total
    return Listing(spelled, spelled[len(spelled) - known.size :], known_count, continuations)


def count(model: NgramLM, ids: Ids) -> int | None:
    """Occurrences of an n-gram in the training text, 0 for one the model lacks; None when it has no counts.

    The boundary before a document is the id `tokenizer.size`. Pruned n-grams count as lacking.
    """
    row = find_row(model, ids)
    if not model.trie_.counts.size:
        return None
    return 0 if row is None else model.trie_.count(row)


def find_row(model: NgramLM, ids: Ids) -> int | None:
    """The row of an n-gram, or None."""
    trie = model.trie_
    words = np.asarray(ids, dtype=np.int64).tolist()
    if not words or len(words) > trie.order or not 0 <= words[0] <= trie.vocabulary_size:
        return None
    row = int(words[0])
    for word in words[1:]:
        begin, end = int(trie.children[row]), int(trie.children[row + 1])
        row = begin + int(np.searchsorted(trie.words[begin:end], word))
        if row == end or int(trie.words[row]) != word:
            return None
    return row


def perplexity(model: LanguageModel[Any], documents: Sequence[Ids], *, unknown: int | None = None) -> Perplexity:
    """Perplexity of documents with and without the tokens of the id `unknown` (by default what the tokenizer calls unknown)."""
    unknown = unknown_id(model.tokenizer) if unknown is None else unknown
    scores = np.concatenate([np.zeros(0, np.float32), *model.log_probs(documents)]).astype(np.float64)
    ids = np.concatenate([np.zeros(0, np.int64), *(np.append(np.asarray(one, np.int64), -1) for one in documents)])
    known = ids != (unknown if unknown is not None else -2)
    with_all = math.exp(-scores.mean()) if scores.size else math.nan
    without = math.exp(-scores[known].mean()) if known.any() else math.nan
    return Perplexity(with_all, without, int(scores.size), int(scores.size - np.count_nonzero(known)))


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id of unknown words: the special token, or the literal <unk> of a closed vocabulary; None without one."""
    special = tokenizer.specials.get("unknown")
    backend = getattr(tokenizer, "backend", None)
    found = backend.token_to_id("<unk>") if special is None and backend is not None else special
    return None if found is None else int(found)


def _continues(model: NgramLM, ids: Ids) -> bool:
    row = find_row(model, ids)
    trie = model.trie_
    return row is not None and row + 1 < trie.children.size and bool(trie.children[row] < trie.children[row + 1])


def _spell(tokenizer: Tokenizer, word: int, boundary: int) -> str:
    if word == boundary:
        return "<s>"
    names = tokenizer.tokens([word]) if hasattr(tokenizer, "tokens") else [str(word)]
    return tokenizer.decode([word]) or str(names[0])
