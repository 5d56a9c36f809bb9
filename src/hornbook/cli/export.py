"""hornbook export MODEL --to FORMAT -o FILE: a file that other programs open."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json


def export(
    model: Annotated[str, Parameter(help="Word vectors (a model folder, or a file of them), or an n-gram model.")],
    *,
    to: Annotated[
        Literal["word2vec", "word2vec-text", "glove", "fasttext", "arpa"],
        Parameter(help="Whose layout; arpa is for n-gram models."),
    ] = "word2vec",
    output: Annotated[str, Parameter(name=["--output", "-o"], help="File to write.")],
    common: Common = Common(),
) -> None:
    """Write a model as one file for other programs.

    Word vectors for gensim, fastText and others: binary word2vec, text, GloVe's text, fastText's .bin. An n-gram model for
    KenLM, SRILM and others: ARPA; it is read back and compared with the model.
    """
    from hornbook import api
    from hornbook.cli.show import Reporter

    result = api.export(model, output, to=to, log=Reporter(quiet=common.quiet))
    if common.json:
        print_json(result)
    elif to == "arpa":
        print(f"order {result['order']}, {result['ngrams']:,} n-grams: {result['file']}, {result['size_mb']:.1f} MB", end="; ")
        print(f"read back, it differs by at most {result['largest_difference_nats']:.1g} nats a token")
    else:
        print(f"{result['words']:,} words in {result['dimensions']} dimensions: {result['file']}, {result['size_mb']:.1f} MB")
