"""The corpus report: one page before any training, as data (report.json), as Markdown (report.md) and on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.core import artifact
from hornbook.corpus.statistics import SplitStatistics

if TYPE_CHECKING:
    from rich.console import Console

JSON_NAME, MARKDOWN_NAME = "report.json", "report.md"


@dataclass(frozen=True)
class CorpusReport:
    """What was read, what was done to it, and what came out. Sizes are bytes of UTF-8 text, times are seconds."""

    sources: list[str]
    reading: dict[str, Any]  # of document.ReadCounts
    cleaning: dict[str, Any]  # rule -> documents, places, characters, samples [[before, after]]
    emptied: int  # documents of which cleaning left nothing
    other_language: int  # documents left out because of their language
    duplicates: dict[str, Any] | None  # of dedup.DedupResult; None: not looked for
    leaks: dict[str, dict[str, Any]]  # given held-out split -> of leaks.SplitLeaks: what stands in train as well
    splits: list[SplitStatistics]
    notes: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def save(self, folder: Path) -> None:
        """Write report.json and report.md."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        artifact.write_text_atomic(folder / JSON_NAME, text)
        artifact.write_text_atomic(folder / MARKDOWN_NAME, self.markdown())

    @classmethod
    def load(cls, folder: Path) -> CorpusReport:
        """The report that `save` wrote into a corpus folder."""
        data = json.loads((folder / JSON_NAME).read_text("utf-8"))
        return cls(**data | {"splits": [SplitStatistics(**split) for split in data["splits"]]})

    def markdown(self) -> str:
        """The page as Markdown."""
        lines = ["# Corpus report", "", f"Sources: {', '.join(self.sources[:10])}{' ...' * (len(self.sources) > 10)}", ""]
        header, *rows = self.table()
        lines += ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        for title, sentences in (("What was done", list(self.findings())), ("Notes", self.notes), ("Alarms", self.alarms)):
            if sentences:
                lines += ["", f"## {title}", "", *(f"- {sentence}" for sentence in sentences)]
        samples = [
            f"- {rule}: `{_shown(before)}` became `{_shown(after)}`"
            for rule, count in self.cleaning.items()
            for before, after in count["samples"]
        ]
        if samples:
            lines += ["", "## Cleaning, before and after", "", *samples]
        examples = (self.duplicates or {}).get("shown", [])
        if examples:
            lines += ["", "## Near duplicates, kept and removed", ""]
            lines += [f"- {overlap:.0%}: `{_shown(kept)}` / `{_shown(removed)}`" for kept, removed, overlap in examples]
        return "\n".join(lines) + "\n"

    def table(self) -> list[list[str]]:
        """A header and a row per measure, a column per split."""
        rows = [["", *(split.name for split in self.splits)]]
        for name, cell in (
            ("documents", lambda split: f"{split.documents:,}"),
            ("bytes", lambda split: f"{split.bytes:,}"),
            ("bytes per document: shortest / median / longest", _lengths),
            ("bytes per character", lambda split: f"{split.bytes_per_character:.2f}"),
            ("scripts", lambda split: _shares(split.scripts)),
            ("languages", lambda split: _shares(split.languages or {}) if split.languages is not None else "not identified"),
            ("different characters", lambda split: f"{split.characters:,}"),
            ("words", lambda split: f"{split.words:,}{'' if split.sample_bytes >= split.bytes else ' (sample)'}"),
            ("vocabulary", lambda split: f"{split.vocabulary:,}"),
            ("words that stand once", lambda split: f"{split.once / split.vocabulary:.0%}" if split.vocabulary else "-"),
            ("Zipf slope", lambda split: _number(split.zipf_slope)),
            ("vocabulary growth exponent", lambda split: _number(split.heaps_exponent)),
            ("commonest words", lambda split: " ".join(word for word, _ in split.commonest[:6])),
        ):
            rows.append([name, *(cell(split) if split.documents else "-" for split in self.splits)])
        return rows

    def findings(self) -> Iterator[str]:
        """A sentence for everything that changed the text, with its counts."""
        reading = self.reading
        yield f"{reading['documents']:,} documents read from {reading['files']:,} files"
        for rule, count in self.cleaning.items():
            if count["places"]:
                yield f"rule {rule}: {count['places']:,} places in {count['documents']:,} documents"
        if not self.cleaning:
            yield "not cleaned"
        if self.emptied:
            yield f"{self.emptied:,} documents had nothing left after cleaning"
        if self.other_language:
            yield f"{self.other_language:,} documents in another language left out"
        if self.duplicates is None:
            yield "duplicates not looked for"
        else:
            found = self.duplicates
            removed = found["exact_bytes"] + found["near_bytes"]
            yield (
                f"duplicates removed: {found['exact']:,} exact, {found['near']:,} near "
                f"({removed / max(found['bytes'], 1):.1%} of the bytes)"
            )
        for split, found in self.leaks.items():
            equal = found["leaked"] + found["leaked_but_for_case"]
            if equal or found["near"] or found["leaked_paragraphs"]:
                yield (
                    f"{equal:,} documents and {found['leaked_paragraphs']:,} paragraphs of {split} stand in train as well, "
                    f"{found['near']:,} documents nearly"
                )

    def print(self, console: Console) -> None:
        """The page on a terminal."""
        from rich.table import Table

        header, *rows = self.table()
        table = Table(title="corpus report", title_justify="left", show_edge=False, pad_edge=False)
        table.add_column(header[0], no_wrap=True)
        for name in header[1:]:
            table.add_column(name, justify="right", overflow="fold")
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        console.print(table)
        for sentence in self.findings():
            console.print(f"  {sentence}", markup=False, highlight=False)
        for alarm in self.alarms:
            console.print(f"! {alarm}", markup=False, style="bold red")


def _lengths(split: SplitStatistics) -> str:
    return " / ".join(f"{split.lengths[name]:,}" for name in ("shortest", "median", "longest"))


def _shares(shares: dict[str, float], most: int = 4) -> str:
    named = [f"{name} {share:.1%}" for name, share in list(shares.items())[:most] if share >= 0.0005]
    return ", ".join(named) or "-"


def _number(value: float | None) -> str:
    return "too little text" if value is None else f"{value:.2f}"


def _shown(text: str) -> str:
    """A text on one line with everything invisible made visible."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text).replace("`", "'")
