"""Where large arrays live while a model is made: in memory, or in unnamed temporary files that no kill leaves behind."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hornbook.core.artifact import require_space
from hornbook.core.errors import disk_errors
from hornbook.core.runtime import release_free_memory


class Storage(Protocol):
    """Arrays of a known size, and arrays that grow piece by piece."""

    def empty(self, size: int, kind: Any) -> NDArray[Any]:
        """(size,) uninitialised."""
        ...

    def append(self, name: str, array: NDArray[Any]) -> None:
        """Put a piece behind those already kept under this name."""
        ...

    def gather(self, name: str) -> NDArray[Any]:
        """All pieces of a name as one array; the name is free again."""
        ...

    def release(self) -> None:
        """A good moment to give memory back: what was touched so far is not needed at once."""
        ...


class Memory:
    """Ordinary arrays."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[NDArray[Any]]] = {}

    def empty(self, size: int, kind: Any) -> NDArray[Any]:
        """(size,) uninitialised."""
        return np.empty(size, dtype=kind)

    def append(self, name: str, array: NDArray[Any]) -> None:
        """Keep a piece."""
        self._pieces.setdefault(name, []).append(array)

    def gather(self, name: str) -> NDArray[Any]:
        """All pieces behind one another."""
        return np.concatenate(self._pieces.pop(name))

    def release(self) -> None:
        """Nothing to do."""


class Spill:
    """Arrays mapped from temporary files without a name (set TMPDIR to choose the disk); the system keeps what it has room for.

    Raises DiskFullError before a file is mapped that the disk cannot hold.
    """

    def __init__(self) -> None:
        self._maps: list[weakref.ref[mmap.mmap]] = []
        self._files: dict[str, tuple[IO[bytes], Any]] = {}

    def empty(self, size: int, kind: Any) -> NDArray[Any]:
        """(size,) zeros in a file."""
        if not size:
            return np.zeros(0, dtype=kind)
        with _temporary() as file:
            return self._map(file, size, kind)

    def append(self, name: str, array: NDArray[Any]) -> None:
        """Write a piece to the file of its name."""
        with disk_errors("n-gram counts", _folder()):
            if name not in self._files:
                self._files[name] = _temporary(), array.dtype
            self._files[name][0].write(np.ascontiguousarray(array).view(np.uint8).data)

    def gather(self, name: str) -> NDArray[Any]:
        """Map the file of a name."""
        file, kind = self._files.pop(name)
        with disk_errors("n-gram counts", _folder()), file:
            file.flush()
            size = file.tell() // np.dtype(kind).itemsize
            return self._map(file, size, kind) if size else np.zeros(0, dtype=kind)

    def release(self) -> None:
        """Drop the mapped pages from this process; their content stays in the files."""
        self._maps = [reference for reference in self._maps if reference() is not None]
        for reference in self._maps:
            pages = reference()
            if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
                pages.madvise(mmap.MADV_DONTNEED)
        release_free_memory()

    def _map(self, file: IO[bytes], size: int, kind: Any) -> NDArray[Any]:
        need = size * np.dtype(kind).itemsize
        with disk_errors("n-gram counts", _folder()):
            if hasattr(os, "posix_fallocate"):  # a mapped page that finds no room on the disk would kill the process
                os.posix_fallocate(file.fileno(), 0, need)
            else:
                require_space(_folder(), need, what="n-gram counts")
                file.truncate(need)
            pages = mmap.mmap(file.fileno(), need)
        self._maps.append(weakref.ref(pages))
        return np.frombuffer(pages, dtype=kind)


def _folder() -> Path:
    return Path(tempfile.gettempdir())


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="hornbook-")
