"""Linear text classifiers over hashed n-grams: support vector machine, logistic regression, naive Bayes. The honest floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Alarm, Event, Note
from hornbook.core.runtime import available_cores
from hornbook.statistical.features import FeatureConfig, HashedFeatures, SparseRows
from hornbook.statistical.saved import read_arrays, read_labels, read_record, require_shapes, write_arrays, write_record

MODEL_TYPE = "hornbook-linear"
COSTS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""C tried when none is given, from the middle outwards, times what suits the loss: logistic loss wants 10 times as much."""
_VALUES_TO_CHOOSE_ON = 2_000_000  # numbers in the rows that the cost is chosen on: two seconds for two classes


@dataclass(frozen=True)
class LinearConfig:
    """A loss and how strongly it counts against the size of the weights.

    method: 'svm' (squared hinge), 'hinge' and 'logistic', one class against the rest, by dual coordinate descent (Hsieh et al.
        2008; Yu, Huang and Lin 2011); 'multinomial', the joint logistic loss; 'naive-bayes', multinomial, add-one smoothing.
    scaling: 'naive-bayes' multiplies features by their log-count ratio before an svm, hinge or logistic loss (NBSVM, Wang and
        Manning 2012).
    cost: C of the loss; 0 chooses among COSTS by held-out accuracy, in `folds` parts of the training texts or on dev texts.
    class_weights: 'balanced' makes every class count as much as any other.
    tolerance: where the solvers stop; that of LIBLINEAR.
    """

    features: FeatureConfig = field(default_factory=FeatureConfig)
    method: Literal["svm", "hinge", "logistic", "multinomial", "naive-bayes"] = "svm"
    scaling: Literal["none", "naive-bayes"] = "naive-bayes"
    cost: float = 0.0
    class_weights: Literal["equal", "balanced"] = "equal"
    folds: int = 3
    tolerance: float = 0.1
    threads: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.cost < np.inf:
            raise UsageError("cost = {cost}: give a number above 0, or 0 to have it chosen", cost=self.cost)
        if not 2 <= self.folds <= 100:
            raise UsageError("folds = {folds}: choose 2 to 100", folds=self.folds)
        if not 0 < self.tolerance < np.inf:
            raise UsageError("tolerance = {tolerance}: give a number above 0", tolerance=self.tolerance)


NAIVE_BAYES = LinearConfig(
    features=FeatureConfig(characters=0, term="count", idf=False, norm="none"), method="naive-bayes", scaling="none"
)
"""Multinomial naive Bayes over counts of words and word pairs, or of up to three characters where words are not spaced."""


class LinearClassifier:
    """A Predictor of one label a text. Learned: `labels_` (sorted), `features_`, `weights_` (F, K') and `bias_`, `cost_`.

    softmax(vector weights + bias) are probabilities calibrated on held-out texts (naive Bayes: its own). Two classes have one
    output, the log-odds of the second. `held_out_accuracy_` is what `cost_` was chosen by, not a number where nothing was.
    """

    def __init__(self, config: LinearConfig | None = None) -> None:
        self.config = config or LinearConfig()
        self.features_ = HashedFeatures(self.config.features)
        self.labels_: tuple[str, ...] = ()
        self.weights_: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self.bias_: NDArray[np.float32] = np.zeros(0, np.float32)
        self.cost_ = self.config.cost
        self.held_out_accuracy_ = float("nan")

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return int(self.weights_.size + self.bias_.size)

    @property
    def size_mb(self) -> float:
        """Size of the learned arrays in MB (10^6 bytes)."""
        return sum(array.nbytes for array in self._arrays().values()) / 1e6

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        dev: tuple[Sequence[str], Sequence[str]] | None = None,
        log: Callable[[Event], None] | None = None,
    ) -> Self:
        """Learn from texts and their labels; `dev`, where given, chooses the cost and calibrates instead of held-out parts.

        Raises ContentError for fewer than two different labels, UsageError when the numbers of texts and labels differ.
        """
        report = log or (lambda event: None)
        self.labels_, targets = read_targets(texts, labels)
        warn_of_rare(self.labels_, targets, report)
        rows = self.features_.fit_transform(texts)
        held_out = None
        if dev is not None:
            held_out = (self.features_.transform(dev[0]), targets_of(dev[1], self.labels_))
        if self.config.method == "naive-bayes":
            from hornbook.statistical.linear_solve import solve_naive_bayes

            weights, bias = solve_naive_bayes(rows, targets, len(self.labels_))
        else:
            weights, bias = self._fit_calibrated(texts, rows, targets, held_out, report)
        self.weights_, self.bias_ = weights.astype(np.float32), bias.astype(np.float32)
        return self

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The most probable label of every text. TypeError names the index of what is not a str."""
        scores = self.decision_scores(texts)
        best = (scores[:, 0] > 0).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return [self.labels_[i] for i in best]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) probabilities in the order of `labels_`; rows sum to 1."""
        from hornbook.statistical.linear_solve import probabilities

        return probabilities(self.decision_scores(texts).astype(np.float64))

    def decision_scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, K') log-odds up to a constant; one column for two classes. UsageError before `fit`."""
        from hornbook.statistical.linear_kernels import times_dense

        if not self.labels_:
            raise UsageError("this classifier is not trained: call fit, or load a saved one")
        rows = self.features_.transform(texts)
        scores: NDArray[np.float32] = times_dense(rows.starts, rows.columns, rows.values, self.weights_, self.bias_)
        return scores

    def save_files(self, folder: Path) -> None:
        """Write config.json and model.safetensors into an existing folder. Raises DiskFullError."""
        write_arrays(folder, self._arrays(), what="linear model")
        record = {"config": to_dict(self.config), "labels": list(self.labels_), "cost": float(self.cost_)}
        write_record(folder, {"model_type": MODEL_TYPE, **record})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model. ContentError names the file that is damaged or does not fit the others."""
        record = read_record(folder, MODEL_TYPE, {"config": dict, "labels": list, "cost": float})
        model = cls(from_dict(LinearConfig, record["config"], where=str(folder / "config.json"), prefix="config."))
        model.labels_ = read_labels(folder, record["labels"], 2)
        model.cost_ = record["cost"]
        arrays = read_arrays(
            folder, {"buckets": ("int32", 1), "idf": ("float32", 1), "weights": ("float32", 2), "bias": ("float32", 1)}
        )
        buckets, weights, bias = arrays["buckets"], arrays["weights"], arrays["bias"]
        classes = len(model.labels_)
        inside = not buckets.size or (buckets[0] >= 0 and buckets[-1] < 1 << model.config.features.bits)
        fitting = {
            "buckets": bool(inside and (np.diff(buckets) > 0).all()),
            "idf": arrays["idf"].shape == buckets.shape,
            "bias": bias.size == (classes if classes > 2 else 1),
            "weights": weights.shape == (buckets.size, bias.size),
        }
        require_shapes(folder, fitting)
        model.features_ = HashedFeatures.restored(model.config.features, buckets, arrays["idf"])
        model.weights_, model.bias_ = weights, bias
        return model

    def _arrays(self) -> dict[str, NDArray[Any]]:
        features = self.features_
        return {"buckets": features.buckets_, "idf": features.idf_, "weights": self.weights_, "bias": self.bias_}

    def _fit_calibrated(
        self,
        texts: Sequence[str],
        rows: SparseRows,
        targets: NDArray[np.int64],
        dev: tuple[SparseRows, NDArray[np.int64]] | None,
        log: Callable[[Event], None],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Choose the cost and calibrate on scores of texts that the scoring model did not see; then learn from all texts."""
        from hornbook.statistical.linear_solve import (
            calibration,
            climb,
            dense_product,
            folds_of,
            held_out_scores,
            probabilities,
            sample_rows,
        )

        config, classes = self.config, len(self.labels_)
        if dev is None:
            sample = sample_rows(rows, targets, _VALUES_TO_CHOOSE_ON, seed=config.seed)
            shown, truth = rows.select(sample), targets[sample]
            folds = folds_of([texts[i] for i in sample], truth, config.folds)
        else:
            truth = dev[1]
        found: dict[float, tuple[float, float, NDArray[np.float64]]] = {}

        def accuracy(cost: float) -> float:
            if dev is None:
                scores = held_out_scores(shown, folds, lambda part, inside: self._solve(part, truth[inside], cost))
            else:
                scores = dense_product(dev[0], *self._solve(rows, targets, cost))
            slope, offsets = calibration(scores, truth, classes)
            right = probabilities(slope * scores + offsets).argmax(axis=1) == truth
            found[cost] = float(right.mean()), slope, offsets
            return found[cost][0]

        tried = (config.cost,) if config.cost else tuple(cost * self._usual_cost() for cost in COSTS)
        self.cost_ = climb(tried, accuracy)
        self.held_out_accuracy_, slope, offsets = found[self.cost_]
        log(Note(f"C = {self.cost_:g}, accuracy on texts held out {self.held_out_accuracy_:.4f}"))
        weights, bias = self._solve(rows, targets, self.cost_)
        return slope * weights, slope * bias + offsets

    def _solve(
        self, rows: SparseRows, targets: NDArray[np.int64], cost: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        from hornbook.statistical import linear_solve

        config, classes = self.config, len(self.labels_)
        costs = np.full(len(rows), cost)
        if config.class_weights == "balanced":
            counts = np.bincount(targets, minlength=classes)
            costs *= len(rows) / (np.count_nonzero(counts) * np.maximum(counts, 1))[targets]
        if config.method == "multinomial":
            return linear_solve.solve_multinomial(rows, targets, classes, costs, tolerance=config.tolerance)
        assert config.method != "naive-bayes"  # has no cost
        return linear_solve.solve_one_against_rest(
            rows,
            targets,
            classes,
            costs,
            loss=config.method,
            by_ratios=config.scaling == "naive-bayes",
            tolerance=config.tolerance,
            seed=config.seed,
            threads=config.threads or available_cores(),
        )

    def _usual_cost(self) -> float:
        return 10.0 if self.config.method in ("logistic", "multinomial") else 1.0


def read_targets(texts: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The different labels sorted by code point, and the index of each text's. ContentError for fewer than two."""
    if len(texts) != len(labels):
        raise UsageError("{texts} texts and {labels} labels: give one label a text", texts=len(texts), labels=len(labels))
    for index, label in enumerate(labels):
        if not isinstance(label, str):
            raise TypeError(f"label {index} is {type(label).__name__}, not str")
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise ContentError("a classifier needs texts of at least two labels, found {found}", found=", ".join(names) or 0)
    return names, targets_of(labels, names)


def targets_of(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """(n,) the index of each label among `names`; ContentError names the first that is not there."""
    index = {name: i for i, name in enumerate(names)}
    for place, label in enumerate(labels):
        if label not in index:
            raise ContentError(
                "label '{label}' of text {place} does not occur in the training texts: {names}",
                label=label,
                place=place + 1,
                names=", ".join(names),
            )
    return np.array([index[label] for label in labels], dtype=np.int64)


def warn_of_rare(labels: Sequence[str], targets: NDArray[np.int64], log: Callable[[Event], None]) -> None:
    """An alarm that names the labels with a single text."""
    rare = [label for label, count in zip(labels, np.bincount(targets, minlength=len(labels))) if count < 2]
    if rare:
        log(Alarm(f"labels with a single text: {', '.join(rare)}", "add texts, or merge these labels with others"))
