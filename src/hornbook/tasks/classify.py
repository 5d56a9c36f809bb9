"""Labels of texts by a fine-tuned network: from labelled texts to a saved classifier, the linear floor beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core import artifact
from hornbook.core.config import merge
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.document import Log, ReadConfig
from hornbook.corpus.label_columns import TextColumns
from hornbook.corpus.labelled_texts import files_by_split
from hornbook.recipes.finetune import FinetuneRecipe, finetuned
from hornbook.tasks import finetune, texts
from hornbook.tasks.saving import save_model
from hornbook.tasks.texts import Sample

name = "classify"
main_metric = "accuracy"
_RARE = 2
_BALANCE = 0.5  # power of 1 / count by which a label counts where one is much rarer than another


def train(
    start: str,
    data: Path,
    output: Path,
    *,
    opened: Callable[[Path], Any],
    columns: TextColumns,
    dev: Path | None,
    split: float,
    kind: str,
    target: float,
    seconds: float,
    seeds: int,
    seed: int,
    device: str,
    overrides: Mapping[str, Any],
    resume: bool,
    read: ReadConfig | None,
    log: Log,
) -> dict[str, Any]:
    """Fine-tune a classifier and write its folder; what `hornbook finetune --task classify --json` prints.

    The best epoch, and of several `seeds` the best one, is chosen by `dev`, a folder's own dev file, or a share of `split`; a
    folder's test file is scored once, at the end.
    """
    artifact.require_own(output)
    files = files_by_split(data)
    if "train" not in files:
        raise ContentError("{path} has no file to learn from: name one train.jsonl, train.tsv, ...", path=data)
    learned, held = _parts(files, dev, split, columns, read, log)
    labels = _labels(learned, kind, log)
    texts.require_known(held, labels)
    began, seen = time.perf_counter(), texts.text_hashes([*learned.texts])
    plain = [text for text in learned.texts if isinstance(text, str)] or [part for pair in learned.texts for part in pair]
    runs: list[tuple[float, Any, dict[str, Any]]] = []
    for number in range(seeds):
        first = finetune.begin(start, plain, opened=opened, seed=seed + number, log=log)
        work = output.parent / f"{output.name}.work" / f"seed-{seed + number}"
        training, epochs = finetune.planned(
            first.course, overrides, examples=len(learned.texts), seed=seed + number, device=device
        )
        training = replace(
            training, enough=1 - target if target else -1.0, seconds=seconds, steps=0 if seconds else training.steps
        )
        classifier, facts = _fitted(
            first, labels, kind, learned, held, training, epochs, overrides, work, resume=resume, log=log
        )
        score = texts.score_classifier(classifier, held, seen=None, log=log)
        runs.append((score["accuracy"], classifier, {**facts, **score}))
    _, classifier, result = max(runs, key=lambda run: run[0])
    result = {
        "kind": name,
        "encoder": start,
        "seconds": round(time.perf_counter() - began, 3),
        "texts_seen": len(learned.texts),
        "labels": len(labels),
        "parameters": classifier.parameters,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "measured_on": "dev",
        **result,
        **({} if seeds == 1 else {"seed_accuracies": [run[0] for run in runs]}),
        **_floor(learned, held, labels, log),
    }
    if files.get("test"):
        sample = texts.read_sample(files["test"], columns, pair=texts.apart, config=read, log=log)
        texts.require_known(sample, labels)
        found = texts.score_classifier(classifier, sample, seen=seen, log=log)
        result |= {f"test_{key}": value for key, value in found.items() if key != "confusion"}
    if result["linear_accuracy"] is not None and result["accuracy"] < result["linear_accuracy"]:
        text = translate("a linear classifier is right more often: {linear:.1%} of dev, this one {network:.1%}")
        remedy = translate("keep the linear one (hornbook train linear), or pre-train on more text first")
        log(Alarm(text.format(linear=result["linear_accuracy"], network=result["accuracy"]), remedy))
    config = FinetuneRecipe(classifier.config, result.pop("training"))
    recipe = finetuned("classify", translate("Classifier of texts"), config, reads="texts")
    size = save_model(texts.WithSeen(classifier, seen), output, recipe=recipe, config=config, run=result)
    return {"model": str(output), **result, "size_mb": size}


def _parts(
    files: Mapping[str, Sequence[Path]], dev: Path | None, split: float, columns: TextColumns, read: ReadConfig | None, log: Log
) -> tuple[Sample, Sample]:
    """What is learned from, and what chooses the epoch."""
    learned = texts.read_sample(files["train"], columns, pair=texts.apart, config=read, log=log)
    given = [dev] if dev is not None else list(files.get("valid", ()))
    if given:
        return learned, texts.read_sample(given, columns, pair=texts.apart, config=read, log=log)
    learned, held = texts.parts(learned, split, log)
    if not held.texts:
        raise UsageError("fine-tuning chooses its epoch by texts held out: give more texts, a larger --split, or --dev FILE")
    return learned, held


def _labels(learned: Sample, kind: str, log: Log) -> list[str]:
    """Sorted by code point, grades by their number. UsageError for grades that are no numbers."""
    counts = {label: learned.labels.count(label) for label in sorted(set(learned.labels))}
    rare = [label for label, count in counts.items() if count < _RARE]
    if rare:
        text = translate("{count} labels occur once: {names}").format(count=len(rare), names=", ".join(rare[:5]))
        log(Alarm(text, translate("give each label more texts, or join labels")))
    if kind != "graded":
        return sorted(counts)
    try:
        return sorted(counts, key=float)
    except ValueError:
        raise UsageError("grades must be numbers, found the labels {names}", names=", ".join(sorted(counts)[:8])) from None


def _fitted(
    start: finetune.Start,
    labels: Sequence[str],
    kind: str,
    learned: Sample,
    held: Sample,
    training: Any,
    epochs: int,
    overrides: Mapping[str, Any],
    work: Path,
    *,
    resume: bool,
    log: Log,
) -> tuple[Any, dict[str, Any]]:
    """One training with one seed."""
    import torch

    from hornbook.corpus.class_batches import class_batches
    from hornbook.models.bag import BagEncoder
    from hornbook.models.classifier import ClassifierConfig, over
    from hornbook.objectives.classify import balanced, one_label

    torch.manual_seed(training.seed)
    settings = {key.removeprefix("model."): value for key, value in overrides.items() if key.startswith("model.")}
    classifier = over(start.model, labels, merge(ClassifierConfig(kind=kind), settings))  # type: ignore[arg-type]
    if isinstance(classifier.encoder, BagEncoder):
        classifier = _met(classifier, learned)
    examples, cut = classifier.examples(learned.texts, [(label,) for label in learned.labels])
    if cut:
        text = translate("{count:,} of {total:,} texts are longer than {context} tokens: their beginnings are learned from")
        log(Note(text.format(count=cut, total=len(examples), context=classifier.encoder.context)))
    pad = classifier.encoder.tokenizer.specials.get("pad", 0)
    batches = class_batches(examples, rows=min(training.rows, max(4, len(examples) // 8)), pad=pad, seed=training.seed)
    counts = torch.tensor([learned.labels.count(label) for label in labels])
    weights = balanced(counts, power=_BALANCE if counts.max() > 4 * counts.min() else 0.0)

    def measure() -> dict[str, float]:
        probabilities = classifier.predict_proba(held.texts)
        right = np.array([labels.index(label) for label in held.labels])
        answers = [labels.index(answer) for answer in classifier.decide(probabilities)]
        loss = -np.log(probabilities[np.arange(len(right)), right].clip(1e-12)).mean()
        accuracy = float((np.array(answers) == right).mean())
        return {"error": 1 - accuracy, "loss": float(loss), "accuracy": accuracy}

    finished = finetune.until_good(
        classifier.module,
        one_label(weights),
        batches,
        training,
        epochs=epochs,
        measure=measure,
        folder=work / "checkpoints",
        identity={"labels": ", ".join(labels), "examples": len(examples), "encoder": start.name},
        resume=resume,
        log=log,
    )
    facts = {"steps": finished.step, "epochs": round(finished.step / batches.batches_an_epoch, 2), "reason": finished.reason}
    facts |= {"tokens_seen": finished.tokens, "training_seconds": round(finished.seconds, 3), "training": training}
    return classifier, facts


def _met(classifier: Any, learned: Sample) -> Any:
    """Every word of the texts that only its subwords know gets a row of its own before training."""
    encoder = classifier.encoder
    met = encoder.meet([part for text in learned.texts for part in ((text,) if isinstance(text, str) else text)])
    return type(classifier)(encoder.vectors(), classifier.labels_, classifier.config) if met else classifier


def _floor(learned: Sample, held: Sample, labels: Sequence[str], log: Log) -> dict[str, Any]:
    """What the commonest label and a linear classifier reach on the same texts."""
    from hornbook.statistical.linear import LinearClassifier

    most = max(labels, key=learned.labels.count)
    majority = held.labels.count(most) / len(held.labels)
    as_read = [text if isinstance(text, str) else texts.as_one(*text) for text in learned.texts]
    linear = LinearClassifier().fit(as_read, learned.labels)
    asked = [text if isinstance(text, str) else texts.as_one(*text) for text in held.texts]
    score = texts.score_classifier(linear, held._replace(texts=asked), seen=None, log=log)
    return {"majority_accuracy": majority, "linear_accuracy": score["accuracy"], "linear_accuracy_ci95": score["accuracy_ci95"]}
