"""Word vectors in a race: no bits per byte, for they are no language model, but the cloze test, a map and neighbours."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.compare.contestant import ANSWERS, CLOZE, Entry, planned, save_entry, with_alarms
from hornbook.compare.ranking import save_units
from hornbook.compare.results import RaceRow
from hornbook.compare.word_map import build_word_map
from hornbook.core.config import merge
from hornbook.core.events import Event, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.store import TextStore
from hornbook.embeddings import cloze_scorer, words_like
from hornbook.recipes import Recipe
from hornbook.scoring.cloze import cloze_with, load_cloze
from hornbook.tasks.pretrain import resolve
from hornbook.tasks.saving import save_model
from hornbook.tasks.vectors import affordable_epochs, read_words, write_sentences
from hornbook.tasks.vocabulary import head

Log = Callable[[Event], None]
_TRIED_BYTES = 4_000_000  # a smaller text takes seconds: no trial before it
_LOOKED_AT = 200_000  # characters that tell how the text is written
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
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, seed=seed))
    if sentences.stat().st_size > _TRIED_BYTES:
        left = _SHARE * (seconds - cloze_seconds - (time.perf_counter() - begin))
        config = _fitted(config, recipe, sentences, left, heard)
    config = planned(config, work, resume)
    trainer = resolve(recipe.model)(config.model)
    trainer.fit(read_words(sentences, config, log=heard), log=heard, folder=work / "checkpoints", resume=resume)
    vectors = trainer.vectors_
    items = load_cloze(folder / "work" / CLOZE)
    scorer = cloze_scorer(vectors, words_like("\n".join(head(split, _LOOKED_AT)), config.words))
    cloze = cloze_with(scorer, items, seconds=cloze_seconds, log=heard) if items else None
    if cloze is not None:
        save_units(cloze.units, work / ANSWERS)
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
        epochs=float(config.model.epochs),
        parameters=vectors.parameters,
        model=f"models/{name}",
        word_map=build_word_map(vectors),
        notes=cloze.notes if cloze else (),
        alarms=tuple(alarms),
    )
    run = {key: getattr(row, key) for key in _KEPT} | {"seed": seed}
    size = save_model(vectors, folder / "models" / name, recipe=recipe, config=config, run=run)
    save_entry(Entry(dataclasses.replace(row, size_mb=size, peak_rss_mb=peak_rss_mb())), work)
    return {"name": name}


def _fitted(config: Any, recipe: Recipe, sentences: Path, seconds: float, log: Log) -> Any:
    """The configuration with as many of its epochs as fit into the time."""
    epochs = affordable_epochs(resolve(recipe.model), config.model, sentences, seconds)
    if epochs < config.model.epochs:
        log(Note(f"{recipe.name}: {epochs} of {config.model.epochs} epochs fit into its share"))
    return dataclasses.replace(config, model=dataclasses.replace(config.model, epochs=epochs))
