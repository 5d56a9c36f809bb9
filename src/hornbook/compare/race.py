"""The race: every contestant on the same text, tokenizer, held-out split and budget; ranked, with a report and model folders.

The stages, in order: text, tokenizer and shards, cloze items, a probe of this machine, then one contestant after another in
a process of its own, then the ranking by paired tests and the report. The budget is total wall time: what the earlier stages
leave is shared equally among the contestants still to come, so what one leaves unused goes to the rest. Each finished
stage is on disk: an interrupted race goes on with `resume`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hornbook import catalog
from hornbook.compare.results import CorpusSummary, MachineSummary, RaceResult, RaceRow, SplitSummary, TokenizerSummary
from hornbook.compare.worker import JobError, Worker
from hornbook.core import artifact, runtime
from hornbook.core.errors import ContentError, Interrupted, UsageError
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.prepare import CorpusConfig
from hornbook.corpus.store import TextStore
from hornbook.scoring.cloze import TokenWords, build_cloze, save_cloze
from hornbook.scoring.significance import Units, rank_with_ties
from hornbook.tasks.pretrain import Data, prepare_data, prepare_text, require_sources
from hornbook.tokenizers import TokenizerConfig

Log = Callable[[Event], None]
LEAST_SECONDS = 10.0  # no race below: starting the libraries alone takes a few seconds
_FINISH = 0.03  # of the budget kept for ranking, report and rounding
_CLOZE = 0.06  # of a share that cloze accuracy may take
_EVALUATION = 0.12  # of a share that scoring the held-out text may take
_PROMPT_CHARACTERS = 60


@dataclass(frozen=True)
class RaceConfig:
    """What is raced, under which budget (seconds of wall time in all)."""

    budget: float = 600.0
    contestants: tuple[str, ...] = tuple(catalog.RECIPES)
    style: str = ""  # "" takes each recipe's first style
    tokenizer: TokenizerConfig | Path | str = "bpe"
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    cloze_items: int = 400
    seed: int = 1
    device: str = "auto"
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # contestant -> dotted keys


def race(
    sources: Sequence[str | Path],
    output: Path,
    config: RaceConfig,
    *,
    resume: bool = False,
    command: str = "",
    demo: bool = False,
    log: Log,
) -> RaceResult:
    """Run a race into the folder `output`. Raises UsageError for a budget below 10 s or a folder that is not a race's."""
    if config.budget < LEAST_SECONDS:
        raise UsageError(
            "a budget of {budget:g} s is too short for a race: give at least {least:g} s, better 3m",
            budget=config.budget,
            least=LEAST_SECONDS,
        )
    for name in config.contestants:
        catalog.recipe(name)
    require_sources(sources)
    _open_folder(output, sources, config, resume)
    work = output / "work"
    clock = _Clock(config.budget, work / "stages.json")
    with Worker() as worker:  # starts importing while the text is prepared
        with clock.stage("corpus"):
            store = prepare_text(sources, work, config=config.corpus, demo=demo, log=log)
        with clock.stage("tokenizer and shards"):
            data = prepare_data(store, work, tokenizer=config.tokenizer, log=log)
        with clock.stage("cloze items"):
            _cloze_items(store, data, work, config, log)
        with clock.stage("probe"):
            _probe(worker, data, work, config, log)
        prompts = _prompts(store)
        rows, test_tokens = [], _test_tokens(data, work, config, clock)
        for position, name in enumerate(config.contestants):
            share = clock.share(len(config.contestants) - position)
            with clock.stage(name):
                rows.append(_contest(worker, name, share, output, test_tokens, prompts, config, log, resume))
    with clock.stage("report"):
        result = _result(rows, store, data, output, config, clock, prompts, command)
        write_report(result, output)
    return result


class _Clock:
    """Wall time of the whole race, by stage; what the stages of an interrupted run took counts too."""

    def __init__(self, budget: float, record: Path) -> None:
        self.budget, self.record = budget, record
        self.stages: dict[str, float] = json.loads(record.read_text("utf-8")) if record.is_file() else {}
        self._before = sum(self.stages.values())
        self._begin = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self._before + time.perf_counter() - self._begin

    def share(self, contestants_left: int) -> float:
        """Seconds for the next contestant: an equal part of what is left."""
        return max(1.0, (self.budget * (1 - _FINISH) - self.elapsed) / contestants_left)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; one that a resumed race repeats adds up."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = round(self.stages.get(name, 0.0) + time.perf_counter() - begin, 2)
            artifact.write_text_atomic(self.record, json.dumps(self.stages))


def _open_folder(output: Path, sources: Sequence[str | Path], config: RaceConfig, resume: bool) -> None:
    """A new or emptied race folder, or with `resume` one whose settings are the same; never someone's other files."""
    marker = output / "work" / "race.json"
    settings = {
        "sources": [str(source) for source in sources],
        "budget": config.budget,
        "contestants": list(config.contestants),
        "style": config.style,
        "tokenizer": str(config.tokenizer),
        "seed": config.seed,
        "overrides": {name: {key: str(value) for key, value in keys.items()} for name, keys in config.overrides.items()},
    }
    if output.exists() and not output.is_dir():
        raise UsageError("{folder} is a file: choose a folder for the {what}", folder=output, what="race")
    if output.exists() and any(output.iterdir()) and not marker.is_file():
        raise UsageError("{folder} is not empty and holds no race: choose another folder with -o", folder=output)
    if resume and marker.is_file():
        before = json.loads(marker.read_text("utf-8"))
        for key, value in settings.items():
            if before.get(key) != value:
                raise UsageError(
                    "{folder} was raced with {key} = {before}, now {now}: leave --resume away, or give the same settings",
                    folder=output,
                    key=key,
                    before=before.get(key),
                    now=value,
                )
        return
    if marker.is_file():
        import shutil

        shutil.rmtree(output / "work")
    marker.parent.mkdir(parents=True, exist_ok=True)
    artifact.write_text_atomic(marker, json.dumps(settings, ensure_ascii=False, indent=1))


def _cloze_items(store: TextStore, data: Data, work: Path, config: RaceConfig, log: Log) -> None:
    path = work / "cloze.json"
    if path.is_file():
        return
    held = store.split("test") if len(store.split("test")) else store.split("valid")
    words = TokenWords(data.tokenizer)  # Chinese by the shared tokenizer's tokens: single characters would be too easy
    items = build_cloze(store.split("train"), held, count=config.cloze_items, seed=config.seed, segment=words)
    if len(items) < config.cloze_items:
        log(Note(f"cloze: the held-out text gives {len(items)} of {config.cloze_items} questions"))
    save_cloze(items, path)


def _probe(worker: Worker, data: Data, work: Path, config: RaceConfig, log: Log) -> None:
    networks = [name for name in config.contestants if catalog.recipe(name).batches is not None]
    path = work / "probe.json"
    if path.is_file():
        return
    result = worker.run(
        "hornbook.compare.probe:run",
        {
            "families": networks,
            "vocabulary": data.tokenizer.size,
            "seconds": min(20.0, 0.08 * config.budget),
            "device": config.device,
        },
        log=log,
    )
    artifact.write_text_atomic(path, json.dumps(result))


def _test_tokens(data: Data, work: Path, config: RaceConfig, clock: _Clock) -> int:
    """How much held-out text every contestant is scored on: all of it, or what the slowest scores in its part of a share."""
    from hornbook.compare.contestant import test_split
    from hornbook.compare.probe import Probe

    probe = Probe.from_json((work / "probe.json").read_text("utf-8"))
    total = int(test_split(data).tokens.size)
    slowest = min((family.evaluation_tokens_per_second for family in probe.families.values()), default=float("inf"))
    return int(min(total, max(2000, slowest * _EVALUATION * clock.share(len(config.contestants)))))


def _contest(
    worker: Worker,
    name: str,
    share: float,
    output: Path,
    test_tokens: int,
    prompts: Sequence[str],
    config: RaceConfig,
    log: Log,
    resume: bool,
) -> dict[str, Any]:
    """One contestant's row; a failed one keeps its place in the table with the reason as its alarm."""
    saved = output / "work" / name / "row.json"
    if resume and saved.is_file() and (output / "models" / name / artifact.MANIFEST).is_file():
        return dict(json.loads(saved.read_text("utf-8")))
    recipe = catalog.recipe(name)
    log(Note(f"{recipe.title}: {share:.0f} s"))
    arguments = {
        "name": name,
        "style": config.style if config.style in recipe.styles else next(iter(recipe.styles)),
        "race": str(output),
        "seconds": share,
        "test_tokens": test_tokens,
        "cloze_seconds": max(0.3, _CLOZE * share),
        "prompts": list(prompts),
        "overrides": dict(config.overrides.get(name, {})),
        "seed": config.seed,
        "device": config.device,
        "resume": resume,
    }
    try:
        return worker.run("hornbook.compare.contestant:compete", arguments, log=log)
    except JobError as error:
        if error.exit_code == Interrupted.exit_code:
            raise Interrupted(
                "interrupted during {name}; what is finished is kept: run the same command with --resume to go on", name=name
            ) from error
        if error.exit_code != 1:
            raise
        log(Alarm(f"{name} failed: {error}", "its row stays empty; the other contestants go on"))
        empty = {"name": name, "title": recipe.title, "generation": recipe.generation, "share_seconds": share}
        return {**empty, "alarms": [str(error)]}


def _result(
    rows: list[dict[str, Any]],
    store: TextStore,
    data: Data,
    output: Path,
    config: RaceConfig,
    clock: _Clock,
    prompts: Sequence[str],
    command: str,
) -> RaceResult:
    ranked = rank_rows(rows, output / "work", seed=config.seed)
    if not ranked or ranked[0].bits_per_byte is None:
        raise ContentError("no contestant finished; see the alarms above and {folder}", folder=output / "work")
    first = next(row for row in rows if row["name"] == ranked[0].name)
    report = data.report
    return RaceResult(
        corpus=_corpus_summary(store, data),
        machine=_machine_summary(output / "work"),
        tokenizer=TokenizerSummary(
            kind=report.kind if report else "",
            size=data.tokenizer.size,
            bytes_per_token=report.bytes_per_token if report else None,
            fertility=report.fertility if report else None,
            unknown_rate=report.unknown_rate if report else None,
        ),
        budget_seconds=config.budget,
        seconds=round(clock.elapsed, 2),
        rows=ranked,
        best=best_rows(ranked),
        stage_seconds=clock.stages,
        interval_unit=first["interval_unit"],
        interval_units=first["interval_units"],
        prompts=tuple(prompts),
        command=command,
        folder=str(output),
        versions=runtime.versions(),
        seed=config.seed,
        alarms=tuple(f"{row['name']}: {alarm}" for row in rows for alarm in row.get("alarms", [])),
    )


def rank_rows(rows: Sequence[Mapping[str, Any]], work: Path, *, seed: int) -> tuple[RaceRow, ...]:
    """Rows best first, ranked by paired bootstrap on the same held-out units; failed contestants last."""
    scored = [row for row in rows if row.get("bits_per_byte") is not None]
    units = {str(row["name"]): _units(work / str(row["name"]) / "units.npz") for row in scored}
    places = {place.name: place for place in rank_with_ties(units, seed=seed)} if units else {}
    scored.sort(key=lambda row: float(row["bits_per_byte"]))
    result = []
    for row in [*scored, *(row for row in rows if row.get("bits_per_byte") is None)]:
        place = places.get(str(row["name"]))
        doubling = row.get("gain_per_doubling")
        result.append(
            RaceRow(
                name=row["name"],
                generation=row["generation"],
                family=row["name"],
                bits_per_byte=row.get("bits_per_byte"),
                bits_per_byte_ci95=_pair(row.get("bits_per_byte_ci95")),
                cloze_accuracy=row.get("cloze_accuracy"),
                cloze_accuracy_ci95=_pair(row.get("cloze_accuracy_ci95")),
                train_seconds=row.get("train_seconds", 0.0),
                share_seconds=row.get("share_seconds"),
                tokens_seen=row.get("tokens_seen", 0),
                epochs=row.get("epochs"),
                peak_rss_mb=row.get("peak_rss_mb"),
                size_mb=row.get("size_mb"),
                latency_ms=row.get("latency_ms"),
                parameters=row.get("parameters"),
                model=f"models/{row['name']}" if row.get("size_mb") else None,
                rank=place.rank if place else None,
                tied_with=place.tied_with if place else (),
                behind_best=place.behind_best if place else None,
                behind_best_ci95=place.behind_best_ci95 if place else None,
                forecast=row.get("forecast") or {},
                actual=_actual(row),
                curve=tuple((float(a), int(b), float(c)) for a, b, c in row.get("curve", [])),
                samples=tuple(row.get("samples", [])),
                shape=row.get("shape", ""),
                alarms=tuple(row.get("alarms", [])),
                too_small_to_judge=bool(place and doubling is not None and 0 < place.behind_best < doubling),
            )
        )
    return tuple(result)


def best_rows(rows: Sequence[RaceRow]) -> dict[str, str]:
    """Who is best: in quality; the smallest and the cheapest to train among those within 10 % of the best bits per byte."""
    scored = [row for row in rows if row.bits_per_byte is not None]
    limit = 1.1 * min(row.bits_per_byte or 0.0 for row in scored)
    close = [row for row in scored if (row.bits_per_byte or 0.0) <= limit]
    return {
        "quality": scored[0].name,
        "small": min(close, key=lambda row: row.size_mb or float("inf")).name,
        "cheap": min(close, key=lambda row: row.train_seconds).name,
    }


def write_report(result: RaceResult, output: Path) -> None:
    """index.html and report.json of a race, each whole or absent."""
    from hornbook.compare.report import render
    from hornbook.core.errors import chinese_locale

    artifact.write_text_atomic(output / "report.json", result.to_json())
    artifact.write_text_atomic(output / "index.html", render(result, language="zh" if chinese_locale() else "en"))


def _actual(row: Mapping[str, Any]) -> dict[str, float]:
    """What became of the forecast, under the same names."""
    if not row.get("forecast"):
        return {}
    return {
        "seconds": row["wall_seconds"],
        "tokens": float(row["tokens_seen"]),
        "tokens_per_second": row["tokens_seen"] / max(row["train_seconds"], 1e-9),
        "parameters": float(row["parameters"]),
    }


def _units(path: Path) -> Units:
    with np.load(path) as arrays:
        return Units(totals=arrays["totals"], weights=arrays["weights"])


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return (float(values[0]), float(values[1])) if values else None


def _prompts(store: TextStore) -> tuple[str, ...]:
    """Beginnings of two held-out documents, cut between words: what every model continues in the report."""
    held = store.split("test") if len(store.split("test")) else store.split("valid")
    prompts = []
    for index in dict.fromkeys((0, len(held) // 2)):
        line = next((line.strip() for line in held.text(index).splitlines() if len(line.strip()) > _PROMPT_CHARACTERS), "")
        cut = line[:_PROMPT_CHARACTERS]
        prompts.append(cut.rsplit(" ", 1)[0] if " " in cut else cut[: _PROMPT_CHARACTERS // 3])
    return tuple(prompt for prompt in prompts if prompt) or ("",)


def _corpus_summary(store: TextStore, data: Data) -> CorpusSummary:
    splits = {
        name: SplitSummary(len(split), split.total_bytes, int(data.shards.split(name).tokens.size))
        for name, split in store.splits.items()
        if name in data.shards.splits and len(split)
    }
    head = store.split("train").text(0)[:20000]
    han = sum("\u4e00" <= character <= "\u9fff" for character in head) / max(1, len(head))
    name = ", ".join(Path(source).name for source in store.about.get("sources", [])[:3]) or store.folder.name
    return CorpusSummary(name=name, splits=splits, language="zh" if han > 0.2 else "en")


def _machine_summary(work: Path) -> MachineSummary:
    probe = json.loads((work / "probe.json").read_text("utf-8"))
    return MachineSummary(
        cpu=runtime.cpu_name(),
        cores=runtime.available_cores(),
        threads=int(os.environ.get("OMP_NUM_THREADS", runtime.available_cores())),
        memory_gb=runtime.total_memory_mb() / 1e3,
        device=str(probe.get("device", "cpu")),
        facts={"platform": sys.platform},
    )
