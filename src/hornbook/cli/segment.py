"""hornbook segment MODEL [TEXT...]: Chinese text into words."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json


def segment(
    model: Annotated[str, Parameter(help="A segmenter's folder: see hornbook train segmenter.")],
    texts: Annotated[tuple[str, ...], Parameter(help="Texts, or files of them; standard input when left out.")] = (),
    *,
    dictionary: Annotated[str, Parameter(help="Your own words, one a line (a frequency and a tag may follow).")] = "",
    common: Common = Common(),
) -> None:
    """Cut every line into words, separated by blanks: one line out for every line in."""
    from hornbook import api
    from hornbook.cli.inputs import lines_of, together
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    lines = (line.text for line in lines_of(texts, log=reporter))
    at_once = together(texts, 1_000)
    for words in api.segment(model, lines, dictionary=dictionary or None, together=at_once, log=reporter):
        if common.json:
            print_json({"words": words})
        else:
            print(" ".join(words), flush=at_once == 1)
