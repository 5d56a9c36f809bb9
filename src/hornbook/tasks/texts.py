"""Labels of texts: from labelled texts to a saved classifier, and how good one is, also on the texts it has not seen (P10)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Note
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.dedup import content_hash
from hornbook.corpus.document import Log, ReadConfig
from hornbook.corpus.label_columns import TextColumns
from hornbook.corpus.labelled_texts import LabelledText, files_by_split, read_labelled_texts
from hornbook.recipes import Recipe
from hornbook.tasks.pretrain import resolve
from hornbook.tasks.saving import save_model

SEEN = "texts_seen.safetensors"
"""In a model folder: the first 8 bytes of the hash of every training text, rising."""
_LEAST_HELD_OUT = 10
_ALARM_SHARE = 0.001
_RESAMPLES = 2_000


class Sample(NamedTuple):
    """Texts or pairs of texts, the label or labels of each, and where each was read."""

    texts: list[Any]
    labels: list[Any]  # a str each, or a tuple of them where a text may have several
    places: list[tuple[Path, int]]

    def pick(self, rows: Sequence[int]) -> Sample:
        """Some of them."""
        return Sample(*([column[i] for i in rows] for column in self))


def as_one(text: str, pair: str) -> str:
    """A pair of texts for a classifier that does not compare them."""
    return f"{text}\n{pair}"


def apart(text: str, pair: str) -> tuple[str, str]:
    """A pair of texts for a network that is told where the second begins."""
    return text, pair


def only_label(one: LabelledText, path: Path) -> str:
    """The label of a text that has one. ContentError where there are several."""
    if len(one.labels) > 1:
        raise ContentError(
            "{path}, line {line}: the text has {count} labels ({names}), this classifier gives one",
            path=path,
            line=one.line,
            count=len(one.labels),
            names=", ".join(one.labels[:5]),
        )
    return one.labels[0]


def all_labels(one: LabelledText, path: Path) -> tuple[str, ...]:
    """The labels of a text, sorted, each once."""
    return tuple(sorted(set(one.labels)))


def read_sample(
    paths: Sequence[Path],
    columns: TextColumns,
    *,
    pair: Callable[[str, str], Any] = as_one,
    labelled: Callable[[LabelledText, Path], Any] = only_label,
    config: ReadConfig | None = None,
    log: Log,
) -> Sample:
    """The labelled texts of files, pairs as `pair` says, the labels of one as `labelled` does."""
    sample = Sample([], [], [])
    pairs = 0
    for path in paths:
        for one in read_labelled_texts(path, columns, config=config, log=log):
            pairs += one.pair is not None
            sample.texts.append(one.text if one.pair is None else pair(one.text, one.pair))
            sample.labels.append(labelled(one, path))
            sample.places.append((path, one.line))
    if pairs and pair is as_one:
        log(Note(translate("the two texts of a pair are read as one: this classifier does not compare them")))
    return sample


def train_classifier(
    recipe: Recipe,
    config: Any,
    data: Path,
    output: Path,
    *,
    columns: TextColumns,
    dev: Path | None,
    split: float,
    read: ReadConfig | None = None,
    log: Log,
) -> dict[str, Any]:
    """Train a classifier and write its folder; what `hornbook train linear --json` prints.

    It is measured on `dev` (a folder's own dev file by default), which nothing is chosen by; else on a share of `split` of the
    texts, after which it learns once more, from all of them.
    """
    if not 0 <= split < 1:
        raise UsageError("split = {value}: give a share from 0 to below 1", value=split)
    artifact.require_own(output)
    files = files_by_split(data)
    if "train" not in files:
        raise ContentError("{path} has no file to learn from: name one train.jsonl, train.tsv, ...", path=data)
    train = read_sample(files["train"], columns, config=read, log=log)
    given = [dev] if dev is not None else files.get("valid", [])
    held = read_sample(given, columns, config=read, log=log)
    if given:
        require_known(held, sorted(set(train.labels)))
    else:
        part, held = parts(train, split, log)
    begin = time.perf_counter()
    classifier = resolve(recipe.model)(config.model).fit(train.texts, train.labels, log=log)
    seconds = time.perf_counter() - begin
    seen = text_hashes(train.texts)
    if given:
        score = score_classifier(classifier, held, seen=seen, log=log)
    elif held.texts:
        measured = resolve(recipe.model)(config.model).fit(part.texts, part.labels)
        score = score_classifier(measured, held, seen=None, log=log)
    else:
        score = NOT_MEASURED
    result = {
        "kind": recipe.name,
        "seconds": round(seconds, 3),
        "texts_seen": len(train.texts),
        "labels": len(classifier.labels_),
        "parameters": classifier.parameters,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "measured_on": "dev" if given else "held out",
        **score,
    }
    size = save_model(WithSeen(classifier, seen), output, recipe=recipe, config=config, run=result)
    return {"model": str(output), **result, "size_mb": size}


def evaluate(
    model: Any, folder: Path, paths: Sequence[Path], *, columns: TextColumns, read: ReadConfig | None = None, log: Log
) -> dict[str, Any]:
    """Score a saved classifier on labelled texts: a file, or the test part of a folder (dev, or all, where it has none).

    Raises ContentError for a label that the classifier does not know, naming its line.
    """
    sample = labelled_sample(model, paths, columns=columns, read=read, log=log)
    require_known(sample, model.labels_)
    return score_classifier(model, sample, seen=load_seen(folder), log=log)


def labelled_sample(
    model: Any,
    paths: Sequence[Path],
    *,
    columns: TextColumns,
    prefer: Sequence[str] = ("test", "valid", "train"),
    read: ReadConfig | None = None,
    log: Log,
) -> Sample:
    """Labelled texts as a classifier takes them: files, or the first part of a folder that there is."""
    chosen: list[Path] = []
    for path in paths:
        files = files_by_split(path)
        name = next(name for name in prefer if files.get(name))
        chosen += files[name]
    labelled = all_labels if kind_of(model) == "multi" else only_label
    return read_sample(chosen, columns, pair=pairing(model), labelled=labelled, config=read, log=log)


def pairing(model: Any) -> Callable[[str, str], Any]:
    """How a classifier reads a pair of texts."""
    return apart if hasattr(model, "encoder") else as_one


def kind_of(model: Any) -> str:
    """What a classifier's labels mean: 'single', 'multi' or 'graded'; see models.classifier.ClassifierConfig."""
    return getattr(getattr(model, "config", None), "kind", "single")


def is_classifier(model: Any) -> bool:
    """Whether a loaded model gives a label to a text."""
    return hasattr(model, "predict_proba") and hasattr(model, "labels_")


def score_classifier(model: Any, sample: Sample, *, seen: NDArray[np.int64] | None, log: Log) -> dict[str, Any]:
    """Accuracy and macro-F1 with intervals over texts, counts of confusions; the same of the texts not among `seen`.

    Macro-F1 is the mean over the labels that occur among the right answers or the given ones. Of a classifier that gives
    several labels, accuracy is the share of texts with exactly the right ones, and micro-F1 counts all labels of all texts
    together; of grades there is also the mean number of grades by which answers are off.
    """
    scores, table = _judged(model, sample)
    everything = np.ones(len(sample.texts), bool)
    result = {**scores(everything), **table}
    if seen is None:
        return result
    unseen = ~np.isin(text_hashes(sample.texts, keep=True), seen)
    leaked = int((~unseen).sum())
    result["leaked"] = leaked
    if leaked:
        part = scores(unseen) if unseen.any() else NOT_MEASURED
        result |= {f"unseen_{name}": value for name, value in part.items()}
    if leaked > _ALARM_SHARE * len(unseen):
        text = translate("{leaked:,} of the {count:,} texts are among the training texts")
        log(Alarm(text.format(leaked=leaked, count=len(unseen)), translate("judge by the part that is unseen")))
    return result


def _judged(model: Any, sample: Sample) -> tuple[Callable[[NDArray[np.bool_]], dict[str, Any]], dict[str, Any]]:
    """The scores of any part of the texts, given as a mask, and the table of confusions where there is one."""
    answers = model(sample.texts)
    kind = kind_of(model)
    index = {name: k for k, name in enumerate(model.labels_)}
    if kind == "multi":
        wanted, given = (_marked(rows, index) for rows in (sample.labels, answers))
        return lambda rows: _scores_of_several(wanted[rows], given[rows]), {}
    gold, found = (np.array([index[label] for label in column], np.int64) for column in (sample.labels, answers))

    def scores(rows: NDArray[np.bool_]) -> dict[str, Any]:
        off = _grades_off(gold[rows], found[rows]) if kind == "graded" else {}
        return {**_scores(gold[rows], found[rows], len(index)), **off}

    return scores, {"confusion": _confusion(gold, found, model.labels_)}


@dataclass(frozen=True)
class WithSeen:
    """A classifier that writes the hashes of its training texts beside itself."""

    classifier: Any
    seen: NDArray[np.int64]

    def save_files(self, folder: Path) -> None:
        """The classifier's own files, and the hashes."""
        from safetensors.numpy import save_file

        self.classifier.save_files(folder)
        save_file({"hashes": self.seen}, folder / SEEN)


def load_seen(folder: Path) -> NDArray[np.int64] | None:
    """The hashes in a model folder; None where it has none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / SEEN
    if not path.is_file():
        return None
    try:
        hashes = load_file(path)["hashes"]
    except (SafetensorError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=reason) from None
    return np.asarray(hashes, dtype=np.int64)


def text_hashes(texts: Sequence[Any], *, keep: bool = False) -> NDArray[np.int64]:
    """8 bytes of the hash of each text up to white space and Unicode form: rising and each once, or one a text in order."""
    joined = (text if isinstance(text, str) else as_one(*text) for text in texts)
    values = np.frombuffer(b"".join(content_hash(text)[:8] for text in joined), dtype="<i8").astype(np.int64)
    return values if keep else np.unique(values)


def require_known(sample: Sample, names: Sequence[str]) -> None:
    """ContentError naming the line of a label that is not among the names."""
    known = set(names)
    placed = zip(sample.labels, sample.places)
    for label, (path, line) in ((label, place) for own, place in placed for label in ([own] if isinstance(own, str) else own)):
        if label not in known:
            raise ContentError(
                "{path}, line {line}: label '{label}' does not occur in the training texts: {names}",
                path=path,
                line=line,
                label=label[:80],
                names=", ".join(names[:20]),
            )


def parts(sample: Sample, share: float, log: Log) -> tuple[Sample, Sample]:
    """What is learned from and what is held out: of every label the same share, equal texts on one side."""
    from hornbook.statistical.linear_solve import folds_of

    everything = list(range(len(sample.texts)))
    if share * len(everything) < _LEAST_HELD_OUT:
        if share:
            log(Note(translate("too few texts to hold some out: the model is not measured")))
        return sample, sample.pick([])
    order = np.random.default_rng(1).permutation(len(everything)).tolist()
    names = {name: k for k, name in enumerate(sorted(set(sample.labels)))}
    targets = np.array([names[sample.labels[i]] for i in order])
    count = max(2, round(1 / share)) if share <= 0.5 else max(2, round(1 / (1 - share)))
    folds = folds_of([sample.texts[i] for i in order], targets, count)
    first = {order[i] for i in np.flatnonzero(folds == count - 1).tolist()}
    held = first if share <= 0.5 else set(everything) - first
    return sample.pick([i for i in everything if i not in held]), sample.pick(sorted(held))


def _scores(gold: NDArray[np.int64], found: NDArray[np.int64], classes: int) -> dict[str, Any]:
    from hornbook.scoring.significance import Units, bootstrap_ratio

    units = Units((gold == found).astype(np.float64), np.ones(gold.size))
    counts = np.bincount(gold * classes + found, minlength=classes**2)
    cells = np.flatnonzero(counts)
    drawn = np.random.default_rng(1).multinomial(gold.size, counts[cells] / gold.size, size=_RESAMPLES)
    macro = _macro_f1(drawn, cells, classes)
    many = gold.size > 1
    return {
        "accuracy": units.ratio,
        "accuracy_ci95": list(bootstrap_ratio(units)) if many else None,
        "macro_f1": float(_macro_f1(counts[None, cells], cells, classes)[0]),
        "macro_f1_ci95": [float(value) for value in np.quantile(macro, [0.025, 0.975])] if many else None,
        "n": int(gold.size),
    }


def _marked(rows: Sequence[Sequence[str]], index: Mapping[str, int]) -> NDArray[np.bool_]:
    """(n, L) whether each text has each label."""
    table = np.zeros((len(rows), len(index)), bool)
    for row, names in enumerate(rows):
        table[row, [index[name] for name in names]] = True
    return table


def _scores_of_several(wanted: NDArray[np.bool_], given: NDArray[np.bool_]) -> dict[str, Any]:
    """Of (n, L) right and given labels."""
    from hornbook.scoring.significance import Units, bootstrap_ratio

    many = len(wanted) > 1
    exact = Units((wanted == given).all(axis=1).astype(np.float64), np.ones(len(wanted)))
    right, both = wanted & given, wanted.sum(axis=0) + given.sum(axis=0)
    weights = (wanted.sum(axis=1) + given.sum(axis=1)).astype(np.float64)
    micro = Units(2.0 * right.sum(axis=1), weights)
    known = both > 0
    return {
        "accuracy": exact.ratio,
        "accuracy_ci95": list(bootstrap_ratio(exact)) if many else None,
        "micro_f1": micro.ratio if weights.any() else 0.0,
        "micro_f1_ci95": list(bootstrap_ratio(micro)) if many and weights.any() else None,
        "macro_f1": float((2.0 * right.sum(axis=0)[known] / both[known]).mean()) if known.any() else 0.0,
        "macro_f1_ci95": None,
        "n": len(wanted),
    }


def _grades_off(gold: NDArray[np.int64], found: NDArray[np.int64]) -> dict[str, Any]:
    """By how many grades the answers are off, in the mean."""
    from hornbook.scoring.significance import Units, bootstrap_ratio

    units = Units(np.abs(gold - found).astype(np.float64), np.ones(gold.size))
    interval = list(bootstrap_ratio(units)) if gold.size > 1 else None
    return {"mean_absolute_error": units.ratio, "mean_absolute_error_ci95": interval}


def _macro_f1(counts: NDArray[Any], cells: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """(R,) of R confusion tables, of which `counts` (R, cells) holds the cells that are not 0."""
    right, total = np.zeros((2, len(counts), classes))
    for column, cell in enumerate(cells.tolist()):
        wanted, answered = divmod(cell, classes)
        right[:, wanted] += 2.0 * counts[:, column] * (wanted == answered)
        total[:, wanted] += counts[:, column]
        total[:, answered] += counts[:, column]
    scores = right / np.maximum(total, 1.0)
    result: NDArray[np.float64] = scores.sum(axis=1) / np.maximum((total > 0).sum(axis=1), 1)
    return result


def _confusion(gold: NDArray[np.int64], found: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """Right labels down, answers across."""
    counts = np.bincount(gold * len(names) + found, minlength=len(names) ** 2).reshape(len(names), -1)
    return {"labels": list(names), "counts": counts.tolist()}


NOT_MEASURED = {"accuracy": None, "accuracy_ci95": None, "macro_f1": None, "macro_f1_ci95": None, "n": 0}
