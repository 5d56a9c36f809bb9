"""Labels of words: from segmented or labelled sentences to a saved segmenter or tagger, and how good it is on held-out ones.

The model that is saved is the one that was measured: it did not see the sentences it was measured on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hornbook.core import artifact
from hornbook.core.errors import ContentError, translate
from hornbook.core.events import Event, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.document import ReadConfig
from hornbook.corpus.labelled import LabelledSentence, read_labelled, require_file, text_lines
from hornbook.recipes import Recipe
from hornbook.tasks.pretrain import resolve
from hornbook.tasks.saving import save_model

if TYPE_CHECKING:
    from hornbook.statistical.hmm_segmenter import HmmSegmenter

Log = Callable[[Event], None]
Words = list[str]
_HELD_OUT = 10  # one sentence in so many, the last ones: neighbours in a text are alike


def read_segmented(path: Path, *, log: Log) -> list[Words]:
    """Sentences cut into words: a sentence a line with blanks between words, or the words of a .conllu file.

    Raises UsageError for a missing file, ContentError where there is no sentence, or no line has two words.
    """
    require_file(path)
    if ".conllu" in (ending.lower() for ending in path.suffixes):
        sentences = [list(sentence.tokens) for sentence in read_labelled(path, column="form", log=log)]
    else:
        sentences = [words for line in text_lines(path, ReadConfig(), log=log) if (words := line.split())]
    if not any(len(words) > 1 for words in sentences):
        raise ContentError("{path} has no segmented sentence: one a line is expected, with blanks between words", path=path)
    return sentences


def read_tagged(path: Path, *, column: str, log: Log) -> list[LabelledSentence]:
    """The labelled sentences of a CoNLL or CoNLL-U file. ContentError where there are none."""
    sentences = list(read_labelled(path, column=column, log=log))
    if not sentences:
        raise ContentError("{path} has no labelled sentence: a token a line is expected, its label in a column", path=path)
    return sentences


def train_segmenter(recipe: Recipe, config: Any, data: Path, output: Path, *, dev: Path | None, log: Log) -> dict[str, Any]:
    """Train a word segmenter and write its folder; what `hornbook train segmenter --json` prints."""
    artifact.require_own(output)
    train, held = _parts(read_segmented(data, log=log), None if dev is None else read_segmented(dev, log=log), log)
    begin = time.perf_counter()
    segmenter = resolve(recipe.model)(config.model).fit(train)
    seconds = time.perf_counter() - begin
    cost = _cost(recipe, segmenter, seconds, segmenter.words_seen_)
    return _saved(segmenter, output, recipe, config, {**cost, **score_segmenter(segmenter, held)})


def train_tagger(
    recipe: Recipe, config: Any, data: Path, output: Path, *, column: str, dev: Path | None, log: Log
) -> dict[str, Any]:
    """Train a tagger and write its folder; what `hornbook train tagger --json` prints."""
    artifact.require_own(output)
    given = None if dev is None else read_tagged(dev, column=column, log=log)
    train, held = _parts(read_tagged(data, column=column, log=log), given, log)
    tagger = resolve(recipe.model)(config.model)
    begin = time.perf_counter()
    if recipe.name == "crf-tagger":
        tagger.fit([one.tokens for one in train], [one.labels for one in train], log=log)
    else:
        tagger.fit([(one.tokens, one.labels) for one in train], log=log)
    seconds = time.perf_counter() - begin
    cost = _cost(recipe, tagger, seconds, sum(len(one.tokens) for one in train))
    return _saved(tagger, output, recipe, config, {**cost, "labels": len(tagger.labels_), **score_tagger(tagger, held)})


def score_segmenter(segmenter: HmmSegmenter, sentences: Sequence[Words]) -> dict[str, Any]:
    """F1 of words with both ends right, with its interval over sentences; None without sentences."""
    gold = [[part for word in words if (part := "".join(word.split()))] for words in sentences]
    found = segmenter.segment_many(["".join(words) for words in gold])
    spans = [(_word_spans(words), _word_spans(answer)) for words, answer in zip(gold, found, strict=True)]
    return {**_f1("f1", spans), "n": sum(map(len, gold)), "sentences": len(gold)}


def score_tagger(tagger: Any, sentences: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Accuracy over tokens and, where labels mark spans, F1 of spans; intervals over sentences, None without sentences."""
    from hornbook.sequences.labels import spans_of, to_bio

    scheme = span_scheme(tagger)
    found = tagger([one.tokens for one in sentences])
    try:
        gold = [to_bio(one.labels, scheme) if scheme == "bio" else list(one.labels) for one in sentences]  # IOB1 too
        pairs = list(zip(gold, found, strict=True))
        spans = [(set(spans_of(labels, scheme)), set(spans_of(answer, scheme))) for labels, answer in pairs] if scheme else []
    except ValueError as error:
        raise ContentError("the labels are not {scheme}: {error}", scheme=scheme, error=error) from error
    right = [sum(a == b for a, b in zip(labels, answer)) for labels, answer in pairs]
    result = _ratio("accuracy", right, [len(labels) for labels, _ in pairs])
    if scheme:
        result |= _f1("entity_f1", spans)
    return {**result, "n": sum(len(labels) for labels, _ in pairs), "sentences": len(pairs)}


def span_scheme(tagger: Any) -> Any:
    """The scheme by which a trained tagger's labels mark spans, as its answers spell it; '' where they mark none."""
    scheme = tagger.config.scheme
    return {"none": "", "auto": "", "iob1": "bio"}.get(scheme, scheme)


def evaluate(model: Any, paths: Sequence[Path], *, column: str, log: Log) -> dict[str, Any]:
    """Score a segmenter on segmented text, or a tagger on labelled sentences; `column` holds the labels."""
    if is_segmenter(model):
        return score_segmenter(model, [words for path in paths for words in read_segmented(path, log=log)])
    if not hasattr(model, "tag_texts"):
        return score_tagger(model, [one for path in paths for one in read_tagged(path, column=column, log=log)])
    from hornbook.corpus.spans import read_spans

    sentences = []
    for path in paths:
        found = read_spans(path, column=column, log=log).sentences
        require_known(model.labels_, found, path)
        sentences += found
    return score_tagger(model, sentences)


def require_known(labels: Iterable[str], sentences: Iterable[LabelledSentence], path: Path) -> None:
    """ContentError naming the line of a label, or of a kind of span, that is not among the labels learned."""
    kinds = {label[2:] if label[1:2] == "-" else label for label in labels}
    for one in sentences:
        for label in one.labels:
            if label != "O" and (label[2:] if label[1:2] == "-" else label) not in kinds:
                raise ContentError(
                    "{path}, line {line}: the label {label} does not occur in training", path=path, line=one.line, label=label
                )


def is_segmenter(model: Any) -> bool:
    """Whether a loaded model cuts text into words."""
    return hasattr(model, "segment_many")


def is_tagger(model: Any) -> bool:
    """Whether a loaded model labels the tokens of a sentence."""
    return type(model).__name__ in ("HmmTagger", "CrfTagger", "NeuralTagger")


def segment_texts(segmenter: HmmSegmenter, texts: Iterable[str], *, together: int) -> Iterator[Words]:
    """The words of every text, white space left out; so many texts are cut in one call."""
    source = iter(texts)
    while batch := list(islice(source, together)):
        for words in segmenter.segment_many(batch):
            yield [word for word in words if not word.isspace()]


def _parts(sentences: list[Any], dev: list[Any] | None, log: Log) -> tuple[list[Any], list[Any]]:
    """What is learned from and what is held out: `dev`, or the last tenth; of fewer than ten sentences nothing."""
    if dev is not None:
        return sentences, dev
    held = len(sentences) // _HELD_OUT
    if not held:
        log(Note(translate("too few sentences to hold some out: the model is not measured")))
    return sentences[: len(sentences) - held], sentences[len(sentences) - held :]


def _cost(recipe: Recipe, model: Any, seconds: float, tokens: int) -> dict[str, Any]:
    return {
        "kind": recipe.name,
        "seconds": round(seconds, 3),
        "tokens_seen": tokens,
        "tokens_per_second": round(tokens / max(seconds, 1e-9), 1),
        "parameters": model.parameters,
        "peak_rss_mb": round(peak_rss_mb(), 1),
    }


def _saved(model: Any, output: Path, recipe: Recipe, config: Any, result: dict[str, Any]) -> dict[str, Any]:
    size = save_model(model, output, recipe=recipe, config=config, run=result)
    return {"model": str(output), **result, "size_mb": size}


def _word_spans(words: Sequence[str]) -> set[tuple[int, int]]:
    return set(pairwise(accumulate(map(len, words), initial=0)))


def _f1(name: str, spans: Sequence[tuple[set[Any], set[Any]]]) -> dict[str, Any]:
    """2 right / (wanted + found) over all sentences together."""
    right = [2 * len(wanted & found) for wanted, found in spans]
    return _ratio(name, right, [len(wanted) + len(found) for wanted, found in spans])


def _ratio(name: str, totals: Sequence[int], weights: Sequence[int]) -> dict[str, Any]:
    """A ratio of sums and its interval when sentences are drawn again; None where there is nothing to divide by."""
    from hornbook.scoring.significance import Units, bootstrap_ratio

    if not sum(weights):
        return {name: None, f"{name}_ci95": None}
    units = Units(np.array(totals, np.float64), np.array(weights, np.float64))
    interval = list(bootstrap_ratio(units)) if len(weights) > 1 else None
    return {name: units.ratio, f"{name}_ci95": interval}
