"""How fast this machine trains and scores each family: real training steps of a few shapes, then a line through them.

A step costs what its products cost and what moving data and calling small kernels costs, so seconds per token are fitted as
a + b x FLOPs per token, per family; b is the machine at work, a everything that does not grow with the model.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hornbook.compare.noise import NoiseBatches, Vocabulary, noise, zipf_counts
from hornbook.core import codec, runtime
from hornbook.core.errors import translate
from hornbook.core.events import Alarm, Event, Note, Step

if TYPE_CHECKING:
    import torch

Log = Callable[[Event], None]

_TRANSFORMERS = ((2, 64), (3, 128), (4, 256), (6, 384), (8, 512))
_RECURRENT = ((1, 128), (1, 384), (1, 768), (2, 1024))
_TIMED_STEPS = 4  # at least, after one to warm up; the best of them counts, for others on the machine only slow it down
_TIMED_SECONDS = 0.4  # at least, so that a burst of other work does not fall on all of them
_FIRST_TOKENS = 1024  # of a step of the first shape
_COUNTED_TOKENS = 200_000
_SCORED_TOKENS = 4096


@dataclass(frozen=True)
class ShapeSpeed:
    """One measured shape."""

    layers: int
    width: int
    flops_per_token: float  # of training; scoring takes a third
    tokens_per_second: float
    evaluation_tokens_per_second: float


@dataclass(frozen=True)
class FamilySpeed:
    """A family's cost of one training token: `overhead` + `seconds_per_flop` x FLOPs, in seconds.

    For models that count there are no FLOPs: `overhead` alone is the cost. `evaluation_tokens_per_second` is that of the
    largest measured shape.
    """

    overhead: float
    seconds_per_flop: float
    evaluation_tokens_per_second: float
    shapes: tuple[ShapeSpeed, ...] = ()

    def tokens_per_second(self, flops_per_token: float = 0.0) -> float:
        """Training tokens per second of a shape of so many training FLOPs per token."""
        return 1.0 / max(self.overhead + self.seconds_per_flop * flops_per_token, 1e-12)

    def evaluation_speed(self, flops_per_token: float) -> float:
        """Scored tokens per second of such a shape: the measured speed of the largest, scaled as training scales."""
        if not self.shapes:
            return self.evaluation_tokens_per_second
        largest = self.shapes[-1].flops_per_token
        return self.evaluation_tokens_per_second * self.tokens_per_second(flops_per_token) / self.tokens_per_second(largest)


@dataclass(frozen=True)
class Probe:
    """What was measured: families by recipe name, matrix products, and the machine's facts."""

    families: dict[str, FamilySpeed] = field(default_factory=dict)
    gflops_float32: float = 0.0
    gflops_bfloat16: float | None = None  # None where the device cannot
    cpu: str = ""
    cores: int = 1
    memory_gb: float | None = None
    device: str = "cpu"
    seconds: float = 0.0  # that the probe took

    def tokens_per_second(self, name: str, model: Any, vocabulary: int) -> float:
        """Forecast of training tokens per second for the configuration of a network of a probed family."""
        from hornbook.compare.budget import flops_per_token

        return self.families[name].tokens_per_second(flops_per_token(model, vocabulary))

    def to_json(self) -> str:
        """JSON text that `from_json` reads back equal."""
        return json.dumps(codec.plain(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "probe.json") -> Probe:
        """Read what `to_json` wrote; ContentError names what does not fit."""
        return codec.from_json(text, cls, where=where)


def measure(
    families: Sequence[str],
    *,
    vocabulary: int,
    seconds: float = 20.0,
    device: str = "auto",
    documents: int = 16,
    styles: Mapping[str, str] | None = None,
    log: Log | None = None,
) -> Probe:
    """Measure the recipes named, in about `seconds` altogether; each gets an equal part of what is left when its turn comes.

    `documents` are those that will be scored; `styles` picks a style of a recipe by its name, the first one otherwise. At
    least one shape of every network is measured, however short the time. The result depends on the machine and on what else
    it is doing.
    """
    from hornbook import catalog
    from hornbook.training.device import pick_device

    begin = time.perf_counter()
    place = pick_device(device)
    report = log or (lambda event: None)
    if alarm := busy_alarm(_load(), runtime.available_cores()):
        report(alarm)
    float32, bfloat16 = _matrix_products(place)
    found: dict[str, FamilySpeed] = {}
    for number, name in enumerate(families):
        left = seconds - (time.perf_counter() - begin)
        recipe = catalog.recipe(name)
        style = (styles or {}).get(name) or next(iter(recipe.styles))
        slot = max(0.0, left / (len(families) - number))
        if recipe.batches is None:
            found[name] = _counting_speed(recipe, recipe.styles[style], vocabulary)
        else:
            found[name] = _network_speed(recipe, recipe.styles[style], vocabulary, slot, place, documents)
        for shape in found[name].shapes[-1:]:
            size = f"{shape.layers} x {shape.width}"
            report(Note(f"probe: {name} {size} trains {shape.tokens_per_second:,.0f} tokens a second here"))
    return Probe(
        found,
        float32,
        bfloat16,
        runtime.cpu_name(),
        runtime.available_cores(),
        _memory_gb(),
        str(place),
        time.perf_counter() - begin,
    )


def run(
    *,
    families: Sequence[str],
    vocabulary: int,
    seconds: float,
    device: str,
    documents: int = 16,
    log: Log,
    styles: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`measure` as plain values, for a process of its own."""
    probe = measure(
        families, vocabulary=vocabulary, seconds=seconds, device=device, documents=documents, styles=styles, log=log
    )
    result: dict[str, Any] = codec.plain(probe)
    return result


def fit_cost(flops: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """(a, b), both at least 0, that make a + b x flops fit the seconds with the least squared relative error."""
    weights = [1 / value**2 for value in seconds]
    total = sum(weights)
    x = sum(weight * value for weight, value in zip(weights, flops)) / total
    y = sum(weight * value for weight, value in zip(weights, seconds)) / total
    variance = sum(weight * (value - x) ** 2 for weight, value in zip(weights, flops))
    covariance = sum(weight * (f - x) * (s - y) for weight, f, s in zip(weights, flops, seconds))
    if variance <= 1e-12 * total * x * x:  # one shape tells no overhead apart
        return 0.0, y / x
    slope = covariance / variance
    if slope <= 0:  # only noise can make larger models faster: then the overhead explains all
        return y, 0.0
    if y - slope * x < 0:
        through_zero = sum(w * f * s for w, f, s in zip(weights, flops, seconds)) / sum(
            w * f * f for w, f in zip(weights, flops)
        )
        return 0.0, through_zero
    return y - slope * x, slope


def busy_alarm(load: float, cores: int) -> Alarm | None:
    """An alarm when twice as much wants to run as there are cores: threads that wait for each other then lose most of it."""
    if load <= 2 * cores:
        return None
    text = translate("the machine is busy: {load:.1f} processes want to run on {cores} cores").format(load=load, cores=cores)
    return Alarm(text, translate("forecasts and results will be poor: race again when it is quiet"))


def _load() -> float:
    """Processes that wanted to run, averaged over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _network_speed(recipe: Any, config: Any, vocabulary: int, slot: float, device: torch.device, documents: int) -> FamilySpeed:
    """Measure ever larger shapes until the next one would not fit into the slot; the first on a small batch, to be quick."""
    begin = time.perf_counter()
    shapes: list[ShapeSpeed] = []
    tokens, spent = _FIRST_TOKENS, 0.0
    for layers, width in _RECURRENT if recipe.batches == "lanes" else _TRANSFORMERS:
        candidate = dataclasses.replace(config, model=dataclasses.replace(config.model, layers=layers, width=width))
        if shapes:
            growth = _flops(candidate, vocabulary) / shapes[-1].flops_per_token
            full = config.training.rows * config.training.length
            left = slot - (time.perf_counter() - begin)
            while full > _FIRST_TOKENS and spent * growth * full / tokens > left:
                full //= 2
            if spent * growth * full / tokens > left:
                break
            tokens = full
        started = time.perf_counter()
        shapes.append(_shape_speed(recipe, candidate, vocabulary, tokens, slot / 4, device, documents))
        spent = time.perf_counter() - started
    flops = [shape.flops_per_token for shape in shapes]
    overhead, slope = fit_cost(flops, [1 / shape.tokens_per_second for shape in shapes])
    return FamilySpeed(overhead, slope, shapes[-1].evaluation_tokens_per_second, tuple(shapes))


def _shape_speed(
    recipe: Any, config: Any, vocabulary: int, tokens: int, slot: float, device: torch.device, documents: int
) -> ShapeSpeed:
    """Real steps of the real loop on made-up text, `tokens` a step, then scoring; stops early when the slot is used up."""
    from hornbook.tasks.lessons import objective
    from hornbook.training import train

    begin = time.perf_counter()
    model = _model_class(recipe)(Vocabulary(vocabulary), config.model)
    rows = min(config.training.rows, max(1, tokens // config.training.length))
    training = dataclasses.replace(config.training, steps=0, seconds=1e9, device=str(device), rows=rows, accumulate=1)
    durations: list[float] = []
    batches = noise(recipe, config, rows=rows, vocabulary=vocabulary)
    goal = objective(recipe, config, lambda: zipf_counts(vocabulary))
    for event in train(model.module, goal, batches, training):
        if isinstance(event, Step):
            durations.append(1 / event.tokens_per_second)
            timed = rows * training.length * sum(durations[1:])
            if len(durations) > _TIMED_STEPS and timed > min(_TIMED_SECONDS, slot):
                break
            if len(durations) > 1 and time.perf_counter() - begin > slot:
                break
    layers, width = config.model.layers, config.model.width
    if recipe.batches == "masked":
        evaluation = _guessing_speed(model, batches)
    else:
        evaluation = _scoring_speed(model, vocabulary, documents)
    return ShapeSpeed(layers, width, _flops(config, vocabulary), 1 / min(durations[1:]), evaluation)


def _scoring_speed(model: Any, vocabulary: int, documents: int) -> float:
    """Tokens a second of so many made-up documents side by side, after a short one to warm up.

    Recurrent models read a document word after word: few long documents are slower than many short ones.
    """
    generator = np.random.default_rng(1)
    count = min(16, max(1, documents))
    texts = [generator.integers(6, vocabulary, _SCORED_TOKENS // count).astype(np.int64) for _ in range(count)]
    model.module.eval()
    model.log_probs([texts[0][:32]])
    begin = time.perf_counter()
    scored = model.log_probs(texts)
    return sum(len(scores) for scores in scored) / (time.perf_counter() - begin)


def _guessing_speed(model: Any, batches: NoiseBatches) -> float:
    """Tokens a second of a batch whose hidden tokens are guessed, one after a first to warm up."""
    from hornbook.scoring.masked import masked_score

    masked_score(model.module, [batches.part(0, 0, 1)])
    return batches.rows * batches.length / masked_score(model.module, [batches.part(1, 0, 1)]).seconds


def _counting_speed(recipe: Any, config: Any, vocabulary: int) -> FamilySpeed:
    """Fit and score made-up text whose words follow Zipf's law; a tiny text first, so that kernels are compiled."""

    generator = np.random.default_rng(1)
    ranks = np.minimum(generator.zipf(1.2, _COUNTED_TOKENS), vocabulary - 6) + 5  # ids 6 and above are words
    documents = np.split(ranks.astype(np.int64), _COUNTED_TOKENS // 1000)
    build = _model_class(recipe)
    build(Vocabulary(vocabulary), config.model).fit(documents[:2]).log_probs(documents[:1])
    begin = time.perf_counter()
    model = build(Vocabulary(vocabulary), config.model).fit(documents)
    fitted = time.perf_counter()
    model.log_probs(documents[:20])
    scored = time.perf_counter()
    return FamilySpeed((fitted - begin) / _COUNTED_TOKENS, 0.0, 20_000 / max(scored - fitted, 1e-9))


def _matrix_products(device: torch.device) -> tuple[float, float | None]:
    """10^9 operations per second of a square product in float32 and bfloat16, the best of a few."""
    import torch

    size = 4096 if device.type == "cuda" else 768
    rates: list[float | None] = []
    for kind in (torch.float32, torch.bfloat16):
        matrix = torch.ones(size, size, device=device).to(kind)
        try:
            best = min(_product_seconds(matrix) for _ in range(4))
        except RuntimeError:  # the device has no product of this type
            rates.append(None)
            continue
        rates.append(2e-9 * size**3 / best)
    return rates[0] or 0.0, rates[1]


def _product_seconds(matrix: torch.Tensor) -> float:
    begin = time.perf_counter()
    float((matrix @ matrix)[0, 0])  # reading a number waits for the device
    return max(time.perf_counter() - begin, 1e-9)


def _model_class(recipe: Any) -> Any:
    module, name = recipe.model.split(":")
    return getattr(importlib.import_module(module), name)


def _flops(config: Any, vocabulary: int) -> float:
    from hornbook.compare.budget import flops_per_token

    return flops_per_token(config.model, vocabulary)


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
