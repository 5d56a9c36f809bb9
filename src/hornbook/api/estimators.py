"""`TextClassifier`: every classifier of hornbook as an estimator of scikit-learn, which need not be installed."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.api.texts import Log, silent
from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError, nearest, translate

_RECORD = "estimator.json"
_ROWS = 32  # texts of a step, where nothing else is said


class TextClassifier:
    """Texts -> labels of any hashable kind. `fit(X, y)`, `predict`, `predict_proba`, `score`; works in scikit-learn's tools.

    X: a sequence of texts, or of pairs of them as tuples. After `fit`, `classes_` are the labels in order and `model_` is the
    classifier of hornbook that learned.

    method: 'linear', 'bayes' (a language model a label), a recipe whose network learns from these texts alone ('lstm', 'gru',
        'bert', ...), or the folder of a model of any generation, which is fine-tuned.
    cost: of 'linear', C of its loss; 0 chooses it by held-out accuracy.
    epochs: of networks, passes over the texts; 0 goes by their number.
    settings: others, by their names at the command line: {'features.words': 1}, {'training.learning_rate': 1e-3}.
    """

    def __init__(
        self,
        method: str | Path = "linear",
        *,
        cost: float = 0.0,
        epochs: float = 0,
        settings: Mapping[str, Any] | None = None,
        seed: int = 1,
        device: str = "auto",
    ) -> None:
        self.method = method
        self.cost = cost
        self.epochs = epochs
        self.settings = settings
        self.seed = seed
        self.device = device

    def fit(self, X: Iterable[Any], y: Iterable[Hashable], *, log: Log = silent) -> Self:
        """Learn from texts and a label each, from nothing: what an earlier call learned is forgotten.

        Raises TypeError naming the index of what is no text or no label, UsageError for wrong parameters, or where the
        numbers of texts and labels differ, ContentError for fewer than two labels.
        """
        texts, labels = _texts(X), _labels(y)
        if len(texts) != len(labels):
            raise UsageError("{texts} texts and {labels} labels: give one label a text", texts=len(texts), labels=len(labels))
        classes = _in_order(labels)
        names = _names(classes)
        name_of = dict(zip(classes, names))
        own = [name_of[label] for label in labels]
        self.model_ = self._learned(texts, own, log)
        self.classes_, self._names = _as_array(classes), names
        return self

    def predict(self, X: Iterable[Any]) -> NDArray[Any]:
        """(n,) the label of every text, as they were in y."""
        model = self._fitted()
        texts = self._plain(_texts(X))
        number = {name: place for place, name in enumerate(self._names)}
        found = [number[name] for name in model(texts)] if texts else []
        return self.classes_[np.array(found, np.int64)]

    def predict_proba(self, X: Iterable[Any]) -> NDArray[np.float64]:
        """(n, L) probabilities in the order of `classes_`; rows sum to 1."""
        model = self._fitted()
        texts = self._plain(_texts(X))
        result = np.zeros((len(texts), len(self._names)))
        if texts:
            result[:, [self._names.index(name) for name in model.labels_]] = model.predict_proba(texts)
        return result

    def score(self, X: Iterable[Any], y: Iterable[Hashable], sample_weight: Any = None) -> float:
        """The share of texts whose label is right, each counted `sample_weight` times where given."""
        right = [bool(one == other) for one, other in zip(self.predict(X).tolist(), _labels(y), strict=True)]
        return float(np.average(right, weights=sample_weight))

    def save(self, folder: str | Path) -> None:
        """Write a model folder that `load` opens, and every verb of hornbook too. UsageError for labels that JSON has not."""
        model = self._fitted()
        classes = self.classes_.tolist()
        for label in classes:
            if not isinstance(label, str | int | float | bool | None):
                raise UsageError(
                    "labels of kind {kind} cannot be saved: use texts, numbers, True and False", kind=type(label).__name__
                )
        record = {"parameters": self.get_params() | {"method": str(self.method)}, "classes": classes, "names": self._names}
        artifact.require_own(Path(folder))
        with artifact.writing(Path(folder)) as temporary:
            model.save_files(temporary)
            (temporary / _RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open what `save` wrote, or the folder of any classifier of one label a text. ContentError for a damaged one."""
        from hornbook.api.opening import load
        from hornbook.tasks.texts import is_classifier, kind_of

        model, path = load(folder), Path(folder) / _RECORD
        if not is_classifier(model) or kind_of(model) == "multi":
            raise UsageError(
                "{folder} is {kind}: a pipeline asks classifiers and taggers", folder=folder, kind=type(model).__name__
            )
        if not path.is_file():
            made = cls(str(folder))
            made.model_, made.classes_, made._names = model, _as_array(model.labels_), list(model.labels_)
            return made
        try:
            record = json.loads(path.read_text("utf-8"))
            made = cls(**record["parameters"])
            made.model_, made.classes_, made._names = model, _as_array(record["classes"]), list(record["names"])
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path, " ".join(str(error).split())[:200]) from None
        if sorted(made._names) != sorted(model.labels_) or len(made.classes_) != len(made._names):
            raise _damaged(path, translate("labels"))
        return made

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Change parameters; UsageError names the nearest to one that is not there."""
        for name in parameters:
            if name not in self._parameters():
                hint = nearest(name, self._parameters())
                raise UsageError("TextClassifier has no parameter '{name}'.{hint}", name=name, hint=hint)
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: one.default for name, one in inspect.signature(type(self)).parameters.items()}
        changed = {name: value for name, value in self.get_params().items() if value != defaults[name]}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: a classifier of texts, which needs labels."""
        tags = importlib.import_module("sklearn.utils")
        return tags.Tags(
            estimator_type="classifier",
            target_tags=tags.TargetTags(required=True),
            classifier_tags=tags.ClassifierTags(),
            input_tags=tags.InputTags(one_d_array=True, two_d_array=False, string=True),
        )

    @classmethod
    def _parameters(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def _fitted(self) -> Any:
        """The classifier that learned; scikit-learn's own error, where it is in use, when none did."""
        if not hasattr(self, "model_"):
            template = "this TextClassifier is not fitted: call fit, or load a saved one"
            if "sklearn" in sys.modules:
                raise importlib.import_module("sklearn.exceptions").NotFittedError(translate(template))
            raise UsageError("this TextClassifier is not fitted: call fit, or load a saved one")
        return self.model_

    def _plain(self, texts: list[Any]) -> list[Any]:
        """Pairs as the model reads them."""
        from hornbook.tasks.texts import pairing

        return _paired(texts, pairing(self.model_))

    def _learned(self, texts: list[Any], labels: list[str], log: Log) -> Any:
        from hornbook.recipes.texts import CLASSIFIERS
        from hornbook.statistical.label_sets import require_two
        from hornbook.tasks.texts import as_one

        require_two(sorted(set(labels)))
        method, settings = str(self.method), dict(self.settings or {})
        if self.epochs < 0:
            raise UsageError("epochs = {value}: give 0, which goes by the number of texts, or more", value=self.epochs)
        if method in CLASSIFIERS:
            from hornbook.api.training import configured
            from hornbook.tasks.pretrain import resolve

            self._refuse("epochs", self.epochs, "networks")
            if method != "linear":
                self._refuse("cost", self.cost, "'linear'")
            else:
                settings = {"cost": self.cost, "seed": self.seed} | settings
            config = configured(CLASSIFIERS[method], "", {f"model.{name}": value for name, value in settings.items()})
            return resolve(CLASSIFIERS[method].model)(config.model).fit(_paired(texts, as_one), labels, log=log)
        return self._network(method, settings, texts, labels, log)

    def _network(self, start: str, settings: dict[str, Any], texts: list[Any], labels: list[str], log: Log) -> Any:
        from hornbook.api.opening import open_any
        from hornbook.tasks.classify import fit_texts

        self._refuse("cost", self.cost, "'linear'")
        if self.epochs:
            rows = settings.setdefault("training.rows", min(_ROWS, max(4, len(texts) // 8)))
            settings["training.steps"] = max(1, round(self.epochs * len(texts) / rows))
        return fit_texts(
            start,
            texts,
            [(label,) for label in labels],
            opened=lambda path: open_any(path, log=log),
            seed=self.seed,
            device=self.device,
            overrides=settings,
            log=log,
        )

    def _refuse(self, name: str, value: float, other: str) -> None:
        if value:
            raise UsageError(
                "method '{method}' takes no {name}: it is a setting of {other}", method=self.method, name=name, other=other
            )


def _texts(given: Iterable[Any]) -> list[Any]:
    """Texts and pairs of texts. TypeError names the index of anything else."""
    if isinstance(given, str | bytes):
        raise TypeError("X is one text: give a list of texts")
    texts = given.tolist() if hasattr(given, "tolist") else list(given)
    for index, one in enumerate(texts):
        if isinstance(one, tuple) and len(one) == 2 and all(isinstance(part, str) for part in one):
            continue
        if not isinstance(one, str):
            raise TypeError(f"text {index} is {type(one).__name__}, neither a text nor a pair of texts")
    return list(texts)


def _labels(given: Iterable[Hashable]) -> list[Any]:
    """Labels as Python has them. TypeError names the index of what cannot be one, UsageError that of NaN."""
    if isinstance(given, str | bytes):
        raise TypeError("y is one label: give a list of labels")
    labels: list[Any] = given.tolist() if hasattr(given, "tolist") else list(given)
    for index, label in enumerate(labels):
        if not isinstance(label, Hashable):
            raise TypeError(f"label {index} is {type(label).__name__}: give one label a text")
        if label != label:
            raise UsageError("label {number} is not a number (NaN): leave such texts out", number=index)
    return labels


def _in_order(labels: Iterable[Any]) -> list[Any]:
    """The different labels, sorted; those that know no order by kind and spelling."""
    different = set(labels)
    try:
        return sorted(different)
    except TypeError:
        return sorted(different, key=lambda label: (type(label).__name__, repr(label)))


def _names(classes: Sequence[Any]) -> list[str]:
    """A different text for every label, itself where it is one."""
    names = [str(label) for label in classes]
    if len(set(names)) < len(names):  # 1 and '1'
        names = [f"{type(label).__name__} {label!r}" for label in classes]
    if len(set(names)) < len(names):
        names = [f"{number} {name}" for number, name in enumerate(names)]
    return names


def _as_array(classes: Sequence[Any]) -> NDArray[Any]:
    """(L,) of the labels' own kind; objects where they are of several kinds, or of one that numpy has not."""
    kinds = {type(label) for label in classes}
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return np.array(list(classes))
    result = np.empty(len(classes), object)
    result[:] = list(classes)
    return result


def _paired(texts: Sequence[Any], together: Any) -> list[Any]:
    return [one if isinstance(one, str) else together(*one) for one in texts]


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
