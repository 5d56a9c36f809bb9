"""New tokens for a tokenizer that meets another kind of text: frequent strings that it cuts into several pieces.

The old tokens keep their ids, the new ones follow. They are entries of the tokenizer's own model (merges behind the old ones,
pieces with a probability), not added tokens: those match inside longer words, and a byte-level decoder reads their letters as
bytes. So a text is cut as before unless a new token is used for it, and what was lossless stays so.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.tokenizers.chunks import CHUNK, anywhere, chunks, replace_surrogates
from hornbook.tokenizers.sample import sample_text
from hornbook.tokenizers.tokenizer import TextTokenizer

_SAMPLE = 4_000_000  # bytes of text that candidates are counted in
_AHEAD = 4  # merges tried for each token that is kept: those that only led to longer ones are dropped where they can be
_ABOVE = 1e-3  # nats by which a new Unigram piece is better than its parts, at least


@dataclass(frozen=True)
class NewToken:
    """A token to be added: `left` and `right` are the entries of tokenizer.json that it joins."""

    name: str
    left: str
    right: str
    text: str
    pieces: tuple[int, ...]  # old ids that spell it
    count: int  # times it stands in the sample
    saved: int  # tokens of the sample that it saves
    bits: float  # of the sample that it saves, each token coded by its frequency


def propose(tokenizer: TextTokenizer, texts: Iterable[str], *, count: int, least: int = 10, seed: int = 1) -> list[NewToken]:
    """Up to `count` tokens that save most tokens of the texts, in the order in which they were found.

    Greedy: the two neighbours within a word (or a stretch of text without spaces) that stand together most often are joined
    everywhere, and all counts follow (Sennrich et al. 2016, section 3.2), if that saves bits when each is coded by frequency.
    A token stands at least `least` times in the text, which is sampled evenly above 4 MB. UsageError for a tokenizer that
    cannot grow, ContentError when the text has nothing to add.
    """
    if count < 1:
        raise UsageError("--new-tokens is {count}: give at least 1", count=count)
    model = _growing(tokenizer)
    sample = sample_text(texts, limit=_SAMPLE, boundary=anywhere, seed=seed)
    joined = _Joined(tokenizer, model, _pretokens(tokenizer.backend, sample), least)
    keeps_steps = model["type"] == "BPE"  # a merge needs both its parts in the vocabulary
    for _ in range(count if keeps_steps else _AHEAD * count):
        if not joined.join_best() or len(joined.kept(all_steps=keeps_steps)) >= count:
            break
    found = [joined.token(index) for index in joined.kept(all_steps=keeps_steps)[:count]]
    if not found:
        raise ContentError(
            "no string of the text stands in it {least} times and is cut into pieces: there is nothing to add to the tokenizer",
            least=least,
        )
    return found


def extend(tokenizer: TextTokenizer, tokens: Sequence[NewToken]) -> TextTokenizer:
    """The tokenizer with new tokens, in order, behind its own; every old token keeps its id.

    Joined by `propose` for this tokenizer. UsageError for a tokenizer that cannot grow.
    """
    _growing(tokenizer)
    table = json.loads(tokenizer.to_json())
    model, size = table["model"], tokenizer.size
    if model["type"] == "Unigram":
        _settle_list(table)
        scores = {name: score for name, score in model["vocab"]}
        total = sum(token.count for token in tokens)
        for token in tokens:
            parts = [scores[tokenizer.backend.id_to_token(piece)] for piece in token.pieces]
            scores[token.name] = max(math.log(token.count / max(total, 1)) + min(parts), sum(parts) + _ABOVE)
            model["vocab"].append([token.name, scores[token.name]])
    else:
        _settle_table(table)
        model["vocab"] |= {token.name: size + index for index, token in enumerate(tokens)}
        if model["type"] == "BPE":
            model["merges"] += [[token.left, token.right] for token in tokens]
    larger = TextTokenizer(
        tokenizers.Tokenizer.from_str(json.dumps(table)), tokenizer.kind, specials=tokenizer.specials, config=tokenizer.config
    )
    _check(tokenizer, larger, tokens)
    return larger


def _check(old: TextTokenizer, new: TextTokenizer, tokens: Sequence[NewToken]) -> None:
    wanted = old.backend.get_vocab(with_added_tokens=True) | {token.name: old.size + at for at, token in enumerate(tokens)}
    if new.backend.get_vocab(with_added_tokens=True) != wanted:
        raise _fixed(old, translate("its added tokens would change their ids"))


def _growing(tokenizer: TextTokenizer) -> dict[str, Any]:
    """The model of tokenizer.json; UsageError unless it is one that new pieces can be added to."""
    table = json.loads(tokenizer.to_json())
    model: dict[str, Any] = table["model"]
    if model["type"] not in ("BPE", "WordPiece", "Unigram"):
        raise _fixed(tokenizer, translate("it is a {model} model").format(model=model["type"]))
    if table["pre_tokenizer"] is None:
        raise _fixed(tokenizer, translate("it does not cut text into words first"))
    if model["type"] == "BPE" and not model["merges"]:
        raise _fixed(tokenizer, translate("it joins no pieces"))
    if model.get("end_of_word_suffix") or (model["type"] == "BPE" and model.get("continuing_subword_prefix")):
        raise _fixed(tokenizer, translate("its pieces carry marks of where words end"))
    return model


def _fixed(tokenizer: TextTokenizer, reason: str) -> UsageError:
    return UsageError("the tokenizer ({kind}) cannot take new tokens: {reason}", kind=tokenizer.kind, reason=reason)


def _settle_table(table: dict[str, Any]) -> None:
    """Give added tokens their ids in the model too; otherwise they would move up as it grows."""
    for entry in table["added_tokens"]:
        table["model"]["vocab"].setdefault(entry["content"], entry["id"])


def _settle_list(table: dict[str, Any]) -> None:
    """The same for a model whose ids are places in a list."""
    vocabulary = table["model"]["vocab"]
    known = {name for name, _ in vocabulary}
    for entry in sorted(table["added_tokens"], key=lambda entry: int(entry["id"])):
        if entry["content"] not in known and entry["id"] == len(vocabulary):
            vocabulary.append([entry["content"], 0.0])


def _pretokens(backend: tokenizers.Tokenizer, sample: Iterable[str]) -> Counter[str]:
    """How often each stretch stands in the sample that a token may cover, as the model reads it."""
    counts: Counter[str] = Counter()
    for text in sample:
        for part in chunks(replace_surrogates(text), anywhere, longest=CHUNK):
            clean = backend.normalizer.normalize_str(part) if backend.normalizer else part
            counts.update(piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(clean))
    return counts


class _Joined:
    """The words of a text as pieces, which are joined pair by pair; counts of pieces and of pairs follow every join."""

    def __init__(self, tokenizer: TextTokenizer, model: dict[str, Any], pretokens: Counter[str], least: int) -> None:
        self.least, self.old, self.model = least, tokenizer.size, model
        self.prefix = model.get("continuing_subword_prefix") or ""
        self.tokenizer = tokenizer
        vocabulary = tokenizer.backend.get_vocab(with_added_tokens=True)
        self.names: list[str] = [""] * self.old
        for name, number in vocabulary.items():
            self.names[number] = name
        self.taken = set(vocabulary)
        self.unjoined = self._unjoined()
        self.parts: list[tuple[int, int]] = []  # of each new token
        self.whole: list[bool] = []  # whether it spells characters, no parts of them
        self.words = [[one.id for one in tokenizer.backend.model.tokenize(text)] for text in pretokens]
        self.weights = list(pretokens.values())
        self.numbers = np.zeros(self.old, np.int64)  # uses of each token
        self.slots: dict[tuple[int, int], int] = {}
        self.pairs: NDArray[np.int64] = np.zeros((1024, 3), np.int64)  # left, right, count
        self.where: defaultdict[int, set[int]] = defaultdict(set)  # slot -> words
        for index in range(len(self.words)):
            self._count(index, +1)
        self.first = self.numbers.copy()

    def _unjoined(self) -> set[int]:
        """Specials, unknowns and tokens that stand for a byte by its number: never part of a new token."""
        unknown = self.model.get("unk_token")
        names = {unknown, *(f"<0x{byte:02X}>" for byte in range(256))} if self.model.get("byte_fallback") else {unknown}
        numbers = {number for number, name in enumerate(self.names) if name in names} | {*self.tokenizer.specials.values()}
        return numbers | ({int(self.model["unk_id"])} if self.model.get("unk_id") is not None else set())

    def _count(self, index: int, sign: int) -> None:
        word, weight = self.words[index], sign * self.weights[index]
        for piece in word:
            self.numbers[piece] += weight
        for pair in pairwise(word):
            slot = self.slots.get(pair)
            if slot is None:
                slot = self._slot(pair)
            self.pairs[slot, 2] += weight
            if sign > 0:
                self.where[slot].add(index)

    def _slot(self, pair: tuple[int, int]) -> int:
        slot = self.slots[pair] = len(self.slots)
        if slot == len(self.pairs):
            self.pairs = np.concatenate([self.pairs, np.zeros_like(self.pairs)])
        self.pairs[slot, :2] = pair
        return slot

    def join_best(self) -> bool:
        """Join the pair that saves most tokens, of those that save bits too; False when there is none."""
        while True:
            pairs = self.pairs[: len(self.slots)]
            frequent = np.flatnonzero(pairs[:, 2] >= self.least)
            gains = self._gains(pairs[frequent])
            if not len(frequent) or gains.max() <= 0:
                return False
            slot = int(frequent[np.argmax(np.where(gains > 0, pairs[frequent, 2], 0))])
            left, right = (int(number) for number in pairs[slot, :2])
            name = self.names[left] + self.names[right].removeprefix(self.prefix)
            if name in self.taken or left in self.unjoined or right in self.unjoined:
                self.pairs[slot, 2] = -(1 << 40)  # never again: the tokenizer itself decided against this token
                continue
            self.taken.add(name)
            self._join(slot, left, right, name)
            return True

    def _gains(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) bits saved by joining each pair, when N tokens of which n_i are alike cost sum n_i log2(N / n_i) bits."""
        total, left, right = self.numbers.sum(), self.numbers[pairs[:, 0]], self.numbers[pairs[:, 1]]
        same = pairs[:, 0] == pairs[:, 1]
        count = np.where(same, np.minimum(pairs[:, 2], left // 2), np.minimum(pairs[:, 2], np.minimum(left, right)))
        apart = _weigh(left - count) + _weigh(right - count) - _weigh(left) - _weigh(right)
        alike = _weigh(left - 2 * count) - _weigh(left)
        gains: NDArray[np.float64] = _weigh(total) - _weigh(total - count) + _weigh(count) + np.where(same, alike, apart)
        return gains

    def _join(self, slot: int, left: int, right: int, name: str) -> None:
        new = self.old + len(self.parts)
        self.parts.append((left, right))
        self.whole.append("\ufffd" not in self.tokenizer.decode(self._pieces(new)))
        self.names.append(name)
        self.numbers = np.append(self.numbers, 0)
        for index in sorted(self.where.pop(slot)):
            word = self.words[index]
            self._count(index, -1)
            joined: list[int] = []
            place = 0
            while place < len(word):
                here = word[place] == left and place + 1 < len(word) and word[place + 1] == right
                joined.append(new if here else word[place])
                place += 1 + here
            self.words[index] = joined
            self._count(index, +1)

    def kept(self, *, all_steps: bool) -> list[int]:
        """Which of the new tokens stay: all of them, or whole texts that still stand in the sample often enough."""
        if all_steps:
            return list(range(len(self.parts)))
        often = np.flatnonzero(self.numbers[self.old :] >= self.least).tolist()
        return [index for index in often if self.whole[index]]

    def token(self, index: int) -> NewToken:
        """A new token with what it saves."""
        left, right = self.parts[index]
        number = self.old + index
        pieces, count = self._pieces(number), int(self.numbers[number])
        apart = sum(math.log2(self.first.sum() / self.first[piece]) for piece in pieces)
        own = math.log2(self.numbers.sum() / count) if count else 0.0
        return NewToken(
            name=self.names[number],
            left=self.names[left],
            right=self.names[right],
            text=self.tokenizer.decode(pieces),
            pieces=pieces,
            count=count,
            saved=count * (len(pieces) - 1),
            bits=count * (apart - own),
        )

    def _pieces(self, number: int) -> tuple[int, ...]:
        if number < self.old:
            return (number,)
        left, right = self.parts[number - self.old]
        return self._pieces(left) + self._pieces(right)


def _weigh(numbers: Any) -> Any:
    """n log2 n."""
    values = np.maximum(np.asarray(numbers, np.float64), 0.0)
    return values * np.log2(np.maximum(values, 1.0))
