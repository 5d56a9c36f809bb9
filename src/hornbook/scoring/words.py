"""What counts as a word: runs of letters between spaces, and words of text without spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from hornbook.core.types import Tokenizer

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # kana and Han
_LETTERS = rf"[^\W\d_{_UNSPACED}]+"
_SPACED = rf"{_LETTERS}(?:['\u2019]{_LETTERS})*"
_WORD = re.compile(rf"[{_UNSPACED}]|{_SPACED}")
_FIRST = re.compile(rf"[{_UNSPACED}]")
_RUN = re.compile(rf"[{_UNSPACED}]+|{_SPACED}")

Segmenter: TypeAlias = Callable[[str], Iterable[str]]
"""Text to its words, in order; what it leaves out (spaces) is skipped."""


class TokenWords:
    """A Segmenter without a dictionary: text between spaces by its letters, Han and kana by a tokenizer's own tokens.

    The tokens of a trained BPE or Unigram are frequent character strings, mostly words. Tokens that are part of a character
    are left out.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._texts: dict[int, str] = {}

    def __call__(self, text: str) -> Iterator[str]:
        """The words of a text."""
        words = _RUN.findall(text)
        cut = iter(self._tokenizer.encode_batch([word for word in words if _unspaced(word)]))
        for word in words:
            if _unspaced(word):
                yield from (token for token in map(self._text, next(cut)) if token and "\ufffd" not in token)
            else:
                yield word

    def _text(self, number: int) -> str:
        number = int(number)
        if number not in self._texts:
            self._texts[number] = self._tokenizer.decode([number])
        return self._texts[number]


def shape(word: str) -> str:
    """What a distractor must share with the word: its case pattern; for Han, its length."""
    if _unspaced(word):
        return f"{len(word)} characters"
    if word.islower() or word.isupper():
        return "lower" if word.islower() else "upper" if len(word) > 1 else "capital"
    return "title" if word[:1].isupper() and word[1:].islower() else "mixed" if word.lower() != word.upper() else "uncased"


def spans(text: str, segment: Segmenter | None) -> Iterator[tuple[int, int]]:
    """Where the words of a text begin and end."""
    if segment is None:
        yield from (match.span() for match in _WORD.finditer(text))
        return
    at = 0
    for word in segment(text):
        begin = text.find(word, at)
        if begin >= 0:
            at = begin + len(word)
            if _WORD.match(word):
                yield begin, at


def _unspaced(word: str) -> bool:
    return _FIRST.match(word) is not None
