"""hornbook predict MODEL [INPUT...]: ask a tagger, a classifier or a segmenter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json
from hornbook.core.events import Event


def predict(
    model: Annotated[str, Parameter(help="The folder of a tagger, a classifier or a segmenter.")],
    inputs: Annotated[
        tuple[str, ...], Parameter(help="Texts, or files of them (a line each, or JSONL); standard input when left out.")
    ] = (),
    *,
    top: Annotated[int, Parameter(help="Classifiers: the probabilities of so many labels.")] = 1,
    common: Common = Common(),
) -> None:
    """Answer every input with one JSON line: label and probability; or tokens, labels and spans; or words.

    A line of JSONL is a text, a list of tokens, or an object with "text" or "tokens"; the first line of a file decides whether
    its lines are JSON. An empty input is answered with null and the reason.
    """
    from hornbook import api
    from hornbook.cli.inputs import together
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    at_once = together(inputs, 512)
    for record in api.predict(model, _inputs(inputs, reporter), top=top, together=at_once):
        print_json(record)
        if at_once == 1:
            sys.stdout.flush()


def _inputs(values: tuple[str, ...], log: Callable[[Event], None]) -> Iterator[str | Sequence[str]]:
    """Every input; the first line of each file that is not blank decides whether the file is JSONL."""
    from hornbook.cli.inputs import lines_of
    from hornbook.tasks.predict import is_json, parse_line

    json_of: dict[str, bool] = {"": False}  # a text that was typed is text
    for line in lines_of(values, log=log):
        if not line.text.strip():
            yield ""
            continue
        if line.name not in json_of:
            json_of[line.name] = is_json(line.text)
        yield parse_line(line.text, line.number, name=line.name) if json_of[line.name] else line.text
