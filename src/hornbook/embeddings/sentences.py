"""Raw text to sentences of words, in any script: what a user's own text needs before word vectors can be learned from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal, TypeAlias

from hornbook.core.errors import translate
from hornbook.core.events import Event, Note
from hornbook.tokenizers.chinese import (
    HAN_KANA,
    SOUTHEAST_ASIAN,
    UNSPACED,
    Segmenter,
    characters,
    is_unspaced,
    last_mark,
    marks,
    narrow,
    segmenter,
)

_SAMPLE = 200_000  # characters looked at before the first sentence
_WORTH_A_NOTE = 0.01  # of a text in a script without spaces: below that it is a quotation here and there
_INNER = "(?:['\\-\u2010\u200c\u200d]|(?<=[0-9])[.,](?=[0-9]))"  # joins two parts of a word: don't, well-known, 3.14, می‌روم
_SENTENCE_END = re.compile(
    "[\n\r\v\f\x1c-\x1e\x85\u2028\u2029\u3002\uff01\uff1f\uff61\u2026\u0964\u0965\u061f\u06d4\u1362\u104b\u17d4.!?]"
    "(?:(?<![.!?])|(?=[\"'\u2019\u201d)\\]\u00bb]*\\s))"  # an ASCII mark ends a sentence only before a blank: not in 3.14
)
_HAN_KANA = re.compile(f"[{HAN_KANA}]")
_SOUTHEAST_ASIAN = re.compile(f"[{SOUTHEAST_ASIAN}]")
_UNSPACED = re.compile(f"[{UNSPACED}]")

_Cutter: TypeAlias = Callable[[str], Iterator[list[str]]]  # a document to its sentences


@dataclass(frozen=True)
class WordsConfig:
    """What a word is.

    segment: "spaces" = the text is cut already: lines are sentences, words stand between blanks, punctuation stays.
        Else words are runs of letters, digits and combining marks with an apostrophe or hyphen inside, and text without
        spaces is cut into "rjieba" words or "characters", or not at all ("letters"). "auto" = rjieba where it is installed,
        else characters; Chinese that is cut by spaces already stays as it is.
    lowercase: fold capitals.
    """

    segment: Literal["auto", "spaces", "letters", "characters", "rjieba"] = "auto"
    lowercase: bool = True


def sentences_of(
    documents: str | Iterable[str], config: WordsConfig | None = None, *, log: Callable[[Event], None] | None = None
) -> Iterator[list[str]]:
    """The sentences of raw documents as lists of words, read as they come; a string is one document.

    A sentence ends at a line end, at . ! ? … and at their Chinese, Hindi, Arabic, Amharic, Burmese and Khmer counterparts.
    Canonical composition (NFC) and `narrow` make equal what looks equal.
    UsageError when rjieba is asked for and not installed.
    """
    config = config or WordsConfig()
    unread = iter([documents] if isinstance(documents, str) else documents)
    sample: list[str] = []
    while sum(map(len, sample)) < _SAMPLE and (document := next(unread, None)) is not None:
        sample.append(document)
    cut = _cutter(config, "\n".join(sample), log or (lambda event: None))
    for document in chain(sample, unread):
        yield from filter(None, cut(document))


def words_like(sample: str, config: WordsConfig | None = None) -> Callable[[str], list[str]]:
    """Cuts short texts into words as `sentences_of` cuts a text that begins with `sample`: "auto" is decided once, by that."""
    cut = _cutter(config or WordsConfig(), sample[:_SAMPLE], lambda event: None)
    return lambda text: list(chain.from_iterable(cut(text)))


def _cutter(config: WordsConfig, sample: str, log: Callable[[Event], None]) -> _Cutter:
    if config.segment == "spaces":
        return lambda document: (line.split() for line in _folded(document, config).splitlines())
    if config.segment == "letters":
        return _by_letters(config, None)
    if config.segment != "auto":
        return _by_letters(config, segmenter(config.segment))
    if _SOUTHEAST_ASIAN.search(sample):
        log(
            Note(translate("Thai, Lao, Burmese and Khmer words are not known to any dictionary here: characters are the words"))
        )
    if _HAN_KANA.search(sample) and not is_unspaced(sample):
        log(Note(translate("the Chinese of this text is cut by spaces: its words are taken as they are")))
        return _by_letters(config, None)
    segment = segmenter("auto")
    if is_unspaced(sample) and len(_UNSPACED.findall(sample)) > _WORTH_A_NOTE * len(sample):
        if segment is characters:
            log(Note(translate('Chinese characters are taken as words: pip install "hornbook[zh]" finds words of several')))
        else:
            log(Note(translate("Chinese words are those of rjieba")))
    return _by_letters(config, segment)


def _folded(document: str, config: WordsConfig) -> str:
    return document.lower() if config.lowercase else document


def _by_letters(config: WordsConfig, segment: Segmenter | None) -> _Cutter:
    """Sentences of runs of letters; those in scripts without spaces are cut by `segment`."""

    def cut(document: str) -> Iterator[list[str]]:
        text = document.replace("_", " ")
        if not text.isascii():
            text = text.replace("\u2019", "'")
            text = text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
            text, _ = narrow(text)
        runs = _runs("" if text.isascii() else marks(last_mark(text)))
        if segment is None or text.isascii() or not _UNSPACED.search(text):
            for sentence in _SENTENCE_END.split(_folded(text, config)):
                yield runs.findall(sentence)
            return
        known = characters if _SOUTHEAST_ASIAN.search(text) else segment
        for sentence in _SENTENCE_END.split(text):  # capitals are folded last: T恤 and 卡拉OK are words of the dictionary
            found = " ".join(_cut_runs(runs.findall(sentence), known))
            yield _folded(found, config).split()

    return cut


@cache
def _runs(mark_ranges: str) -> re.Pattern[str]:
    inside = f"[\\w{mark_ranges}]" if mark_ranges else "\\w"
    # not possessive (++): in Python up to 3.11.4 such a group around others loses the last letter of every word
    return re.compile(f"{inside}+(?:{_INNER}{inside}+)*")


def _cut_runs(runs: list[str], segment: Segmenter) -> Iterator[str]:
    """Runs of letters, those with unspaced script cut into their words; punctuation inside is left out."""
    for run in runs:
        if not _UNSPACED.search(run):
            yield run
        elif run.isalnum():
            yield from segment(run)
        else:
            yield from (word for word in segment(run) if word[0].isalnum())
