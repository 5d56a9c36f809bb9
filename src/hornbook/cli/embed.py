"""hornbook embed MODEL [TEXT...]: vectors of texts."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json


def embed(
    model: Annotated[str, Parameter(help="A model folder, or a file of word vectors.")],
    texts: Annotated[
        tuple[str, ...], Parameter(help="Texts, or files of them, a line each; standard input when left out.")
    ] = (),
    *,
    output: Annotated[
        str, Parameter(name=["--output", "-o"], help="A .npy file (float32) or a .jsonl file; JSON lines when left out.")
    ] = "",
    normalise: Annotated[bool, Parameter(help="Make every vector 1 long.")] = False,
    together: Annotated[int, Parameter(help="Texts read at a time.")] = 512,
    common: Common = Common(),
) -> None:
    """One vector for every text, by the mean of what the model makes of its words or tokens; an empty text gets zeros."""
    from hornbook import api
    from hornbook.cli.inputs import lines_of
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    given = [line.text for line in lines_of(texts, log=reporter)]
    if output:
        result = api.embed_to_file(model, given, output, together=together, normalise=normalise, log=reporter)
        if common.json:
            print_json(result)
        else:
            print(f"{result['texts']:,} vectors of {result['dimensions']} numbers in {result['file']}")
        return
    from hornbook.tasks.embed import rounded

    for text, vector in zip(given, api.embed(model, given, together=together, normalise=normalise, log=reporter)):
        print_json({"text": text, "vector": rounded(vector)})
