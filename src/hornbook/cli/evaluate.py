"""hornbook evaluate MODEL DATA: how good a model is on given data."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.cells import cell_len, set_cell_size

from hornbook.cli.options import Common, TextFlags, corpus_config, print_json, sources_of

_WIDEST = 12  # labels in a table of confusions


def evaluate(
    model: Annotated[str, Parameter(help="A model folder, a file of word vectors, or an .arpa file.")],
    data: Annotated[
        tuple[str, ...],
        Parameter(
            help="Text, a corpus folder (its test split), tests of word vectors; for a tagger CoNLL or CoNLL-U; labelled texts."
        ),
    ] = (),
    *,
    column: Annotated[str, Parameter(help="For a tagger: the column of the labels, a number (CoNLL) or a name.")] = "auto",
    text_column: Annotated[str, Parameter(help="For a classifier: the column of the texts, a name or a number.")] = "",
    label_column: Annotated[str, Parameter(help="For a classifier: the column of the labels.")] = "",
    pair_column: Annotated[str, Parameter(help="For a classifier: the column of a second text.")] = "",
    by: Annotated[
        Literal["auto", "sentence", "byte", "pll", "pll-word-l2r"],
        Parameter(help="Minimal pairs: what a sentence is worth; byte divides by its length."),
    ] = "auto",
    per_paradigm: Annotated[
        int | None, Parameter(help="Minimal pairs: so many of each paradigm, drawn by --seed; 0 is all.")
    ] = None,
    pseudo_tokens: Annotated[int, Parameter(help="BERT and its kin on a text: about so many tokens are guessed.")] = 4_096,
    seed: Annotated[int, Parameter(help="Seed of what is drawn.")] = 1,
    report: Annotated[
        Path | None, Parameter(help="For a classifier: a folder for a page on its errors and calibration.")
    ] = None,
    against: Annotated[
        tuple[str, ...], Parameter(help="With --report: training texts; the page shows the nearest to each error.")
    ] = (),
    text: TextFlags = TextFlags(),
    common: Common = Common(),
) -> None:
    """Score a language model on a text: bits per byte of the original bytes, perplexity per token, 95 % interval.

    Word vectors are put to the tests in files (word pairs with scores, analogies), or to one made from a text; taggers and
    segmenters to sentences with the right labels or words; classifiers to labelled texts.
    """
    from hornbook import api
    from hornbook.cli.show import Reporter, pairs_table, pseudo
    from hornbook.corpus.label_columns import TextColumns

    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        columns = TextColumns(text=text_column, pair=pair_column, label=label_column)
        result = api.evaluate(
            model,
            sources_of(data),
            corpus=corpus_config(text),
            column=column,
            columns=columns,
            by=by,
            per_paradigm=per_paradigm,
            pseudo_tokens=pseudo_tokens,
            seed=seed,
            report=report,
            train=against,
            command="hornbook " + shlex.join(sys.argv[1:]),
            log=reporter,
        )
    if common.json:
        print_json(result)
    elif "macro_f1" in result:
        print_classifier(result)
        if "report" in result:
            print(judged(result))
    elif "sentences" in result:
        print(quality(result))
    elif "paradigms" in result:
        print(pairs_table(result))
    elif "pseudo_perplexity" in result:
        print(pseudo(result))
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


def print_classifier(result: dict[str, Any]) -> None:
    """Scores with their intervals, on all texts and on those unseen in training, and what was taken for what."""
    if not result["n"]:
        print("not measured")
        return
    whole, part = _scores_of_texts(result, ""), ""
    if result.get("leaked"):
        part = f"; {result['leaked']:,} were trained on"
        if result["unseen_n"]:
            print(f"{_scores_of_texts(result, 'unseen_')} unseen in training")
    print(whole + part)
    if "confusion" in result:
        print("\n".join(confusions(result["confusion"]["labels"], result["confusion"]["counts"])))


def judged(result: dict[str, Any]) -> str:
    """What a page says in one line, and where it is."""
    error = result["calibration_error"]
    calibration = "" if error is None else f"calibration error {error:.1%}, "
    return f"{calibration}{result['likely_label_errors']:,} likely label errors; report: {result['report']}"


def _scores_of_texts(result: dict[str, Any], part: str) -> str:
    scores = []
    for name, title in (("accuracy", "accuracy"), ("micro_f1", "micro-F1"), ("macro_f1", "macro-F1")):
        if part + name not in result:
            continue
        interval = result[f"{part}{name}_ci95"]
        scores.append(f"{title} {result[part + name]:.4f}" + (f" [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else ""))
    return f"{', '.join(scores)} on {result[part + 'n']:,} texts"


def confusions(names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[str]:
    """A table of right labels down and answers across; of more than twelve labels the ten commonest mistakes."""
    if len(names) > _WIDEST:
        pairs = [(counts[a][b], a, b) for a in range(len(names)) for b in range(len(names)) if a != b and counts[a][b]]
        pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
        return [f"{count:>6,}  {names[a]} taken for {names[b]}" for count, a, b in pairs[:10]]
    shown = [name if cell_len(name) <= 12 else set_cell_size(name, 11) + "…" for name in names]
    wide = max(8, *(cell_len(name) + 2 for name in shown))
    lines = [_right("right", wide) + "".join(_right(name, wide) for name in shown) + _right("found", wide)]
    for k, row in enumerate(counts):
        share = f"{row[k] / sum(row):.1%}" if sum(row) else "-"
        cells = [f"{count:,}" if count else "." for count in row]
        lines.append("".join(_right(cell, wide) for cell in (shown[k], *cells, share)))
    return lines


def _right(text: str, width: int) -> str:
    """The text at the right end of `width` columns of a terminal; a Chinese character takes two."""
    return " " * max(0, width - cell_len(text)) + text


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
