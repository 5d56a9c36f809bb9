"""hornbook neighbours MODEL WORD...: the nearest words."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json, sources_of


def neighbours(
    model: Annotated[str, Parameter(help="Word vectors: a model folder, or a word2vec, GloVe or fastText file.")],
    words: Annotated[tuple[str, ...], Parameter(help="Words to look up; - reads one a line from standard input.")],
    *,
    top: Annotated[int, Parameter(help="How many neighbours of each word.")] = 10,
    common: Common = Common(),
) -> None:
    """List the words nearest to each word by cosine, the nearest first."""
    from hornbook import api

    given = [line.strip() for line in sys.stdin if line.strip()] if sources_of(words) == ["-"] else list(words)
    found = api.neighbours(model, given, top=top)
    if common.json:
        table = {word: [{"word": other, "similarity": round(cosine, 6)} for other, cosine in near] for word, near in found}
        print_json({"neighbours": table})
        return
    for place, (word, near) in enumerate(found):
        if len(found) > 1:
            print(f"{'' if place == 0 else chr(10)}{word}")
        for other, cosine in near:
            print(f"  {cosine:.4f}  {other}")
