"""Fine-tuning, whatever the task: the encoder of a folder or a fresh one, trained under a head until it is good."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hornbook import catalog
from hornbook.core.errors import UsageError, translate
from hornbook.core.events import Event, Finished, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.recipes.finetune import COURSES, Course
from hornbook.tasks.pretrain import resolve

Log = Callable[[Event], None]
_SMALL = {"layers": 2, "width": 128}  # of a network that learns from the task's examples alone
_TYPES = 8_000


@dataclass(frozen=True)
class Job:
    """What is asked for, whatever the task.

    `start`: the folder of a model, a file of word vectors, or the name of a recipe, whose network then learns from the examples
    alone. `dev` chooses the epoch and the seed, by default a share of `split`. `target`: stop as soon as the task's main metric
    reaches it on dev. `seconds`: budget of all `seeds` together, 0 goes by epochs. `lora_rank` above 0 trains adapters of that
    rank in place of the network's matrices; they are added to them in the end. `opened` opens a path.
    """

    start: str
    data: Path
    output: Path
    opened: Callable[[Path], Any]
    log: Log
    dev: Path | None = None
    split: float = 0.1
    target: float = 0.0
    seconds: float = 0.0
    seeds: int = 1
    seed: int = 1
    device: str = "auto"
    lora_rank: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.target <= 1:
            raise UsageError("target = {value}: give a share from 0 to 1, as 0.9", value=self.target)
        if self.seeds < 1:
            raise UsageError("seeds = {value}: give 1 or more", value=self.seeds)
        if not 0 <= self.split < 1:
            raise UsageError("split = {value}: give a share from 0 to below 1", value=self.split)
        if self.lora_rank < 0:
            raise UsageError("lora-rank = {value}: give 0, which is off, or more", value=self.lora_rank)

    @property
    def work(self) -> Path:
        """Where checkpoints of this seed go."""
        return self.output.with_name(self.output.name + ".work") / f"seed-{self.seed}"

    def settings(self, group: str) -> dict[str, Any]:
        """What was overridden of one group, "training" or "model", without its name."""
        return {key.removeprefix(f"{group}."): value for key, value in self.overrides.items() if key.startswith(f"{group}.")}


class Outcome(NamedTuple):
    """One seed's model, what it reached on dev (None: not measured), and the facts of its training and of that score."""

    score: float | None
    model: Any
    facts: dict[str, Any]


@dataclass(frozen=True)
class Start:
    """What fine-tuning begins with: a model of any generation, its name, and how such a one is trained."""

    model: Any
    name: str
    course: Course


def begin(start: Any, texts: Sequence[str], *, opened: Callable[[Path], Any], seed: int, log: Log) -> Start:
    """The model in a folder, a model as it is, or a fresh one of a recipe with a tokenizer learned from `texts`.

    UsageError for a path that does not exist and is no recipe, or a recipe whose models are no encoders.
    """
    if not isinstance(start, str):
        return Start(start, type(start).__name__, COURSES[_kind(start)])
    path = Path(start)
    if path.exists() or start not in catalog.RECIPES:
        if not path.exists():
            raise UsageError("{start} is neither a folder nor a recipe: {names}", start=start, names=", ".join(catalog.RECIPES))
        model = _below_head(opened(path))
        return Start(model, start, COURSES[_kind(model)])
    return Start(_fresh(start, texts, seed=seed, log=log), start, COURSES["scratch"])


def _below_head(model: Any) -> Any:
    """The network that a fine-tuned model stands on: its head knows other labels."""
    from hornbook.models.classifier import NeuralClassifier
    from hornbook.models.tagger import NeuralTagger

    return model.model if isinstance(model, NeuralClassifier | NeuralTagger) else model


def _kind(model: Any) -> str:
    from hornbook.embeddings.vectors import WordVectors
    from hornbook.models.rnn import RnnLM

    if isinstance(model, WordVectors):
        return "bag"
    return "recurrent" if isinstance(model, RnnLM) or type(model).__name__ == "BiRnn" else "pretrained"


def _fresh(name: str, texts: Sequence[str], *, seed: int, log: Log) -> Any:
    """A small network of a recipe, untrained."""
    import torch

    from hornbook.tokenizers import TokenizerConfig, train_tokenizer

    recipe = catalog.recipe(name)
    if recipe.batches is None:
        raise UsageError(
            "{recipe} has no network to start from: choose {names}", recipe=name, names="rnn, lstm, gru, gpt, bert, roberta"
        )
    config = next(iter(recipe.styles.values())).model
    least = TokenizerConfig(kind=recipe.tokenizer).smallest_size
    size = max(least, min(_TYPES, sum(map(len, texts)) // 40))
    tokenizer = train_tokenizer(texts, TokenizerConfig(kind=recipe.tokenizer, size=size))
    torch.manual_seed(seed)
    log(Note(translate("{name} from scratch: {types:,} types, nothing learned before").format(name=name, types=tokenizer.size)))
    return resolve(recipe.model)(tokenizer, dataclasses.replace(config, **_SMALL, dropout=0.3))


def best_of(job: Job, fit: Callable[[Job], Outcome], metric: str) -> tuple[Any, dict[str, Any]]:
    """The model of the best seed on dev, and its facts; of several seeds also their mean and its interval (Student's t)."""
    began = time.perf_counter()
    each = dataclasses.replace(job, seconds=job.seconds / job.seeds)
    runs = [fit(dataclasses.replace(each, seed=job.seed + number)) for number in range(job.seeds)]
    best = max(runs, key=lambda run: -1.0 if run.score is None else run.score)
    scores = [run.score for run in runs if run.score is not None]
    facts = {"encoder": job.start, "seconds": round(time.perf_counter() - began, 3), **best.facts}
    facts |= {"parameters": best.model.parameters, "peak_rss_mb": round(peak_rss_mb(), 1)}
    if len(scores) > 1:
        mean, interval = _mean_of(scores)
        facts |= {f"{metric}_of_seeds": scores, f"{metric}_mean": mean, f"{metric}_mean_ci95": interval}
    return best.model, facts


def _mean_of(scores: Sequence[float]) -> tuple[float, list[float]]:
    """Mean of the scores of several seeds, and its interval."""
    import statistics

    from scipy.stats import t  # type: ignore[import-untyped]

    mean = statistics.fmean(scores)
    half = float(t.ppf(0.975, len(scores) - 1)) * statistics.stdev(scores) / len(scores) ** 0.5
    return mean, [mean - half, mean + half]


def planned(job: Job, base: Any) -> Any:
    """The training configuration: the base's, what the job asks for, what was overridden."""
    training = dataclasses.replace(base, seed=job.seed, device=job.device, seconds=job.seconds)
    training = dataclasses.replace(training, enough=1 - job.target if job.target else -1.0, **job.settings("training"))
    return dataclasses.replace(training, seconds=0.0) if training.steps else training


@contextmanager
def adapters(body: Any, rank: int) -> Iterator[None]:
    """Within: adapters of this rank learn in place of the network's matrices, into which they are merged at the end."""
    from hornbook.layers.lora import LoraConfig, add_lora, merge_lora

    if rank:
        add_lora(body, LoraConfig(rank=rank, alpha=2.0 * rank))
    yield
    merge_lora(body)


def until_good(
    module: Any,
    objective: Callable[..., Any],
    batches: Any,
    training: Any,
    *,
    epochs: float,
    measure: Callable[[], Mapping[str, float]] | None,
    folder: Path | None,
    identity: Mapping[str, Any],
    resume: bool,
    log: Log,
) -> tuple[Finished, dict[str, Any]]:
    """Train until the budget is spent, the target is reached or nothing is gained; `module` ends with its best weights.

    The budget is what `training` says, else `epochs`; `measure` is asked once an epoch. Checkpoints go to `folder`, from which
    `resume` goes on. Returns how it ended, and that as facts for people.
    """
    from hornbook.training import remove_checkpoints, train
    from hornbook.training import resume as newest

    state = None
    if folder is not None:
        state = newest(folder) if resume else None
        if state is None:
            remove_checkpoints(folder)
    per_epoch = batches.batches_an_epoch
    if not training.steps and not training.seconds:
        training = dataclasses.replace(training, steps=max(1, round(epochs * per_epoch)))
    if not training.evaluate_every:
        training = dataclasses.replace(training, evaluate_every=per_epoch)
    finished = None
    for event in train(module, objective, batches, training, state=state, evaluate=measure, folder=folder, identity=identity):
        log(event)
        if isinstance(event, Finished):
            finished = event
    assert finished is not None
    return finished, {
        "steps": finished.step,
        "epochs": round(finished.step / per_epoch, 2),
        "reason": finished.reason,
        "tokens_seen": finished.tokens,
        "tokens_per_second": round(finished.tokens / max(finished.seconds, 1e-9), 1),
        "training_seconds": round(finished.seconds, 3),
    }
