"""The error for a word that has no vector: made cheaply, since callers catch it; near spellings are found when it is read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from hornbook.core.errors import UsageError, translate

_SEARCHED = 50_000  # words, the commonest, among which near spellings are looked for


class UnknownWordError(UsageError, KeyError):
    """A word that has no vector. A UsageError for the command line, a KeyError for those who look words up."""

    def __init__(self, word: object, known: Mapping[str, int]) -> None:
        self.word, self._known = word, known
        Exception.__init__(self, word)

    def __str__(self) -> str:
        close = nearest_spellings(str(self.word), self._known)
        if not close:
            template = "'{word}' is not among the {count} words of these vectors"
            return translate(template).format(word=self.word, count=len(self._known))
        template = "'{word}' is not among the {count} words of these vectors. Near it: {close}."
        return translate(template).format(word=self.word, count=len(self._known), close=", ".join(close))


def nearest_spellings(word: str, known: Mapping[str, int], count: int = 3) -> list[str]:
    """Up to `count` known words spelt much like `word`: in another case first, then by edit similarity among the commonest."""
    cases = [form for form in (word.lower(), word.title(), word.upper(), word.casefold()) if form != word and form in known]
    near = [
        candidate
        for candidate, _ in zip(known, range(_SEARCHED))
        if abs(len(candidate) - len(word)) <= 2 and candidate[:1].lower() == word[:1].lower()
    ]
    close = difflib.get_close_matches(word, near, n=count, cutoff=0.6 if len(word) > 2 else 0.4)
    return list(dict.fromkeys([*cases, *close]))[:count]
