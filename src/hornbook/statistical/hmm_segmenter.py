"""Chinese word segmentation: every character begins (B), continues (M), ends (E) a word or is one (S); see joint.py.

Text is cut at white space first; joined, the words are the text. Digits, Latin letters and other characters never seen share a
number each, so new numbers and names of products stay whole. A user's own word always stands, save where it overlaps a longer
one of theirs (of equally long ones: one further left), or where it would cut a run of Latin letters and digits.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note
from hornbook.statistical.records import read_record
from hornbook.statistical.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from hornbook.statistical.joint import JointCounts, JointModel

MODEL_TYPE = "hornbook-hmm-segmenter"
LONGEST_WORD = 64
"""Characters of a word in a user dictionary."""

_WEIGHTS, _STRINGS = "model.safetensors", "vocabulary.json"
_FIXED = 5  # numbers of the boundary, an unknown character, a digit, a letter, a letter of full width
_UNKNOWN, _DIGIT, _LETTER, _WIDE = 1, 2, 3, 4
_MOST_CHARACTERS = 1 << 19
_FORBIDDEN = -1e6  # nats: no path of a model is so much better
_SPACES = re.compile(r"(\s+)")
_CHARACTERS_PER_CALL = 1 << 20


@dataclass(frozen=True)
class SegmenterConfig:
    """`pair_weight` and `triple_weight` smooth (k2 and k3 of joint.py); triples seen fewer than `least` times are not kept.

    `threads` of segmenting.
    """

    pair_weight: float = 1.0
    triple_weight: float = 3.0
    least: int = 2
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("pair_weight", "triple_weight"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError("{name} = {value}: choose a number above 0", name=name, value=getattr(self, name))
        if self.least < 1:
            raise UsageError("{name} = {value}: choose 1 or more", name="least", value=self.least)


class RejectedLine(NamedTuple):
    """A line of a user dictionary that was not used."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class DictionaryReport:
    """What became of the lines of a user dictionary; empty lines count as neither."""

    used: int
    rejected: tuple[RejectedLine, ...]


class HmmSegmenter:
    """`segment(text)` or calling it gives the words of a text; joined, they are the text. `user_words_`: the user's own."""

    def __init__(self, config: SegmenterConfig | None = None) -> None:
        self.config = config or SegmenterConfig()
        self.user_words_: frozenset[str] = frozenset()
        self.characters_: tuple[str, ...] = ()
        self.words_seen_ = 0
        self._counts: JointCounts | None = None
        self._joint: JointModel | None = None
        self._number: dict[str, int] = {}
        self._numbers: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._lengths: dict[str, list[int]] = {}

    @property
    def parameters(self) -> int:
        """Counts the model is made of."""
        return int(self._trained[0].counts.size)

    def fit(self, sentences: Iterable[Sequence[str]]) -> Self:
        """Learn from sentences cut into words; white space inside words is left out. ContentError without any word."""
        from hornbook.sequences.chain import starts_of
        from hornbook.statistical.joint import JointCounts

        cleaned = [[word for raw in words if (word := "".join(raw.split()))] for words in sentences]
        cleaned = [words for words in cleaned if words]
        if not cleaned:
            raise ContentError("there are no words to learn from")
        frequency = Counter(character for words in cleaned for word in words for character in word)
        known = sorted(character for character in frequency if _class_of(character) == _UNKNOWN)
        known = sorted(known, key=lambda character: -frequency[character])[: _MOST_CHARACTERS - _FIXED]
        self.characters_ = tuple(sorted(known))
        self.words_seen_ = sum(len(words) for words in cleaned)
        self._number_characters()
        characters = self._encode("".join(word for words in cleaned for word in words)).astype(np.int64)
        tags = np.concatenate([_word_tags(len(word)) for words in cleaned for word in words])
        starts = starts_of([sum(map(len, words)) for words in cleaned])
        self._adopt(JointCounts.of(4 * characters + tags, starts, _FIXED + len(self.characters_)))
        return self

    def segment(self, text: str) -> list[str]:
        """The words of a text, white space between them as words of its own. TypeError for what is not text."""
        return self.segment_many([text])[0]

    def __call__(self, text: str) -> list[str]:
        """The same."""
        return self.segment(text)

    def segment_many(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text; many short texts at once are several times as fast as one by one."""
        result: list[list[str]] = []
        batch: list[str] = []
        size = 0
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"text {place}: text is wanted, not {type(text).__name__}")
            batch.append(text)
            size += len(text)
            if size >= _CHARACTERS_PER_CALL:
                result += self._segment_batch(batch)
                batch, size = [], 0
        return result + self._segment_batch(batch)

    def add_words(self, words: Iterable[str]) -> DictionaryReport:
        """Keep these words whole from now on; a frequency and a tag may follow each (jieba's form) and are not read."""
        used: set[str] = set(self.user_words_)
        rejected: list[RejectedLine] = []
        accepted = 0
        for number, line in enumerate(words, start=1):
            fields = line.split()
            if not fields:
                continue
            reason = _why_not(fields, used)
            if reason:
                rejected.append(RejectedLine(number, line.strip(), translate(reason)))
            else:
                used.add(fields[0])
                accepted += 1
        self._wish_for(used)
        return DictionaryReport(accepted, tuple(rejected))

    def add_dictionary(self, path: Path, *, log: Callable[[Event], None] | None = None) -> DictionaryReport:
        """The same for a file with a word a line, of any encoding; lines used and rejected are reported and returned."""
        from hornbook.corpus.document import ReadConfig
        from hornbook.corpus.labelled import require_file, text_lines

        require_file(path)
        tell = log or (lambda event: None)
        report = self.add_words(text_lines(path, ReadConfig(), log=tell))
        text = translate("{path}: {used} lines used, {rejected} rejected")
        tell(Note(text.format(path=path, used=report.used, rejected=len(report.rejected))))
        for line in report.rejected[:10]:
            text = translate("{path}, line {line}: '{text}' was not used: {reason}")
            tell(Note(text.format(path=path, line=line.line, text=line.text[:80], reason=line.reason)))
        return report

    def save_files(self, folder: Path) -> None:
        """Write config.json, vocabulary.json and model.safetensors into an existing folder. Raises DiskFullError."""
        counts, _ = self._trained
        strings = {"characters": "".join(self.characters_), "user_words": sorted(self.user_words_)}
        tensors = {"keys": counts.keys, "counts": counts.counts}
        require_space(folder, 2 * counts.keys.nbytes + 8 * len(self.characters_) + 8192, what="segmenter")
        (folder / _STRINGS).write_text(json.dumps(strings, ensure_ascii=True, indent=0) + "\n", "utf-8")
        save_tensors(tensors, folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "words_seen": self.words_seen_,
            "entries": int(counts.keys.size),
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved segmenter. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.statistical.joint import JointCounts

        path = folder / "config.json"
        record = read_record(path, MODEL_TYPE, {"config": dict, "words_seen": int, "entries": int})
        segmenter = cls(from_dict(SegmenterConfig, record["config"], where=str(path), prefix="config."))
        characters, words = _read_strings(folder / _STRINGS)
        segmenter.characters_, segmenter.words_seen_ = tuple(characters), record["words_seen"]
        shape = (record["entries"],)
        tensors = load_tensors(folder / _WEIGHTS, {"keys": (np.int64, shape), "counts": (np.int64, shape)})
        counts = JointCounts(_FIXED + len(characters), tensors["keys"], tensors["counts"])
        if not counts.is_sound():
            raise _damaged(folder / _WEIGHTS, "its counts are out of order or out of range")
        segmenter._number_characters()
        segmenter._adopt(counts)
        segmenter._wish_for(words)
        return segmenter

    @property
    def _trained(self) -> tuple[JointCounts, JointModel]:
        if self._counts is None or self._joint is None:
            raise UsageError("this segmenter is not trained: call fit, or load a saved one")
        return self._counts, self._joint

    def _adopt(self, counts: JointCounts) -> None:
        from hornbook.statistical.joint import JointModel

        self._counts = counts
        strength = (self.config.pair_weight, self.config.triple_weight)
        self._joint = JointModel(counts, strength=strength, least=self.config.least)

    def _number_characters(self) -> None:
        """The number of every code point up to the last one known; beyond it all are unknown."""
        last = max(map(ord, self.characters_), default=0)
        points = max(last, 0xFFFF) + 1
        numbers = np.full(points + 1, _UNKNOWN, dtype=np.int32)
        for first, count, number in ((0x30, 10, _DIGIT), (0xFF10, 10, _DIGIT), (0x41, 26, _LETTER), (0x61, 26, _LETTER)):
            numbers[first : first + count] = number
        for first in (0xFF21, 0xFF41):
            numbers[first : first + 26] = _WIDE
        numbers[[ord(character) for character in self.characters_]] = _FIXED + np.arange(len(self.characters_))
        self._numbers = numbers

    def _encode(self, text: str) -> NDArray[np.int32]:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        numbers: NDArray[np.int32] = self._numbers[np.minimum(points, self._numbers.size - 1)]
        return numbers

    def _segment_batch(self, texts: Sequence[str]) -> list[list[str]]:
        """Cut at white space, tag what lies between, cut after every E and S."""
        from hornbook.sequences.chain import starts_of

        _, joint = self._trained
        pieces = [_SPACES.split(text) for text in texts]  # text, space, text, space, ..., text
        bodies = [piece for parts in pieces for piece in parts[::2]]
        flat = "".join(bodies)
        wishes = self._wishes(flat) if self._lengths else np.zeros((0, 4), dtype=np.float32)
        starts = starts_of([len(body) for body in bodies])
        tags = joint.tags(self._encode(flat), starts, wishes=wishes, threads=self.config.threads)
        ends = (np.flatnonzero(tags >= 2) + 1).tolist()
        result: list[list[str]] = []
        place = begin = 0
        for parts in pieces:
            words: list[str] = []
            for number, part in enumerate(parts):
                if number % 2:
                    words.append(part)
                    continue
                stop = begin + len(part)
                while begin < stop:
                    words.append(flat[begin : ends[place]])
                    begin = ends[place]
                    place += 1
            result.append(words)
        return result

    def _wish_for(self, words: Iterable[str]) -> None:
        self.user_words_ = frozenset(words)
        lengths: dict[str, set[int]] = {}
        for word in self.user_words_:
            lengths.setdefault(word[0], set()).add(len(word))
        self._lengths = {character: sorted(sizes, reverse=True) for character, sizes in lengths.items()}

    def _wishes(self, text: str) -> NDArray[np.float32]:
        """(n, 4) what is added to the score of each tag: much less than 0 for the others where a word of the user's stands."""
        wishes = np.zeros((len(text), 4), dtype=np.float32)
        for begin, size in self._user_places(text):
            rows = np.arange(begin, begin + size)
            wishes[rows] = _FORBIDDEN
            wishes[rows, _word_tags(size)] = 0.0
        return wishes

    def _user_places(self, text: str) -> list[tuple[int, int]]:
        """Where the user's words stand, and their lengths: the longest first, of equal ones the leftmost, without overlap."""
        words, found = self.user_words_, []
        for place, character in enumerate(text):
            for size in self._lengths.get(character, ()):
                if text[place : place + size] in words and not _cuts_run(text, place) and not _cuts_run(text, place + size):
                    found.append((place, size))
        free = np.ones(len(text), dtype=np.bool_)
        kept: list[tuple[int, int]] = []
        for place, size in sorted(found, key=lambda one: -one[1]):  # stable: leftmost first
            if free[place : place + size].all():
                free[place : place + size] = False
                kept.append((place, size))
        return kept


def _cuts_run(text: str, place: int) -> bool:
    """Whether a cut before `place` parts two Latin letters or digits."""
    return 0 < place < len(text) and _class_of(text[place - 1]) != _UNKNOWN != _class_of(text[place])


def _word_tags(length: int) -> NDArray[np.int64]:
    """B M .. M E, or S."""
    if length == 1:
        return np.array([3])
    tags = np.ones(length, dtype=np.int64)
    tags[0], tags[-1] = 0, 2
    return tags


def _class_of(character: str) -> int:
    if character in "0123456789０１２３４５６７８９":
        return _DIGIT
    if character.isascii() and character.isalpha():
        return _LETTER
    if "Ａ" <= character <= "Ｚ" or "ａ" <= character <= "ｚ":
        return _WIDE
    return _UNKNOWN


def _why_not(fields: Sequence[str], used: set[str]) -> str:
    """Why a line of a user dictionary cannot be used; empty when it can."""
    frequency, tag = fields[1:2], fields[2:] if fields[1:2] and fields[1].isdecimal() else fields[1:]
    if len(tag) > 1 or not all(name.isascii() for name in [*frequency, *tag]):
        return "it is not a word, or a word, its frequency and its tag"
    if len(fields[0]) > LONGEST_WORD:
        return "it is longer than 64 characters"
    if fields[0] in used:
        return "it is there already"
    return ""


def _read_strings(path: Path) -> tuple[str, list[str]]:
    try:
        strings: Any = json.loads(path.read_text("utf-8"))
        characters, words = strings["characters"], strings["user_words"]
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise _damaged(path, " ".join(str(error).split())) from error
    if len(strings) != 2 or not isinstance(characters, str) or not isinstance(words, list):
        raise _damaged(path, "characters and user_words are not text and a list")
    if list(characters) != sorted(set(characters)) or any(_class_of(character) != _UNKNOWN for character in characters):
        raise _damaged(path, "its characters are not sorted and distinct")
    if not all(isinstance(word, str) and 0 < len(word) <= LONGEST_WORD and word.split() == [word] for word in words):
        raise _damaged(path, "a word of the user dictionary is no word")
    return characters, words


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
