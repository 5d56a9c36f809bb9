"""The race: every contestant on the same text, tokenizer, held-out split and budget; ranked, with a report and model folders.

The stages, in order: text, tokenizer and shards, cloze items, a probe of this machine, then one contestant after another in
a process of its own, then the ranking by paired tests and the report. The budget is total wall time: what the earlier stages
leave is shared equally among the contestants still to come, so what one leaves unused goes to the rest. Each finished
stage is on disk: an interrupted race goes on with `resume`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hornbook import catalog
from hornbook.compare.advice import pick_best
from hornbook.compare.contestant import ANSWERS, CLOZE, ENTRY, PROBE, UNITS, Entry, test_split
from hornbook.compare.field import default_field, field_note, race_style
from hornbook.compare.probe import Probe
from hornbook.compare.ranking import corpus_summary, load_units, machine_summary, rank_rows, tokenizer_summary, write_report
from hornbook.compare.results import RaceResult, RaceRow
from hornbook.compare.task_scores import TaskData, with_task
from hornbook.compare.worker import JobError, Worker
from hornbook.core import artifact, codec, runtime
from hornbook.core.errors import ContentError, Interrupted, UsageError
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.prepare import CorpusConfig
from hornbook.corpus.sources import require_sources
from hornbook.corpus.store import TextStore
from hornbook.scoring.cloze import TokenWords, build_cloze, save_cloze
from hornbook.tasks.pretrain import Data, held_out, prepare_data, prepare_text
from hornbook.tokenizers import TokenizerConfig

Log = Callable[[Event], None]
LEAST_SECONDS = 10.0  # no race below: starting the libraries alone takes a few seconds
_FINISH = 0.03  # of the budget kept for ranking, report and rounding
_CLOZE = 0.06  # of a share that cloze accuracy may take
_CONTEXT = 0.02  # of a share that the curve over context may take
_EVALUATION = 0.12  # of a share that scoring the held-out text may take
_TEST_TOKENS = "test-tokens.json"
_PROMPT_CHARACTERS = 60
_INTERRUPTED = "interrupted during {name}; what is finished is kept: run the same command with --resume to go on"


@dataclass(frozen=True)
class RaceConfig:
    """What is raced, under which budget (seconds of wall time in all)."""

    budget: float = 600.0
    contestants: tuple[str, ...] = ()  # in the order they run; `default_field` of the budget when none is named
    style: str = ""  # "" takes what `race_style` says
    tokenizer: TokenizerConfig | Path | str = "bpe"
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    cloze_items: int = 400
    seed: int = 1
    device: str = "auto"
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # contestant -> dotted keys
    task: TaskData | None = None  # what every contestant is fine-tuned for, in its share of the budget


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
    if not config.contestants:
        config = replace(config, contestants=default_field(config.budget))
        if note := field_note(config.budget):
            log(Note(note))
    for name in config.contestants:
        catalog.recipe(name)
    require_sources(sources)
    _open_folder(output, sources, config, resume)
    work = output / "work"
    clock = _Clock(config.budget * (1 - (config.task.share if config.task else 0.0)), work / "stages.json")
    with Worker() as worker:  # starts importing while the text is prepared
        with clock.stage("corpus"):
            store = prepare_text(sources, work, config=config.corpus, demo=demo, log=log)
        with clock.stage("tokenizer and shards"):
            data = prepare_data(store, work, tokenizer=config.tokenizer, log=log)
            held_out(data.shards)  # without held-out text there is nothing to rank by
        with clock.stage("cloze items"):
            _cloze_items(store, data, work, config, log)
        with clock.stage("probe"):
            _probe(worker, data, work, config, log)
        prompts = _prompts(store)
        entries, test_tokens = [], _test_tokens(data, work, config, clock)
        for position, name in enumerate(config.contestants):
            share = clock.share(len(config.contestants) - position)
            with clock.stage(name):
                entries.append(_contest(worker, name, share, output, store, test_tokens, prompts, config, log, resume))
    with clock.stage("report"):
        result = _result(entries, store, data, output, config, clock, prompts, command)
        write_report(result, output)
    if config.task is not None:
        clock.budget = config.budget
        with clock.stage(config.task.name):
            result = with_task(result, output, config.task, clock.share, device=config.device, resume=resume, log=log)
        result = replace(result, seconds=round(clock.elapsed, 2), stage_seconds=dict(clock.stages))
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
        except KeyboardInterrupt:
            raise Interrupted(_INTERRUPTED, name=name) from None
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
    path = work / CLOZE
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
    path = work / PROBE
    if path.is_file():
        return
    result = worker.run(
        "hornbook.compare.probe:run",
        {
            "families": networks,
            "vocabulary": data.tokenizer.size,
            "seconds": min(20.0, 0.08 * config.budget),
            "device": config.device,
            "documents": len(test_split(data)),
            "styles": {name: race_style(catalog.recipe(name), config.style) for name in networks},
        },
        log=log,
    )
    artifact.write_text_atomic(path, json.dumps(result))


def _test_tokens(data: Data, work: Path, config: RaceConfig, clock: _Clock) -> int:
    """How much held-out text every contestant is scored on: all of it, or what the slowest scores in its part of a share.

    Decided once: those that run after an interruption are compared with those before it.
    """
    decided = work / _TEST_TOKENS
    if decided.is_file():
        return int(json.loads(decided.read_text("utf-8")))
    probe = _read_probe(work)
    total = int(test_split(data).tokens.size)
    slowest = min((family.evaluation_tokens_per_second for family in probe.families.values()), default=float("inf"))
    tokens = int(min(total, max(2000, slowest * _EVALUATION * clock.share(len(config.contestants)))))
    artifact.write_text_atomic(decided, json.dumps(tokens))
    return tokens


def _contest(
    worker: Worker,
    name: str,
    share: float,
    output: Path,
    store: TextStore,
    test_tokens: int,
    prompts: Sequence[str],
    config: RaceConfig,
    log: Log,
    resume: bool,
) -> Entry:
    """One contestant's entry; a failed one keeps its place in the table with the reason as its alarm."""
    saved = output / "work" / name / ENTRY
    if resume and saved.is_file() and (output / "models" / name / artifact.MANIFEST).is_file():
        return codec.from_json(saved.read_text("utf-8"), Entry, where=str(saved))
    recipe = catalog.recipe(name)
    log(Note(f"{recipe.title}: at most {share:.0f} s"))
    arguments: dict[str, Any] = {
        "name": name,
        "style": race_style(recipe, config.style),
        "race": str(output),
        "seconds": share,
        "cloze_seconds": max(0.3, _CLOZE * share),
        "overrides": dict(config.overrides.get(name, {})),
        "seed": config.seed,
        "resume": resume,
    }
    if recipe.reads == "words":
        job = "hornbook.compare.vector_contestant:compete"
        arguments |= {"text": str(store.folder)}
    else:
        job = "hornbook.compare.contestant:compete"
        arguments |= {"test_tokens": test_tokens, "prompts": list(prompts), "device": config.device}
        arguments |= {"context_seconds": max(0.1, _CONTEXT * share)}
    try:
        worker.run(job, arguments, log=log)
    except JobError as error:
        if error.exit_code == Interrupted.exit_code:
            raise Interrupted(_INTERRUPTED, name=name) from error
        if error.exit_code != 1:
            raise
        log(Alarm(f"{name} failed: {error}", "its row stays empty; the other contestants go on"))
        row = RaceRow(name, recipe.generation, name, share_seconds=share, alarms=(str(error),))
        return Entry(row)
    return codec.from_json(saved.read_text("utf-8"), Entry, where=str(saved))


def _result(
    entries: list[Entry],
    store: TextStore,
    data: Data,
    output: Path,
    config: RaceConfig,
    clock: _Clock,
    prompts: Sequence[str],
    command: str,
) -> RaceResult:
    scored = [entry for entry in entries if entry.row.bits_per_byte is not None]
    if not any(entry.row.model for entry in entries):
        raise ContentError("no contestant finished; see the alarms above and {folder}", folder=output / "work")
    units = {entry.row.name: load_units(output / "work" / entry.row.name / UNITS) for entry in scored}
    answered = [entry.row.name for entry in entries if entry.row.model and entry.row.cloze_accuracy is not None]
    answers = {name: load_units(output / "work" / name / ANSWERS) for name in answered}
    rows = rank_rows([entry.row for entry in entries], units, answers, seed=config.seed)
    judged = scored[0] if scored else entries[0]
    return RaceResult(
        corpus=corpus_summary(store, data),
        machine=machine_summary(_read_probe(output / "work")),
        tokenizer=tokenizer_summary(data),
        budget_seconds=config.budget,
        seconds=round(clock.elapsed, 2),
        rows=rows,
        best=pick_best(rows),
        stage_seconds=dict(clock.stages),
        interval_unit=judged.interval_unit,
        interval_units=judged.interval_units or None,
        prompts=tuple(prompts),
        command=command,
        folder=str(output),
        versions=runtime.versions(),
        seed=config.seed,
        alarms=tuple(f"{row.name}: {alarm}" for row in rows for alarm in row.alarms),
    )


def _read_probe(work: Path) -> Probe:
    return Probe.from_json((work / PROBE).read_text("utf-8"))


def _prompts(store: TextStore) -> tuple[str, ...]:
    """Beginnings of two held-out documents, cut between words: what every model continues in the report."""
    held = store.split("test") if len(store.split("test")) else store.split("valid")
    prompts = []
    for index in dict.fromkeys((0, len(held) // 2)):
        line = next((line.strip() for line in held.text(index).splitlines() if len(line.strip()) > _PROMPT_CHARACTERS), "")
        cut = line[:_PROMPT_CHARACTERS]
        prompts.append(cut.rsplit(" ", 1)[0] if " " in cut else cut[: _PROMPT_CHARACTERS // 3])
    return tuple(prompt for prompt in prompts if prompt) or ("",)
