"""Language modelling: from a text to a saved language model. What `hornbook train` and every contestant of a race share.

The stages, in order: a text store (`prepare_text`), one tokenizer for it, token shards (`prepare_data`), a model that counts
or a network that is trained (`fit`), a folder (`saving.py`). Each stage finds what an earlier, interrupted run left in the
work folder and goes on from there.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.config import to_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Evaluation, Event, Finished, Note
from hornbook.core.runtime import peak_rss_mb, release_free_memory
from hornbook.corpus.demo import demo_documents
from hornbook.corpus.prepare import CorpusConfig, prepare_corpus, prepare_documents
from hornbook.corpus.shards import Shards, ShardSplit, encode_store
from hornbook.corpus.store import TextStore
from hornbook.recipes import Recipe
from hornbook.scoring.sample import shorten
from hornbook.scoring.significance import paired_bootstrap
from hornbook.tasks import lessons
from hornbook.tasks.initial import TokenVectors, Words, start_embedding, token_vectors
from hornbook.tasks.vocabulary import head, vocabulary_size
from hornbook.tokenizers import (
    TextTokenizer,
    TokenizerConfig,
    TokenizerReport,
    load_tokenizer,
    refuse_flooded,
    tokenizer_report,
    train_tokenizer,
)

if TYPE_CHECKING:
    from hornbook.tasks.mixed import Source

Log = Callable[[Event], None]
_REPLAY = "replay.json"


@dataclass(frozen=True)
class Data:
    """A corpus ready for training; of each batch `replay_share` of the rows are from `replay`, shards of an older text."""

    tokenizer: TextTokenizer
    shards: Shards
    report: TokenizerReport | None = None
    replay: Shards | None = None
    replay_share: float = 0.0
    sources: tuple[Source, ...] = ()  # the texts that the corpus is mixed from

    def parts(self) -> list[tuple[ShardSplit, float]]:
        """The training text, text by text, and what share of the rows of a batch each has."""
        train = self.shards.split("train")
        if self.sources:
            return [(source.of(train, "train"), source.share) for source in self.sources]
        if self.replay is not None:
            return [(train, 1 - self.replay_share), (self.replay.split("train"), self.replay_share)]
        return [(train, 1.0)]

    def token_counts(self) -> NDArray[np.int64]:
        """(V,) how often each type occurs in the training text; `end` once a document."""
        split = self.shards.split("train")
        counts = np.bincount(split.tokens, minlength=self.tokenizer.size)
        counts[self.tokenizer.specials["end"]] += len(split)
        return counts


@dataclass(frozen=True)
class Trained:
    """What training one model took."""

    model: Any
    seconds: float
    tokens_seen: int
    reason: str
    steps: int = 1
    curve: tuple[tuple[float, int, float], ...] = ()  # seconds, tokens, held-out bits per byte


def prepare_text(sources: Sequence[str | Path], work: Path, *, config: CorpusConfig, demo: bool = False, log: Log) -> TextStore:
    """The text store of the sources: a folder made by `hornbook corpus` as it is, anything else prepared into `work`/corpus.

    With `demo` the demonstration text, and no sources.
    """
    if len(sources) == 1 and TextStore.is_store(Path(sources[0])):
        return TextStore.open(Path(sources[0]))
    if TextStore.is_store(work / "corpus"):
        return TextStore.open(work / "corpus")
    if demo:
        return prepare_documents(demo_documents(), work / "corpus", config, name="Python's own documentation", log=log)
    return prepare_corpus(sources, work / "corpus", config, log=log)


def prepare_data(store: TextStore, work: Path, *, tokenizer: TokenizerConfig | Path | str, log: Log) -> Data:
    """Train or open the tokenizer and encode the store into `work`/shards; refuses a tokenizer flooded with unknowns.

    `tokenizer` is a configuration, the folder of a saved one, or a kind ("bpe", ...), whose size then follows the corpus.
    """
    if store.split("train").total_bytes == 0:
        raise ContentError("{folder} has an empty training split: give more text", folder=store.folder)
    shards_folder = work / "shards"
    if (shards_folder / artifact.MANIFEST).is_file():
        shards = Shards.open(shards_folder)
        trained = load_tokenizer(shards_folder / "tokenizer")
    else:
        if isinstance(tokenizer, Path):
            trained = load_tokenizer(tokenizer)
        else:
            if isinstance(tokenizer, str):
                least = TokenizerConfig(kind=tokenizer).smallest_size
                tokenizer = TokenizerConfig(kind=tokenizer, size=max(least, vocabulary_size(store)))
            trained = train_tokenizer(store.split("train"), tokenizer)
            log(Note(f"tokenizer: {tokenizer.kind}, {trained.size:,} types"))
        shards = encode_store(store, trained, shards_folder, log=log)
    report = tokenizer_report(trained, head(store.split("valid") if len(store.split("valid")) else store.split("train")))
    refuse_flooded(report)
    return Data(trained, shards, report)


def open_data(work: Path) -> Data:
    """What `prepare_data` and `with_replay` left in a work folder, for another process; without the report on the tokenizer."""
    shards = Shards.open(work / "shards", check=False)
    data = Data(load_tokenizer(work / "shards" / "tokenizer"), shards)
    if (work / "mix.json").is_file():
        from hornbook.tasks.mixed import with_sources

        return with_sources(data, work)
    if not (work / _REPLAY).is_file():
        return data
    share = json.loads((work / _REPLAY).read_text("utf-8"))["share"]
    return dataclasses.replace(data, replay=Shards.open(work / "replay" / "shards", check=False), replay_share=share)


def with_replay(data: Data, sources: Sequence[str | Path], work: Path, *, share: float, config: CorpusConfig, log: Log) -> Data:
    """The data with `share` of each batch from an older text, encoded into `work`/replay by the same tokenizer.

    UsageError for a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise UsageError("a replay share of {share} is none: it lies between 0 and 1, 0.1 is usual", share=share)
    store = prepare_text(sources, work / "replay", config=config, log=log)
    old = prepare_data(store, work / "replay", tokenizer=data.shards.folder / "tokenizer", log=log)
    artifact.write_text_atomic(work / _REPLAY, json.dumps({"share": share}))
    return dataclasses.replace(data, replay=old.shards, replay_share=share)


def held_out(shards: Shards) -> ShardSplit:
    """The split that steers training: valid, or test where there is no valid, never train."""
    for name in ("valid", "test"):
        if name in shards.splits and len(shards.split(name)):
            return shards.split(name)
    raise ContentError("the corpus has no held-out text: split it (--split 0.1) or give --dev FILE")


def fit(
    recipe: Recipe,
    config: Any,
    data: Data,
    *,
    work: Path,
    resume: bool,
    log: Log,
    curve_tokens: int = 50_000,
    initial: TokenVectors | Path | None = None,
    nproc: int = 1,
) -> Trained:
    """Train one model by its recipe; `curve_tokens` of held-out text measure a network while it trains.

    A network's embedding table starts from `initial`, or the whole of it where that is a model folder. With `nproc` above 1 as
    many processes train it on equal parts of every batch; models that count do so in this one.
    """
    if recipe.batches is None:
        return _count(recipe, config, data, work, resume, log)
    if nproc != 1:
        from hornbook.tasks.processes import train_in_processes

        return train_in_processes(
            recipe, config, data, work=work, nproc=nproc, resume=resume, log=log, curve_tokens=curve_tokens, initial=initial
        )
    return train_network(recipe, config, data, work=work, resume=resume, log=log, curve_tokens=curve_tokens, initial=initial)


def fit_and_score(
    recipe: Recipe,
    config: Any,
    data: Data,
    *,
    work: Path,
    resume: bool,
    log: Log,
    initial: Words | None = None,
    compare: bool = False,
    nproc: int = 1,
) -> tuple[Any, dict[str, Any]]:
    """Train one model and score it on the held-out split; the model, and what `hornbook train --json` says of it.

    A network's embedding table begins with the word vectors `initial`; with `compare` the same network is trained again from
    a random table, for as many steps, and the difference in bits per byte comes with its paired interval.
    """
    held = held_out(data.shards)
    facts: dict[str, Any] = {}
    tokens = None
    if initial is not None:
        tokens = token_vectors(initial, data.tokenizer)
        counts = np.bincount(data.shards.split("train").tokens, minlength=data.tokenizer.size)
        facts = {"init_tokens": int(tokens.known.sum()), "init_coverage": tokens.coverage(counts)}
        log(
            Note(
                translate("{tokens}; they make up {share:.1%} of the text").format(tokens=tokens, share=facts["init_coverage"])
            )
        )
    trained = fit(recipe, config, data, work=work, resume=resume, log=log, initial=tokens, nproc=nproc)
    score = lessons.score(recipe, config, trained.model, held)
    if data.sources:
        from hornbook.tasks.mixed import source_scores

        facts["sources"] = source_scores(recipe, config, trained.model, data)
    if compare:
        log(Note(translate("the same training from a random embedding table, {steps} steps").format(steps=trained.steps)))
        same = dataclasses.replace(config, training=dataclasses.replace(config.training, steps=trained.steps, seconds=0.0))
        other = fit(recipe, same, data, work=work / "random-init", resume=resume, log=log, nproc=nproc)
        facts |= _gain(score, lessons.score(recipe, config, other.model, held))
    return trained.model, {
        "kind": recipe.name,
        "seconds": round(trained.seconds, 3),
        "tokens_seen": trained.tokens_seen,
        "tokens_per_second": round(trained.tokens_seen / max(trained.seconds, 1e-9), 1),
        "parameters": trained.model.parameters,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        **score.facts(),
        "reason": trained.reason,
        **facts,
    }


def _gain(given: lessons.Score, random: lessons.Score) -> dict[str, Any]:
    """What starting from word vectors saved on the held-out text: bits per byte (nats per token where there are none)."""
    gap = paired_bootstrap(random.units, given.units)
    return {
        **{f"random_init_{key}": value for key, value in random.facts().items()},
        "init_gain": gap.difference,
        "init_gain_ci95": gap.ci95,
        "init_gain_p_value": gap.p_value,
    }


def _count(recipe: Recipe, config: Any, data: Data, work: Path, resume: bool, log: Log) -> Trained:
    """Count the text once, or pass over it until a model no longer gains or its time is over."""
    begin = time.perf_counter()
    split = data.shards.split("train")
    tokens = int(split.tokens.size) + len(split)
    model = resolve(recipe.model)(data.tokenizer, config.model)
    if recipe.passes:
        model.fit(split, log=log, folder=work / "checkpoints", resume=resume, seconds=config.seconds or None)
        times, reason = len(model.log_likelihoods_), "passed over the text"
    else:
        model.fit(split, log=log)
        times, reason = 1, "counted once"
    seconds = time.perf_counter() - begin
    log(Finished(step=times, tokens=times * tokens, seconds=seconds, reason=reason))
    return Trained(model, seconds, times * tokens, reason, times)


def train_network(
    recipe: Recipe,
    config: Any,
    data: Data,
    *,
    work: Path,
    resume: bool,
    log: Log,
    curve_tokens: int,
    initial: TokenVectors | Path | None,
) -> Trained:
    """Train a network in this process, or as one of the ranks that were started together."""
    import torch

    from hornbook.training import remove_checkpoints, train
    from hornbook.training import resume as newest
    from hornbook.training.distributed import Ranks
    from hornbook.training.progress import JsonLog

    training, checkpoints, record = config.training, work / "checkpoints", work / "metrics.jsonl"
    state = newest(checkpoints) if resume else None
    if state is None:
        remove_checkpoints(checkpoints)
    torch.manual_seed(training.seed)
    if isinstance(initial, Path):
        model = open_checkpoint(recipe, initial)
    else:
        model = resolve(recipe.model)(data.tokenizer, config.model)
        if state is None or state.checkpoint is None:  # a resume that finds no checkpoint begins as the first run did
            _begin(model, data, initial)
    lesson = lessons.lesson(recipe, config, data)
    identity = {"corpus": data.shards.fingerprint, **_decisive(config), **_origin(initial)}
    if recipe.batches == "masked" and config.masking.units != "tokens":
        identity["words"] = (data.shards.words or {}).get("fingerprint", "")
    if data.replay is not None:
        identity |= {"replay": data.replay.fingerprint, "replay-share": data.replay_share}
    if data.sources:
        identity["mix"] = ", ".join(f"{source.name} {source.share:.4f}" for source in data.sources)
    sample = shorten(held_out(data.shards), data.tokenizer, tokens=curve_tokens)
    measure = lambda: lessons.quick_score(recipe, config, model, sample)
    finished = None
    first = Ranks().rank == 0  # one process writes the record for all
    with JsonLog(record, from_step=state.position.step if state else 0) if first else nullcontext() as written:
        for event in train(
            model.module,
            lesson.objective,
            lesson.batches,
            training,
            state=state,
            evaluate=measure,
            folder=checkpoints,
            identity=identity,
        ):
            if written is not None:
                written(event)
            log(event)
            if isinstance(event, Evaluation):
                release_free_memory()  # blocks of other sizes leave holes in the heap, which grew at every step (docs/log.md)
            if isinstance(event, Finished):
                finished = event
    assert finished is not None
    return Trained(model, finished.seconds, finished.tokens, finished.reason, finished.step, read_curve(record))


def _begin(model: Any, data: Data, initial: TokenVectors | None) -> None:
    """What a fresh network knows before its first step: word vectors in its table, how frequent the tokens of its text are."""
    if initial is not None:
        start_embedding(model.module, initial)
    if hasattr(model.module, "expect"):
        counts = data.token_counts()
        model.module.expect(np.pad(counts, (0, model.vocabulary - len(counts))))


def open_checkpoint(recipe: Recipe, folder: Path) -> Any:
    """The network to train on; one that only encodes gets a new head for hidden tokens, which `loaded.notes` says."""
    network = resolve(recipe.model)
    model = network.load(folder)
    return network.load(folder, new_head=True) if recipe.batches == "masked" and not model.config.head else model


def _origin(initial: TokenVectors | Path | None) -> dict[str, str]:
    """What a network began with, by name and fingerprint."""
    if initial is None:
        return {}
    if isinstance(initial, Path):
        files = [initial / "config.json", *sorted(initial.glob("*.safetensors"))]
        return {"start": " ".join(artifact.sha256(path) for path in files)}
    return {"init-embeddings": initial.fingerprint}


def _decisive(config: Any) -> dict[str, Any]:
    """What a resume must not change silently beside the training's own settings: all other parts of the configuration."""
    parts = {name: part for name, part in to_dict(config).items() if name != "training"}
    named = {f"{name}.{key}": value for name, part in parts.items() if isinstance(part, dict) for key, value in part.items()}
    return named | {name: part for name, part in parts.items() if not isinstance(part, dict)}


def read_curve(record: Path, measure: str = "bits_per_byte") -> tuple[tuple[float, int, float], ...]:
    """The learning curve from the log of a training, interrupted ones included: seconds, tokens, and what was measured."""
    events = (json.loads(line) for line in record.read_text("utf-8").splitlines())
    return tuple(
        (event["seconds"], event["tokens"], event["metrics"][measure])
        for event in events
        if event["event"] == "evaluation" and measure in event["metrics"]
    )


def resolve(path: str) -> Any:
    """The object behind 'module:name'."""
    import importlib

    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
