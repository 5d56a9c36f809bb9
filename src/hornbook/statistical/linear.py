"""Linear text classifiers over hashed n-grams: support vector machine, logistic regression, naive Bayes. The honest floor."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Note
from hornbook.core.runtime import available_cores
from hornbook.statistical.features import FeatureConfig, HashedFeatures, SparseRows
from hornbook.statistical.label_sets import read_targets, require_two, stored_labels, targets_of, warn_of_rare
from hornbook.statistical.records import read_record
from hornbook.statistical.tensors import load_tensors, save_tensors

MODEL_TYPE = "hornbook-linear"
_WEIGHTS = "model.safetensors"
COSTS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""C tried when none is given, from the middle outwards, times what suits the loss: logistic loss wants 10 times as much."""
_VALUES_TO_CHOOSE_ON = 2_000_000  # numbers in the rows that the cost is chosen on: two seconds for two classes


@dataclass(frozen=True)
class LinearConfig:
    """A loss and how strongly it counts against the size of the weights.

    method: 'svm' (squared hinge), 'hinge' and 'logistic', one class against the rest, by dual coordinate descent (Hsieh et al.
        2008; Yu, Huang and Lin 2011); 'multinomial', the joint logistic loss; 'naive-bayes', multinomial, add-one smoothing.
    scaling: 'naive-bayes' multiplies features by their log-count ratio before an svm, hinge or logistic loss (NBSVM, Wang and
        Manning 2012); 'both' adds its scores and those of the features as they are, each to the same spread.
    cost: C of the loss; 0 chooses among COSTS by held-out accuracy, in `folds` parts of the training texts or on dev texts.
    class_weights: 'balanced' makes every class count as much as any other.
    tolerance: where the solvers stop; that of LIBLINEAR.
    """

    features: FeatureConfig = field(default_factory=FeatureConfig)
    method: Literal["svm", "hinge", "logistic", "multinomial", "naive-bayes"] = "svm"
    scaling: Literal["none", "naive-bayes", "both"] = "both"
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
        require_two(self.labels_)
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
        """Write config.json and model.safetensors into an existing folder."""
        save_tensors(self._arrays(), folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "labels": list(self.labels_),
            "features": self.features_.width,
            "cost": float(self.cost_),
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model. ContentError names the file that is damaged or does not fit the others."""
        path = folder / "config.json"
        record = read_record(path, MODEL_TYPE, {"config": dict, "labels": list, "features": int, "cost": float})
        model = cls(from_dict(LinearConfig, record["config"], where=str(path), prefix="config."))
        model.labels_, model.cost_ = stored_labels(record["labels"], path, least=2), record["cost"]
        outputs, width = len(model.labels_) if len(model.labels_) > 2 else 1, record["features"]
        arrays = load_tensors(
            folder / _WEIGHTS,
            {
                "buckets": (np.int32, (width,)),
                "idf": (np.float32, (width,)),
                "weights": (np.float32, (width, outputs)),
                "bias": (np.float32, (outputs,)),
            },
        )
        buckets = arrays["buckets"]
        rising = bool((buckets[1:] > buckets[:-1]).all())
        if not rising or (width and not 0 <= buckets[0] <= buckets[-1] < 1 << model.config.features.bits):
            raise _damaged(folder / _WEIGHTS, "buckets do not rise within their range")
        if not all(np.isfinite(arrays[name]).all() for name in ("idf", "weights", "bias")):
            raise _damaged(folder / _WEIGHTS, "it has a number that is not finite")
        model.features_ = HashedFeatures.restored(model.config.features, buckets, arrays["idf"])
        model.weights_, model.bias_ = arrays["weights"], arrays["bias"]
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
        scalings = {"none": (False,), "naive-bayes": (True,), "both": (True, False)}[config.scaling]
        solved = [
            linear_solve.solve_one_against_rest(
                rows,
                targets,
                classes,
                costs,
                loss=config.method,
                by_ratios=by_ratios,
                tolerance=config.tolerance,
                seed=config.seed,
                threads=config.threads or available_cores(),
            )
            for by_ratios in scalings
        ]
        return linear_solve.added(rows, solved) if len(solved) > 1 else solved[0]

    def _usual_cost(self) -> float:
        return 10.0 if self.config.method in ("logistic", "multinomial") else 1.0


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
