"""One contestant of a race, in a process of its own: size it for its share, train, save, score; returns plain values."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.compare.budget import Sizing, flops_per_token, size_recipe, size_without_steps
from hornbook.compare.judging import Examination, judge
from hornbook.compare.probe import Probe
from hornbook.compare.ranking import save_units
from hornbook.compare.results import RaceRow
from hornbook.core import artifact, codec
from hornbook.core.config import from_toml, merge, to_toml
from hornbook.core.errors import Interrupted
from hornbook.core.events import Alarm, Event, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.shards import ShardSplit
from hornbook.scoring.lm import LanguageScore
from hornbook.scoring.sample import shorten
from hornbook.tasks.lessons import quick_score
from hornbook.tasks.pretrain import Data, Trained, fit, held_out, open_data, read_curve
from hornbook.tasks.saving import save_model

Log = Callable[[Event], None]
CURVE_TOKENS = 40_000  # of held-out text for each point of a learning curve
ENTRY, UNITS, ANSWERS, PROBE, CLOZE = "entry.json", "units.npz", "answers.npz", "probe.json", "cloze.json"  # in the work folder
_PASSES = 0.75  # of the time for passes over the text; the rest scores and saves
_SAVING_SECONDS = 1.0  # build, save, latency, samples
_KEPT = ("bits_per_byte", "bits_per_byte_ci95", "train_seconds", "tokens_seen", "parameters")  # in run.json


@dataclass(frozen=True)
class Entry:
    """A contestant's row, not yet ranked, and what its interval resampled."""

    row: RaceRow
    interval_unit: str = "documents"
    interval_units: int = 0


def compete(
    *,
    name: str,
    style: str,
    race: str,
    seconds: float,
    test_tokens: int,
    cloze_seconds: float,
    context_seconds: float,
    prompts: Sequence[str],
    overrides: Mapping[str, Any],
    seed: int,
    device: str,
    resume: bool,
    log: Log,
) -> dict[str, Any]:
    """Train recipe `name` within `seconds`, evaluation included, in the race folder `race`; the entry goes to work/NAME.

    Beside it lie the arrays that paired tests need, the plan and the checkpoints.
    """
    begin = time.perf_counter()
    folder, work = Path(race), Path(race) / "work" / name
    work.mkdir(parents=True, exist_ok=True)
    recipe = catalog.recipe(name)
    data = open_data(folder / "work")
    test = shorten(test_split(data), data.tokenizer, tokens=test_tokens)
    probe = Probe.from_json((folder / "work" / PROBE).read_text("utf-8"))
    alarms, heard = with_alarms(log)
    config = merge(recipe.styles[style], overrides)
    forecast: dict[str, float] = {}
    if recipe.batches is None:
        left = _PASSES * (seconds - cloze_seconds - context_seconds - (time.perf_counter() - begin))
        config = _counting(recipe, config, data, left, heard)
    else:
        reserve = (
            cloze_seconds + context_seconds * (recipe.batches != "masked") + _SAVING_SECONDS + (time.perf_counter() - begin)
        )
        training = dataclasses.replace(config.training, seed=seed, device=device)
        config = dataclasses.replace(config, training=training)
        sizing = _size(recipe, config, data, probe, seconds - reserve, test_tokens)
        config = sizing.config
        forecast = _forecast(sizing, seconds)
        heard(Note(f"{name}: {sizing.rule}; {sizing}"))
    config = planned(config, work, resume)
    curve_tokens = _curve_tokens(probe, recipe, config, data)
    trained = fit(recipe, config, data, work=work, resume=resume, log=heard, curve_tokens=curve_tokens)
    if trained.reason == "terminated":
        raise Interrupted("{name} was stopped; its checkpoint is whole", name=name)
    examination = Examination(test, folder / "work" / CLOZE, cloze_seconds, context_seconds, prompts, seed)
    row, score, cloze = judge(recipe, config, trained, examination, log=heard)
    entry = Entry(row)
    if cloze is not None:
        save_units(cloze.units, work / ANSWERS)
    if isinstance(score, LanguageScore):
        save_units(score.units, work / UNITS)
        entry = Entry(row, score.unit_kind, len(score.unit_nats))
    run = {key: getattr(row, key) for key in _KEPT} | score.facts() | {"seed": seed}
    size = save_model(trained.model, folder / "models" / name, recipe=recipe, config=config, run=run)
    row = dataclasses.replace(
        row,
        name=name,
        family=name,
        epochs=trained.tokens_seen / max(1, int(data.shards.split("train").tokens.size)),
        shape=_shape(config.model) if style == next(iter(recipe.styles)) else f"{style}, {_shape(config.model)}",
        share_seconds=seconds,
        size_mb=size,
        peak_rss_mb=peak_rss_mb(),
        model=f"models/{name}",
        forecast=forecast,
        actual=_actual(row, time.perf_counter() - begin) if forecast else {},
        curve=trained.curve or _point(recipe, config, trained, data),
        masked_curve=read_curve(work / "metrics.jsonl", "masked_accuracy") if recipe.batches == "masked" else (),
        alarms=tuple(alarms),
    )
    save_entry(dataclasses.replace(entry, row=row), work)
    return {"name": name}


def with_alarms(log: Log) -> tuple[list[str], Log]:
    """The alarms of a contestant, for its row, and the log that collects them."""
    alarms: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, Alarm):
            alarms.append(f"{event.text} → {event.remedy}")
        log(event)

    return alarms, heard


def save_entry(entry: Entry, work: Path) -> None:
    """Leave the entry where the race looks for it."""
    artifact.write_text_atomic(work / ENTRY, json.dumps(codec.plain(entry), ensure_ascii=False))


def _actual(row: RaceRow, wall_seconds: float) -> dict[str, float]:
    """What became of the forecast, under the same names."""
    return {
        "seconds": wall_seconds,
        "tokens": float(row.tokens_seen),
        "tokens_per_second": row.tokens_seen / max(row.train_seconds, 1e-9),
        "parameters": float(row.parameters or 0),
    }


def _point(recipe: Any, config: Any, trained: Trained, data: Data) -> tuple[tuple[float, int, float], ...]:
    """A model that counts is one point of the chart of learning curves."""
    sample = shorten(held_out(data.shards), data.tokenizer, tokens=CURVE_TOKENS)
    score = quick_score(recipe, config, trained.model, sample).get("bits_per_byte")
    return () if score is None else ((trained.seconds, trained.tokens_seen, score),)


def _counting(recipe: Any, config: Any, data: Data, seconds: float, log: Log) -> Any:
    """The configuration of a model without gradient steps, pruned where the text is large."""
    split = data.shards.split("train")
    tokens = int(split.tokens.size)
    config, rule = size_without_steps(recipe, config, tokens=tokens, documents=len(split), seconds=seconds)
    if rule:
        log(Note(rule))
    return config


def planned(config: Any, work: Path, resume: bool) -> Any:
    """The configuration an interrupted run of this contestant had decided on, or this one, written down for the next."""
    plan = work / "recipe.toml"
    if resume and plan.is_file():
        return from_toml(type(config), plan)
    artifact.write_text_atomic(plan, to_toml(config))
    return config


def _forecast(sizing: Sizing, seconds: float) -> dict[str, float]:
    return {
        "seconds": seconds,
        "tokens": float(sizing.tokens),
        "tokens_per_second": sizing.tokens_per_second,
        "parameters": float(sizing.parameters),
    }


def _curve_tokens(probe: Probe, recipe: Any, config: Any, data: Data) -> int:
    """Held-out tokens for each point of the learning curve: all points together take a twentieth of the training time."""
    if recipe.batches is None:
        return CURVE_TOKENS
    speed = probe.families[recipe.name].evaluation_speed(flops_per_token(config.model, data.tokenizer.size))
    affordable = 0.05 * config.training.seconds * speed / max(1, config.training.evaluations)
    return int(min(CURVE_TOKENS, max(2_000, affordable)))


def test_split(data: Data) -> ShardSplit:
    """The split that ranks: test, or valid where there is no test."""
    shards = data.shards
    return shards.split("test") if "test" in shards.splits and len(shards.split("test")) else held_out(shards)


def _size(recipe: Any, config: Any, data: Data, probe: Probe, seconds: float, test_tokens: int) -> Sizing:
    """The shape that the seconds buy once the scoring of the held-out text, which depends on the shape, is paid for."""
    family, vocabulary = probe.families[recipe.name], data.tokenizer.size
    scoring = test_tokens / max(1.0, family.evaluation_tokens_per_second)
    sizing = None
    for _ in range(2):
        sizing = size_recipe(
            recipe,
            config,
            seconds=max(1.0, seconds - scoring),
            corpus_tokens=int(data.shards.split("train").tokens.size),
            vocabulary=vocabulary,
            speed=lambda candidate: probe.tokens_per_second(recipe.name, candidate.model, vocabulary),
        )
        scoring = test_tokens / max(1.0, family.evaluation_speed(flops_per_token(sizing.config.model, vocabulary)))
    assert sizing is not None
    return sizing


def _shape(model: Any) -> str:
    """'4 layers, width 256, context 256' of a network, 'order 5' of an n-gram model."""
    parts = []
    for field, words in (
        ("order", "order {}"),
        ("states", "{} states"),
        ("layers", "{} layers"),
        ("width", "width {}"),
        ("context", "context {}"),
    ):
        if hasattr(model, field):
            value = getattr(model, field)
            parts.append("1 layer" if field == "layers" and value == 1 else words.format(value))
    return ", ".join(parts)
