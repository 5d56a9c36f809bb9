"""Token shards: a corpus as token ids on disk, memory-mapped, with where documents start and how many raw bytes each had.

A folder holds per split SPLIT.tokens.bin (uint16 for vocabularies up to 65,536, else uint32), SPLIT.starts.bin (int64,
documents + 1 offsets into the tokens) and SPLIT.bytes.bin (int64, UTF-8 bytes of every document before encoding), all
little-endian; tokenizer/ with the tokenizer that made them; index.json; and manifest.json, last. Where words begin may stand
beside them (word_starts.py): SPLIT.words.bin, one bit a token, the lowest bit of a byte first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Progress
from hornbook.core.types import Ids, Tokenizer
from hornbook.corpus.store import TextSplit, TextStore

INDEX = "index.json"
FORMAT = "hornbook-tokens-1"
TOKENIZER = "tokenizer"
_BATCH = 4 << 20  # characters encoded at once: bounds memory, and is enough for every core
_LONG = 1 << 20  # a document of more characters is encoded in pieces
_PIECE = 1 << 18
_WINDOW = 256  # characters on each side in which a cut is proved harmless
_CANDIDATES = 8
_CHECKED_AT_ONCE = 1 << 24
_ITEMS = {"tokens": "", "starts": "<i8", "bytes": "<i8"}


@dataclass(frozen=True, eq=False)
class ShardSplit:
    """The documents of one split as ids, no specials among them. Document i is tokens[starts[i]:starts[i + 1]]."""

    tokens: NDArray[Any]  # (n,) uint16 or uint32, memory-mapped when it comes from a folder
    starts: NDArray[np.int64]  # (documents + 1,)
    raw_bytes: NDArray[np.int64]  # (documents,) UTF-8 bytes of the original text: the unit of bits per byte
    words: NDArray[np.uint8] | None = None  # (n / 8,) bits: whether a word begins with the token

    @classmethod
    def from_documents(cls, documents: Iterable[Ids | Sequence[int]], raw_bytes: Sequence[int] | None = None) -> ShardSplit:
        """A split in memory, for tests and small jobs; raw bytes default to one a token."""
        arrays = [np.asarray(document, dtype=np.int64).reshape(-1) for document in documents]
        tokens = np.concatenate([np.empty(0, np.int64), *arrays])
        if tokens.size and (tokens.min() < 0 or tokens.max() >= 2**32):
            raise ValueError("token ids are between 0 and 2^32 - 1")
        starts = np.cumsum([0, *(array.size for array in arrays)], dtype=np.int64)
        lengths = np.diff(starts) if raw_bytes is None else np.asarray(raw_bytes, dtype=np.int64)
        if lengths.size != len(arrays):
            raise ValueError(f"{lengths.size} raw byte counts for {len(arrays)} documents")
        return cls(tokens.astype(token_type(int(tokens.max()) + 1 if tokens.size else 1)), starts, lengths)

    def __len__(self) -> int:
        return int(self.raw_bytes.size)

    def document(self, index: int) -> Ids:
        """The ids of one document, a view; negative indices count from the end, IndexError beyond it."""
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        return self.tokens[self.starts[position] : self.starts[position + 1]]

    def documents(self) -> Iterator[Ids]:
        """Every document in order."""
        return (self.document(index) for index in range(len(self)))

    @property
    def total_bytes(self) -> int:
        """UTF-8 bytes of all documents."""
        return int(self.raw_bytes.sum())


@dataclass(frozen=True, eq=False)
class Shards:
    """An opened folder of token shards."""

    folder: Path
    splits: Mapping[str, ShardSplit]
    vocabulary_size: int
    specials: Mapping[str, int]
    tokenizer_fingerprint: str
    fingerprint: str  # sha256 over tokenizer, types and contents: equal data have equal fingerprints
    words: Mapping[str, str] | None = None  # what found the word starts: "segmenter" and its "fingerprint"

    @classmethod
    def open(cls, folder: Path, *, check: bool = True) -> Shards:
        """Map a folder. UsageError when it holds no shards, ContentError in one line when sizes, offsets or ids are wrong.

        `check` reads all ids and offsets once, about 2 GB/s; sizes are always checked, sha256 sums by `artifact.verify`.
        """
        folder = Path(folder)
        artifact.recover(folder)
        index = _read_index(folder)
        try:
            size = int(index["vocabulary_size"])
            specials = {str(name): int(number) for name, number in index["specials"].items()}
            splits = {}
            for name, row in index["splits"].items():
                splits[str(name)] = _map_split(folder, str(name), row, np.dtype(index["dtype"]).newbyteorder("<"))
            fingerprint, tokenizer = _fingerprint(index), str(index["tokenizer"])
            words = None
            if "words" in index:
                words = {name: str(index["words"][name]) for name in ("segmenter", "fingerprint")}
                splits = {name: _map_words(folder, name, split) for name, split in splits.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(folder / INDEX, error) from error
        if check:
            for name, split in splits.items():
                _check_contents(folder, name, split, size)
        return cls(folder, splits, size, specials, tokenizer, fingerprint, words)

    def split(self, name: str) -> ShardSplit:
        """One split by name; UsageError lists the names there are."""
        if name not in self.splits:
            raise UsageError(
                "{folder} has no split '{name}': it has {names}", folder=self.folder, name=name, names=", ".join(self.splits)
            )
        return self.splits[name]

    def require_tokenizer(self, tokenizer: Tokenizer) -> None:
        """UsageError unless the shards were made by this very tokenizer."""
        if fingerprint_tokenizer(tokenizer) != self.tokenizer_fingerprint:
            raise UsageError(
                "{folder} was encoded by another tokenizer: use the one in {tokenizer}, or encode the corpus again",
                folder=self.folder,
                tokenizer=self.folder / TOKENIZER,
            )


def encode_store(store: TextStore, tokenizer: Tokenizer, folder: Path, *, log: Callable[[Event], None]) -> Shards:
    """Encode every split of a text store into token shards at `folder`, atomically, in bounded memory.

    About 4 million characters are encoded at once. A document of more than a million is cut after line ends where the
    tokenizer gives the same ids with and without the cut (tried on 256 characters each side), and kept whole elsewhere.
    Raises ContentError when the tokenizer gives ids outside its vocabulary, DiskFullError.
    """
    dtype = token_type(tokenizer.size)
    total = sum(split.total_bytes for split in store.splits.values())
    artifact.require_space(folder, total // 3 * dtype.itemsize, what="token shards")  # three bytes a token
    done = 0
    with artifact.writing(folder, what="token shards") as temporary:
        (temporary / TOKENIZER).mkdir()
        tokenizer.save_pretrained(temporary / TOKENIZER)
        splits = {}
        for name, split in store.splits.items():
            with _SplitWriter(temporary, name, dtype, tokenizer.size) as writer:
                for pieces, ends, lengths in _chunks(split, tokenizer):
                    writer.add(tokenizer.encode_batch(pieces), ends, lengths)
                    done += sum(lengths)
                    log(Progress("encode", done, total, "bytes"))
            splits[name] = writer.row()
        index = {
            "format": FORMAT,
            "dtype": dtype.name,
            "vocabulary_size": tokenizer.size,
            "specials": dict(tokenizer.specials),
            "tokenizer": _fingerprint_folder(temporary / TOKENIZER),
            "splits": splits,
        }
        (temporary / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return Shards.open(folder, check=False)  # every id was checked on its way


def add_words(
    shards: Shards,
    find: Callable[[ShardSplit], Iterator[NDArray[np.bool_]]],
    *,
    segmenter: str,
    fingerprint: str,
) -> Shards:
    """Store where words begin beside the tokens: `find` gives a split's flags in order, in parts of a multiple of 8 tokens.

    The folder is replaced atomically; its token files are linked, not copied, where the file system can. Flags that were
    there before are replaced. Raises DiskFullError.
    """
    need = sum(split.tokens.size for split in shards.splits.values()) // 8
    artifact.require_space(shards.folder, need, what="token shards")
    index = _read_index(shards.folder)
    with artifact.writing(shards.folder, what="token shards") as temporary:
        shutil.copytree(shards.folder, temporary, copy_function=_link, dirs_exist_ok=True, ignore=_WITHOUT)
        for name, split in shards.splits.items():
            with _path(temporary, name, "words").open("wb") as file:
                for flags in find(split):
                    file.write(np.packbits(flags, bitorder="little").tobytes())
        index["words"] = {"segmenter": segmenter, "fingerprint": fingerprint}
        (temporary / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return Shards.open(shards.folder, check=False)


_WITHOUT = shutil.ignore_patterns(INDEX, artifact.MANIFEST, "*.words.bin")


def _link(source: str, target: str) -> None:
    """A second name for a file that never changes, or a copy on a file system without them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def token_type(vocabulary_size: int) -> np.dtype[Any]:
    """The smallest of uint16 and uint32 that holds every id below the vocabulary size, little-endian."""
    return np.dtype("<u2" if vocabulary_size <= 1 << 16 else "<u4")


def fingerprint_tokenizer(tokenizer: Tokenizer) -> str:
    """sha256 of the tokenizer.json that a tokenizer writes."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(Path(folder))
        return _fingerprint_folder(Path(folder))


def _fingerprint_folder(folder: Path) -> str:
    return artifact.sha256(folder / "tokenizer.json")


def _fingerprint(index: Mapping[str, Any]) -> str:
    content = {key: index[key] for key in ("format", "dtype", "vocabulary_size", "specials", "tokenizer", "splits")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _chunks(split: TextSplit, tokenizer: Tokenizer) -> Iterator[tuple[list[str], list[int], list[int]]]:
    """Texts to encode at once, how many of them lie before each end of a document, and the raw bytes of those documents."""
    pieces: list[str] = []
    ends: list[int] = []
    lengths: list[int] = []
    characters = 0
    for raw in split.raw():
        for piece in _pieces(raw.decode("utf-8"), tokenizer):
            if characters >= _BATCH:
                yield pieces, ends, lengths
                pieces, ends, lengths, characters = [], [], [], 0
            pieces.append(piece)
            characters += len(piece) + 64  # empty documents take memory too
        ends.append(len(pieces))
        lengths.append(len(raw))
    if ends:
        yield pieces, ends, lengths


def _pieces(text: str, tokenizer: Tokenizer) -> Iterator[str]:
    """A text in pieces that encode to the same ids as the whole; mostly one piece."""
    begin = 0
    if len(text) > _LONG:
        for target in range(_PIECE, len(text) - _PIECE, _PIECE):
            cut = _harmless_cut(text, target, tokenizer)
            if cut is not None:
                yield text[begin:cut]
                begin = cut
    yield text[begin:] if begin else text


def _harmless_cut(text: str, target: int, tokenizer: Tokenizer) -> int | None:
    """A place after a line end at or behind `target` where cutting changes no id, or None after a few tries."""
    place = target
    for _ in range(_CANDIDATES):
        place = text.find("\n", place, target + _PIECE // 2) + 1
        if place == 0:
            return None
        before, after = text[max(0, place - _WINDOW) : place], text[place : place + _WINDOW]
        whole, left, right = (np.asarray(ids) for ids in tokenizer.encode_batch([before + after, before, after]))
        if np.array_equal(whole, np.concatenate([left, right])):
            return place
    return None


class _SplitWriter:
    """The three files of one split, appended to, with their sums."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], vocabulary_size: int) -> None:
        self.name, self.dtype, self.vocabulary_size = name, dtype, vocabulary_size
        self._stack = ExitStack()
        self.files: dict[str, IO[bytes]] = {
            item: self._stack.enter_context(_path(folder, name, item).open("wb")) for item in _ITEMS
        }
        self.digests = {item: hashlib.sha256() for item in _ITEMS}
        self.counts = dict.fromkeys(_ITEMS, 0)
        self.total_bytes = 0
        self._append("starts", np.zeros(1, "<i8"))

    def __enter__(self) -> _SplitWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, encoded: Sequence[Ids], ends: Sequence[int], lengths: Sequence[int]) -> None:
        ids = np.concatenate([np.empty(0, self.dtype), *(np.asarray(piece) for piece in encoded)])
        if ids.size and not 0 <= ids.min() <= ids.max() < self.vocabulary_size:
            raise ContentError(
                "the tokenizer gave id {number}, outside its vocabulary of {size}: train it again or choose another one",
                number=int(ids.max() if ids.max() >= self.vocabulary_size else ids.min()),
                size=self.vocabulary_size,
            )
        before = self.counts["tokens"] + np.cumsum([0, *map(len, encoded)])
        self._append("tokens", ids.astype(self.dtype, copy=False))
        self._append("starts", before[np.asarray(ends, dtype=np.int64)].astype("<i8"))
        self._append("bytes", np.asarray(lengths, "<i8"))
        self.total_bytes += sum(lengths)

    def row(self) -> dict[str, Any]:
        return {
            "documents": self.counts["bytes"],
            "tokens": self.counts["tokens"],
            "bytes": self.total_bytes,
            "sha256": {item: digest.hexdigest() for item, digest in self.digests.items()},
        }

    def _append(self, item: str, array: NDArray[Any]) -> None:
        data = np.ascontiguousarray(array).tobytes()
        self.files[item].write(data)
        self.digests[item].update(data)
        self.counts[item] += array.size


def _path(folder: Path, name: str, item: str) -> Path:
    return folder / f"{name}.{item}.bin"


def _read_index(folder: Path) -> dict[str, Any]:
    if not (folder / INDEX).is_file():
        raise UsageError("{folder} holds no token shards: encode a corpus into it first", folder=folder)
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"format {index['format']!r}, expected {FORMAT!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / INDEX, error) from error
    return dict(index)


def _damaged(path: Path, error: Exception) -> ContentError:
    reason = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
    return ContentError("{path} is damaged: {error}. Encode the corpus again.", path=path, error=reason)


def _map_split(folder: Path, name: str, row: Mapping[str, Any], dtype: np.dtype[Any]) -> ShardSplit:
    """Map the files of a split after comparing their sizes with the index: nothing is allocated by a number in a file."""
    documents, tokens = int(row["documents"]), int(row["tokens"])
    counts = {"tokens": tokens, "starts": documents + 1, "bytes": documents}
    if dtype.name not in ("uint16", "uint32") or min(counts.values()) < 0:
        raise ValueError(f"split {name}: {dtype.name}, {documents} documents, {tokens} tokens")
    arrays = {
        item: _map_file(_path(folder, name, item), np.dtype(_ITEMS[item] or dtype), count) for item, count in counts.items()
    }
    return ShardSplit(arrays["tokens"], arrays["starts"], arrays["bytes"])


def _map_words(folder: Path, name: str, split: ShardSplit) -> ShardSplit:
    """The split with where its words begin."""
    path, size = _path(folder, name, "words"), -(-split.tokens.size // 8)
    return replace(split, words=_map_file(path, np.dtype(np.uint8), size))


def _map_file(path: Path, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """ContentError unless a file holds exactly `count` numbers."""
    found = path.stat().st_size if path.is_file() else 0
    if found != count * kind.itemsize:
        raise ContentError(
            "{path} has {found} bytes, the index says {size}: the file is damaged. Encode the corpus again.",
            path=path,
            found=found,
            size=count * kind.itemsize,
        )
    return np.memmap(path, kind, "r", shape=(count,)) if count else np.empty(0, kind)  # no empty maps exist


def _check_contents(folder: Path, name: str, split: ShardSplit, vocabulary_size: int) -> None:
    starts = split.starts
    orderly = int(starts[0]) == 0 and int(starts[-1]) == split.tokens.size
    for begin in range(0, starts.size, _CHECKED_AT_ONCE):
        part = starts[begin : begin + _CHECKED_AT_ONCE + 1]
        orderly = orderly and bool(np.all(part[1:] >= part[:-1]))
    if not orderly:
        raise ContentError(
            "{path} is damaged: its offsets do not fit the tokens. Encode the corpus again.", path=_path(folder, name, "starts")
        )
    if split.raw_bytes.size and int(split.raw_bytes.min()) < 0:
        raise _damaged(_path(folder, name, "bytes"), ValueError(f"{int(split.raw_bytes.min())} bytes in a document"))
    for begin in range(0, split.tokens.size, _CHECKED_AT_ONCE):
        largest = int(split.tokens[begin : begin + _CHECKED_AT_ONCE].max())
        if largest >= vocabulary_size:
            raise ContentError(
                "{path} is damaged: token id {number} is outside the vocabulary of {size}. Encode the corpus again.",
                path=_path(folder, name, "tokens"),
                number=largest,
                size=vocabulary_size,
            )
