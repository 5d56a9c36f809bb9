"""hornbook evaluate MODEL DATA: bits per byte with its interval."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from hornbook.cli.options import Common, TextFlags, corpus_config, print_json, sources_of


def evaluate(
    model: Annotated[str, Parameter(help="A model folder.")],
    data: Annotated[tuple[str, ...], Parameter(help="Text files, folders, or a corpus folder (its test split).")],
    *,
    text: TextFlags = TextFlags(),
    common: Common = Common(),
) -> None:
    """Score a model on a text: bits per byte of the original bytes, perplexity per token, 95 % interval."""
    from hornbook import api
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.evaluate(model, sources_of(data), corpus=corpus_config(text), log=reporter)
    if common.json:
        print_json(result)
        return
    if result["bits_per_byte"] is not None:
        low, high = result["bits_per_byte_ci95"]
        units = f"{result['interval_units']} {result['interval_unit']}"
        print(f"{result['bits_per_byte']:.4f} bits per byte [{low:.4f}, {high:.4f}] over {units}")
    print(f"perplexity {result['perplexity']:.2f} per token", end="; ")
    print(f"{result['tokens']:,} tokens, {result['bytes']:,} bytes, split {result['split']}")
    for note in result["notes"]:
        print(note)
