"""Word vectors in a race: no bits per byte, for they are no language model, but the cloze test, a map and neighbours."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.compare.contestant import Entry, save_entry, with_alarms
from hornbook.compare.results import RaceRow
from hornbook.compare.word_map import build_word_map
from hornbook.core.config import merge
from hornbook.core.errors import ContentError
from hornbook.core.events import Event, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.store import TextStore
from hornbook.embeddings import cloze_scorer, sentences_of
from hornbook.scoring.cloze import cloze_with, load_cloze
from hornbook.tasks.pretrain import resolve, save_model
from hornbook.tasks.vectors import parameters, write_sentences

Log = Callable[[Event], None]
_TRIED_SENTENCES = 4000
_LEAST_BYTES = 4_000_000  # a smaller text takes seconds: no trial before it
_SHARE = 0.7  # of the time for the epochs; the rest reads the text, scores and saves
_KEPT = ("cloze_accuracy", "cloze_accuracy_ci95", "train_seconds", "tokens_seen", "parameters")  # in run.json


def compete(
    *,
    name: str,
    style: str,
    race: str,
    text: str,
    seconds: float,
    cloze_seconds: float,
    overrides: Mapping[str, Any],
    seed: int,
    resume: bool,
    log: Log,
) -> dict[str, Any]:
    """Train word vectors on the text store `text` within `seconds`, in the race folder `race`; the entry goes to work/NAME."""
    begin = time.perf_counter()
    folder, work = Path(race), Path(race) / "work" / name
    work.mkdir(parents=True, exist_ok=True)
    recipe = catalog.recipe(name)
    alarms, heard = with_alarms(log)
    config = merge(recipe.styles[style], overrides)
    split = TextStore.open(Path(text)).split("train")
    sentences = write_sentences(split, folder / "work" / "sentences.txt", config.words, log=heard)
    left = _SHARE * (seconds - cloze_seconds - (time.perf_counter() - begin))
    epochs = _affordable(resolve(recipe.model), config.model, sentences, left)
    if epochs < config.model.epochs:
        heard(Note(f"{name}: {epochs} of {config.model.epochs} epochs fit into its share"))
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, epochs=epochs, seed=seed))
    trainer = resolve(recipe.model)(config.model)
    trainer.fit(sentences, log=heard, folder=work / "checkpoints", resume=resume)
    vectors = trainer.vectors_
    items = load_cloze(folder / "work" / "cloze.json")

    def words_of(text: str) -> list[str]:
        return [word for sentence in sentences_of(text, config.words) for word in sentence]

    cloze = cloze_with(cloze_scorer(vectors, words_of), items, seconds=cloze_seconds, log=heard) if items else None
    row = RaceRow(
        name=name,
        family=name,
        generation=recipe.generation,
        cloze_accuracy=cloze.accuracy if cloze else None,
        cloze_accuracy_ci95=cloze.ci95 if cloze else None,
        shape=f"{vectors.vector_size} dimensions, {len(vectors):,} words",
        train_seconds=trainer.seconds_,
        share_seconds=seconds,
        tokens_seen=trainer.tokens_seen_,
        epochs=float(epochs),
        parameters=parameters(vectors),
        model=f"models/{name}",
        word_map=build_word_map(vectors),
        notes=cloze.notes if cloze else (),
        alarms=tuple(alarms),
    )
    run = {key: getattr(row, key) for key in _KEPT} | {"seed": seed}
    size = save_model(vectors, folder / "models" / name, recipe=recipe, config=config, run=run)
    save_entry(Entry(dataclasses.replace(row, size_mb=size, peak_rss_mb=peak_rss_mb())), work)
    return {"name": name}


def _affordable(trainer: Any, config: Any, sentences: Path, seconds: float) -> int:
    """Epochs that fit into `seconds`, at most those of the configuration, by a trial on the first sentences.

    What a trial takes is fixed costs and the epochs; both grow with the text (co-occurrences, more slowly: it errs on the safe
    side).
    """
    size = sentences.stat().st_size
    if size < _LEAST_BYTES:
        return int(config.epochs)
    with open(sentences, encoding="utf-8") as lines:
        sample = [line.split() for line in islice(lines, _TRIED_SENTENCES)]
    share = sum(len(word.encode()) + 1 for sentence in sample for word in sentence) / size
    times = []
    for epochs in (1, 1, 3):  # the first one may compile
        begin = time.perf_counter()
        try:
            trainer(dataclasses.replace(config, epochs=epochs)).fit(sample)
        except ContentError:  # too few words in the sample
            return int(config.epochs)
        times.append(time.perf_counter() - begin)
    each = max((times[2] - times[1]) / 2, 1e-6)
    fixed = max(times[1] - each, 0.0)
    return max(1, min(int(config.epochs), int((seconds * share - fixed) / each)))
