"""hornbook export MODEL --to FORMAT -o FILE: a file that other programs open."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from hornbook.cli.options import Common, print_json


def export(
    model: Annotated[str, Parameter(help="Word vectors: a model folder, or a word2vec, GloVe or fastText file.")],
    *,
    to: Annotated[Literal["word2vec", "word2vec-text", "glove", "fasttext"], Parameter(help="Whose layout.")] = "word2vec",
    output: Annotated[str, Parameter(name=["--output", "-o"], help="File to write.")],
    common: Common = Common(),
) -> None:
    """Write word vectors as one file for gensim, fastText and others: binary word2vec, text, GloVe's text, fastText's .bin."""
    from hornbook import api

    result = api.export(model, output, to=to)
    if common.json:
        print_json(result)
    else:
        print(f"{result['words']:,} words in {result['dimensions']} dimensions: {result['file']}, {result['size_mb']:.1f} MB")
