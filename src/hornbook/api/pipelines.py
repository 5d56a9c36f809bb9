"""`pipeline`: ask any saved classifier or tagger, with the calls and the result keys of Hugging Face's pipelines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from hornbook.core.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TASKS = {
    "text-classification": "classifier",
    "sentiment-analysis": "classifier",
    "token-classification": "tagger",
    "ner": "tagger",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_GIVEN = object()  # that top_k was not said, which None would say

Apply: TypeAlias = Literal["default", "sigmoid", "softmax", "none"]
Aggregation: TypeAlias = Literal["none", "simple", "first", "average", "max"]
Record: TypeAlias = dict[str, Any]


class Asked(NamedTuple):
    """A text, and the second of a pair."""

    text: str
    pair: str | None = None


def pipeline(task: str, model: Any, *, batch_size: int = 64, device: str = "", **settings: Any) -> Pipeline:
    """A function that asks a saved model, called and answering as `transformers.pipeline` of the same name.

    `task`: "text-classification" or its other name "sentiment-analysis", for every classifier; "token-classification" or "ner",
    for every tagger. `model`: its folder, or the opened model. `settings` are those of a call (see `TextClassification` and
    `TokenClassification`), from then on the default. `device` moves a network, '' leaves it.

    An empty text is answered too: by the label that the model gives without reading a word, and by no entities.

    Raises UsageError for a task that is not there or does not suit the model, and for a setting that the task has not.
    """
    if task not in _TASKS:
        raise UsageError("unknown task '{name}'.{hint}", name=task, hint=nearest(task, _TASKS))
    from hornbook.tasks.sequences import is_tagger
    from hornbook.tasks.texts import is_classifier

    opened = model
    if isinstance(model, str | Path):
        from hornbook.api.opening import load

        opened = load(model)
    where = model if isinstance(model, str | Path) else type(model).__name__
    found = "tagger" if is_tagger(opened) else "classifier" if is_classifier(opened) else ""
    if not found:
        raise UsageError(
            "{folder} is {kind}: a pipeline asks classifiers and taggers", folder=where, kind=type(opened).__name__
        )
    if found != _TASKS[task]:
        other = next(name for name, kind in _TASKS.items() if kind == found)
        raise UsageError(
            "{folder} is {kind}: ask for '{other}', not '{task}'",
            folder=where,
            kind=type(opened).__name__,
            other=other,
            task=task,
        )
    if device and hasattr(opened, "to"):
        from hornbook.training.device import pick_device

        opened.to(pick_device(device))
    kinds: dict[str, Callable[..., Pipeline]] = {"tagger": TokenClassification, "classifier": TextClassification}
    return kinds[found](opened, task=task, batch_size=batch_size, **settings)


class Pipeline:
    """What both tasks share: one text, a list of them, or a stream that is read and answered in batches, order kept.

    A text gives its answer; a list gives a list; any other iterable an iterator, which reads `batch_size` texts ahead and no
    more. TypeError names the index of an input that is no text, after the inputs before it were answered.
    """

    model: Any
    task: str

    def __init__(self, model: Any, *, task: str, batch_size: int, **settings: Any) -> None:
        if batch_size < 1:
            raise UsageError("batch_size = {value}: give 1 or more", value=batch_size)
        self.model, self.task, self.batch_size = model, task, batch_size
        self._settings = self._checked(settings)

    def __call__(self, inputs: Any, *, batch_size: int = 0, **settings: Any) -> Any:
        """The answer to a text or to {'text': ..., 'text_pair': ...}, a list of answers, or an iterator of them."""
        chosen = self._settings | self._checked(settings)
        size = batch_size or self.batch_size
        if size < 1:
            raise UsageError("batch_size = {value}: give 1 or more", value=size)
        if isinstance(inputs, str | Mapping):
            return self._alone(inputs, self._answers([_asked(inputs, 0)], chosen)[0], settings)
        if isinstance(inputs, list | tuple):
            return list(self._stream(inputs, size, chosen))
        if not isinstance(inputs, Iterable) or isinstance(inputs, bytes | bytearray):
            raise TypeError(f"the input is {type(inputs).__name__}: a text or texts are wanted")
        return self._stream(inputs, size, chosen)

    def _stream(self, inputs: Iterable[Any], size: int, chosen: Mapping[str, Any]) -> Iterator[Any]:
        batch: list[Asked] = []
        for index, one in enumerate(inputs):
            try:
                batch.append(_asked(one, index))
            except TypeError:
                yield from self._answers(batch, chosen)
                raise
            if len(batch) == size:
                yield from self._answers(batch, chosen)
                batch = []
        yield from self._answers(batch, chosen)

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        known = self._known()
        for name, value in settings.items():
            if name not in known:
                raise UsageError("{task} takes no {name}.{hint}", task=self.task, name=name, hint=nearest(name, known))
            if known[name] and value not in known[name]:
                raise UsageError(
                    "{name} is not '{value}'.{hint}", name=name, value=value, hint=nearest(str(value), known[name])
                )
        return dict(settings)

    def _known(self) -> Mapping[str, Sequence[str]]:
        """The settings, and what each may be where that is one of some names."""
        raise NotImplementedError

    def _answers(self, batch: Sequence[Asked], chosen: Mapping[str, Any]) -> list[Any]:
        raise NotImplementedError

    def _alone(self, asked: Any, answer: Any, settings: Mapping[str, Any]) -> Any:
        """The answer to a single input as the caller gets it."""
        return answer


class TextClassification(Pipeline):
    """Texts, or pairs {'text': ..., 'text_pair': ...} -> {'label', 'score'} each; a single text gives a list of one.

    Settings: `top_k`, the answer is then a list of so many labels, the most probable first (None: all of them);
    `function_to_apply`, from the network's outputs to scores: "softmax", "sigmoid" or "none", by default as the labels exclude
    each other or not. Without `top_k` the label is the one that the model decides for, by its stored thresholds or costs where
    it has any; of a model that gives several labels a text it is the most probable.
    """

    def _known(self) -> Mapping[str, Sequence[str]]:
        return {"top_k": (), "function_to_apply": ("default", "sigmoid", "softmax", "none")}

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        chosen = super()._checked(
            {name: "default" if value is None and name != "top_k" else value for name, value in settings.items()}
        )
        top = chosen.get("top_k")
        if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
            raise UsageError("top_k = {value}: give a number from 1, or None for all labels", value=top)
        if chosen.get("function_to_apply", "default") not in ("default", "softmax") and not hasattr(self.model, "logits"):
            raise UsageError("{kind} gives probabilities alone: leave function_to_apply out", kind=type(self.model).__name__)
        return chosen

    def _alone(self, asked: Any, answer: Any, settings: Mapping[str, Any]) -> Any:
        return [answer] if isinstance(asked, str) and "top_k" not in settings else answer

    def _answers(self, batch: Sequence[Asked], chosen: Mapping[str, Any]) -> list[Any]:
        if not batch:
            return []
        from hornbook.tasks.texts import kind_of, pairing

        together = pairing(self.model)
        texts = [one.text if one.pair is None else together(one.text, one.pair) for one in batch]
        apply = chosen.get("function_to_apply", "default")
        scores = self._scores(texts, apply)
        labels, top = self.model.labels_, chosen.get("top_k", _GIVEN)
        if top is _GIVEN:
            decides = apply == "default" and kind_of(self.model) != "multi" and hasattr(self.model, "decide")
            names = self.model.decide(scores) if decides else [labels[i] for i in scores.argmax(axis=1)]
            return [{"label": name, "score": float(row[labels.index(name)])} for name, row in zip(names, scores)]
        ranked = (-scores).argsort(axis=1, kind="stable")[:, :top]
        return [[{"label": labels[i], "score": float(row[i])} for i in order] for row, order in zip(scores, ranked)]

    def _scores(self, texts: Sequence[Any], apply: Apply) -> NDArray[np.float64]:
        """(n, L)."""
        import numpy as np

        if apply == "default" or not hasattr(self.model, "logits"):
            return cast("NDArray[np.float64]", self.model.predict_proba(texts))
        logits = self.model.logits(texts)
        if apply == "sigmoid":
            return cast("NDArray[np.float64]", 1 / (1 + np.exp(-logits)))
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return cast("NDArray[np.float64]", logits if apply == "none" else shifted / shifted.sum(axis=1, keepdims=True))


class TokenClassification(Pipeline):
    """Texts -> {'entity', 'score', 'index', 'word', 'start', 'end'} of every word with a label, text[start:end] == word.

    `index` is the word's number from 1; words are those the tagger learned on, not pieces of them. Settings:
    `aggregation_strategy`, "simple" gives {'entity_group', 'score', 'word', 'start', 'end'} of every span ("first",
    "average" and "max" are the same: a word has one label); `ignore_labels`, ["O"] by default. `score` is the probability
    of the label, of a span the mean over its words; None of a hidden Markov tagger, which knows the best path alone.
    """

    def _known(self) -> Mapping[str, Sequence[str]]:
        return {"aggregation_strategy": ("none", "simple", "first", "average", "max"), "ignore_labels": ()}

    def _answers(self, batch: Sequence[Asked], chosen: Mapping[str, Any]) -> list[Any]:
        from hornbook.corpus.span_tokens import tokens_of

        ignored = set(("O",) if chosen.get("ignore_labels") is None else chosen["ignore_labels"])
        grouped = chosen.get("aggregation_strategy", "none") != "none"
        unit = "characters" if getattr(self.model.config, "tokens", "words") == "characters" else "words"
        texts = [one.text for one in batch]
        places = [tokens_of(text, cast(Any, unit)) for text in texts]
        sentences = [[text[first:last] for first, last in spans] for text, spans in zip(texts, places)]
        answers: list[list[Record]] = [[] for _ in texts]
        rows = [row for row, tokens in enumerate(sentences) if tokens]
        for row, (labels, scores) in zip(rows, self._labelled([sentences[row] for row in rows])):
            make = self._groups if grouped else _words
            answers[row] = make(texts[row], places[row], labels, scores, ignored)
        return answers

    def _labelled(self, sentences: list[list[str]]) -> list[tuple[list[str], list[float | None]]]:
        """The label of every word and its probability."""
        if not sentences:
            return []
        found = self.model(sentences)
        if not hasattr(self.model, "predict_marginals"):
            return [(labels, [None] * len(labels)) for labels in found]
        number = {label: k for k, label in enumerate(self.model.labels_)}
        return [
            (labels, [float(row[number[label]]) for label, row in zip(labels, rows)])
            for labels, rows in zip(found, self.model.predict_marginals(sentences))
        ]

    def _groups(
        self,
        text: str,
        places: Sequence[tuple[int, int]],
        labels: Sequence[str],
        scores: Sequence[float | None],
        ignored: set[str],
    ) -> list[Record]:
        """Spans by the labels' scheme; without one, neighbours with the same label."""
        from hornbook.sequences.labels import spans_of
        from hornbook.tasks.sequences import span_scheme

        scheme = span_scheme(self.model)
        spans: list[tuple[int, int, str]] = list(spans_of(labels, scheme)) if scheme else list(_runs(labels))
        result: list[Record] = []
        for first, last, kind in spans:
            own = [score for score in scores[first:last] if score is not None]
            start, end = places[first][0], places[last - 1][1]
            if kind not in ignored:
                score = sum(own) / len(own) if own else None
                result.append({"entity_group": kind, "score": score, "word": text[start:end], "start": start, "end": end})
        return result


def _words(
    text: str, places: Sequence[tuple[int, int]], labels: Sequence[str], scores: Sequence[float | None], ignored: set[str]
) -> list[Record]:
    return [
        {"entity": label, "score": score, "index": number, "word": text[start:end], "start": start, "end": end}
        for number, (label, score, (start, end)) in enumerate(zip(labels, scores, places), start=1)
        if label not in ignored
    ]


def _runs(labels: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    first = 0
    for label, run in groupby(labels):
        last = first + len(list(run))
        yield first, last, label
        first = last


def _asked(one: Any, index: int) -> Asked:
    """An input as text; lone surrogates, which no tokenizer reads, become U+FFFD: a character for a character."""
    text, pair = (one.get("text"), one.get("text_pair")) if isinstance(one, Mapping) else (one, None)
    for value in (text, pair):
        if not isinstance(value, str) and not (value is None and value is pair and value is not text):
            shown = "a mapping without 'text'" if isinstance(one, Mapping) else type(one).__name__
            raise TypeError(f"input {index} is {shown}: a text or {{'text': ..., 'text_pair': ...}} is wanted")
    return Asked(_SURROGATE.sub("\ufffd", str(text)), None if pair is None else _SURROGATE.sub("\ufffd", pair))
