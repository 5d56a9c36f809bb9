"""Texts on disk, by split: written in one stream, read at random, never held in memory.

A folder holds SPLIT.bin (UTF-8, documents end to end), SPLIT.starts (int64 little-endian, documents + 1 byte offsets) and
index.json (counts and sha256 per file); manifest.json comes from `artifact.writing`, so that a folder is whole or absent.
Texts are read with pread rather than mapped: pages of a mapped file count as resident memory, and memory has to stay flat
while the corpus grows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError

INDEX = "index.json"
FORMAT = "hornbook-text-1"
SPLIT_NAMES = ("train", "valid", "test")
_BUFFER = 1 << 20
_OFFSETS = 8192  # document offsets read at once while iterating


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into that nobody needs after a crash."""
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def _atomic(folder: Path) -> AbstractContextManager[Path]:
    return artifact.writing(folder, what="corpus")


class TextStoreWriter:
    """Streams texts into a new store folder, atomically: `with TextStoreWriter(folder) as writer: writer.add("train", text)`.

    Nothing appears at `folder` until the block ends well. Other files of the same folder (a report) may be written into
    `writer.folder`, the temporary folder, before that. `about` goes into index.json.
    """

    def __init__(
        self,
        folder: Path,
        *,
        about: Mapping[str, Any] | None = None,
        place: Callable[..., AbstractContextManager[Path]] = _atomic,
    ) -> None:
        """`place` opens the folder that is written into; `scratch_folder` is one that is not flushed to the disk."""
        self.destination = Path(folder)
        self._place = place
        self._finished = False
        self.folder = self.destination
        self.about: dict[str, Any] = dict(about or {})
        self._splits: dict[str, _SplitWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> TextStoreWriter:
        self.folder = self._stack.enter_context(self._place(self.destination))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self.finish()
        except BaseException as failure:
            self._close()
            if not self._stack.__exit__(type(failure), failure, failure.__traceback__):
                raise
        else:
            self._close()
            self._stack.__exit__(kind, error, trace)

    def add(self, split: str, text: str) -> None:
        """Append one document to a split. Text with lone surrogates is a ValueError: readers replace them."""
        writer = self._splits.get(split)
        if writer is None:
            if not re.fullmatch(r"[a-z0-9_-]+", split):
                raise ValueError(f"split name {split!r}")
            writer = self._splits[split] = _SplitWriter(self.folder, split)
        writer.add(text.encode("utf-8"))

    def documents(self, split: str) -> int:
        """Documents written to a split so far."""
        return self._splits[split].documents if split in self._splits else 0

    def finish(self) -> TextStore:
        """End every split and open what was written, still in the temporary folder; leaving the block does it otherwise."""
        if self._finished:
            return TextStore.open(self.folder)
        for split in SPLIT_NAMES:
            if split not in self._splits:
                self._splits[split] = _SplitWriter(self.folder, split)
        names = sorted(self._splits, key=lambda name: SPLIT_NAMES.index(name) if name in SPLIT_NAMES else len(SPLIT_NAMES))
        splits = {name: self._splits[name].finish() for name in names}
        index = {"format": FORMAT, **self.about, "splits": splits}
        (self.folder / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", "utf-8")
        self._finished = True
        return TextStore.open(self.folder)

    def _close(self) -> None:
        for writer in self._splits.values():
            writer.close()


class _SplitWriter:
    """The two files of one split; offsets are flushed as they come, so memory stays flat."""

    def __init__(self, folder: Path, name: str) -> None:
        self._text = (folder / f"{name}.bin").open("wb", buffering=_BUFFER)
        self._starts = (folder / f"{name}.starts").open("wb", buffering=_BUFFER)
        self._digest = hashlib.sha256()
        self._starts_digest = hashlib.sha256()
        self._pending: array[int] = array("q", [0])
        self.documents = 0
        self.bytes = 0

    def add(self, raw: bytes) -> None:
        self._text.write(raw)
        self._digest.update(raw)
        self.bytes += len(raw)
        self.documents += 1
        self._pending.append(self.bytes)
        if len(self._pending) >= _OFFSETS:
            self._flush_starts()

    def finish(self) -> dict[str, Any]:
        self._flush_starts()
        self.close()
        return {
            "documents": self.documents,
            "bytes": self.bytes,
            "sha256": self._digest.hexdigest(),
            "starts_sha256": self._starts_digest.hexdigest(),
        }

    def close(self) -> None:
        self._text.close()
        self._starts.close()

    def _flush_starts(self) -> None:
        raw = np.array(self._pending, dtype="<i8").tobytes()
        self._starts.write(raw)
        self._starts_digest.update(raw)
        del self._pending[:]


@dataclass(frozen=True)
class TextSplit:
    """The documents of one split. Reading needs memory for one document, whatever the size of the file."""

    name: str
    path: Path
    documents: int
    total_bytes: int
    sha256: str

    def __len__(self) -> int:
        return self.documents

    def __iter__(self) -> Iterator[str]:
        """Every text in order."""
        return (raw.decode("utf-8") for raw in self.raw())

    def text(self, index: int) -> str:
        """Document `index`; IndexError beyond the end."""
        start, end = self._bounds(index)
        with open(self.path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), end - start, start).decode("utf-8")

    def raw_bytes(self, index: int) -> int:
        """Bytes of the UTF-8 text of document `index`."""
        start, end = self._bounds(index)
        return end - start

    @property
    def starts(self) -> NDArray[np.int64]:
        """(documents + 1,) byte offsets, memory-mapped; their differences are the raw bytes of every document."""
        return np.memmap(self.path.with_suffix(".starts"), dtype="<i8", mode="r", shape=(self.documents + 1,))

    def raw(self, first: int = 0) -> Iterator[bytes]:
        """The UTF-8 bytes of every document from `first` on, in order."""
        with open(self.path, "rb", buffering=_BUFFER) as texts, open(self.path.with_suffix(".starts"), "rb") as offsets:
            offsets.seek(8 * first)
            here = int.from_bytes(offsets.read(8), "little")
            texts.seek(here)
            while block := offsets.read(8 * _OFFSETS):
                for end in np.frombuffer(block, dtype="<i8").tolist():
                    yield texts.read(end - here)
                    here = end

    def _bounds(self, index: int) -> tuple[int, int]:
        position = index + self.documents if index < 0 else index
        if not 0 <= position < self.documents:
            raise IndexError(f"document {index} of {self.documents}")
        with open(self.path.with_suffix(".starts"), "rb", buffering=0) as file:
            start, end = np.frombuffer(os.pread(file.fileno(), 16, 8 * position), dtype="<i8").tolist()
        return start, end


class TextStore:
    """A folder of texts by split. `TextStore.open(folder)` checks sizes; `check=True` also every sha256."""

    def __init__(self, folder: Path, splits: Mapping[str, TextSplit], about: Mapping[str, Any]) -> None:
        self.folder = folder
        self.splits = dict(splits)
        self.about = dict(about)

    @classmethod
    def open(cls, folder: Path, *, check: bool = False) -> TextStore:
        """Open a finished store. UsageError when the folder is no store, ContentError when it is damaged."""
        folder = Path(folder)
        artifact.recover(folder)
        if not (folder / INDEX).is_file():
            raise UsageError(
                "{folder} is not a prepared corpus (no {index}): make one with hornbook corpus", folder=folder, index=INDEX
            )
        if check:
            artifact.verify(folder)
        try:
            index = json.loads((folder / INDEX).read_text("utf-8"))
            if index["format"] != FORMAT:
                raise ValueError(f"format {index['format']!r}, expected {FORMAT!r}")
            splits = {
                str(name): TextSplit(
                    str(name), folder / f"{name}.bin", int(row["documents"]), int(row["bytes"]), str(row["sha256"])
                )
                for name, row in index["splits"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContentError(
                "{path} is damaged: {error}. Run hornbook corpus again.", path=folder / INDEX, error=_reason(error)
            ) from error
        for split in splits.values():
            _check_files(split)
        return cls(folder, splits, {key: value for key, value in index.items() if key not in ("format", "splits")})

    @staticmethod
    def is_store(folder: Path) -> bool:
        """Whether a folder looks like a text store."""
        return (Path(folder) / INDEX).is_file() and any(Path(folder).glob("*.starts"))

    def split(self, name: str) -> TextSplit:
        """One split by name; UsageError lists the names there are."""
        if name not in self.splits:
            raise UsageError(
                "{folder} has no split '{name}': it has {names}", folder=self.folder, name=name, names=", ".join(self.splits)
            )
        return self.splits[name]

    @property
    def fingerprint(self) -> str:
        """sha256 over the content of every split: two stores with equal texts have equal fingerprints."""
        digest = hashlib.sha256()
        for name in sorted(self.splits):
            digest.update(f"{name} {self.splits[name].documents} {self.splits[name].sha256}\n".encode())
        return digest.hexdigest()


def _reason(error: Exception) -> str:
    return f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)


def _check_files(split: TextSplit) -> None:
    """Sizes and outer offsets must agree with the index before anything is read by them."""
    for path, size in ((split.path, split.total_bytes), (split.path.with_suffix(".starts"), 8 * (split.documents + 1))):
        found = path.stat().st_size if path.is_file() else -1
        if found != size:
            raise ContentError(
                "{path} has {found} bytes, the index says {size}: the corpus is damaged. Run hornbook corpus again.",
                path=path,
                found=max(found, 0),
                size=size,
            )
    starts = split.starts
    if int(starts[0]) != 0 or int(starts[-1]) != split.total_bytes:
        raise ContentError("{path} is damaged: its offsets do not fit the texts. Run hornbook corpus again.", path=split.path)
