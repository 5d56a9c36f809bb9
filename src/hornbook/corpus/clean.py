"""Cleaning by named rules, each counted and shown before and after. The default rules never change a word."""

from __future__ import annotations

import html
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TypeAlias

from hornbook.core.errors import UsageError, nearest, needs_extra

Rule: TypeAlias = Callable[[str], tuple[str, int]]
"""A text to the cleaned text and the number of places changed."""

DEFAULT_RULES = ("control", "unicode", "spaces", "repeated-lines")
SAMPLES = 3  # before/after pairs kept of every rule
_SAMPLE_WIDTH = 60
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\ufeff\ufffe\uffff]")
_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x1f\x85"
_ODD_SPACES = re.compile("[\xa0\u2000-\u200a\u202f\u205f]")
_LINE_END_SPACES = re.compile(r"[^\S\n]+(?=\n|\Z)")
_MAY_END_LINE = re.compile(r"[^\S\n]\n")
_BLANK_LINES = re.compile(r"\n{4,}")
_ENTITY = re.compile(r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});")
_MARKUP = re.compile(r"<[/!]?[a-zA-Z][^<>\n]{0,400}>|https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+")
_BOILERPLATE = re.compile(
    r"^[^\S\n]*(?:"
    r"(?:all rights reserved|copyright (?:©|\(c\))|©|版权所有|未经许可|转载请注明|责任编辑[:：]|[上下]一篇[:：])[^\n]{0,60}"
    r"|(?:cookie policy|privacy policy|terms of (?:use|service)|share this|share on \w+|click here|read more|sign (?:in|up)|"
    r"log in|subscribe|登录|注册|点击这里|点击查看|扫码关注|阅读原文|阅读更多|上一篇|下一篇|返回顶部)[\s.:：»>→|]{0,8}"
    r")(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)


def control(text: str) -> tuple[str, int]:
    """Control characters, byte order marks and noncharacters go; those that separate become a space.

    U+0080 to U+009F stay: in real text they are the traces of a wrong decoding that `mojibake` can still repair.
    """
    return _CONTROL.subn(lambda match: " " if match[0] in _BREAKS else "", text)


def unicode(text: str) -> tuple[str, int]:
    """Canonical composition (NFC): an accent joins its letter; nothing that looks different is merged."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text, 0
    return unicodedata.normalize("NFC", text), 1


def spaces(text: str) -> tuple[str, int]:
    """No-break and typographic spaces become spaces; spaces at line ends and more than two blank lines in a row go."""
    text, odd = (text, 0) if text.isascii() else _ODD_SPACES.subn(" ", text)
    ends = 0
    if " \n" in text or (text and text[-1].isspace()) or _MAY_END_LINE.search(text):  # cheap questions first
        text, ends = _LINE_END_SPACES.subn("", text)
    text, blank = _BLANK_LINES.subn("\n\n\n", text)
    stripped = text.strip("\n")
    return stripped, odd + ends + blank + (len(stripped) != len(text))


def repeated_lines(text: str) -> tuple[str, int]:
    """A line that stands four times or more in a row stays once."""
    lines = text.split("\n")
    if not any(map(operator.eq, lines, islice(lines, 3, None))):
        return text, 0
    kept, dropped = [], 0
    for line, run in groupby(lines):
        copies = list(run)
        once = len(copies) >= 4 and line != "" and not line.isspace()
        kept += copies[:1] if once else copies
        dropped += len(copies) - 1 if once else 0
    return "\n".join(kept), dropped


def entities(text: str) -> tuple[str, int]:
    """HTML entities become the characters they name: &amp; &#8217; &nbsp;"""
    return _ENTITY.subn(lambda match: html.unescape(match[0]), text) if "&" in text else (text, 0)


def markup(text: str) -> tuple[str, int]:
    """Lines that are mostly tags, addresses of pages or of mail go."""
    if "<" not in text and "://" not in text and "www." not in text and "@" not in text:
        return text, 0
    kept, dropped = [], 0
    for line in text.split("\n"):
        noise = sum(len(found) for found in _MARKUP.findall(line)) if line else 0
        if noise * 2 > len(line.strip()) and noise:
            dropped += 1
        else:
            kept.append(line)
    return "\n".join(kept), dropped


def boilerplate(text: str) -> tuple[str, int]:
    """Short lines of web pages that are no prose go: copyright, sharing, log-in and navigation lines."""
    return _BOILERPLATE.subn("", text)


def symbols(text: str) -> tuple[str, int]:
    """Lines of ten characters or more of which fewer than a third are letters or digits go: rules, tables, art."""
    kept, dropped = [], 0
    for line in text.split("\n"):
        solid = "".join(line.split())
        if len(solid) >= 10 and sum(map(str.isalnum, solid)) * 3 < len(solid):
            dropped += 1
        else:
            kept.append(line)
    return "\n".join(kept), dropped


def width(text: str) -> tuple[str, int]:
    """Full-width Latin letters and digits become ordinary ones (Ａ１ to A1); Chinese punctuation stays."""
    return _FULL_WIDTH.subn(lambda match: chr(ord(match[0]) - 0xFEE0), text)


_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")


def mojibake(text: str) -> tuple[str, int]:
    """Text that was decoded with the wrong table (â€™ for ’) is repaired by ftfy; nothing else that ftfy can do is done."""
    fixed = _fix_encoding()(text)
    return fixed, int(fixed != text)


RULES: Mapping[str, Rule] = {
    "mojibake": mojibake,
    "control": control,
    "unicode": unicode,
    "spaces": spaces,
    "repeated-lines": repeated_lines,
    "entities": entities,
    "width": width,
    "markup": markup,
    "boilerplate": boilerplate,
    "symbols": symbols,
}
"""Every rule by its name, in the order in which they run."""


@dataclass(frozen=True)
class CleanConfig:
    """Which rules run, by name. More than the default ones: mojibake entities width markup boilerplate symbols."""

    rules: tuple[str, ...] = DEFAULT_RULES


@dataclass
class RuleCount:
    """What a rule did: documents and places it changed, characters it took away, and a few samples."""

    documents: int = 0
    places: int = 0
    characters: int = 0
    samples: list[tuple[str, str]] = field(default_factory=list)


class Cleaner:
    """Runs named rules over texts and counts what each did; `empty` counts documents of which nothing was left."""

    def __init__(self, rules: Sequence[str] = DEFAULT_RULES) -> None:
        for name in rules:
            if name not in RULES:
                raise UsageError("unknown cleaning rule '{name}'.{hint}", name=name, hint=nearest(name, RULES))
        self.counts = {name: RuleCount() for name in RULES if name in rules}
        self.documents = 0
        self.empty = 0
        if "mojibake" in self.counts:
            _fix_encoding()

    def clean(self, text: str) -> str:
        """The cleaned text; '' when no letter, digit or symbol is left."""
        self.documents += 1
        for name, count in self.counts.items():
            new, places = RULES[name](text)
            if places and new != text:
                count.documents += 1
                count.places += places
                count.characters += len(text) - len(new)
                if len(count.samples) < SAMPLES:
                    count.samples.append(_difference(text, new))
                text = new
        if not text or text.isspace():
            self.empty += 1
            return ""
        return text


def clean(text: str, rules: Sequence[str] = DEFAULT_RULES) -> tuple[str, dict[str, int]]:
    """A text cleaned by the named rules, and the places each of them changed."""
    cleaner = Cleaner(rules)
    cleaned = cleaner.clean(text)
    return cleaned, {name: count.places for name, count in cleaner.counts.items() if count.places}


def _difference(before: str, after: str) -> tuple[str, str]:
    """The two texts around the first place where they differ."""
    same = next(
        (i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), min(len(before), len(after))
    )
    start = max(0, same - _SAMPLE_WIDTH // 3)
    return before[start : start + _SAMPLE_WIDTH], after[start : start + _SAMPLE_WIDTH]


def _fix_encoding() -> Callable[[str], str]:
    try:
        from ftfy import fix_encoding
    except ImportError as error:
        raise needs_extra("ftfy", "text") from error
    function: Callable[[str], str] = fix_encoding
    return function
