"""The second half of a race over a task: every contestant fine-tuned on the same labelled data, simple classifiers beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.core import artifact
from hornbook.core.codec import plain
from hornbook.core.errors import HornbookError, Interrupted
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.label_columns import TextColumns
from hornbook.corpus.labelled_texts import files_by_split

Log = Callable[[Event], None]
FOLDER = "tasks"  # in the folder of a race: a fine-tuned model each
_METRICS = ("accuracy", "entity_f1")


@dataclass(frozen=True)
class TaskData:
    """A task of `catalog.TASKS`, its labelled data, and the share of the race's budget that it takes."""

    name: str
    data: Path
    share: float = 0.5


def with_task(
    result: RaceResult, output: Path, task: TaskData, seconds: Callable[[int], float], *, device: str, resume: bool, log: Log
) -> RaceResult:
    """The result with a task score for each contestant that has states of tokens, and a row for each simple classifier.

    `seconds` says how long one of so many contestants still to come may take. A score is that of the data's test file, of its
    dev file or of held-out examples where it has none, which then also chose the epoch.
    """
    done: dict[str, dict[str, Any]] = {}
    simple = _simple(task, output, log)
    for name, train in simple.items():
        done[name] = _run(name, output, train, resume=resume, log=log)
    tuned = [row for row in result.rows if row.model and _has_states(row.family)]
    for place, row in enumerate(tuned):
        share = seconds(len(tuned) - place)
        log(Note(f"{row.name}: {task.name}, at most {share:.0f} s"))
        run = _fine_tuning(row, task, output, share, seed=result.seed, device=device, resume=resume, log=log)
        done[row.name] = _run(row.name, output, run, resume=resume, log=log)
    rows = tuple(_scored(row, done.get(row.name, {})) for row in result.rows)
    rows += tuple(_scored(RaceRow(name, 2, name), done[name]) for name in simple if done[name])
    metric, part = next((_score(one)[2:] for one in done.values() if one), ("accuracy", "test"))
    return replace(result, rows=rows, task=f"{task.data.name}: {metric.replace('_', ' ')}, {part}")


def _has_states(family: str) -> bool:
    """Whether a head can be put on models of a recipe: on networks and word vectors."""
    recipe = catalog.recipe(family)
    return recipe.batches is not None or recipe.reads == "words"


def _fine_tuning(
    row: RaceRow, task: TaskData, output: Path, seconds: float, *, seed: int, device: str, resume: bool, log: Log
) -> Callable[[Path], Mapping[str, Any]]:
    def train(folder: Path) -> Mapping[str, Any]:
        from hornbook.tasks.finetune import Job

        job = Job(
            start=str(output / str(row.model)),
            data=task.data,
            output=folder,
            opened=_open,
            log=log,
            seconds=max(1.0, seconds),
            seed=seed,
            device=device,
            resume=resume,
        )
        result: Mapping[str, Any] = catalog.task(task.name).train(job)
        return result

    return train


def _simple(task: TaskData, output: Path, log: Log) -> dict[str, Callable[[Path], Mapping[str, Any]]]:
    """What learns the task in seconds, without any pre-training, by name."""
    from hornbook.recipes.sequences import TAGGERS
    from hornbook.recipes.texts import CLASSIFIERS
    from hornbook.tasks import sequences, texts

    def classifier(name: str) -> Callable[[Path], Mapping[str, Any]]:
        recipe = CLASSIFIERS[name]
        config = next(iter(recipe.styles.values()))

        def train(folder: Path) -> Mapping[str, Any]:
            columns = TextColumns()
            result = texts.train_classifier(recipe, config, task.data, folder, columns=columns, dev=None, split=0.1, log=log)
            tests = files_by_split(task.data).get("test")
            if not tests:
                return result
            score = texts.evaluate(_open(folder), folder, tests, columns=columns, log=log)
            return {**result, **{f"test_{key}": value for key, value in score.items()}}

        return train

    def tagger(name: str) -> Callable[[Path], Mapping[str, Any]]:
        recipe = TAGGERS[name]
        config = next(iter(recipe.styles.values()))
        return lambda folder: sequences.train_tagger(recipe, config, task.data, folder, column="auto", dev=None, log=log)

    if task.name == "classify":
        return {name: classifier(name) for name in ("linear", "bayes")}
    return {name: tagger(name) for name in ("crf", "hmm-tagger") if task.data.is_file() and name in TAGGERS}


def _open(folder: Path) -> Any:
    """A saved model of any kind."""
    artifact.verify(folder)
    table = json.loads((folder / "config.json").read_text("utf-8"))
    return catalog.class_of(table, where=folder).load(folder)


def _run(name: str, output: Path, train: Callable[[Path], Mapping[str, Any]], *, resume: bool, log: Log) -> dict[str, Any]:
    """The facts of one training; those of an earlier one where its folder is there; nothing, said aloud, where it failed."""
    folder, saved = output / FOLDER / name, output / FOLDER / f"{name}.json"
    if resume and (folder / artifact.MANIFEST).is_file() and saved.is_file():
        facts: dict[str, Any] = json.loads(saved.read_text("utf-8"))
        return facts
    folder.parent.mkdir(exist_ok=True)
    try:
        facts = plain(dict(train(folder)))
    except Interrupted:
        raise
    except HornbookError as error:
        log(Alarm(f"{name} failed: {error}", "its score stays empty; the others go on"))
        return {}
    artifact.write_text_atomic(saved, json.dumps(facts, ensure_ascii=False))
    return facts


def _score(facts: Mapping[str, Any]) -> tuple[float | None, Sequence[float] | None, str, str]:
    """The score, its interval, the metric and the part of the data it is of."""
    part = "test" if any(f"test_{name}" in facts for name in _METRICS) else "dev"
    start = "test_" if part == "test" else ""
    metric = "entity_f1" if f"{start}entity_f1" in facts else "accuracy"
    return facts.get(f"{start}{metric}"), facts.get(f"{start}{metric}_ci95"), metric, part


def _scored(row: RaceRow, facts: Mapping[str, Any]) -> RaceRow:
    """The row with its task score; a row of its own for a classifier that is no contestant also has its cost."""
    if not facts:
        return row
    score, interval, _, _ = _score(facts)
    row = replace(row, task_score=score, task_score_ci95=None if interval is None else (interval[0], interval[1]))
    if row.model:
        return row
    return replace(
        row,
        train_seconds=float(facts["seconds"]),
        parameters=facts.get("parameters"),
        size_mb=facts.get("size_mb"),
        peak_rss_mb=facts.get("peak_rss_mb"),
        model=f"{FOLDER}/{row.name}",
        tokens_seen=int(facts.get("texts_seen") or facts.get("tokens_seen") or 0),
    )
