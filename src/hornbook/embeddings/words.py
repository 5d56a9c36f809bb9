"""A corpus for word vectors: its vocabulary, and its sentences as numbers.

Two sources, one result. A text file, one sentence a line, words between blanks, goes through a compiled byte scanner that
makes no Python object of a word until the vocabulary is known; lists of words go through a dictionary. Either way every word
is numbered in order of first appearance and the numbers are kept (in memory, beyond a limit in a temporary file) until the
counts are known; then one pass turns them into ids, commonest word first, and leaves rare words out.
"""

from __future__ import annotations

import codecs
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note, Progress
from hornbook.corpus.compression import chunks
from hornbook.corpus.sources import COMPRESSIONS
from hornbook.embeddings.number_store import NumberStore

if TYPE_CHECKING:
    from hornbook.embeddings.phrases import Phrases

_SOLID = bytes(byte for byte in range(256) if byte not in b" \t\n\r\v\f")  # what words are made of
_BLOCK = 1 << 20  # numbers of words kept together: 4 MB
_FIRST_SLOTS = 1 << 16
_SAY = 32_000_000  # bytes or words between two records of progress
_Spelling: TypeAlias = Callable[[NDArray[np.int64]], list[str]]  # numbers of words -> words


@dataclass(frozen=True)
class VocabularyConfig:
    """Which words get a vector: those that occur `min_count` times, of them at most the `max_words` commonest (0: all)."""

    min_count: int = 5
    max_words: int = 0

    def __post_init__(self) -> None:
        for name in ("min_count", "max_words"):
            if getattr(self, name) < 0:
                raise UsageError("{name} must be {expected}, not {value}", name=name, expected="0+", value=getattr(self, name))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words, the commonest first, ties in order of first appearance; a word's place is its id."""

    words: tuple[str, ...]
    counts: NDArray[np.int64]  # (V,) occurrences
    total: int  # words read, rare ones included
    phrases: Phrases | None = None  # that some of the words are

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Word -> id."""
        return {word: number for number, word in enumerate(self.words)}


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences as ids, one after the other; words outside the vocabulary are gone, and so are sentences without any."""

    ids: NDArray[np.uint32]  # (n,)
    starts: NDArray[np.int64]  # (S + 1,) into ids
    total_words: int  # words read, rare ones included

    def __len__(self) -> int:
        return self.starts.size - 1

    def __getitem__(self, index: int) -> NDArray[np.uint32]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.ids[self.starts[index] : self.starts[index + 1]]


def read_sentences(
    source: str | Path | Iterable[Sequence[str]],
    config: VocabularyConfig,
    *,
    log: Callable[[Event], None],
    memory_mb: int = 2000,
) -> tuple[Vocabulary, Sentences]:
    r"""The vocabulary and the sentences of a text file or of lists of words (any iterable of them, read once).

    A text: UTF-8, one sentence a line (\n or \r\n), words between blanks; .gz, .bz2, .xz and .zst are unpacked on the way.
    Numbers of words over `memory_mb` (10^6 bytes) go to a temporary file, as does the result then. UsageError for a path that
    does not exist; ContentError for plain strings in place of lists, text that is not UTF-8, an empty corpus, and a min_count
    that leaves no word; DiskFullError where the temporary file finds no room.
    """
    numbers = NumberStore(memory_mb)
    if isinstance(source, (str, Path)):
        types, spelling = _read_file(Path(source), numbers, log)
    else:
        types, spelling = _read_lists(source, numbers, log)
    return _build(types, spelling, numbers, config, log)


def restrict(
    vocabulary: Vocabulary, sentences: Sentences, config: VocabularyConfig, *, log: Callable[[Event], None]
) -> tuple[Vocabulary, Sentences]:
    """The same corpus with rarer words left out; `total` and `total_words` stay. ContentError when nothing remains."""
    kept = _commonest(vocabulary.counts, config, vocabulary.total)
    numbers = NumberStore(memory_mb=np.inf)
    numbers.add(sentences.ids, sentences.starts[1:])
    words = tuple(map(vocabulary.words.__getitem__, kept.tolist()))
    limited = Vocabulary(words, vocabulary.counts[kept], vocabulary.total, vocabulary.phrases)
    note = translate("the vocabulary is {kept:,} of {words:,} words")
    log(Note(note.format(kept=len(limited), words=len(vocabulary))))
    return limited, Sentences(*numbers.sentences(kept, limited.counts, len(vocabulary)), sentences.total_words)


def number_again(
    words: Sequence[str], ids: NDArray[np.uint32], starts: NDArray[np.int64], *, total_words: int
) -> tuple[Vocabulary, Sentences]:
    """A corpus whose words were changed: `words` (V,) by id in any order, of which those that occur get new ids."""
    from hornbook.embeddings.scan_kernels import number_by_appearance

    by_appearance, seen = number_by_appearance(ids, len(words))
    counts = np.bincount(by_appearance, minlength=seen.size)
    kept = _commonest(counts, VocabularyConfig(min_count=1), total_words)
    numbers = NumberStore(memory_mb=np.inf)
    numbers.add(by_appearance, starts[1:])
    vocabulary = Vocabulary(tuple(words[number] for number in seen[kept].tolist()), counts[kept], total_words)
    return vocabulary, Sentences(*numbers.sentences(kept, vocabulary.counts, seen.size), total_words)


def _grown(held: NDArray[Any], size: int) -> NDArray[Any]:
    """The array itself where it has `size` places, else a larger copy; growing doubles, so the copies cost little."""
    if held.size >= size:
        return held
    larger = np.empty(max(size, held.size * 2), held.dtype)
    larger[: held.size] = held
    return larger


class _Table:
    """Different words of a byte stream and their numbers; the compiled scanner fills it."""

    def __init__(self) -> None:
        self.words = 0
        self._hashes = np.zeros(_FIRST_SLOTS, np.uint64)
        self._numbers = np.zeros(_FIRST_SLOTS, np.uint32)
        self._arena = np.empty(1 << 20, np.uint8)
        self._starts = np.zeros(_FIRST_SLOTS // 2 + 1, np.int64)

    def scan(self, piece: bytes, before: int, last_end: int) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
        """Numbers of the words of a piece of text and the ends of its sentences, in one or more steps."""
        from hornbook.embeddings.scan_kernels import scan

        text = np.frombuffer(piece, np.uint8)
        self._arena = _grown(self._arena, int(self._starts[self.words]) + text.size)
        place = 0
        while place < text.size:
            ids = np.empty((text.size - place) // 2 + 1, np.uint32)
            ends = np.empty((text.size - place) // 2 + 1, np.int64)  # no more than words: only the first line end after one
            place, self.words, filled, ended, last_end = scan(
                text,
                place,
                self._hashes,
                self._numbers,
                self._arena,
                self._starts,
                self.words,
                before,
                last_end,
                ids,
                ends,
            )
            before += filled
            yield ids[:filled].copy(), ends[:ended].copy()
            if self.words * 2 >= self._hashes.size:
                self._enlarge()

    def spelling(self, kept: NDArray[np.int64]) -> list[bytes]:
        """The bytes of words."""
        arena = self._arena[: self._starts[self.words]].tobytes()
        return [arena[first:end] for first, end in zip(self._starts[kept].tolist(), self._starts[kept + 1].tolist())]

    def _enlarge(self) -> None:
        from hornbook.embeddings.scan_kernels import rehash

        slots = self._hashes.size * 4
        hashes, numbers = np.zeros(slots, np.uint64), np.zeros(slots, np.uint32)
        rehash(self._hashes, self._numbers, hashes, numbers)
        self._hashes, self._numbers = hashes, numbers
        self._starts = _grown(self._starts, slots // 2 + 1)


def _read_file(path: Path, numbers: NumberStore, log: Callable[[Event], None]) -> tuple[int, _Spelling]:
    """Scan a text file in pieces; returns how many different words it has, and how they are spelled."""
    if not path.exists():
        raise UsageError("{path} does not exist", path=path)
    size, said, last_end = path.stat().st_size, 0, 0

    def position(consumed: int) -> None:
        nonlocal said
        if consumed - said >= _SAY:
            said = consumed
            log(Progress("read words", consumed, size, "bytes"))

    table = _Table()
    pieces = chunks(path, COMPRESSIONS.get(path.suffix.lower(), ""), name=str(path), position=position)
    for piece in _whole_words(_without_mark(pieces, path)):
        for ids, ends in table.scan(piece, numbers.size, last_end):
            numbers.add(ids, ends)
            last_end = int(ends[-1]) if ends.size else last_end
    if not table.words:
        raise ContentError("{paths} is empty: there is no text to read", paths=path)

    def spelling(kept: NDArray[np.int64]) -> list[str]:
        raw = b"\n".join(table.spelling(kept))
        try:
            return raw.decode().split("\n")
        except UnicodeDecodeError as error:
            word = raw[raw.rfind(b"\n", 0, error.start) + 1 :].split(b"\n", 1)[0]
            raise ContentError(
                "{path} is not UTF-8: it has the word {word}. Convert it, or prepare it with hornbook corpus, which "
                "recognises encodings.",
                path=path,
                word=word.decode("utf-8", "backslashreplace")[:40],
            ) from error

    return table.words, spelling


def _read_lists(source: Iterable[Sequence[str]], numbers: NumberStore, log: Callable[[Event], None]) -> tuple[int, _Spelling]:
    """Number the words of lists; returns how many are different, and how they are spelled."""
    index: defaultdict[str, int] = defaultdict(count().__next__)
    number = index.__getitem__
    block, ends, said = array("I"), array("q"), 0
    for place, sentence in enumerate(source):
        if isinstance(sentence, (str, bytes)):
            raise _not_a_list(place, sentence)
        try:
            block.extend(map(number, filter(None, sentence)))  # an empty string is no word
        except TypeError as error:
            raise ContentError(
                "sentence {index} is not a list of words but {what}: give lists of strings, such as [['hello', 'world']]",
                index=place,
                what=repr(sentence)[:60],
            ) from error
        ends.append(numbers.size + len(block))
        if len(block) >= _BLOCK:
            _move(block, ends, numbers)
            block, ends = array("I"), array("q")
            if numbers.size - said >= _SAY:
                said = numbers.size
                log(Progress("read words", said, None, "words"))
    _move(block, ends, numbers)
    if not numbers.size:
        raise ContentError("the corpus is empty: there is no word to learn from")
    words = _checked_words(index)
    return len(words), lambda kept: [words[number] for number in kept.tolist()]


def _move(block: array[int], ends: array[int], numbers: NumberStore) -> None:
    """Hand numbers over; ends that repeat (empty sentences) are dropped."""
    places = np.frombuffer(ends, np.int64) if ends else np.zeros(0, np.int64)
    fresh = np.diff(places, prepend=numbers.size) > 0
    numbers.add(np.frombuffer(block, np.uint32) if block else np.zeros(0, np.uint32), places[fresh])


def _not_a_list(place: int, sentence: str | bytes) -> ContentError:
    return ContentError(
        "sentence {index} is the text {text!r}, not a list of words: its letters would be taken for words. "
        "Give [line.split() for line in lines], or hornbook.embeddings.sentences_of(lines) for raw text.",
        index=place,
        text=sentence[:40],
    )


def _checked_words(index: Mapping[str, int]) -> list[str]:
    words = list(index)
    wrong = next((word for word in words if not isinstance(word, str)), None)
    if wrong is not None:
        raise ContentError("the corpus holds {word!r}, which is not a string: words are strings", word=wrong)
    try:
        "".join(words).encode()
    except UnicodeEncodeError as error:
        broken = next(word for word in words if word.encode("utf-8", "replace") != word.encode("utf-8", "surrogatepass"))
        raise ContentError(
            "the corpus holds the word {word}, which is not valid text (a lone surrogate): read it with errors='replace'",
            word=ascii(broken),
        ) from error
    return words


def _whole_words(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that end with a blank, the last one excepted."""
    held: list[bytes] = []
    for piece in pieces:
        body = piece.rstrip(_SOLID)
        if not body:
            held.append(piece)
            continue
        yield b"".join([*held, body])
        held = [piece[len(body) :]]
    if rest := b"".join(held):
        yield rest


def _without_mark(pieces: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Leave out the byte order mark of UTF-8; ContentError for UTF-16 and UTF-32."""
    first = True
    for piece in pieces:
        if first and piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            raise ContentError(
                "{path} is not UTF-8: it has the word {word}. Convert it, or prepare it with hornbook corpus, which "
                "recognises encodings.",
                path=path,
                word=piece[:2].decode("utf-8", "backslashreplace"),
            )
        yield piece.removeprefix(codecs.BOM_UTF8) if first else piece
        first = False


def _build(
    types: int,
    spelling: _Spelling,
    numbers: NumberStore,
    config: VocabularyConfig,
    log: Callable[[Event], None],
) -> tuple[Vocabulary, Sentences]:
    counts = numbers.counts(types)
    kept = _commonest(counts, config, numbers.size)
    vocabulary = Vocabulary(tuple(spelling(kept)), counts[kept], numbers.size)
    words, share = vocabulary.total, vocabulary.counts.sum() / vocabulary.total
    note = translate("{words:,} words, {types:,} different; the vocabulary is {kept:,} of them, {share:.1%} of the text")
    log(Note(note.format(words=words, types=types, kept=len(vocabulary), share=share)))
    return vocabulary, Sentences(*numbers.sentences(kept, vocabulary.counts, types), words)


def _commonest(counts: NDArray[np.int64], config: VocabularyConfig, total: int) -> NDArray[np.int64]:
    """(V,) numbers of the words that stay, in the order of their ids. ContentError when there is none."""
    order = np.argsort(-counts, kind="stable")  # ties stay in order of first appearance
    kept = order[: int(np.searchsorted(-counts[order], -max(config.min_count, 1), side="right"))]
    if not kept.size:
        lower = sorted({1, 2, int(counts.max())} & set(range(1, config.min_count)), reverse=True)
        raise ContentError(
            "no word occurs {min_count} times in the {words} words read, so min_count = {min_count} leaves no vocabulary. "
            "Words that a lower min_count keeps: {choices}",
            min_count=config.min_count,
            words=total,
            choices=", ".join(f"{number}: {int(np.count_nonzero(counts >= number))}" for number in lower),
        )
    return kept[: config.max_words] if config.max_words else kept
