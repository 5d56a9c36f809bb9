"""From sources to a corpus folder, and a scratch store of what is to be scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hornbook.core.config import parse_duration
from hornbook.core.events import Event

if TYPE_CHECKING:
    from hornbook.corpus.prepare import CorpusConfig
    from hornbook.corpus.report import CorpusReport

Log: TypeAlias = Callable[[Event], None]
Sources: TypeAlias = Sequence[str | Path]


def silent(event: Event) -> None:
    """A log that shows nothing."""


def corpus(
    sources: Sources, output: str | Path, *, config: CorpusConfig | None = None, dry_run: bool = False, log: Log = silent
) -> CorpusReport:
    """Read, clean, deduplicate, split; write the corpus folder (nothing with `dry_run`) and return its report."""
    from hornbook.corpus.prepare import CorpusConfig, prepare_corpus, preview_corpus
    from hornbook.corpus.report import CorpusReport

    if dry_run:
        return preview_corpus(sources, config or CorpusConfig(), log=log)
    prepare_corpus(sources, Path(output), config or CorpusConfig(), log=log)
    return CorpusReport.load(Path(output))


def require(sources: Sources) -> None:
    """A path that does not exist fails before the heavy libraries load."""
    from hornbook.corpus.sources import require_sources

    require_sources(sources)


def scratch_store(sources: Sources, scratch: Path, corpus: CorpusConfig | None, log: Log) -> Any:
    """The text store of what is to be scored: a corpus folder, or the sources prepared into `scratch`."""
    from hornbook.corpus.prepare import CorpusConfig, prepare_corpus
    from hornbook.corpus.store import TextStore

    if len(sources) == 1 and TextStore.is_store(Path(sources[0])):
        return TextStore.open(Path(sources[0]))
    return prepare_corpus(sources, scratch / "corpus", corpus or CorpusConfig(), log=log)


def seconds_of(budget: str | float) -> float:
    """A budget ("10m", 600) in seconds."""
    return parse_duration(budget) if isinstance(budget, str) else float(budget)
