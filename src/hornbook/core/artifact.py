"""Saved folders: written whole or not at all, described by a manifest of sizes and sha256 sums (P2, P3, P4, P9).

A folder is built under a temporary name beside its destination, every file is flushed to the disk, the manifest comes
last, and one rename makes it appear. Replacing an existing folder exchanges the two names in one system call where the
kernel can; where it cannot, the old folder keeps a recoverable name until the new one stands. Never pickle.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hornbook.core.errors import ContentError, DiskFullError, UsageError, disk_errors

MANIFEST = "manifest.json"
_TEMPORARY = re.compile(r"^\.(?P<role>tmp|old)-(?P<name>.+)-(?P<pid>\d+)$")


@contextmanager
def writing(folder: Path, *, what: str = "model") -> Iterator[Path]:
    """Yield an empty temporary folder; when the block ends well it becomes `folder`, atomically.

    Replaces only what this function wrote before: UsageError for a file or for a folder of other content. DiskFullError.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise UsageError("{folder} is a file: choose a folder for the {what}", folder=folder, what=what)
    require_own(folder)
    with disk_errors(what, folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
        temporary = folder.parent / f".tmp-{folder.name}-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
    try:
        with disk_errors(what, folder):
            yield temporary
            write_manifest(temporary)
            _publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_own(folder: Path) -> None:
    """UsageError when a folder holds files but no manifest: it is someone's, and is never replaced."""
    if folder.is_dir() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise UsageError("{folder} is not empty and hornbook did not write it: choose another folder with -o", folder=folder)


def write_manifest(folder: Path) -> None:
    """Flush every file of a folder and write manifest.json last: {files: {name: {bytes, sha256}}}."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST):
        _flush(path)
        files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    target = folder / MANIFEST
    target.write_text(json.dumps({"format": 1, "files": files}, indent=1) + "\n", "utf-8")
    _flush(target)
    for directory in [path for path in folder.rglob("*") if path.is_dir()] + [folder]:
        _flush(directory)


def verify(folder: Path) -> None:
    """Check a folder against its manifest; ContentError names the first file that is missing or changed."""
    recover(folder)
    if not folder.exists():
        raise UsageError("{folder} does not exist", folder=folder)
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ContentError(
            "{folder} has no {manifest}: it is not a folder hornbook wrote whole", folder=folder, manifest=MANIFEST
        )
    try:
        files = json.loads(manifest.read_text("utf-8"))["files"]
        expected = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContentError(
            "{path} is damaged: {error}. Restore the folder or train again.", path=manifest, error=error
        ) from error
    for name, (size, digest) in expected.items():
        path = folder / name
        if not path.is_file():
            raise ContentError("{path} is missing: the manifest lists it. Restore it or train again.", path=path)
        if path.stat().st_size != size:
            raise ContentError(
                "{path} has {found} bytes, its manifest says {size}: the file is damaged. Restore it or train again.",
                path=path,
                found=path.stat().st_size,
                size=size,
            )
        if sha256(path) != digest:
            raise ContentError("{path} does not match its sha256: the file is damaged. Restore it or train again.", path=path)


def recover(folder: Path) -> None:
    """Give a folder its name back when a replacement was killed between its two renames."""
    if folder.exists():
        return
    for path in sorted(folder.absolute().parent.glob(f".old-{folder.name}-*")):
        path.rename(folder)
        return


def remove_stale(folder: Path) -> None:
    """Remove the temporary folders that killed writers of `folder` left beside it; those of living processes stay."""
    recover(folder)
    for path in folder.parent.iterdir():
        match = _TEMPORARY.match(path.name)
        if match and match["name"] == folder.name and not _alive(int(match["pid"])):
            shutil.rmtree(path, ignore_errors=True)


def write_text_atomic(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors(path.name, path.parent):
        try:
            temporary.write_text(text, "utf-8")
            _flush(temporary)
            temporary.replace(path)
            _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def require_space(folder: Path, need: int, *, what: str) -> None:
    """Raise DiskFullError when the disk that holds `folder` has less than `need` bytes free."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < need:
        raise DiskFullError(
            "{what} not saved: disk full (need {need:.1f} MB, {free:.1f} MB free in {folder})",
            what=what,
            need=need / 1e6,
            free=free / 1e6,
            folder=existing,
        )


def sha256(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        temporary.rename(folder)
    elif _exchange(temporary, folder):
        shutil.rmtree(temporary)
    else:
        old = folder.parent / f".old-{folder.name}-{os.getpid()}"
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old)
    _flush(folder.parent)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two names in one step (Linux renameat2 with RENAME_EXCHANGE); False where that does not exist."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    at_current_folder, exchange = -100, 2
    return bool(renameat2(at_current_folder, os.fsencode(first), at_current_folder, os.fsencode(second), exchange) == 0)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()
