"""hornbook corpus: read, clean, deduplicate, split, report."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from hornbook.cli.options import Common, Machine, Output, TextFlags, corpus_config, print_json, sources_of


def corpus(
    sources: Annotated[tuple[str, ...], Parameter(help="Text files, folders, archives, or - for standard input.")],
    *,
    output: Output,
    dry_run: Annotated[bool, Parameter(help="Report what would be done, write nothing.")] = False,
    text: TextFlags = TextFlags(),
    machine: Machine = Machine(),
    common: Common = Common(),
) -> None:
    """Read, clean, deduplicate and split text into a corpus folder; print its report."""
    from hornbook import api
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    config = corpus_config(text, seed=machine.seed)
    with reporter.shown():
        report = api.corpus(sources_of(sources), output, config=config, dry_run=dry_run, log=reporter)
    if common.json:
        print_json(asdict(report))
    else:
        report.print(Console(highlight=False))
