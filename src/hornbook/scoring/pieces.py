"""What each token adds to a text, and where words begin and go on: so that tokens of any tokenizer make whole words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.core.types import Ids, Tokenizer
from hornbook.tokenizers.chinese import UNSPACED

_NEITHER, _SPACED, _UNSPACED = 0, 1, 2  # what a piece begins or ends with: a sign, a letter or digit, a letter of Chinese
_CUT, _BYTES = "\ufffd", 4  # what is decoded from a part of a character, and how many parts it has at most
_PAIRS = ("xq", "qx", "jq", "zq", "7q")  # two letters that few tokenizers have as one piece
_CHINESE = re.compile(f"[{UNSPACED}]")


class Pieces:
    """The text of every id after another word, and what follows from it.

    `texts[i]` may begin with a blank. `drops_blanks`: whether the tokenizer forgets blanks, so that a token by itself is a word
    (a closed list of words, BERT's pieces) and its text shows where decoding puts them back.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        anchor = [int(one) for one in _letter(tokenizer)]
        known = len(tokenizer.decode(anchor))
        self.texts = [tokenizer.decode([*anchor, one])[known:] for one in range(tokenizer.size)]
        self.drops_blanks = list(tokenizer.encode(" a")) == list(tokenizer.encode("a")) if _reads_blanks(tokenizer) else False
        specials = set(tokenizer.specials.values())
        words = [text.strip() for text in self.texts]
        whole = [bool(word) and one not in specials and _printable(word) for one, word in enumerate(words)]
        self.whole: NDArray[np.bool_] = np.array(whole)  # (V,) may be a word, or a part of one
        self.blank: NDArray[np.bool_] = np.array([text[:1] == " " for text in self.texts])  # (V,) begins with a blank
        self.first = np.array([_kind(word[:1]) for word in words])  # (V,)
        self.last = np.array([_kind(word[-1:]) for word in words])  # (V,)
        joined = self.whole & ~self.blank
        chinese = (self.whole if self.drops_blanks else joined) & (self.first == _UNSPACED)
        self._marked = _marks_inside(tokenizer)
        self._going_on = np.stack([np.zeros_like(joined), joined & (self.first == _SPACED), chinese])  # (3, V) by `last`

    def opening(self, before: str) -> tuple[str, NDArray[np.bool_]]:
        """The text to read before a gap, and (V,) which ids may begin a word there. `before` is all text before the gap."""
        if self.drops_blanks:
            parts = self.whole & ~self.blank
            inside = _kind(before[-1:]) == _SPACED and (parts & (self.first == _SPACED)).any()
            return before, parts if inside else self.whole & (self.blank | (self.first != _SPACED))
        if before.endswith(" ") and (self.whole & self.blank).any():
            return before[:-1], self.whole & self.blank
        return before, self.whole & ~self.blank

    def behind(self, text: str) -> Ids:
        """The ids of the text behind a gap: letters right behind it go on with the word in the gap."""
        if self._marked and _kind(text[:1]) == _SPACED:
            for letter in "".join(_PAIRS):
                alone, joined = self.tokenizer.encode(letter), self.tokenizer.encode(letter + text)
                if len(alone) == 1 and len(joined) > 1 and alone[0] == joined[0]:
                    return joined[1:]
        return self.tokenizer.encode(text)

    def require_parts(self, parts: Sequence[str]) -> None:
        """UsageError for a gap beside letters when the tokenizer knows whole words only; `parts`: the text around the gaps."""
        if not self.drops_blanks or (self.whole & ~self.blank & (self.first == _SPACED)).any():
            return
        for left, right in pairwise(parts):
            if _SPACED in (_kind(left[-1:]), _kind(right[:1])):
                raise UsageError(
                    "the gap in '{text}' is a part of a word, and this model knows whole words only: put blanks around it",
                    text=f"{left[-20:]}___{right[:20]}",
                )

    def going_on(self, after: Sequence[int] | Ids) -> NDArray[np.bool_]:
        """(n, V) ids that go on with words whose last ids are `after`: letters after letters, Chinese after Chinese."""
        result: NDArray[np.bool_] = self._going_on[self.last[np.asarray(after, np.int64)]]
        return result

    def may_go_on(self, after: Sequence[int] | Ids) -> NDArray[np.bool_]:
        """(n,) whether only a blank or a sign shows that a word is over: in text with blanks, not in Chinese."""
        result: NDArray[np.bool_] = self.last[np.asarray(after, np.int64)] == _SPACED
        return result

    def word(self, ids: Sequence[int] | Ids) -> str:
        """The word that ids spell together."""
        return "".join(self.texts[int(one)].strip() for one in ids)

    def word_of(self, ids: Ids) -> NDArray[np.int64]:
        """(len,) the number of the word that each token of a text belongs to; signs are words of their own.

        The tokens of a character that is cut into bytes belong to one word.
        """
        numbers, number, first = np.zeros(len(ids), np.int64), 0, 0
        for place in range(1, len(ids)):
            if not self._goes_on(ids, first, place):
                number, first = number + 1, place
            numbers[place] = number
        return numbers

    def _goes_on(self, ids: Ids, first: int, place: int) -> bool:
        """Whether the token at `place` belongs to the word that began at `first`."""
        before, here = int(ids[place - 1]), int(ids[place])
        ends, begins = self.last[before], self.first[here]
        if _CUT in self.texts[before]:
            written = self.tokenizer.decode(ids[first:place])
            if written.endswith(_CUT):
                return True
            ends = _kind(written[-1:])
        if _CUT in self.texts[here]:
            begins = _kind(self.tokenizer.decode(ids[place : place + _BYTES]).strip()[:1])
        return bool(ends == _SPACED and begins == _SPACED and not self.blank[here])


def _letter(tokenizer: Tokenizer) -> Ids:
    try:
        return tokenizer.encode("a")
    except (ValueError, KeyError):  # an alphabet without it
        return np.zeros(0, np.int64)


def _reads_blanks(tokenizer: Tokenizer) -> bool:
    try:
        return len(tokenizer.encode(" a")) > 0
    except (ValueError, KeyError):
        return False


def _marks_inside(tokenizer: Tokenizer) -> bool:
    """Whether a letter inside a word has another id than at the beginning of a text (BERT's ##, the ▁ of SentencePiece)."""
    try:
        for pair in _PAIRS:
            ids = tokenizer.encode(pair)
            if len(ids) == 2:
                return bool(ids[1] != tokenizer.encode(pair[1])[0])
    except (ValueError, KeyError):  # an alphabet without them
        pass
    return False


def _printable(word: str) -> bool:
    return word.isprintable() and "\ufffd" not in word and not any(letter.isspace() for letter in word)


def _kind(letter: str) -> int:
    if not letter or not letter.isalnum():
        return _NEITHER
    return _UNSPACED if _CHINESE.match(letter) else _SPACED
