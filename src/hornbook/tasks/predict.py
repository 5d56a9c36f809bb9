"""Answers of a saved tagger, classifier or segmenter to any input: one plain record each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from hornbook.core.errors import ContentError, HornbookError, UsageError
from hornbook.tasks.sequences import is_segmenter, is_tagger, span_scheme
from hornbook.tasks.texts import kind_of, pairing


class Pair(NamedTuple):
    """Two texts that a classifier compares."""

    text: str
    pair: str


Input: TypeAlias = str | Sequence[str] | Pair  # a text, or the tokens of a sentence
_TOKEN = re.compile(  # as English treebanks cut: do n't, the cat 's; but O'Brien, well-known, 3.5
    r"\w+?(?=n['’]t\b)|n['’]t\b|['’](?:s|m|d|re|ve|ll)\b|\w+(?:(?:[-.]|['’](?!(?:s|m|d|t|re|ve|ll)\b))\w+)*|[^\w\s]",
    re.IGNORECASE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST = 1_000_000
"""Characters of an input that are read; an answer to a longer one says so."""


def predictions(model: Any, inputs: Iterable[Input], *, where: object, top: int, together: int) -> Iterator[dict[str, Any]]:
    """A record for every input, in order: `label` and `probability`, or `tokens` and `labels`, or `words`.

    An input without a visible character has no answer: `label` (`labels`, `words`) null, `reason` "empty". Lone surrogates
    become U+FFFD and are counted (`replaced`). Of an input over LONGEST characters the beginning is read: `truncated` true,
    `characters_used`, `characters_total`. Where the inputs end in an error, those before it are answered first. `top` above 1
    adds the probabilities of so many labels; `together` inputs are answered in one call. Raises UsageError for a model of
    another kind, TypeError with the index for an input that is neither a text nor a list of texts.
    """
    field, answer = _answers(model, where)
    return _records(field, lambda wanted: answer(model, wanted, top), inputs, together)


def _answers(model: Any, where: object) -> tuple[str, Callable[[Any, Sequence[Input], int], list[dict[str, Any]]]]:
    """What an answer of this model is called, and the function that gives it."""
    if is_segmenter(model):
        return "words", _segmented
    if is_tagger(model):
        return "labels", _tagged
    if hasattr(model, "predict_proba"):
        return ("labels" if kind_of(model) == "multi" else "label"), _classified
    raise UsageError(
        "{folder} is {kind}: predict asks taggers, classifiers and segmenters", folder=where, kind=type(model).__name__
    )


def _records(
    field: str, answer: Callable[[Sequence[Input]], list[dict[str, Any]]], inputs: Iterable[Input], together: int
) -> Iterator[dict[str, Any]]:
    source = (_cleaned(one, index) for index, one in enumerate(inputs))
    failure: HornbookError | TypeError | None = None
    while failure is None:
        batch: list[tuple[Input, dict[str, Any]]] = []
        try:
            for item in islice(source, together):
                batch.append(item)
        except (HornbookError, TypeError) as error:
            failure = error
        wanted = [one for one, _ in batch if not _empty(one)]
        found = iter(answer(wanted) if wanted else ())
        for one, remarks in batch:
            yield ({field: None, "reason": "empty"} if _empty(one) else next(found)) | remarks
        if failure is None and len(batch) < together:
            return
    raise failure


def parse_line(line: str, number: int, *, name: str) -> Input:
    """The input in a line of JSONL: a text, a list of tokens, or an object with `text` or `tokens`. ContentError otherwise."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContentError("{path}, line {line} is not JSON: {error}", path=name, line=number, error=_line(error)) from None
    if isinstance(value, dict):
        text, other = value.get("text"), value.get("text_pair", value.get("pair"))
        if isinstance(text, str) and isinstance(other, str):
            return Pair(text, other)
        value = value.get("tokens", text)
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(token, str) for token in value)):
        return value
    raise ContentError(
        '{path}, line {line} has no input: a text, a list of tokens, or an object with "text" or "tokens" is expected',
        path=name,
        line=number,
    )


def is_json(line: str) -> bool:
    """Whether a line is a value of JSONL that can hold an input, and not plain text."""
    if not line.lstrip().startswith(("{", "[", '"')):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return line.lstrip().startswith("{")  # a damaged object, to be told of, rather than a text
    return True


def words_of(text: str, *, characters: bool = False) -> list[str]:
    """The tokens of a text for a tagger: words, with endings like 's and n't and other signs alone; or characters."""
    return [character for character in text if not character.isspace()] if characters else _TOKEN.findall(text)


def _classified(model: Any, inputs: Sequence[Input], top: int) -> list[dict[str, Any]]:
    together = pairing(model)
    texts = [one if isinstance(one, str) else together(*one) if isinstance(one, Pair) else " ".join(one) for one in inputs]
    probabilities = model.predict_proba(texts)
    answers = model.decide(probabilities) if hasattr(model, "decide") else None
    several = kind_of(model) == "multi"
    records: list[dict[str, Any]] = []
    for number, row in enumerate(probabilities):
        order = (-row).argsort(kind="stable")
        answer = model.labels_[order[0]] if answers is None else answers[number]
        record: dict[str, Any] = {"labels": list(answer)} if several else {"label": answer}
        if not several:
            record["probability"] = round(float(row[model.labels_.index(answer)]), 6)
        if top > 1 or several:
            record["probabilities"] = {
                model.labels_[i]: round(float(row[i]), 6) for i in order[: max(top, len(answer) if several else 1)]
            }
        records.append(record)
    return records


def _tagged(model: Any, inputs: Sequence[Input], top: int) -> list[dict[str, Any]]:
    from hornbook.sequences.labels import spans_of

    characters = getattr(model.config, "tokens", "words") == "characters"
    sentences = [words_of(one, characters=characters) if isinstance(one, str) else list(one) for one in inputs]
    scheme = span_scheme(model)
    records: list[dict[str, Any]] = []
    for one, tokens, labels in zip(inputs, sentences, model(sentences), strict=True):
        record: dict[str, Any] = {"tokens": tokens, "labels": labels}
        if scheme:
            text, places = _placed(one, tokens, "" if characters else " ")
            record["spans"] = [
                {
                    "text": text[places[span.first][0] : places[span.last - 1][1]],
                    "label": span.kind,
                    "first": span.first,
                    "last": span.last,
                    "start": places[span.first][0],
                    "end": places[span.last - 1][1],
                }
                for span in spans_of(labels, scheme)
            ]
        records.append(record)
    return records


def _placed(one: Input, tokens: Sequence[str], blank: str) -> tuple[str, list[tuple[int, int]]]:
    """The text, that of tokens alone joined by `blank`, and where each token stands in it."""
    text = one if isinstance(one, str) else blank.join(tokens)
    places, first = [], 0
    for token in tokens:
        first = text.index(token, first)
        places.append((first, first + len(token)))
        first += len(token)
    return text, places


def _segmented(model: Any, inputs: Sequence[Input], top: int) -> list[dict[str, Any]]:
    texts = [one if isinstance(one, str) else "".join(one) for one in inputs]
    return [{"words": [word for word in words if not word.isspace()]} for words in model.segment_many(texts)]


def _cleaned(one: Any, index: int) -> tuple[Input, dict[str, Any]]:
    """The input without lone surrogates and not over LONGEST characters, and what was done to it."""
    if not isinstance(one, str | list | tuple):
        raise TypeError(f"input {index} is {type(one).__name__}: a text or a list of tokens is wanted")
    tokens = [one] if isinstance(one, str) else list(one)
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(f"input {index} has a token that is {type(token).__name__}, not str")
    total, left = sum(map(len, tokens)), LONGEST
    remarks: dict[str, Any] = {}
    if total > LONGEST:
        kept = []
        for token in tokens:
            kept += [token[:left]] * (left > 0)
            left -= len(token)
        tokens = kept
        remarks = {"truncated": True, "characters_used": LONGEST, "characters_total": total}
    pairs = [_SURROGATE.subn("\ufffd", token) for token in tokens]
    if replaced := sum(count for _, count in pairs):
        remarks["replaced"] = replaced
    parts = [token for token, _ in pairs]
    return (parts[0] if isinstance(one, str) else Pair(*[*parts, ""][:2]) if isinstance(one, Pair) else parts), remarks


def _empty(one: Input) -> bool:
    return not one.strip() if isinstance(one, str) else not any(token.strip() for token in one)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
