"""hornbook evaluate MODEL DATA: how good a model is on given data."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from hornbook.cli.options import Common, TextFlags, corpus_config, print_json, sources_of


def evaluate(
    model: Annotated[str, Parameter(help="A model folder, a file of word vectors, or an .arpa file.")],
    data: Annotated[
        tuple[str, ...],
        Parameter(help="Text, a corpus folder (its test split), tests of word vectors; for a tagger CoNLL or CoNLL-U."),
    ] = (),
    *,
    column: Annotated[str, Parameter(help="For a tagger: the column of the labels, a number (CoNLL) or a name.")] = "auto",
    text: TextFlags = TextFlags(),
    common: Common = Common(),
) -> None:
    """Score a language model on a text: bits per byte of the original bytes, perplexity per token, 95 % interval.

    Word vectors are put to the tests in files (word pairs with scores, analogies), or to one made from a text; taggers and
    segmenters to sentences with the right labels or words.
    """
    from hornbook import api
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.evaluate(model, sources_of(data), corpus=corpus_config(text), column=column, log=reporter)
    if common.json:
        print_json(result)
    elif "sentences" in result:
        print(quality(result))
    elif "bits_per_byte" in result:
        _print_language_model(result)
    else:
        _print_vectors(result)


def _print_language_model(result: dict[str, Any]) -> None:
    if result["bits_per_byte"] is not None:
        low, high = result["bits_per_byte_ci95"]
        units = f"{result['interval_units']} {result['interval_unit']}"
        print(f"{result['bits_per_byte']:.4f} bits per byte [{low:.4f}, {high:.4f}] over {units}")
    print(f"perplexity {result['perplexity']:.2f} per token", end="; ")
    print(f"{result['tokens']:,} tokens, {result['bytes']:,} bytes, split {result['split']}")
    for note in result["notes"]:
        print(note)


def quality(result: dict[str, Any]) -> str:
    """How good labels of words are: every score with its interval, and on how much."""
    names = {"f1": "F1 of words", "accuracy": "accuracy", "entity_f1": "F1 of spans"}
    scores = []
    for name, title in names.items():
        if result.get(name) is not None:
            interval = result[f"{name}_ci95"]
            shown = f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else ""
            scores.append(f"{title} {result[name]:.4f}{shown}")
    return (", ".join(scores) or "not measured") + f" on {result['n']:,} words of {result['sentences']:,} sentences"


def _print_vectors(result: dict[str, Any]) -> None:
    """One line a test: score, interval, and how much of the test the vectors could answer."""
    names = [name for name in result if f"{name}_ci95" in result]
    width = max(map(len, names), default=0)
    for name in names:
        covered = f"{result[f'{name}_n']:,} items, {result[f'{name}_coverage']:.0%} of the test"
        if result[name] is None:
            print(f"{name:<{width}}  too few of its words are known ({covered})")
            continue
        low, high = result[f"{name}_ci95"]
        print(f"{name:<{width}}  {result[name]:.3f} [{low:.3f}, {high:.3f}]  {covered}")
