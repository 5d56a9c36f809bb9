"""Sources to documents: files, folders, archives and standard input, any encoding, in bounded memory.

Stages, in order: sources (which files, which splits) -> compression (bytes) -> encoding (text) -> lines (line ends, lines
without end) -> plain or records (documents). Each is a generator; what it met on the way is in `Reader.counts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hornbook.core.errors import ContentError
from hornbook.core.events import Note, Progress
from hornbook.core.runtime import release_free_memory
from hornbook.corpus import plain, records
from hornbook.corpus.compression import chunks
from hornbook.corpus.document import Document, DocumentMode, Log, ReadConfig, ReadCounts
from hornbook.corpus.encoding import decoded
from hornbook.corpus.lines import cut_line, whole_lines
from hornbook.corpus.sources import Source, expand

__all__ = ["Document", "ReadConfig", "ReadCounts", "Reader", "read_documents"]

_MANY_FILES = 20  # a folder of so many texts has a document in every file
_PROGRESS_BYTES = 32_000_000
_RELEASE_BYTES = 8_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_documents(sources: Sequence[Path | str], config: ReadConfig, *, log: Log) -> Iterator[Document]:
    """Every document of files, folders and '-' (standard input), train files first.

    Raises UsageError for a path, encoding or field that does not exist, ContentError for damaged, binary or empty sources.
    """
    return iter(Reader(sources, config, log=log))


class Reader:
    """Iterates over the documents of `sources`; `counts` fills on the way. Sources are looked at (not read) at once."""

    def __init__(self, sources: Sequence[Path | str], config: ReadConfig, *, log: Log) -> None:
        self.config = config
        self.counts = ReadCounts()
        self._log = log
        self.sources = expand(sources, config, log=log, skipped=self.counts.skipped)
        self.has_given_splits = any(source.split not in (None, "train") for source in self.sources)
        self._modes: dict[str, plain.Guess] = {}
        if not any(source.is_stream for source in self.sources):
            self.counts.bytes_total = sum(path.stat().st_size for path in {source.path for source in self.sources})
        self._said = self._released = 0

    def __iter__(self) -> Iterator[Document]:
        finished = 0
        seen: set[Path] = set()
        for source in self.sources:
            self.counts.files += 1
            yield from self._documents(source, finished)
            if not source.is_stream and source.path not in seen:
                seen.add(source.path)
                finished += source.path.stat().st_size
        self.counts.bytes_read = finished
        self._log(Progress("read", finished, self.counts.bytes_total or None, "bytes"))
        if not self.counts.documents:
            names = ", ".join(source.name for source in self.sources[:3])
            raise ContentError("{paths} is empty: there is no text to read", paths=names)
        self._tell()

    def _documents(self, source: Source, finished: int) -> Iterator[Document]:
        counts, split, name = self.counts, source.split, source.name
        if source.format == "parquet":
            texts = self._clean_texts(
                records.parquet_texts(source.path, name=name, config=self.config, counts=counts, log=self._log)
            )
        elif source.format == "text":
            texts = self._plain_texts(source, finished)
        else:
            texts = self._clean_texts(self._record_texts(source, finished))
        for text in texts:
            counts.documents += 1
            if counts.text_bytes - self._released >= _RELEASE_BYTES:
                self._released = counts.text_bytes
                release_free_memory()
            yield Document(text, name, split)

    def _plain_texts(self, source: Source, finished: int) -> Iterator[str]:
        pieces = self._counted_lines(self._text(source, finished), self.config.max_line_bytes)
        mode: DocumentMode = self.config.documents
        if mode == "auto":
            sample, pieces = plain.sampled(pieces)
            mode = self._guess(source, sample).mode
            del sample
        self.counts.modes[mode] = self.counts.modes.get(mode, 0) + 1
        yield from plain.documents(pieces, mode, largest=self.config.max_document_bytes, counts=self.counts)

    def _record_texts(self, source: Source, finished: int) -> Iterator[str]:
        lines = self._record_lines(source, finished)
        if source.format == "jsonl":
            return records.json_texts(lines, name=source.name, config=self.config, counts=self.counts, log=self._log)
        separator = "\t" if source.format == "tsv" else ","
        return records.table_texts(lines, separator=separator, name=source.name, config=self.config, log=self._log)

    def _record_lines(self, source: Source, finished: int) -> Iterator[str]:
        number = 0
        for piece, cut in whole_lines(self._text(source, finished), longest=self.config.max_record_bytes):
            if cut:
                raise ContentError(
                    "{path}: a record near line {line} is longer than {limit} bytes (read.max-record-bytes raises the limit)",
                    path=source.name,
                    line=number + 1,
                    limit=self.config.max_record_bytes,
                )
            lines = piece.split("\n")
            if not lines[-1]:
                lines.pop()
            number += len(lines)
            yield from lines

    def _text(self, source: Source, finished: int) -> Iterator[str]:
        def position(consumed: int) -> None:
            done = finished + consumed
            if done - self._said >= _PROGRESS_BYTES:
                self._said = done
                self._log(Progress("read", done, self.counts.bytes_total or None, "bytes"))

        pieces = chunks(
            source.path,
            source.compression,
            name=source.name,
            member=source.member,
            max_expansion=self.config.max_expansion,
            position=position,
        )
        return decoded(self._counted(pieces), name=source.name, config=self.config, counts=self.counts, log=self._log)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.counts.text_bytes += len(piece)
            yield piece

    def _counted_lines(self, texts: Iterator[str], longest: int) -> Iterator[str]:
        for piece, cut in whole_lines(texts, longest=longest):
            self.counts.long_lines += cut
            yield piece

    def _guess(self, source: Source, sample: str) -> plain.Guess:
        """One guess for the given splits of a folder (train decides), one per folder of many files, else one per file."""
        siblings = sum(other.group == source.group and other.format == "text" for other in self.sources)
        shared = source.split is not None or siblings >= _MANY_FILES
        key = source.group if shared else source.name
        if key not in self._modes:
            if source.split is None and siblings >= _MANY_FILES:
                guess = plain.Guess("file", f"{siblings} files: each is a document")
            else:
                guess = plain.guess_documents(sample)
            self._modes[key] = guess
            self._log(Note(f"{key}: {guess.reason} (--documents blank, line or file changes it)"))
        return self._modes[key]

    def _clean_texts(self, texts: Iterator[str]) -> Iterator[str]:
        """Texts of records under the rules that lines of plain text obey: line ends, lone surrogates, lines without end."""
        counts, longest = self.counts, self.config.max_line_bytes
        for text in texts:
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            if not text.isascii() and _SURROGATE.search(text):
                text, found = _SURROGATE.subn("\ufffd", text)
                counts.lone_surrogates += found
            counts.nul_characters += text.count("\0")
            if len(text) * 4 > longest:
                lines = [cut_line(line, longest) for line in text.split("\n")]
                counts.long_lines += sum(len(parts) > 1 for parts in lines)
                text = "\n".join(part for parts in lines for part in parts)
            if text and not text.isspace():
                yield text
            else:
                counts.empty_records += 1

    def _tell(self) -> None:
        """One sentence for every kind of oddity that was met."""
        counts, config = self.counts, self.config
        told = {
            f"{counts.bad_bytes} bad bytes {'replaced' if config.on_bad_bytes == 'replace' else 'left out'}"
            f" (first: {counts.first_bad})": counts.bad_bytes,
            f"{counts.nul_characters} NUL characters": counts.nul_characters,
            f"{counts.lone_surrogates} lone surrogates replaced by U+FFFD": counts.lone_surrogates,
            f"{counts.long_lines} lines over {config.max_line_bytes} bytes cut at white space": counts.long_lines,
            f"{counts.long_documents} documents over {config.max_document_bytes} bytes cut": counts.long_documents,
            f"{counts.empty_records} empty records passed over": counts.empty_records,
        }
        for sentence, count in told.items():
            if count:
                self._log(Note(sentence))
