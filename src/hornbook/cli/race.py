"""hornbook race: the main job."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from hornbook.cli.options import Common, Machine, Output, TextFlags, corpus_config, print_json, sources_of, tokenizer_of


def race(
    corpus: Annotated[tuple[str, ...], Parameter(help="Text files, folders, a corpus folder, or - for standard input.")] = (),
    *,
    output: Output,
    budget: Annotated[str, Parameter(help="Total wall time, evaluation included: 90s, 10m, 2h.")] = "10m",
    demo: Annotated[
        bool, Parameter(help="Race on the English text that every Python installation carries.", negative="")
    ] = False,
    contestants: Annotated[
        tuple[str, ...], Parameter(help="Who runs; when left out all, below 10m without BERT.", consume_multiple=True)
    ] = (),
    style: Annotated[str, Parameter(help="classic or modern, where a recipe has both; the race's choice when left out.")] = "",
    tokenizer: Annotated[str, Parameter(help="bpe, wordpiece, unigram, chars, words, bytes, or the folder of one.")] = "bpe",
    vocabulary: Annotated[int, Parameter(help="Size of the shared tokenizer; 0 follows the corpus.")] = 0,
    task: Annotated[
        Literal["", "classify", "tag"],
        Parameter(help="Fine-tune every contestant for it on --data, in half of the budget, and compare. [default: none]"),
    ] = "",
    data: Annotated[str, Parameter(help="With --task: labelled texts, tokens or spans; a folder's test file is scored.")] = "",
    resume: Annotated[bool, Parameter(help="Go on with an interrupted race.")] = False,
    text: TextFlags = TextFlags(),
    machine: Machine = Machine(),
    common: Common = Common(),
) -> None:
    """Train every generation, from word vectors and n-grams to GPT and RoBERTa, on one text under one budget and rank them."""
    from rich.console import Console

    from hornbook import api
    from hornbook.cli.show import Reporter
    from hornbook.compare.table import render_table
    from hornbook.core.errors import UsageError

    if demo and corpus:
        raise UsageError("give a text to race on, or --demo, not both")
    if not demo and not corpus and not text.train:
        raise UsageError("give a text to race on, or --demo")
    command = "hornbook " + shlex.join(sys.argv[1:])
    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.race(
            sources_of(corpus),
            output,
            budget=budget,
            contestants=contestants,
            style=style,
            tokenizer=tokenizer_of(tokenizer, vocabulary),
            corpus=corpus_config(text, seed=machine.seed),
            resume=resume,
            seed=machine.seed,
            device=machine.device,
            command=command,
            demo=demo,
            task=task,
            data=data or None,
            log=reporter,
        )
    if common.json:
        print_json(result.to_dict())
    else:
        render_table(result, Console(highlight=False, width=None if sys.stdout.isatty() else 100))
        print(f"report: {output}/index.html")
