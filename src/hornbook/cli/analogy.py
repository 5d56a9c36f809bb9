"""hornbook analogy MODEL A B C: what is to C as B is to A."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json


def analogy(
    model: Annotated[str, Parameter(help="Word vectors: a model folder, or a word2vec, GloVe or fastText file.")],
    a: Annotated[str, Parameter(help="A is to B ...")],
    b: Annotated[str, Parameter(help="... as C is to the answer.")],
    c: Annotated[str, Parameter(help="The third word.")],
    /,
    *,
    top: Annotated[int, Parameter(help="How many answers.")] = 5,
    method: Annotated[
        Literal["add", "multiply"], Parameter(help="Compare cosines by sum (3CosAdd) or by product (3CosMul).")
    ] = "add",
    common: Common = Common(),
) -> None:
    """Answer "A is to B as C is to ?": man king woman -> queen, where the text has taught it."""
    from hornbook import api

    found = api.analogy(model, a, b, c, top=top, method=method)
    if common.json:
        print_json({"answers": [{"word": word, "score": round(score, 6)} for word, score in found]})
        return
    for word, score in found:
        print(f"  {score:.4f}  {word}")
