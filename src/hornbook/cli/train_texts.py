"""hornbook train linear and hornbook train bayes: classifiers that learn from labelled texts.

Annotations are evaluated here (no postponed ones): options are classes made from configurations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hornbook.cli.evaluate import print_classifier
from hornbook.cli.options import Common, Output, flat, given, optional, print_json
from hornbook.statistical.bayes import BayesConfig
from hornbook.statistical.features import FeatureConfig
from hornbook.statistical.linear import LinearConfig
from hornbook.statistical.ngram import NgramConfig
from hornbook.tokenizers import TokenizerConfig

LinearOptions = flat(optional(LinearConfig, prefix="Linear classifier"))
FeatureOptions = optional(FeatureConfig, prefix="Feature")
BayesOptions = flat(optional(BayesConfig, prefix="Classifier"))
TokenizerOptions = optional(TokenizerConfig, prefix="Tokenizer")
NgramOptions = optional(NgramConfig, prefix="N-gram model")
Data = Annotated[
    str,
    Parameter(help="Labelled texts: JSON lines, TSV, CSV, fastText's lines, Parquet; a folder of them; or a folder a label."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Labelled:
    """How labelled texts are read and measured."""

    text_column: str = ""
    "The text's column: its name, or its number from 1. [default: guessed and said]"
    label_column: str = ""
    "The label's column. [default: guessed and said]"
    pair_column: str = ""
    "The column of a second text."
    encoding: str = "auto"
    "Encoding of the text; auto detects UTF-8, UTF-16, GB18030 and Big5."
    dev: str = ""
    "Labelled texts to measure on. [default: a folder's dev file]"
    split: float = 0.1
    "Without --dev: the share held out to measure on, before learning once more from everything; 0 does not measure."


def linear(
    data: Data,
    *,
    output: Output,
    options: LinearOptions = LinearOptions(),  # type: ignore[valid-type]
    features: FeatureOptions = FeatureOptions(),  # type: ignore[valid-type]
    labelled: Labelled = Labelled(),
    common: Common = Common(),
) -> None:
    """Train a linear classifier on labelled texts; prints accuracy and macro-F1 on texts it did not learn from."""
    overrides = given(model=options) | {f"model.{name}": value for name, value in given(features=features).items()}
    _train("linear", data, output, overrides, labelled, common)


def bayes(
    data: Data,
    *,
    output: Output,
    options: BayesOptions = BayesOptions(),  # type: ignore[valid-type]
    tokenizer: TokenizerOptions = TokenizerOptions(),  # type: ignore[valid-type]
    ngram: NgramOptions = NgramOptions(),  # type: ignore[valid-type]
    labelled: Labelled = Labelled(),
    common: Common = Common(),
) -> None:
    """Train a language model for every label and classify by Bayes' rule; prints accuracy on texts it did not learn from."""
    parts = given(tokenizer=tokenizer, ngram=ngram)
    _train("bayes", data, output, given(model=options) | {f"model.{name}": parts[name] for name in parts}, labelled, common)


def _train(method: str, data: str, output: str, overrides: dict[str, Any], labelled: Labelled, common: Common) -> None:
    from hornbook import api
    from hornbook.cli.show import Reporter
    from hornbook.corpus.document import ReadConfig
    from hornbook.corpus.label_columns import TextColumns

    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.train_classifier(
            data,
            output,
            method=method,
            columns=TextColumns(text=labelled.text_column, pair=labelled.pair_column, label=labelled.label_column),
            dev=labelled.dev or None,
            split=labelled.split,
            overrides=overrides,
            read=ReadConfig(encoding=labelled.encoding),
            log=reporter,
        )
    if common.json:
        print_json(result)
        return
    print(
        f"{result['kind']}: {result['texts_seen']:,} texts, {result['labels']:,} labels in {result['seconds']:.1f} s", end=", "
    )
    print(f"{result['size_mb']:.1f} MB")
    if result["n"]:
        print(
            "measured on dev:" if result["measured_on"] == "dev" else "measured on texts held out, before it learned from all:"
        )
    print_classifier(result)
    print(f"saved in {Path(result['model'])}: hornbook predict {result['model']} 'A TEXT'")
