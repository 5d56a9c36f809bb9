"""Deduplication, exact and near, out of core: two passes over the texts, memory that does not grow with them.

Pass one (`add`) writes per document a 128-bit hash of the folded text, a MinHash signature and its band keys to scratch
files. `finish` finds groups: equal hashes; then, band by band, equal band keys whose signatures agree (locality-sensitive
hashing). Pass two is the caller's: keep the documents that `keep` names, the first of every cluster.

Memory: 9 bytes a document (cluster parents and the answer) plus about `memory_mb`. Disk: 416 bytes a document.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError, disk_errors

_PENDING = 1 << 20  # characters signed at once
_SLICE = 1 << 20
_GAP = re.compile("[ \\n]+(?=[\\w.,\"'-])")  # no combining mark behind it: each side is normalised alone
_EXAMPLES = 10
_BYTES_A_KEY = 64  # of one partition while it is sorted: key, number, order and the copies of a sort
_SIGNED_AT_ONCE = 1 << 14  # signatures compared at once; each may lie on a page of its own


@dataclass(frozen=True)
class DedupConfig:
    """What counts as a duplicate: equal after folding, or sharing `threshold` of their 5-grams (Jaccard)."""

    exact: bool = True
    near: bool = True
    threshold: float = 0.8
    permutations: int = 128
    ngram: int = 5
    memory_mb: int = 256

    def __post_init__(self) -> None:
        if not 0.3 <= self.threshold <= 1:
            raise UsageError("threshold = {threshold} is outside 0.3 to 1: 0.8 is usual", threshold=self.threshold)
        if not 16 <= self.permutations <= 1024 or self.ngram < 1 or self.memory_mb < 1:
            raise UsageError("permutations must be 16 to 1024, ngram and memory_mb at least 1")


@dataclass(frozen=True, eq=False)
class DedupResult:
    """Which documents stay, and what was found."""

    keep: NDArray[np.bool_]  # (documents,)
    documents: int
    bytes: int
    exact: int  # documents removed because an earlier one is equal
    near: int  # documents removed because an earlier one is nearly equal
    exact_bytes: int
    near_bytes: int
    clusters: int  # of two and more
    largest_cluster: int
    examples: tuple[tuple[int, int, float], ...]  # (kept, removed, estimated overlap)

    def as_dict(self) -> dict[str, Any]:
        """Everything but `keep`, for a report."""
        counts = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("keep", "examples")}
        return {**counts, "examples": [list(example) for example in self.examples]}


class Deduplicator:
    """`with Deduplicator(folder, config) as dedup:` add every document in order, then `finish` once."""

    def __init__(self, folder: Path, config: DedupConfig | None = None) -> None:
        """Scratch files go into `folder` and are removed on exit."""
        self.config = config or DedupConfig()
        self.folder = Path(folder)
        self.memory_bytes = self.config.memory_mb * 1_000_000
        self.documents = 0
        self._stack = ExitStack()
        self._texts: list[str] = []
        self._characters = 0

    def __enter__(self) -> Deduplicator:
        from hornbook.corpus.minhash import MinHasher, choose_bands

        self._hasher = MinHasher(permutations=self.config.permutations, ngram=self.config.ngram)
        self.bands, self.rows = choose_bands(self.config.permutations, self.config.threshold)
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ["hashes", "sizes", "signatures", *(f"band{band}" for band in range(self.bands))]
        self._paths = {name: self.folder / f"dedup-{os.getpid()}-{name}" for name in names}
        self._files: dict[str, IO[bytes]] = {}
        for name, path in self._paths.items():
            self._files[name] = self._stack.enter_context(path.open("wb"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for path in self._paths.values():
            path.unlink(missing_ok=True)

    def add(self, text: str) -> None:
        """Count one document; DiskFullError when the scratch files do not fit."""
        self._texts.append(text)
        self._characters += len(text) + 64
        if self._characters >= _PENDING:
            self._write()

    def finish(self) -> DedupResult:
        """Find the clusters. The first document of each stays."""
        self._write()
        for file in self._files.values():
            file.flush()
        parent = np.arange(self.documents, dtype=np.int64)
        if self.config.exact:
            self._join_equal(parent)
        equal = parent != np.arange(self.documents)
        if self.config.near:
            self._join_near(parent, equal)
        return self._result(parent, equal)

    def _write(self) -> None:
        from hornbook.corpus.minhash import band_keys

        texts, self._texts, self._characters = self._texts, [], 0
        if not texts:
            return
        self.documents += len(texts)
        with disk_errors("deduplication", self.folder):
            self._files["sizes"].write(np.array([len(text.encode("utf-8", "replace")) for text in texts], np.int64).tobytes())
            texts = [_normal(text) if len(text) <= _SLICE else text for text in texts]  # once for hash and signature
            self._files["hashes"].write(b"".join(content_hash(text) for text in texts))
            if self.config.near:
                signatures = self._hasher.signatures(texts)
                keys = np.empty((self.bands, len(texts)), np.uint64)
                band_keys(signatures, self.bands, self.rows, keys)
                self._files["signatures"].write(signatures.tobytes())
                for band in range(self.bands):
                    self._files[f"band{band}"].write(keys[band].tobytes())

    def _join_equal(self, parent: NDArray[np.int64]) -> None:
        for keys, numbers in self._partitions("hashes", 2, np.zeros(0, np.bool_)):
            order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: within equal keys the documents stay in order
            keys, numbers = keys[order], numbers[order]
            first = np.concatenate([[True], np.any(keys[1:] != keys[:-1], axis=1)])
            parent[numbers] = numbers[np.maximum.accumulate(np.where(first, np.arange(first.size), 0))]

    def _join_near(self, parent: NDArray[np.int64], equal: NDArray[np.bool_]) -> None:
        from hornbook.corpus.dedup_kernels import link_runs

        needed = int(np.ceil(self.config.threshold * self.config.permutations))
        for band in range(self.bands):
            for keys, numbers in self._partitions(f"band{band}", 1, equal):
                order = np.argsort(keys[:, 0], kind="stable")
                keys, numbers = keys[order, 0], numbers[order]
                same = keys[1:] == keys[:-1]
                shared = np.concatenate([same, [False]]) | np.concatenate([[False], same])
                for run_keys, run_numbers in _in_pieces(keys[shared], numbers[shared]):
                    link_runs(run_keys, run_numbers, self._signatures(run_numbers), needed, parent)

    def _partitions(
        self, name: str, width: int, skip: NDArray[np.bool_]
    ) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
        """(keys (n, width), document numbers (n,)) by remainder of the key: as many parts as memory asks for."""
        parts = max(1, -(-self.documents * _BYTES_A_KEY * width // self.memory_bytes))
        block = max(1, self.memory_bytes // (_BYTES_A_KEY * width))
        for part in range(parts):
            keys, numbers = [np.empty((0, width), np.uint64)], [np.empty(0, np.int64)]
            for first in range(0, self.documents, block):
                found = np.fromfile(
                    self._paths[name], np.uint64, min(block, self.documents - first) * width, offset=first * width * 8
                )
                table = found.reshape(-1, width)
                mine = table[:, 0] % np.uint64(parts) == part
                if skip.size:
                    mine &= ~skip[first : first + len(table)]
                keys.append(table[mine])
                numbers.append(first + np.flatnonzero(mine))
            if sum(map(len, numbers)):
                yield np.concatenate(keys), np.concatenate(numbers)

    def _signatures(self, numbers: NDArray[np.int64]) -> NDArray[np.uint16]:
        """(n, permutations) of the given documents; the map is dropped at once, so its pages do not stay in memory."""
        shape = (self.documents, self.config.permutations)
        return np.array(np.memmap(self._paths["signatures"], np.uint16, "r", shape=shape)[numbers])

    def _result(self, parent: NDArray[np.int64], equal: NDArray[np.bool_]) -> DedupResult:
        from hornbook.corpus.dedup_kernels import flatten
        from hornbook.corpus.minhash import similarity

        flatten(parent)
        keep = parent == np.arange(self.documents)
        sizes = np.fromfile(self._paths["sizes"], np.int64)
        removed = np.flatnonzero(~keep & ~equal)[:_EXAMPLES]
        examples = []
        for number in removed.tolist():
            pair = self._signatures(np.array([parent[number], number]))
            examples.append((int(parent[number]), number, float(similarity(pair[0], pair[1]))))
        counts = np.bincount(parent[~keep]) if not keep.all() else np.zeros(1, np.int64)
        return DedupResult(
            keep=keep,
            documents=self.documents,
            bytes=int(sizes.sum()),
            exact=int(equal.sum()),
            near=int((~keep & ~equal).sum()),
            exact_bytes=int(sizes[equal].sum()),
            near_bytes=int(sizes[~keep & ~equal].sum()),
            clusters=int(np.count_nonzero(counts)),
            largest_cluster=int(counts.max()) + 1 if self.documents else 0,
            examples=tuple(examples),
        )


def folded(text: str) -> str:
    """A text up to what nobody sees: NFKC (full width becomes half width), runs of whitespace become one space."""
    return " ".join(_normal(text).split())


def content_hash(text: str) -> bytes:
    """16 bytes (BLAKE2b) that are equal for texts equal after folding. Memory: a few times one million characters."""
    digest = hashlib.blake2b(digest_size=16)
    begin, space = 0, b""
    while begin < len(text):
        match = _GAP.search(text, begin + _SLICE)  # splitting a long text whole would take a string object a word
        end = match.start() if match else len(text)
        if words := folded(text[begin:end]).encode("utf-8", "replace"):
            digest.update(space + words)
            space = b" "
        begin = match.end() if match else end
    return digest.digest()


def _normal(text: str) -> str:
    return text if text.isascii() or unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _in_pieces(keys: NDArray[np.uint64], numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Sorted runs of equal keys, some thousands of documents at once; a run that goes on keeps its first document in front."""
    begin = 0
    while begin < keys.size:
        end = min(begin + _SIGNED_AT_ONCE, keys.size)
        head = begin
        if begin and keys[begin] == keys[begin - 1]:
            head = int(np.searchsorted(keys, keys[begin]))
        if head < begin:
            yield (
                np.concatenate([keys[head : head + 1], keys[begin:end]]),
                np.concatenate([numbers[head : head + 1], numbers[begin:end]]),
            )
        else:
            yield keys[begin:end], numbers[begin:end]
        begin = end
