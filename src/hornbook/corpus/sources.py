"""Which files a command line names: folders walked, endings understood, given splits recognised, the rest listed."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Note
from hornbook.corpus.compression import archive_members
from hornbook.corpus.document import Log, ReadConfig

COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar")
NOT_TEXT = frozenset(
    f".{ending}"
    for ending in (
        *("png", "jpg", "jpeg", "gif", "webp", "bmp", "ico", "tif", "tiff", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx"),
        *("epub", "mobi", "mp3", "mp4", "wav", "flac", "ogg", "avi", "mkv", "bin", "pt", "pth", "pkl", "npy", "npz"),
        *("safetensors", "onnx", "so", "dll", "exe", "pyc", "o", "a", "db", "sqlite", "woff", "woff2", "ttf"),
    )
)
_SKIPPED = re.compile(r"^(\..*|readme.*|licen[cs]e.*|documents\.tsv)$", re.IGNORECASE)
_SPLITS = (("train", re.compile(r"^train")), ("valid", re.compile(r"^(val|dev|testa)")), ("test", re.compile(r"^test")))
_SPLIT_FOLDERS = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "test": "test"}
_SPLIT_ORDER = {"train": 0, None: 1, "valid": 2, "test": 3}


@dataclass(frozen=True)
class Source:
    """One stream of text: a file, a member of a zip archive, or standard input ('-')."""

    name: str  # as messages show it
    path: Path
    format: str  # text jsonl csv tsv parquet
    compression: str = ""
    member: str = ""
    split: str | None = None
    group: str = ""  # files of one folder are guessed alike
    guessed: str = ""  # the unknown ending that is read as plain text

    @property
    def is_stream(self) -> bool:
        """Whether this is standard input."""
        return self.name == "-"


def require_sources(sources: Sequence[str | Path]) -> None:
    """UsageError for the first path that does not exist: before anything is written or imported."""
    for source in sources:
        if str(source) != "-" and not Path(source).exists():
            raise UsageError("{path} does not exist", path=source)


def expand(sources: Sequence[Path | str], config: ReadConfig, *, log: Log, skipped: list[str]) -> list[Source]:
    """Every file to read, train files first, then in sorted order. UsageError for a missing path or an unreadable kind."""
    if not sources and not (config.train or config.dev or config.test):
        raise UsageError("no corpus given: name a text file, a folder or - for standard input")
    found: list[Source] = []
    for source in sources:
        found += _expand_one(str(source), skipped)
    found = _named_splits(found, log)
    if config.dev or config.test:
        found = [replace(source, split=source.split or "train") for source in found]
    for split, files in (("train", config.train), ("valid", config.dev), ("test", config.test)):
        for name in files:
            found += [replace(source, split=split) for source in _expand_one(name, skipped)]
    if {source.split for source in found} == {"train"}:  # nothing is held out yet: an ordinary text
        found = [replace(source, split=None) for source in found]
    if not found:
        raise ContentError(
            "{places} has no file to read{skipped}",
            places=", ".join(str(source) for source in sources),
            skipped=f" ({len(skipped)} skipped: {', '.join(skipped[:5])})" if skipped else "",
        )
    _say(found, skipped, log)
    return sorted(found, key=lambda source: _SPLIT_ORDER[source.split])


def split_of_name(name: str) -> str | None:
    """'train', 'valid' or 'test' when a part of a file name says so: wiki.valid.tokens.gz, dev-1.txt, esp.testa."""
    for part in re.split(r"[._\-\s]+", name.lower()):
        for split, pattern in _SPLITS:
            if pattern.match(part):
                return split
    return None


def _expand_one(source: str, skipped: list[str]) -> list[Source]:
    if source == "-":
        return [Source("-", Path("-"), "text", group="-")]
    path = Path(source)
    if path.is_dir():
        return [item for file in _walk(path, skipped) for item in _classify(file, path, skipped)]
    if not path.exists():
        raise UsageError("{path} does not exist", path=source)
    if not os.access(path, os.R_OK):
        raise UsageError("{path} cannot be read: no permission", path=source)
    return _classify(path, None, skipped)


def _walk(folder: Path, skipped: list[str]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent) / name
            if _SKIPPED.match(name) or not path.is_file() or path.suffix.lower() in NOT_TEXT:
                skipped.append(str(path.relative_to(folder)))
            elif not os.access(path, os.R_OK):
                raise UsageError("{path} cannot be read: no permission", path=path)
            else:
                yield path


def _classify(path: Path, root: Path | None, skipped: list[str]) -> list[Source]:
    """The streams of one file: itself, or the members of a zip archive."""
    inner, compression = _strip_compression(path.name)
    ending = Path(inner).suffix.lower()
    if ending in ARCHIVES:
        raise UsageError("{path} is an archive: unpack it and give the folder (or use .zip)", path=path)
    if ending == ".zip":
        if compression:
            raise ContentError("{path} is an archive inside another: unpack it first", path=path)
        return _zip_sources(path, skipped)
    if ending in NOT_TEXT:
        raise ContentError("{path} is not text ({ending}): give .txt, .jsonl, .csv, .tsv or .parquet", path=path, ending=ending)
    if ending == ".parquet" and compression:
        raise UsageError("{path}: parquet files compress inside, unpack this one first", path=path)
    split = split_of_name(inner) or (_split_of_folders(path, root) if root else None)
    kind = FORMATS.get(ending, "text")
    guessed = "" if ending in FORMATS else ending or "(none)"
    return [Source(str(path), path, kind, compression, split=split, group=str(path.parent), guessed=guessed)]


def _zip_sources(path: Path, skipped: list[str]) -> list[Source]:
    found = []
    for member in archive_members(path):
        name = Path(member).name
        inner, compression = _strip_compression(name)
        ending = Path(inner).suffix.lower()
        if compression or ending in ARCHIVES or ending == ".zip":
            raise ContentError("{path}: {member} is an archive inside an archive: unpack it first", path=path, member=member)
        if ending == ".parquet":
            raise UsageError("{path}: {member} cannot be read inside an archive: unpack it first", path=path, member=member)
        if any(_SKIPPED.match(part) for part in Path(member).parts) or member.startswith("__MACOSX/") or ending in NOT_TEXT:
            skipped.append(f"{path.name}/{member}")
            continue
        split = split_of_name(name) or _split_of_folders(Path(member), Path("."))
        guessed = "" if ending in FORMATS else ending or "(none)"
        kind = FORMATS.get(ending, "text")
        found.append(Source(f"{path}/{member}", path, kind, "zip", member, split, group=str(path), guessed=guessed))
    return found


def _strip_compression(name: str) -> tuple[str, str]:
    """('corpus.txt', 'gzip') of 'corpus.txt.gz'."""
    ending = Path(name).suffix.lower()
    return (name[: -len(ending)], COMPRESSIONS[ending]) if ending in COMPRESSIONS else (name, "")


def _split_of_folders(path: Path, root: Path) -> str | None:
    parts = path.relative_to(root).parts[:-1]
    return next((_SPLIT_FOLDERS[part.lower()] for part in parts if part.lower() in _SPLIT_FOLDERS), None)


def _named_splits(sources: list[Source], log: Log) -> list[Source]:
    """Names mean splits only where there is a train part: testament.txt alone is a text, not a test set."""
    named = {source.split for source in sources} - {None}
    if named and "train" not in named:
        files = ", ".join(Path(source.name).name for source in sources if source.split)
        log(Note(f"{files}: named like a split, but no file is named train*: read as ordinary text"))
    if "train" not in named:
        return [replace(source, split=None) for source in sources]
    unnamed = [source for source in sources if source.split is None]
    if unnamed:
        log(Note(f"{len(unnamed)} files without a split in their name are added to train"))
    return [replace(source, split=source.split or "train") for source in sources]


def _say(found: list[Source], skipped: list[str], log: Log) -> None:
    if skipped:
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        log(Note(f"skipped: {', '.join(skipped[:5])}{more}"))
    for ending, count in sorted(Counter(source.guessed for source in found if source.guessed).items()):
        log(Note(f"{count} file{'s' * (count > 1)} with the ending {ending} read as plain text"))
    splits = Counter(source.split for source in found if source.split)
    if splits:
        log(Note("given splits: " + ", ".join(f"{count} file{'s' * (count > 1)} {name}" for name, count in splits.items())))
