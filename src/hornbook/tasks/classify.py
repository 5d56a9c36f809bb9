"""Labels of texts by a fine-tuned network: from labelled texts to a saved classifier, the linear floor beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.config import merge
from hornbook.core.errors import ContentError, UsageError, nearest, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.corpus.document import ReadConfig
from hornbook.corpus.label_columns import TextColumns
from hornbook.corpus.labelled_texts import files_by_split
from hornbook.recipes.finetune import FinetuneRecipe, epochs_for, finetuned
from hornbook.tasks import finetune, texts
from hornbook.tasks.finetune import Job, Outcome
from hornbook.tasks.saving import save_model
from hornbook.tasks.texts import Sample

NAME = "classify"
Kind = Literal["single", "multi", "graded"]
_METRICS: Mapping[str, str] = {"single": "accuracy", "graded": "accuracy", "multi": "micro_f1"}
_RARE = 2
_BALANCE = 0.5  # power of 1 / count by which a label counts where one is much rarer than another
_MANY = 64  # labels of a text with several, above which no linear classifier is trained beside


@dataclass(frozen=True)
class Decision:
    """How probabilities become answers, chosen on dev.

    `keep`: "ham=0.99" sets the threshold of two labels so that this share of ham stays ham. `costs`: "ham:spam=10" says what
    the answer spam costs where ham is right; what is not named costs 1.
    """

    keep: str = ""
    costs: tuple[str, ...] = ()


def train(
    job: Job,
    *,
    columns: TextColumns | None = None,
    kind: Kind = "single",
    keep: str = "",
    costs: tuple[str, ...] = (),
    read: ReadConfig | None = None,
) -> dict[str, Any]:
    """Fine-tune a classifier and write its folder; what `hornbook finetune --task classify --json` prints.

    The best epoch, and of several seeds the best one, is chosen by `dev`, a folder's own dev file, or a share of `split`; a
    folder's test file is scored once, at the end. `kind`, `keep` and `costs`: see models.classifier and `Decision`.
    """
    artifact.require_own(job.output)
    files = files_by_split(job.data)
    if "train" not in files:
        raise ContentError("{path} has no file to learn from: name one train.jsonl, train.tsv, ...", path=job.data)

    def sample(paths: Sequence[Path]) -> Sample:
        labelled = texts.all_labels if kind == "multi" else texts.only_label
        return texts.read_sample(paths, columns or TextColumns(), pair=texts.apart, labelled=labelled, config=read, log=job.log)

    learned, held = _parts(sample(files["train"]), [job.dev] if job.dev else files.get("valid", ()), job, sample)
    labels = _labels(learned, kind, job.log)
    texts.require_known(held, labels)
    decision = Decision(keep, costs)
    _require_labels(decision, labels, kind)
    metric = _METRICS[kind]
    classifier, facts = finetune.best_of(job, lambda one: _fitted(one, labels, kind, decision, learned, held), metric)
    config = FinetuneRecipe(classifier.config, facts.pop("training"))
    result = {"kind": NAME, "texts_seen": len(learned.texts), "labels": len(labels), "measured_on": "dev", **facts}
    result |= _floor(learned, held, labels, kind, job.log)
    seen = texts.text_hashes(learned.texts)
    if files.get("test"):
        asked = sample(files["test"])
        texts.require_known(asked, labels)
        found = texts.score_classifier(classifier, asked, seen=seen, log=job.log)
        result |= {f"test_{key}": value for key, value in found.items() if key != "confusion"}
    _compare(result, metric, job.log)
    recipe = finetuned(NAME, translate("Classifier of texts"), config, reads="texts")
    size = save_model(texts.WithSeen(classifier, seen), job.output, recipe=recipe, config=config, run=result)
    return {"model": str(job.output), **result, "size_mb": size}


def fit_texts(
    start: Any,
    learned: Sequence[Any],
    labels: Sequence[Sequence[str]],
    *,
    dev: tuple[Sequence[Any], Sequence[Sequence[str]]] | None = None,
    kind: Kind = "single",
    opened: Callable[[Path], Any],
    seed: int = 1,
    device: str = "auto",
    overrides: Mapping[str, Any] | None = None,
    log: Callable[[Event], None],
) -> Any:
    """A NeuralClassifier that learned texts (or pairs) in memory, nothing written; see `train`.

    `start`: a folder, a recipe's name or an opened model. `labels`: those of every text, one but in 'multi'. Without `dev` a
    tenth is held out to choose the epoch, or nothing where there are few: the last epoch then counts.
    """
    own = [tuple(names) if kind == "multi" else names[0] for names in labels]
    places = [(Path("(memory)"), number + 1) for number in range(len(learned))]
    sample = Sample(list(learned), own, places)
    job = Job("", Path(), Path(), opened, log, seed=seed, device=device, overrides=dict(overrides or {}))
    if dev is None:
        sample, held = texts.parts(sample, job.split, log)
    else:
        theirs = [tuple(names) if kind == "multi" else names[0] for names in dev[1]]
        held = Sample(list(dev[0]), theirs, places[:1] * len(dev[0]))
    names = _labels(sample, kind, log)
    texts.require_known(held, names)
    return _fitted(job, names, kind, Decision(), sample, held, start=start, checkpoints=None).model


def _parts(
    everything: Sample, given: Sequence[Path], job: Job, sample: Callable[[Sequence[Path]], Sample]
) -> tuple[Sample, Sample]:
    """What is learned from, and what chooses the epoch."""
    if given:
        return everything, sample(given)
    learned, held = texts.parts(everything, job.split, job.log)
    if not held.texts:
        raise UsageError("fine-tuning chooses its epoch by texts held out: give more texts, a larger --split, or --dev FILE")
    return learned, held


def _labels(learned: Sample, kind: Kind, log: Callable[[Event], None]) -> list[str]:
    """Sorted by code point, grades by their number. UsageError for grades that are no numbers."""
    counts = _counts(learned)
    rare = sorted(label for label, count in counts.items() if count < _RARE)
    if rare:
        text = translate("{count} labels occur once: {names}").format(count=len(rare), names=", ".join(rare[:5]))
        log(Alarm(text, translate("give each label more texts, or join labels")))
    if kind != "graded":
        return sorted(counts)
    try:
        return sorted(counts, key=float)
    except ValueError:
        raise UsageError("grades must be numbers, found the labels {names}", names=", ".join(sorted(counts)[:8])) from None


def _counts(sample: Sample) -> Counter[str]:
    """How many texts have each label."""
    return Counter(label for own in sample.labels for label in ([own] if isinstance(own, str) else own))


def _fitted(
    job: Job,
    labels: Sequence[str],
    kind: Kind,
    decision: Decision,
    learned: Sample,
    held: Sample,
    *,
    start: Any = None,
    checkpoints: str | None = "checkpoints",
) -> Outcome:
    """One training with one seed."""
    import torch

    from hornbook.corpus.class_batches import class_batches
    from hornbook.models.bag import BagEncoder
    from hornbook.models.classifier import over
    from hornbook.models.head_configs import ClassifierConfig

    plain = [part for text in learned.texts for part in ((text,) if isinstance(text, str) else text)]
    first = finetune.begin(job.start if start is None else start, plain, opened=job.opened, seed=job.seed, log=job.log)
    torch.manual_seed(job.seed)
    classifier = over(first.model, labels, merge(ClassifierConfig(kind=kind), job.settings("model")))
    if isinstance(classifier.encoder, BagEncoder):
        classifier = _met(classifier, plain)
    sets = [(own,) if isinstance(own, str) else own for own in learned.labels]
    examples, cut = classifier.examples(learned.texts, sets)
    if cut:
        text = translate("{count:,} of {total:,} texts are longer than {context} tokens: their beginnings are learned from")
        job.log(Note(text.format(count=cut, total=len(examples), context=classifier.encoder.context)))
    training = finetune.planned(job, first.course.training)
    training = replace(training, rows=min(training.rows, max(4, len(examples) // 8)))
    pad = classifier.encoder.tokenizer.specials.get("pad", 0)
    with finetune.adapters(classifier.module.body, job.lora_rank):
        _, facts = finetune.until_good(
            classifier.module,
            _objective(kind, learned, labels),
            class_batches(examples, rows=training.rows, pad=pad, seed=training.seed),
            training,
            epochs=epochs_for(first.course, len(examples)),
            measure=(lambda: _measure(classifier, held)) if held.texts else None,
            folder=None if checkpoints is None else job.work / checkpoints,
            identity={"labels": ", ".join(labels), "examples": len(examples), "encoder": first.name, "lora": job.lora_rank},
            resume=job.resume,
            log=job.log,
        )
    if held.texts:
        _decide(classifier, decision, held)
    score = texts.score_classifier(classifier, held, seen=None, log=job.log) if held.texts else dict(texts.NOT_MEASURED)
    return Outcome(score.get(_METRICS[kind]), classifier, {**facts, **score, "training": training})


def _objective(kind: Kind, learned: Sample, labels: Sequence[str]) -> Any:
    """Cross-entropy; where labels are far from even, rare ones count more."""
    import torch

    from hornbook.objectives.classify import balanced, each_label, one_label

    own = _counts(learned)
    counts = torch.tensor([own[label] for label in labels])
    if kind == "multi":
        return each_label(torch.ones(len(labels)))
    return one_label(balanced(counts, power=_BALANCE if counts.max() > 4 * counts.min() else 0.0))


def _measure(classifier: Any, held: Sample) -> dict[str, float]:
    """A point of the learning curve; the least error is the best."""
    probabilities = classifier.predict_proba(held.texts).clip(1e-12, 1 - 1e-12)
    index = {label: k for k, label in enumerate(classifier.labels_)}
    if classifier.config.kind == "multi":
        wanted = np.zeros(probabilities.shape, bool)
        for row, names in enumerate(held.labels):
            wanted[row, [index[name] for name in names]] = True
        given = probabilities >= 0.5
        micro = 2.0 * float((wanted & given).sum()) / max(1, int(wanted.sum() + given.sum()))
        loss = -np.where(wanted, np.log(probabilities), np.log1p(-probabilities)).sum(axis=1).mean()
        return {"error": 1 - micro, "loss": float(loss), "micro_f1": micro}
    right = np.array([index[label] for label in held.labels])
    answers = np.array([index[answer] for answer in classifier.decide(probabilities)])
    loss = -np.log(probabilities[np.arange(len(right)), right]).mean()
    accuracy = float((answers == right).mean())
    return {"error": 1 - accuracy, "loss": float(loss), "accuracy": accuracy}


def _require_labels(decision: Decision, labels: Sequence[str], kind: Kind) -> None:
    """UsageError for a decision that these labels cannot have."""
    if (decision.keep or decision.costs) and kind != "single":
        raise UsageError("--keep and --cost decide between labels of which a text has one, not --kind {kind}", kind=kind)
    if decision.keep:
        if len(labels) != 2:
            raise UsageError("--keep sets the threshold between two labels, there are {count}", count=len(labels))
        _share(decision.keep, labels)
    if decision.costs:
        cost_matrix(decision.costs, labels)


def _share(keep: str, labels: Sequence[str]) -> tuple[int, float]:
    """The number of the label and the share of it that stays, of 'ham=0.99'."""
    name, _, share = keep.rpartition("=")
    if name not in labels:
        raise UsageError("--keep {text}: the label is not there.{hint}", text=keep, hint=nearest(name, labels))
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise UsageError("--keep {text}: write LABEL=SHARE, as ham=0.99", text=keep)
    return list(labels).index(name), value


def cost_matrix(costs: Sequence[str], labels: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """(L, L) what each answer costs where a label is right, of entries like 'ham:spam=10' (right:given); others 1, right 0."""
    table = 1.0 - np.eye(len(labels))
    for entry in costs:
        names, _, value = entry.rpartition("=")
        right, _, given = names.partition(":")
        for name in (right, given):
            if name not in labels:
                raise UsageError(
                    "--cost {text}: the label '{name}' is not there.{hint}", text=entry, name=name, hint=nearest(name, labels)
                )
        try:
            cost = float(value)
        except ValueError:
            cost = -1.0
        if not 0 <= cost < np.inf:
            raise UsageError("--cost {text}: write RIGHT:GIVEN=COST, as ham:spam=10", text=entry)
        table[list(labels).index(right), list(labels).index(given)] = cost
    return tuple(tuple(row) for row in table.tolist())


def _decide(classifier: Any, decision: Decision, held: Sample) -> None:
    """Put what decides between labels into the classifier's configuration."""
    labels = classifier.labels_
    if decision.costs:
        classifier.config = replace(classifier.config, costs=cost_matrix(decision.costs, labels))
    if classifier.config.kind == "multi" and not classifier.config.thresholds:
        own = [[label in names for names in held.labels] for label in labels]
        columns = classifier.predict_proba(held.texts).T
        thresholds = tuple(_best_threshold(column, np.array(right)) for column, right in zip(columns, own))
        classifier.config = replace(classifier.config, thresholds=thresholds)
    if decision.keep:
        kept, share = _share(decision.keep, labels)
        second = classifier.predict_proba(held.texts)[:, 1]
        threshold = keeping(second[[label == labels[kept] for label in held.labels]], share, upper=bool(kept))
        classifier.config = replace(classifier.config, thresholds=(1 - threshold, threshold))


def keeping(probabilities: NDArray[np.float64], share: float, *, upper: bool) -> float:
    """The threshold at which `share` of the texts with these probabilities lie below it, or where `upper` at it or above.

    The mildest such threshold: it lies next to one of the probabilities. 0.5 where there are none.
    """
    if not len(probabilities):
        return 0.5
    ranked = np.sort(probabilities)
    spared = int(np.floor((1 - share) * len(ranked) + 1e-9))
    if upper:
        return float(ranked[spared])
    return float(min(1.0, np.nextafter(ranked[len(ranked) - 1 - spared], 2.0)))


def _best_threshold(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Where F1 of one label is highest on dev, half way between two texts; 0.5 for a label that dev hardly has."""
    if right.sum() < 5:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    hits = right[order].cumsum()
    scores = 2.0 * hits / (np.arange(1, len(order) + 1) + right.sum())
    best = int(scores.argmax())
    ranked = probabilities[order]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _met(classifier: Any, plain: Sequence[str]) -> Any:
    """Every word of the texts that only its subwords know gets a row of its own before training."""
    encoder = classifier.encoder
    met = encoder.meet(plain)
    return type(classifier)(encoder.vectors(), classifier.labels_, classifier.config) if met else classifier


def _floor(learned: Sample, held: Sample, labels: Sequence[str], kind: Kind, log: Callable[[Event], None]) -> dict[str, Any]:
    """What the commonest label and a linear classifier reach on the same texts."""
    from hornbook.statistical.linear import LinearClassifier

    metric = _METRICS[kind]
    as_read = [text if isinstance(text, str) else texts.as_one(*text) for text in learned.texts]
    asked = held._replace(texts=[text if isinstance(text, str) else texts.as_one(*text) for text in held.texts])
    if kind == "multi":
        most = Counter(learned.labels).most_common(1)[0][0]
        floor: Any = _Fixed(labels, [most] * len(held.texts))
        linear: Any = _linear_each(as_read, learned, asked, labels) if len(labels) <= _MANY else None
    else:
        floor = _Fixed(labels, [_counts(learned).most_common(1)[0][0]] * len(held.texts), kind="single")
        linear = LinearClassifier().fit(as_read, learned.labels)
    result = {f"majority_{metric}": texts.score_classifier(floor, asked, seen=None, log=log)[metric]}
    score = {} if linear is None else texts.score_classifier(linear, asked, seen=None, log=log)
    return result | {f"linear_{metric}": score.get(metric), f"linear_{metric}_ci95": score.get(f"{metric}_ci95")}


class _Fixed:
    """A Predictor whose answers are known: it is asked for one list of texts only."""

    def __init__(self, labels: Sequence[str], answers: Sequence[Any], *, kind: str = "multi") -> None:
        from types import SimpleNamespace

        self.labels_, self.config, self._answers = tuple(labels), SimpleNamespace(kind=kind), list(answers)

    def __call__(self, asked: Sequence[Any]) -> list[Any]:
        """The answers."""
        return self._answers


def _linear_each(as_read: Sequence[str], learned: Sample, asked: Sample, labels: Sequence[str]) -> _Fixed:
    """A linear classifier for every label by itself, as the one answer it gives to the texts asked."""
    from hornbook.statistical.linear import LinearClassifier

    given: list[list[str]] = [[] for _ in asked.texts]
    for label in labels:
        own = ["yes" if label in names else "no" for names in learned.labels]
        answers = LinearClassifier().fit(as_read, own)(asked.texts) if len(set(own)) == 2 else own[:1] * len(given)
        for row, answer in zip(given, answers):
            row += [label] * (answer == "yes")
    return _Fixed(labels, [tuple(row) for row in given])


def _compare(result: Mapping[str, Any], metric: str, log: Callable[[Event], None]) -> None:
    """Alarms for a network that did not learn what simpler means know."""
    if result[metric] <= result[f"majority_{metric}"]:
        text = translate("nothing was learned: {network:.1%} of dev, the commonest label alone has {floor:.1%}")
        remedy = translate("give more texts or another model to start from, or change --training.learning-rate")
        log(Alarm(text.format(network=result[metric], floor=result[f"majority_{metric}"]), remedy))
    linear = result[f"linear_{metric}"]
    if linear is not None and result[metric] < linear:
        text = translate("a linear classifier is right more often: {linear:.1%} of dev, this one {network:.1%}")
        remedy = translate("keep the linear one (hornbook train linear), or pre-train on more text first")
        log(Alarm(text.format(linear=linear, network=result[metric]), remedy))
