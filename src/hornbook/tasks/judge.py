"""What a classifier gets wrong on labelled texts, and why it may: worst errors, doubtful labels, lengths, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import UsageError
from hornbook.corpus.document import Log
from hornbook.embeddings.statistics import share_interval
from hornbook.scoring import calibration
from hornbook.scoring.label_errors import likely_label_errors
from hornbook.tasks.nearest import Near, nearest_training, place_of, written
from hornbook.tasks.texts import Sample, kind_of, require_known, text_hashes

_BINS = 15
_KEPT = 0.99


@dataclass(frozen=True)
class Case:
    """A text worth a look: the label in the data, another label, the model's probability of each.

    `other` is the wrong answer of an error, the better label of a likely label error. `doubted`: the label in the data is
    likely wrong. `trained_on`: the text is among the training texts. Of several labels a text, the probabilities are those of
    the one decision that the model is surest is wrong.
    """

    row: int
    text: str
    label: str
    other: str
    p_label: float
    p_other: float
    place: str  # file:line
    doubted: bool = False
    trained_on: bool = False
    nearest: Near | None = None


class Slice(NamedTuple):
    """The texts of `shortest` to `longest` characters: how many, and the share that is answered right, 95 % interval."""

    shortest: int
    longest: int
    n: int
    accuracy: float
    ci95: tuple[float, float]


class LabelScore(NamedTuple):
    """One label: None where it is undefined, as the precision of a label that is never given."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    n: int  # texts that have it
    given: int  # texts that were given it


class Kept(NamedTuple):
    """How well `found` is found when at least 99 % of the texts of `kept` stay `kept`."""

    kept: str
    found: str
    at: calibration.Operating


@dataclass(frozen=True)
class Judgement:
    """What `judge` found. Numbers that nothing was measured for are None.

    calibration_error, calibration_error_mass: over 15 bins of equal width, and of equal mass. likely_errors: how many labels
    confident learning doubts; `doubtful` are the first of them.
    """

    kind: str
    n: int
    errors: int
    worst: tuple[Case, ...]
    likely_errors: int
    doubtful: tuple[Case, ...]
    slices: tuple[Slice, ...]
    labels: tuple[LabelScore, ...]
    bins: tuple[calibration.Bin, ...]
    calibration_error: float | None
    calibration_error_mass: float | None
    brier: float | None
    log_loss: float | None
    kept: tuple[Kept, ...]

    def facts(self) -> dict[str, Any]:
        """What `evaluate --json` prints beside the scores: all but the texts."""
        return {
            "errors": self.errors,
            "likely_label_errors": self.likely_errors,
            "calibration_error": self.calibration_error,
            "calibration_error_equal_mass": self.calibration_error_mass,
            "brier": self.brier,
            "log_loss_nats": self.log_loss,
            "by_length_characters": [one._asdict() for one in self.slices],
            "by_label": [one._asdict() for one in self.labels],
            "keeping_99_percent": [
                {"kept": one.kept, "found": one.found, **{name: _number(value) for name, value in one.at._asdict().items()}}
                for one in self.kept
            ],
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {
            **self.facts(),
            "worst": [asdict(one) for one in self.worst],
            "doubtful": [asdict(one) for one in self.doubtful],
            "bins": [one._asdict() for one in self.bins],
        }


@dataclass(frozen=True, eq=False)
class Answered:
    """A classifier that was asked once: stands where the classifier is scored again on the same texts."""

    labels_: tuple[str, ...]
    config: Any
    probabilities: NDArray[np.float64]  # (n, L)
    answers: list[Any]

    def __call__(self, texts: Sequence[Any]) -> list[Any]:
        """The answers."""
        if len(texts) != len(self.answers):
            raise ValueError(f"{len(texts)} texts, asked were {len(self.answers)}")
        return self.answers


def ask(model: Any, texts: Sequence[Any]) -> Answered:
    """Probabilities and answers of a classifier in one pass over the texts."""
    if isinstance(model, Answered):
        return model
    labels = tuple(model.labels_)
    found = model.predict_proba(texts) if len(texts) else np.zeros((0, len(labels)))
    probabilities = np.asarray(found, np.float64)
    if hasattr(model, "decide"):
        answers = list(model.decide(probabilities)) if len(texts) else []
    else:
        answers = [labels[k] for k in probabilities.argmax(axis=1)]
    return Answered(labels, getattr(model, "config", None), probabilities, answers)


def judge(
    model: Any,
    sample: Sample,
    *,
    train: Sample | None = None,
    seen: NDArray[np.int64] | None = None,
    top: int = 20,
    log: Log,
) -> Judgement:
    """Judge a classifier (or what `ask` gave) on labelled texts; `train` gives the nearest training text of every case.

    `seen`: hashes of the training texts (`tasks.texts.load_seen`), which mark the cases among them. `top`: how many of the
    worst errors and of the likely label errors. The latter are found by confident learning (Northcutt et al. 2021, section
    3.1) and mean something only on texts that the model was not trained on. Of several labels a text, every decision about a
    label counts by itself in calibration and label errors.

    Raises ContentError for a label that the model does not know, UsageError for a negative `top`.
    """
    if top < 0:
        raise UsageError("{name} = {value}: give 0 or more", name="top", value=top)
    asked = ask(model, sample.texts)
    require_known(sample, asked.labels_)
    view = _View.of(asked, sample)
    likely = likely_label_errors(view.chances, view.targets)
    doubted = np.zeros(len(view.targets), bool)
    doubted[[row for row, _ in likely]] = True
    wrong = np.flatnonzero(~view.right)
    order = wrong[np.argsort(view.credit(wrong), kind="stable")]
    worst = [view.error(int(row), doubted) for row in order[:top]]
    doubtful = [view.doubt(row, better) for row, better in likely[:top]]
    if seen is not None:
        known = np.isin(text_hashes(sample.texts, keep=True), seen)
        worst, doubtful = ([replace(case, trained_on=bool(known[case.row])) for case in cases] for cases in (worst, doubtful))
    if train is not None and train.texts and (worst or doubtful):
        near = nearest_training([case.text for case in (*worst, *doubtful)], train)
        cases = [replace(case, nearest=one) for case, one in zip((*worst, *doubtful), near)]
        worst, doubtful = cases[: len(worst)], cases[len(worst) :]
    confidences, correct = view.confidences()
    bins = calibration.reliability(confidences, correct, bins=_BINS)
    by_mass = calibration.reliability(confidences, correct, bins=_BINS, placing=calibration.equal_mass)
    return Judgement(
        kind=view.kind,
        n=len(sample.texts),
        errors=int(wrong.size),
        worst=tuple(worst),
        likely_errors=len(likely),
        doubtful=tuple(doubtful),
        slices=tuple(by_length([len(written(text)) for text in sample.texts], view.right)),
        labels=tuple(by_label(asked.labels_, view.wanted, view.given)),
        bins=tuple(bins),
        calibration_error=_number(calibration.expected_calibration_error(bins)),
        calibration_error_mass=_number(calibration.expected_calibration_error(by_mass)),
        brier=_number(calibration.brier_score(view.chances, view.targets)),
        log_loss=_number(calibration.negative_log_likelihood(view.chances, view.targets)),
        kept=tuple(_kept(view)),
    )


def by_length(lengths: Sequence[int], right: NDArray[np.bool_]) -> list[Slice]:
    """Accuracy of the texts by quarters of their lengths in characters; equal lengths stay together."""
    sizes = np.array(lengths, np.int64)
    if not sizes.size:
        return []
    edges = np.unique(np.quantile(sizes, [0.25, 0.5, 0.75], method="lower"))
    places = np.searchsorted(edges, sizes, side="left")
    found = []
    for place in np.unique(places):
        inside = places == place
        n, hits = int(inside.sum()), int(right[inside].sum())
        interval = share_interval(hits, n)
        found.append(Slice(int(sizes[inside].min()), int(sizes[inside].max()), n, hits / n, (interval[0], interval[1])))
    return found


def by_label(names: Sequence[str], wanted: NDArray[np.bool_], given: NDArray[np.bool_]) -> list[LabelScore]:
    """Precision, recall and F1 of every label, from (n, L) right and given labels."""
    both, n, m = (wanted & given).sum(axis=0), wanted.sum(axis=0), given.sum(axis=0)
    return [
        LabelScore(name, _share(b, c), _share(b, a), _share(2 * b, a + c), a, c)
        for name, b, a, c in zip(names, both.tolist(), n.tolist(), m.tolist())
    ]


def _kept(view: _View) -> Iterator[Kept]:
    """Each of two labels kept at 99 %, and the other found."""
    if len(view.names) != 2 or view.kind == "multi" or not view.targets.size:
        return
    for kept, found in ((0, 1), (1, 0)):
        if (view.targets == kept).any() and (view.targets == found).any():
            at = calibration.keep_share(view.chances[:, found], view.targets == found, share=_KEPT)
            yield Kept(view.names[kept], view.names[found], at)


@dataclass(frozen=True, eq=False)
class _View:
    """The answers as tables. A decision is a text, or a text and one of its labels where it may have several."""

    kind: str
    names: tuple[str, ...]
    sample: Sample
    probabilities: NDArray[np.float64]  # (n, L)
    wanted: NDArray[np.bool_]  # (n, L)
    given: NDArray[np.bool_]  # (n, L)
    chances: NDArray[np.float64]  # (decisions, choices)
    targets: NDArray[np.int64]  # (decisions,) the right choice

    @classmethod
    def of(cls, asked: Answered, sample: Sample) -> _View:
        """Tables of single labels, grades, or sets of labels."""
        kind, names, probabilities = kind_of(asked), asked.labels_, asked.probabilities
        index = {name: k for k, name in enumerate(names)}
        wanted, given = (_marked(column, index) for column in (sample.labels, asked.answers))
        if kind == "multi":
            yes = probabilities.reshape(-1)
            chances, targets = np.stack([1 - yes, yes], axis=1), wanted.reshape(-1).astype(np.int64)
        else:
            chances, targets = probabilities, wanted.argmax(axis=1) if len(wanted) else np.zeros(0, np.int64)
        return cls(kind, names, sample, probabilities, wanted, given, chances, targets)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the answer is exactly right."""
        same: NDArray[np.bool_] = (self.wanted == self.given).all(axis=1)
        return same

    def credit(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(rows,) probability that the model leaves to what is right; of several labels to the worst decision."""
        own = np.where(self.wanted[rows], self.probabilities[rows], 1 - self.probabilities[rows])
        if self.kind != "multi":
            own = np.where(self.wanted[rows], own, 1.0)
        missed = self.wanted[rows] != self.given[rows] if self.kind == "multi" else np.ones_like(own, bool)
        least: NDArray[np.float64] = np.where(missed, own, 1.0).min(axis=1, initial=1.0)
        return least

    def confidences(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Probability of each answer and whether it is right; of several labels, of each label and whether it is there."""
        if self.kind == "multi":
            return self.chances[:, 1], self.targets == 1
        return self.probabilities[self.given], self.right

    def error(self, row: int, doubted: NDArray[np.bool_]) -> Case:
        """A wrong answer."""
        label, other = (_joined(self.names, table[row]) for table in (self.wanted, self.given))
        if self.kind == "multi":
            left = float(self.credit(np.array([row]))[0])
            labels = len(self.names)
            return self._case(row, label, other, left, 1 - left, doubted=bool(doubted[row * labels : (row + 1) * labels].any()))
        chances = self.probabilities[row]
        own, answer = float(chances[self.wanted[row]][0]), float(chances[self.given[row]][0])
        return self._case(row, label, other, own, answer, doubted=bool(doubted[row]))

    def doubt(self, decision: int, better: int) -> Case:
        """A label that is likely wrong."""
        own, other = float(self.chances[decision, self.targets[decision]]), float(self.chances[decision, better])
        if self.kind != "multi":
            return self._case(decision, self.names[self.targets[decision]], self.names[better], own, other, doubted=True)
        row, label = divmod(decision, len(self.names))
        changed = self.wanted[row].copy()
        changed[label] = bool(better)
        return self._case(row, _joined(self.names, self.wanted[row]), _joined(self.names, changed), own, other, doubted=True)

    def _case(self, row: int, label: str, other: str, p_label: float, p_other: float, *, doubted: bool) -> Case:
        text = written(self.sample.texts[row])
        return Case(row, text, label, other, p_label, p_other, place_of(self.sample, row), doubted)


def _marked(labels: Sequence[Any], index: dict[str, int]) -> NDArray[np.bool_]:
    """(n, L) whether each text has each label."""
    table = np.zeros((len(labels), len(index)), bool)
    for row, own in enumerate(labels):
        table[row, [index[name] for name in ([own] if isinstance(own, str) else own)]] = True
    return table


def _joined(names: Sequence[str], marked: NDArray[np.bool_]) -> str:
    return ", ".join(names[k] for k in np.flatnonzero(marked).tolist())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
