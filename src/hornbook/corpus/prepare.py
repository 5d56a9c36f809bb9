"""The whole of `hornbook corpus`: sources to a text store with its report, in constant memory, whole or not at all."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hornbook.core import artifact
from hornbook.core.config import to_dict
from hornbook.core.errors import ContentError
from hornbook.core.events import Alarm, Event, Note, Progress
from hornbook.core.runtime import release_free_memory
from hornbook.corpus import language as languages
from hornbook.corpus.clean import CleanConfig, Cleaner
from hornbook.corpus.dedup import DedupConfig, Deduplicator, DedupResult
from hornbook.corpus.document import Document, Log, ReadConfig, ReadCounts
from hornbook.corpus.leaks import find_leaks
from hornbook.corpus.read import Reader
from hornbook.corpus.report import CorpusReport
from hornbook.corpus.split import SplitConfig, SplitPlanner
from hornbook.corpus.statistics import describe
from hornbook.corpus.store import TextSplit, TextStore, TextStoreWriter, scratch_folder

_TELL_DOCUMENTS = 100_000
_RELEASE_CHARACTERS = 8_000_000
_SHOWN = 80  # characters of a duplicate in the report


@dataclass(frozen=True)
class CorpusConfig:
    """Settings of every stage. `raw`: no cleaning, no deduplication. `language`: keep only these ISO codes ('zh', 'en,de').

    Splits that the file names give are left as they are unless `given_too`: then they are cleaned, and a document of train
    that stands in a held-out split, exactly or nearly, is removed from train.
    """

    read: ReadConfig = field(default_factory=ReadConfig)
    clean: CleanConfig = field(default_factory=CleanConfig)
    dedup: DedupConfig = field(default_factory=lambda: DedupConfig(memory_mb=64))
    split: SplitConfig = field(default_factory=SplitConfig)
    raw: bool = False
    language: str = ""
    given_too: bool = False


def prepare_corpus(sources: Sequence[Path | str], folder: Path, config: CorpusConfig, *, log: Log) -> TextStore:
    """Read, clean, deduplicate, split and describe a corpus; the folder appears when all of it is done.

    Stages, in order: 1 read (files to documents), 2 clean (named rules) and keep the wanted languages, both into a scratch
    store; 3 find duplicates; 4 plan the split; 5 write every document to its split; 6 measure and report. Stages 3 to 5
    read the scratch store again, so memory does not grow with the corpus; the disk holds the text twice for a while.
    Raises UsageError (paths, flags), ContentError (damaged, binary or empty sources), DiskFullError.
    """
    told = _Told(log)
    reader = Reader(sources, config.read, log=told)
    artifact.require_space(folder, 2 * reader.counts.bytes_total, what="corpus")
    names = [source.name for source in reader.sources]
    return _prepare(reader, reader.counts, names, folder, config, told)


def prepare_documents(documents: Iterable[Document], folder: Path, config: CorpusConfig, *, name: str, log: Log) -> TextStore:
    """The same for documents that come from elsewhere than files, like the demonstration corpus."""
    counts = ReadCounts(files=1)
    return _prepare(_counted(documents, counts), counts, [name], folder, config, _Told(log))


def preview_corpus(sources: Sequence[Path | str], config: CorpusConfig, *, log: Log) -> CorpusReport:
    """The report that `prepare_corpus` would give (`--dry-run`); nothing is kept on the disk."""
    told = _Told(log)
    reader = Reader(sources, config.read, log=told)
    names = [source.name for source in reader.sources]
    with tempfile.TemporaryDirectory(prefix="hornbook-preview-") as scratch:
        job = _Job(config, told, reader.counts, names)
        with TextStoreWriter(Path(scratch), place=scratch_folder) as writer:
            job.run(reader, writer)
            return job.report(writer.finish())


def _prepare(
    documents: Iterable[Document], counts: ReadCounts, names: list[str], folder: Path, config: CorpusConfig, told: _Told
) -> TextStore:
    job = _Job(config, told, counts, names)
    with TextStoreWriter(folder, about={"sources": names[:100], "config": to_dict(config)}) as writer:
        job.run(documents, writer)
        job.report(writer.finish()).save(writer.folder)
    return TextStore.open(folder)


class _Told:
    """Passes events on, and keeps what the report has to repeat."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.notes: list[str] = []
        self.alarms: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            self.notes.append(event.text)
        elif isinstance(event, Alarm):
            self.alarms.append(f"{event.text}: {event.remedy}")
        self._log(event)


class _Job:
    """One preparation: the stages and what each of them found."""

    def __init__(self, config: CorpusConfig, log: _Told, counts: ReadCounts, names: list[str]) -> None:
        self.log = log
        self.config, self.counts, self.names = config, counts, names
        self.cleaner = Cleaner(() if config.raw else config.clean.rules)
        self.wanted = frozenset(code.strip().lower() for code in config.language.split(",") if code.strip())
        self.identify = languages.identifier() if self.wanted or languages.available() else None
        self.duplicates: dict[str, Any] | None = None
        self.other_language = 0
        self.given = False  # the file names say which text is held out
        self._began = time.monotonic()
        self._passed = 0

    def run(self, documents: Iterable[Document], writer: TextStoreWriter) -> None:
        """Stages 1 to 5."""
        scratch = writer.folder / "scratch"
        with TextStoreWriter(scratch, place=scratch_folder) as first:
            self._read(documents, first)
            store = first.finish()
        given = {name for name, split in store.splits.items() if split.documents and name != "all"}
        if not given and not store.splits.get("all"):
            raise ContentError("{paths}: nothing is left after cleaning", paths=", ".join(self.names[:3]))
        self.given = bool(given)
        if given:
            self._write_given(store, writer, scratch)
        else:
            keep = self._deduplicate([store.split("all")], scratch, protected=0)
            self._write_split(lambda: _kept(store.split("all"), keep), writer, self.config.split, {})
        _remove(scratch)

    def report(self, store: TextStore) -> CorpusReport:
        """Stage 6."""
        if self.identify is None:
            self.log(Note('languages are not identified: pip install "hornbook[text]"'))
        splits = [describe(split, identify=self.identify) for split in store.splits.values()]
        leaks = self._leaks(store) if self.given else {}
        return CorpusReport(
            sources=self.names[:100],
            reading=asdict(self.counts),
            cleaning={name: asdict(count) for name, count in self.cleaner.counts.items()} if self.cleaner.documents else {},
            emptied=self.cleaner.empty,
            other_language=self.other_language,
            duplicates=self.duplicates,
            leaks=leaks,
            splits=splits,
            notes=list(dict.fromkeys(self.log.notes)),
            alarms=self.log.alarms,
            seconds=round(time.monotonic() - self._began, 3),
        )

    def _read(self, documents: Iterable[Document], scratch: TextStoreWriter) -> None:
        """Stages 1 and 2: every document, cleaned, into the scratch split its file name gives, or 'all'."""
        for document in documents:
            split, text = document.split or "all", document.text
            if split == "all" or self.config.given_too:
                text = self.cleaner.clean(text)
                if not text:
                    continue
                if self.wanted and self.identify and self.identify(text) not in self.wanted:
                    self.other_language += 1
                    continue
            scratch.add(split, text)

    def _deduplicate(self, splits: list[TextSplit], scratch: Path, *, protected: int) -> bytearray | None:
        """Stage 3: 1 for every document that stays, over the splits in order; the first `protected` always stay."""
        dedup = self.config.dedup
        if self.config.raw or not (dedup.exact or dedup.near):
            return None
        total = sum(map(len, splits))
        with Deduplicator(scratch, dedup) as deduplicator:
            for number, text in enumerate(text for split in splits for text in split):
                deduplicator.add(text)
                self._progress("deduplicate", number, total, text)
            result = deduplicator.finish()
        self.duplicates = {**result.as_dict(), "shown": _examples(result, splits)}
        keep = bytearray(result.keep.tobytes())
        keep[:protected] = b"\1" * protected
        return keep

    def _write_split(self, texts: Any, writer: TextStoreWriter, config: SplitConfig, rename: dict[str, str]) -> None:
        """Stages 4 and 5 for documents without a split: plan over them once, write them in a second pass."""
        planner = SplitPlanner(config)
        for number, text in enumerate(texts()):
            planner.add(text)
            self._progress("plan the split", number, None, text)
        plan = planner.finish()
        for note in plan.notes:
            self.log(note)
        for number, (split, text) in enumerate(plan.assign(texts())):
            if text:
                writer.add(rename.get(split, split), text)
            self._progress("write", number, plan.documents, text)

    def _write_given(self, store: TextStore, writer: TextStoreWriter, scratch: Path) -> None:
        """Stages 3 to 5 for splits given by name. Where valid is missing it is held out of train; test then repeats valid."""
        train, valid, test = (store.splits[name] for name in ("train", "valid", "test"))
        keep: bytearray | None = None
        if self.config.given_too:
            protected = len(test) + len(valid)
            keep = self._deduplicate([test, valid, train], scratch, protected=protected)
            keep = keep[protected:] if keep is not None else None
        if len(valid):
            _copy(_kept(train, keep), writer, "train")
            _copy(valid, writer, "valid")
        else:
            self.log(Note("no file is named valid* or dev*: part of train is held out to stop training by"))
            self._write_split(lambda: _kept(train, keep), writer, _halved(self.config.split), {"test": "valid"})
        if not len(test):
            self.log(Note("no file is named test*: test repeats valid, so its scores are a little too good"))
        _copy(test if len(test) else valid, writer, "test")

    def _leaks(self, store: TextStore) -> dict[str, dict[str, Any]]:
        """What given held-out splits share with train: documents, paragraphs, and documents nearly (P10)."""
        held = {name: split for name, split in store.splits.items() if name != "train" and split.documents}
        found = find_leaks(store.split("train"), held, near=self.config.dedup.near and not self.config.raw)
        for name, leaks in found.items():
            if alarm := leaks.alarm(name):
                self.log(alarm)
        return {name: leaks.as_dict() for name, leaks in found.items()}

    def _progress(self, stage: str, number: int, total: int | None, text: str) -> None:
        self._passed += len(text)
        if self._passed >= _RELEASE_CHARACTERS:
            self._passed = 0
            release_free_memory()
        if (number + 1) % _TELL_DOCUMENTS == 0:
            self.log(Progress(stage, number + 1, total, "documents"))


def _counted(documents: Iterable[Document], counts: ReadCounts) -> Iterator[Document]:
    for document in documents:
        counts.documents += 1
        counts.text_bytes += len(document.text.encode("utf-8"))
        yield document


def _kept(split: TextSplit, keep: bytearray | None) -> Iterator[str]:
    """The documents of a split that stay."""
    if keep is None:
        yield from split
    else:
        for text, stays in zip(split, keep, strict=True):
            if stays:
                yield text


def _copy(texts: Iterable[str], writer: TextStoreWriter, split: str) -> None:
    for text in texts:
        writer.add(split, text)


def _halved(config: SplitConfig) -> SplitConfig:
    """Only valid has to be held out, so half the share is enough."""
    kind, share, _, _ = config.parse()
    return replace(config, how=f"{float(share / 2):.6g}") if kind == "share" else config


def _examples(result: DedupResult, splits: list[TextSplit]) -> list[tuple[str, str, float]]:
    """The beginnings of the near duplicates that the result names, kept and removed."""

    def beginning(number: int) -> str:
        for split in splits:
            if number < len(split):
                return split.text(number)[:_SHOWN]
            number -= len(split)
        raise IndexError(number)

    return [(beginning(kept), beginning(removed), overlap) for kept, removed, overlap in result.examples[:5]]


def _remove(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        path.unlink()
    folder.rmdir()
