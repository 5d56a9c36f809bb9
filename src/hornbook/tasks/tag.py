"""The task of tagging: from labelled spans to a tagger over any encoder, or from nothing, and how good it is."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import catalog
from hornbook.core import artifact
from hornbook.core.config import merge
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.labelled import LabelledSentence
from hornbook.corpus.labelled_texts import files_by_split
from hornbook.corpus.spans import LabelledSpans, read_spans
from hornbook.recipes.tagging import TAGGER, TaggingRecipe
from hornbook.tasks.finetune import Job, Outcome, adapters, begin, best_of, planned, until_good
from hornbook.tasks.saving import save_model
from hornbook.tasks.sequences import require_known, score_tagger

if TYPE_CHECKING:
    from hornbook.models.tagger import NeuralTagger

Log = Callable[[Event], None]
NAME = "tag"
MAIN_METRIC = "entity_f1"  # accuracy where labels mark no spans
FROM_WORDS = "lstm"  # the recipe's name that means words, their characters and an LSTM, from nothing
_ROWS = ((2_000, 8), (20_000, 32), (math.inf, 64))  # examples -> rows of a step
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


def read(data: Path, dev: Path | None, *, column: str = "auto", split: float = 0.1, log: Log) -> TagData:
    """The labelled sentences of a file or a folder; without `dev`, or a folder's dev file, a share at the end is held out.

    ContentError where dev has labels that training has not, or another scheme, and where there is nothing to tell apart.
    """
    files = _files(data)
    train = _spans(files["train"], column, log)
    given = [dev] if dev is not None else files.get("valid", [])
    if given:
        held = _spans(given, column, log)
        found = TagData(train.sentences, held.sentences, train.scheme)
        require_known(found.labels, held.sentences, given[0])
    else:
        count = int(len(train.sentences) * split)
        if not count and split:
            log(Note(translate("too few sentences to hold some out: the model is not measured")))
        cut = len(train.sentences) - count
        found = TagData(train.sentences[:cut], train.sentences[cut:], train.scheme)
        require_known(found.labels, found.dev, data)
    if len(found.labels) < 2:
        raise ContentError("{path} has only the label {label}: there is nothing to learn", path=data, label=found.labels[0])
    return found


def _files(data: Path) -> dict[str, list[Path]]:
    """The files of a folder by split; a file, or a folder of brat, is what is learned from."""
    if not data.is_dir() or any(data.glob("*.ann")):
        return {"train": [data]}
    files = files_by_split(data)
    if not files.get("train"):
        raise ContentError("{path} has no file to learn from: name one train.conll, train.jsonl, ...", path=data)
    return files


def _spans(paths: Sequence[Path], column: str, log: Log) -> LabelledSpans:
    """The labelled sentences of several files that mark labels alike."""
    parts = [read_spans(path, column=column, log=log) for path in paths]
    for path, part in zip(paths, parts):
        if part.scheme != parts[0].scheme:
            raise ContentError("{path} marks spans otherwise than {other}", path=path, other=paths[0])
    return replace(parts[0], sentences=[one for part in parts for one in part.sentences])


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


def fit(
    tagger: NeuralTagger, data: TagData, config: TaggingRecipe, *, work: Path | None, resume: bool, lora_rank: int = 0, log: Log
) -> dict[str, Any]:
    """Train; the tagger ends with the weights that were best on dev, where there is one. Returns the facts of training."""
    from hornbook.corpus.tag_batches import tag_batches
    from hornbook.objectives.tag import tag_loss

    examples = tagger.examples([(one.text, one.spans) for one in data.train], [one.labels for one in data.train])
    training = config.training
    rows = training.rows or next(rows for most, rows in _ROWS if len(examples) <= most)
    least, most = config.epochs
    words = sum(len(one.tokens) for one in data.train)
    quick = data.dev[:: max(1, len(data.dev) // _QUICK)]
    pad = tagger.encoder.tokenizer.specials.get("pad", 0)
    with adapters(tagger.module.body, lora_rank):
        _, facts = until_good(
            tagger.module,
            tag_loss,
            tag_batches(examples, rows=rows, pad=pad, seed=training.seed),
            replace(training, rows=rows),
            epochs=min(max(config.words_seen / max(1, words), least), most),
            measure=(lambda: quick_score(tagger, quick)) if quick else None,
            folder=None if work is None else work / "checkpoints",
            identity={
                "corpus": data.fingerprint,
                "tagger": repr(config.model),
                "labels": " ".join(data.labels),
                "lora": lora_rank,
            },
            resume=resume,
            log=log,
        )
    return facts


def quick_score(tagger: NeuralTagger, sentences: Sequence[LabelledSentence]) -> dict[str, float]:
    """A point of the learning curve: "error" is 1 less F1 of spans (or accuracy)."""
    from hornbook.sequences.labels import span_scores, spans_of

    found = tagger([one.tokens for one in sentences])
    if tagger.config.scheme == "none":
        right = sum(a == b for one, answer in zip(sentences, found) for a, b in zip(one.labels, answer))
        accuracy = right / max(1, sum(len(one.tokens) for one in sentences))
        return {"error": 1 - accuracy, "accuracy": accuracy}
    scores = span_scores([spans_of(one.labels, "bio") for one in sentences], [spans_of(line, "bio") for line in found])
    return {"error": 1 - scores.f1, "entity_f1": scores.f1}


def train(job: Job, *, column: str = "auto") -> dict[str, Any]:
    """Fine-tune a tagger and write its folder; what `hornbook finetune --task tag --json` prints.

    "lstm" as a start is a table of words, their characters and an LSTM both ways, all learned from the examples. A folder's
    test file is scored once, at the end.
    """
    artifact.require_own(job.output)
    found = read(job.data, job.dev, column=column, split=job.split, log=job.log)
    metric = "accuracy" if found.scheme == "none" else MAIN_METRIC
    tagger, facts = best_of(job, lambda one: _fitted(one, found, metric), metric)
    config = facts.pop("config")
    result = {"kind": NAME, "labels": len(tagger.labels_), "measured_on": "dev", **facts}
    result["floor_accuracy"] = _floor(found)
    tests = _files(job.data).get("test")
    if tests:
        asked = _spans(tests, column, job.log).sentences
        require_known(tagger.labels_, asked, tests[0])
        result |= {f"test_{key}": value for key, value in score_tagger(tagger, asked).items()}
    if found.dev and not result[metric]:
        text = translate("nothing was learned: not one span of dev was found")
        remedy = translate("give more sentences or another model to start from, or change --training.learning-rate")
        job.log(Alarm(text, remedy))
    size = save_model(tagger, job.output, recipe=TAGGER, config=config, run=result)
    return {"model": str(job.output), **result, "size_mb": size}


def _fitted(job: Job, data: TagData, metric: str) -> Outcome:
    """One training with one seed."""
    import torch

    fresh = job.start in catalog.RECIPES and not Path(job.start).exists()
    model = None
    if not fresh or job.start != FROM_WORDS:
        model = begin(job.start, [one.text for one in data.train], opened=job.opened, seed=job.seed, log=job.log).model
    base = defaults(model, data)
    if fresh and model is not None:
        base = replace(base, training=replace(base.training, learning_rate=1e-3))
    rest = {key: value for key, value in job.overrides.items() if not key.startswith("training.")}
    config = merge(replace(base, training=planned(job, base.training)), rest)
    torch.manual_seed(job.seed)
    tagger = start(model, data, config, log=job.log)
    facts = fit(tagger, data, config, work=job.work, resume=job.resume, lora_rank=job.lora_rank, log=job.log)
    score = score_tagger(tagger, data.dev)
    return Outcome(score.get(metric), tagger, {**facts, **score, "config": config})


def _floor(data: TagData) -> float | None:
    """The share of dev's tokens that each word's commonest label in training gets right; 'O', or the commonest, if unknown."""
    own: dict[str, Counter[str]] = {}
    for one in data.train:
        for token, label in zip(one.tokens, one.labels):
            own.setdefault(token, Counter())[label] += 1
    commonest = Counter(label for one in data.train for label in one.labels).most_common(1)[0][0]
    best = {token: counts.most_common(1)[0][0] for token, counts in own.items()}
    pairs = [(best.get(token, commonest), label) for one in data.dev for token, label in zip(one.tokens, one.labels)]
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else None


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
