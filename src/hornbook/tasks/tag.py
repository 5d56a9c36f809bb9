"""The task of tagging: from labelled spans to a tagger over any encoder, or from nothing, and how good it is."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Finished, Note
from hornbook.corpus.labelled import LabelledSentence
from hornbook.corpus.spans import LabelledSpans, read_spans
from hornbook.recipes.tagging import TAGGER, TaggingRecipe
from hornbook.tasks.sequences import score_tagger

if TYPE_CHECKING:
    from hornbook.models.tagger import NeuralTagger

Log = Callable[[Event], None]
NAME = "tag"
MAIN_METRIC = "entity_f1"  # accuracy where labels mark no spans
_ROWS = ((2_000, 8), (20_000, 32), (math.inf, 64))  # examples -> rows of a step
_HELD_OUT = 10  # one sentence in so many, the last ones, where no dev file is given
_QUICK = 2_000  # sentences of dev that steer training


@dataclass(frozen=True)
class TagData:
    """What is learned from and what steers it."""

    train: list[LabelledSentence]
    dev: list[LabelledSentence]
    scheme: str

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, 'O' first; of a scheme of spans also the label that goes on where only the first occurs."""
        found = {label for one in self.train for label in one.labels}
        if self.scheme == "bio":
            found |= {f"I{label[1:]}" for label in found if label[0] == "B"} | {"O"}
        return tuple(sorted(found, key=lambda label: (label != "O", label[1:], label)))

    @property
    def fingerprint(self) -> str:
        """Short digest of the sentences that are learned from."""
        digest = hashlib.sha256()
        for one in self.train:
            digest.update(repr((one.text, one.labels)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]


def read(data: Path, dev: Path | None, *, column: str = "auto", log: Log) -> TagData:
    """The labelled sentences of a file or a folder; without `dev` its last tenth is held out.

    ContentError where dev has labels that training has not, or another scheme, and where there is nothing to tell apart.
    """
    train = read_spans(data, column=column, log=log)
    if dev is not None:
        held = read_spans(dev, column=column, log=log)
        _require_known(train, held, dev)
        found = TagData(train.sentences, held.sentences, train.scheme)
    else:
        count = len(train.sentences) // _HELD_OUT
        if not count:
            log(Note(translate("too few sentences to hold some out: the model is not measured")))
        cut = len(train.sentences) - count
        found = TagData(train.sentences[:cut], train.sentences[cut:], train.scheme)
    if len(found.labels) < 2:
        raise ContentError("{path} has only the label {label}: there is nothing to learn", path=data, label=found.labels[0])
    return found


def _require_known(train: LabelledSpans, held: LabelledSpans, path: Path) -> None:
    """Labels are what training has: a new one in held-out text stops the run and is named."""
    known = {label[1:] if train.scheme == "bio" else label for one in train.sentences for label in one.labels}
    for one in held.sentences:
        for label in one.labels:
            if label != "O" and (label[1:] if train.scheme == "bio" else label) not in known:
                raise ContentError(
                    "{path}, line {line}: the label {label} does not occur in training", path=path, line=one.line, label=label
                )


def defaults(model: Any, data: TagData) -> TaggingRecipe:
    """The configuration for an encoder, or for nothing (None), by the tokens of the data."""
    config: TaggingRecipe = TAGGER.styles["words" if _is_words(model) else "encoder"]
    tokens = _unit(data.train)
    head = replace(config.model, tokens=tokens, scheme=data.scheme)  # type: ignore[arg-type]
    if tokens == "characters":
        head = replace(head, characters=0)  # a word is one character: it looks like nothing else
    if not _is_words(model) and _reads_one_way(model):
        head = replace(head, recurrent=150, dropout=0.5)
        config = replace(config, training=replace(config.training, learning_rate=1e-3))
    return replace(config, model=head)


def start(model: Any, data: TagData, config: TaggingRecipe, *, log: Log) -> NeuralTagger:
    """A fresh tagger over an encoder's model, over word vectors, or over words with random vectors (None)."""
    from hornbook.corpus.tag_rows import Alphabet
    from hornbook.models.tagger import NeuralTagger
    from hornbook.models.task_folders import without_head

    words = [token for one in data.train for token in one.tokens]
    body = _words(model, words, config, log) if _is_words(model) else without_head(model)
    alphabet = Alphabet.of(words).characters if config.model.characters else ""
    return NeuralTagger(body, data.labels, config.model, alphabet=alphabet)


def _words(vectors: Any, words: Sequence[str], config: TaggingRecipe, log: Log) -> Any:
    """A table of the words of the text, and of those that vectors know, which stay as they are."""
    from hornbook.models.word_table import WordTable
    from hornbook.tasks.initial import start_embedding, token_vectors

    own = dict.fromkeys(word.lower() for word in words)
    if vectors is None:
        return WordTable.of_words(own, config.table, lowercase=True)
    width = int(vectors.vectors.shape[1])
    table = WordTable.of_words([*own, *vectors.index_to_key], replace(config.table, width=width), lowercase=True)
    tokenizer: Any = table.tokenizer
    tokens = token_vectors(vectors, tokenizer)
    log(Note(str(tokens)))
    start_embedding(table.module, tokens)
    specials = len(set(table.tokenizer.specials.values())) + 1  # and `unknown`, an ordinary word of a closed vocabulary
    return table.fixing(max(0, table.tokenizer.size - specials - len(own)))


def fit(tagger: NeuralTagger, data: TagData, config: TaggingRecipe, *, work: Path | None, resume: bool, log: Log) -> Finished:
    """Train; the tagger ends with the weights that were best on dev, where there is one."""
    from hornbook.corpus.tag_batches import tag_batches
    from hornbook.objectives.tag import tag_loss
    from hornbook.training import remove_checkpoints, train
    from hornbook.training import resume as newest

    examples = tagger.examples([(one.text, one.spans) for one in data.train], [one.labels for one in data.train])
    training = _scheduled(config, len(examples), sum(len(one.tokens) for one in data.train))
    pad = tagger.encoder.tokenizer.specials.get("pad", 0)
    batches = tag_batches(examples, rows=training.rows, pad=pad, seed=training.seed)
    checkpoints = None if work is None else work / "checkpoints"
    state = None
    if checkpoints is not None:
        state = newest(checkpoints) if resume else None
        if state is None:
            remove_checkpoints(checkpoints)
    quick = data.dev[:: max(1, len(data.dev) // _QUICK)]
    evaluate = (lambda: quick_score(tagger, quick)) if quick else None
    identity = {"corpus": data.fingerprint, "tagger": repr(config.model), "labels": " ".join(data.labels)}
    finished = None
    for event in train(
        tagger.module, tag_loss, batches, training, state=state, evaluate=evaluate, folder=checkpoints, identity=identity
    ):
        log(event)
        finished = event if isinstance(event, Finished) else finished
    assert finished is not None
    return finished


def _scheduled(config: TaggingRecipe, examples: int, words: int) -> Any:
    """The training configuration with rows and steps by the size of the data, where they are not given."""
    training = config.training
    rows = training.rows or next(rows for most, rows in _ROWS if examples <= most)
    if training.steps or training.seconds:
        return replace(training, rows=rows)
    least, most = config.epochs
    epochs = min(max(config.words_seen / max(1, words), least), most)
    return replace(training, rows=rows, steps=max(1, round(epochs * examples / rows)))


def quick_score(tagger: NeuralTagger, sentences: Sequence[LabelledSentence]) -> dict[str, float]:
    """A point of the learning curve: "loss", lower is better, is 1 less F1 of spans (or accuracy)."""
    from hornbook.sequences.labels import span_scores, spans_of

    found = tagger([one.tokens for one in sentences])
    if tagger.config.scheme == "none":
        right = sum(a == b for one, answer in zip(sentences, found) for a, b in zip(one.labels, answer))
        accuracy = right / max(1, sum(len(one.tokens) for one in sentences))
        return {"loss": 1 - accuracy, "accuracy": accuracy}
    scores = span_scores([spans_of(one.labels, "bio") for one in sentences], [spans_of(line, "bio") for line in found])
    return {"loss": 1 - scores.f1, "entity_f1": scores.f1}


def score(tagger: Any, sentences: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Accuracy over tokens, F1 of spans where labels mark them, each with its interval over sentences."""
    return score_tagger(tagger, sentences)


def finetune(
    model: Any,
    data: Path,
    output: Path,
    *,
    dev: Path | None = None,
    column: str = "auto",
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    log: Log,
) -> dict[str, Any]:
    """Train a tagger over a model, or from nothing (None), write its folder, and say what it cost and how good it is on dev."""
    import torch

    from hornbook.core import artifact
    from hornbook.core.config import merge
    from hornbook.core.runtime import peak_rss_mb
    from hornbook.tasks.saving import save_model

    artifact.require_own(output)
    found = read(data, dev, column=column, log=log)
    config = merge(defaults(model, found), overrides or {})
    torch.manual_seed(config.training.seed)
    tagger = start(model, found, config, log=log)
    finished = fit(tagger, found, config, work=output.with_name(output.name + ".work"), resume=resume, log=log)
    result = {
        "kind": TAGGER.name,
        "seconds": round(finished.seconds, 3),
        "tokens_seen": finished.tokens,
        "tokens_per_second": round(finished.tokens / max(finished.seconds, 1e-9), 1),
        "parameters": tagger.parameters,
        "labels": len(tagger.labels_),
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "reason": finished.reason,
        **score(tagger, found.dev),
    }
    size = save_model(tagger, output, recipe=TAGGER, config=config, run=result)
    return {"model": str(output), **result, "size_mb": size}


def _is_words(model: Any) -> bool:
    """Nothing, or word vectors: the tagger then has a table of words."""
    return model is None or hasattr(model, "index_to_key")


def _reads_one_way(model: Any) -> bool:
    from hornbook.models.encoder import StreamEncoder

    encoder = getattr(model, "encoder", None)
    if encoder is None:
        raise UsageError(
            "{kind} has no encoder: a tagger is trained over a network or over word vectors", kind=type(model).__name__
        )
    return isinstance(encoder, StreamEncoder)


def _unit(sentences: Iterable[LabelledSentence]) -> str:
    from hornbook.statistical.crf_features import guess_tokens

    return guess_tokens([one.tokens for one in sentences])
