"""hornbook train segmenter and hornbook train tagger: models that learn from segmented or labelled sentences.

Annotations are evaluated here (no postponed ones): options are classes made from configurations.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hornbook.cli.evaluate import quality
from hornbook.cli.options import Common, Output, flat, given, optional, print_json
from hornbook.statistical.crf import CrfConfig
from hornbook.statistical.hmm_segmenter import SegmenterConfig
from hornbook.statistical.hmm_tagger import TaggerConfig

SegmenterOptions = flat(optional(SegmenterConfig, prefix="Segmenter"))
HmmOptions = optional(TaggerConfig, prefix="Hidden Markov tagger")
CrfOptions = optional(CrfConfig, prefix="Conditional random field")
Dev = Annotated[str, Parameter(help="Sentences to measure on. [default: the last tenth, which is not learned from]")]


def segmenter(
    data: Annotated[str, Parameter(help="Segmented text, one sentence a line with blanks between words; or CoNLL-U.")],
    *,
    output: Output,
    dev: Dev = "",
    options: SegmenterOptions = SegmenterOptions(),  # type: ignore[valid-type]
    common: Common = Common(),
) -> None:
    """Train a Chinese word segmenter on segmented text; prints F1 on held-out sentences."""
    from hornbook import api
    from hornbook.cli.show import Reporter

    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.train_segmenter(data, output, dev=dev or None, overrides=given(model=options), log=reporter)
    _print(result, common, f"hornbook segment {result['model']} TEXT")


def tagger(
    data: Annotated[str, Parameter(help="CoNLL (a token a line, blank lines between sentences) or CoNLL-U.")],
    *,
    output: Output,
    method: Annotated[Literal["hmm", "crf"], Parameter(help="Fast (hmm), or with features of words (crf).")] = "hmm",
    column: Annotated[
        str, Parameter(help="The labels' column: a number (CoNLL, the last by default) or a name (CoNLL-U, upos).")
    ] = "auto",
    dev: Dev = "",
    hmm: HmmOptions = HmmOptions(),  # type: ignore[valid-type]
    crf: CrfOptions = CrfOptions(),  # type: ignore[valid-type]
    common: Common = Common(),
) -> None:
    """Train a tagger on labelled sentences; prints accuracy on held-out ones, and F1 of spans where labels mark them."""
    from hornbook import api
    from hornbook.cli.show import Reporter
    from hornbook.core.errors import UsageError

    chosen, other = ((hmm, crf), (crf, hmm))[method == "crf"]
    if given(model=other):
        raise UsageError("--{group}.* options are for --method {group}", group="hmm" if method == "crf" else "crf")
    reporter = Reporter(quiet=common.quiet)
    with reporter.shown():
        result = api.train_tagger(
            data, output, method=method, column=column, dev=dev or None, overrides=given(model=chosen), log=reporter
        )
    _print(result, common, f"hornbook predict {result['model']} TEXT")


def _print(result: dict[str, Any], common: Common, then: str) -> None:
    if common.json:
        print_json(result)
        return
    print(f"{result['kind']}: {quality(result)}, held out")
    print(f"{result['tokens_seen']:,} words in {result['seconds']:.1f} s, {result['size_mb']:.1f} MB")
    print(f"saved in {Path(result['model'])}: {then}")
