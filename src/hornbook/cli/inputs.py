"""What a verb is asked about: texts as they were typed, lines of files, lines of standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from hornbook.cli.options import sources_of
from hornbook.core.errors import translate
from hornbook.core.events import Alarm, Event

_SURROGATE = re.compile("[\ud800-\udfff]")  # a byte of the command line that is no text


class Line(NamedTuple):
    """One line, and where it stands: name is '' for a text that was typed."""

    text: str
    name: str
    number: int


def lines_of(values: tuple[str, ...], *, log: Callable[[Event], None]) -> Iterator[Line]:
    """The texts that were typed; for one that is the name of a file its lines; for '-', or nothing, those of standard input."""
    for value in sources_of(values) or ["-"]:
        if value == "-":
            yield from _standard_input(log)
        elif os.path.isfile(value):
            from hornbook.corpus.document import ReadConfig
            from hornbook.corpus.labelled import text_lines

            for number, text in enumerate(text_lines(Path(value), ReadConfig(), log=log), start=1):
                yield Line(text, value, number)
        else:
            yield Line(_SURROGATE.sub("\ufffd", value), "", 1)


def together(values: tuple[str, ...], most: int) -> int:
    """How many lines are answered at once: one by one to a person who types them."""
    reads = not values or "-" in sources_of(values)
    return 1 if reads and sys.stdin.isatty() else most


def _standard_input(log: Callable[[Event], None]) -> Iterator[Line]:
    damaged = 0
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        text = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if "\ufffd" in text and "\ufffd".encode() not in raw:
            damaged += 1
        yield Line(text.removeprefix("\ufeff") if number == 1 else text, "-", number)
    if damaged:
        text = translate("{count} lines of standard input are not UTF-8: what could not be read became U+FFFD")
        remedy = translate("give the file by its name: its encoding is then found")
        log(Alarm(text.format(count=damaged), remedy))
