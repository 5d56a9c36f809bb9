"""hornbook fill MODEL TEXT: what may stand in the gaps of a text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json

if TYPE_CHECKING:
    from hornbook.scoring.gaps import Filled


def fill(
    model: Annotated[str, Parameter(help="A model folder, or an .arpa file.")],
    texts: Annotated[
        tuple[str, ...],
        Parameter(help="Texts with gaps, or files of them, a line each; standard input when left out."),
    ] = (),
    *,
    top: Annotated[int, Parameter(help="Words shown for each gap.")] = 5,
    longest: Annotated[int, Parameter(help="For models that guess hidden tokens: words of up to so many tokens.")] = 1,
    common: Common = Common(),
) -> None:
    """The likeliest words for every gap of a text, written `[MASK]`, `<mask>` or `___`; both sides are weighed.

    n-gram models, hidden Markov models, recurrent networks and GPT compare whole texts; BERT and its kin guess hidden tokens.
    """
    from hornbook import api
    from hornbook.cli.inputs import lines_of
    from hornbook.cli.show import Reporter

    given = [line.text for line in lines_of(texts, log=Reporter(quiet=common.quiet)) if line.text.strip()]
    for number, filled in enumerate(api.fill(model, given, top=top, longest=longest)):
        if common.json:
            print_json(dataclasses.asdict(filled))
            continue
        if number:
            print()
        print(shown(filled))


def shown(filled: Filled) -> str:
    """Words and probabilities, one line each: of the gap, or of all gaps together and then of each."""
    lines = []
    if len(filled.gaps) > 1:
        lines += [f"{one.probability:.4f}  {one.text}" for one in filled.fillings]
    for number, gap in enumerate(filled.gaps, start=1):
        if len(filled.gaps) > 1:
            lines.append(f"gap {number}")
        lines += [f"{one.probability:.4f}  {one.word}" for one in gap]
    return "\n".join([*lines, f"({filled.rule})"])
