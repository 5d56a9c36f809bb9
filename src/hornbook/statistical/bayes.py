"""A language model per label as a classifier (Bayes' rule over whole texts), and the one that always answers the commonest.

P(label | text) is proportional to P(label) P(text | label), with P(text | label) from a language model trained on the texts of
that label alone (Peng, Schuurmans and Wang 2004).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Progress
from hornbook.core.types import Ids, LanguageModel, Tokenizer
from hornbook.statistical.features import check_texts
from hornbook.statistical.label_sets import read_targets, require_two, stored_labels, warn_of_rare
from hornbook.statistical.ngram import NgramConfig, NgramLM
from hornbook.statistical.records import read_record
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

MODEL_TYPE = "hornbook-bayes"
Factory: TypeAlias = Callable[[Tokenizer, Sequence[Ids]], LanguageModel[Any]]


@dataclass(frozen=True)
class BayesConfig:
    """The tokenizer all labels share, and the n-gram model of each.

    folds: on so many held-out parts the scores are weighed against each other: a slope (models of whole texts are over-sure),
        and for each label a constant and a constant a token (a label with little text gains by every unknown token). 0: Bayes'
        rule as it stands.
    """

    tokenizer: TokenizerConfig = field(default_factory=lambda: TokenizerConfig(kind="chars", lowercase=True))
    ngram: NgramConfig = field(default_factory=lambda: NgramConfig(order=5))
    folds: int = 3

    def __post_init__(self) -> None:
        if self.folds < 0 or self.folds == 1:
            raise UsageError("folds = {folds}: choose 2 or more, or 0 for Bayes' rule as it stands", folds=self.folds)


class LanguageModelClassifier:
    """A Predictor of one label a text. Learned: `labels_` (sorted), `models_` (one language model a label), `slope_`,
    `offsets_` and `rates_` (K,) such that softmax(slope log P(text | label) + offset + rate tokens) are the probabilities.

    `factory` trains the language model of a label from its texts' ids; without one it is an `NgramLM` by `config.ngram`.
    """

    def __init__(self, config: BayesConfig | None = None, *, factory: Factory | None = None) -> None:
        self.config = config or BayesConfig()
        self.labels_: tuple[str, ...] = ()
        self.models_: list[LanguageModel[Any]] = []
        self.slope_ = 1.0
        self.offsets_: NDArray[np.float64] = np.zeros(0)
        self.rates_: NDArray[np.float64] = np.zeros(0)
        self._factory: Factory = factory or (lambda tokenizer, ids: NgramLM(tokenizer, self.config.ngram).fit(ids))

    @property
    def size_mb(self) -> float:
        """Size of the language models in MB (10^6 bytes), of those that tell theirs."""
        return float(sum(getattr(model, "size_mb", 0.0) for model in self.models_))

    @property
    def parameters(self) -> int:
        """Parameters of all language models, of those that tell theirs, and the priors."""
        return int(sum(getattr(model, "parameters", 0) for model in self.models_)) + len(self.labels_)

    def fit(self, texts: Sequence[str], labels: Sequence[str], *, log: Callable[[Event], None] | None = None) -> Self:
        """Learn a tokenizer from all texts and a language model from those of each label. ContentError for fewer than two."""
        report = log or (lambda event: None)
        check_texts(texts)
        names, targets = read_targets(texts, labels)
        require_two(names)
        warn_of_rare(names, targets, report)
        tokenizer = train_tokenizer(texts, self.config.tokenizer)
        ids = tokenizer.encode_batch(texts)
        everything = np.arange(len(ids))
        if self.config.folds:
            self.slope_, self.offsets_, self.rates_ = self._weigh(tokenizer, texts, ids, targets, report)
        else:
            self.slope_, self.offsets_ = 1.0, np.log(np.bincount(targets) / len(targets))
            self.rates_ = np.zeros(len(names))
        self.models_ = self._models(tokenizer, ids, targets, everything)
        self.labels_ = names
        return self

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The most probable label of every text. TypeError names the index of what is not a str."""
        return [self.labels_[k] for k in self.joint_scores(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) probabilities in the order of `labels_`."""
        scores = self.joint_scores(texts)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return result

    def joint_scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) log P(label | text) up to a constant of each text, natural logs. UsageError before `fit`."""
        if not self.labels_:
            raise UsageError("this classifier is not trained: call fit, or load a saved one")
        check_texts(texts)
        ids = self.models_[0].tokenizer.encode_batch(texts)
        lengths = np.array([len(text) + 1.0 for text in ids])
        result: NDArray[np.float64] = (
            self.slope_ * _log_probs(self.models_, ids) + self.offsets_ + self.rates_ * lengths[:, None]
        )
        return result

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) log P(label | text) / P(not label | text): above 0 where a label is more probable than all others together."""
        scores = self.joint_scores(texts)
        others = np.array([np.logaddexp.reduce(np.delete(scores, k, axis=1), axis=1) for k in range(scores.shape[1])]).T
        result: NDArray[np.float64] = scores - others
        return result

    def save_files(self, folder: Path) -> None:
        """Write config.json and one folder a language model (label-0, label-1, ...) into an existing folder."""
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "labels": list(self.labels_),
            "slope": self.slope_,
            "offsets": self.offsets_.tolist(),
            "rates": self.rates_.tolist(),
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
        for k, model in enumerate(self.models_):
            (folder / f"label-{k}").mkdir()
            model.save_files(folder / f"label-{k}")  # type: ignore[attr-defined]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved classifier. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.catalog import model_class

        path = folder / "config.json"
        record = read_record(path, MODEL_TYPE, {"config": dict, "labels": list, "slope": float, "offsets": list, "rates": list})
        model = cls(from_dict(BayesConfig, record["config"], where=str(path), prefix="config."))
        model.labels_ = stored_labels(record["labels"], path, least=2)
        for name in ("offsets", "rates"):
            if len(record[name]) != len(model.labels_) or not all(type(one) is float for one in record[name]):
                raise _damaged(path, f"{name} are not one number a label")
        model.slope_, model.offsets_, model.rates_ = record["slope"], np.array(record["offsets"]), np.array(record["rates"])
        if not np.isfinite([model.slope_, *model.offsets_, *model.rates_]).all():
            raise _damaged(path, "it has a number that is not finite")
        for k in range(len(model.labels_)):
            part = folder / f"label-{k}"
            model.models_.append(model_class(_kind(part / "config.json"), where=part).load(part))
        if len({one.tokenizer.size for one in model.models_}) > 1:
            raise _damaged(path, "its language models do not share a tokenizer")
        return model

    def _models(
        self, tokenizer: Tokenizer, ids: Sequence[Ids], targets: NDArray[np.int64], places: NDArray[np.int64]
    ) -> list[LanguageModel[Any]]:
        """A language model of each label, from those of its texts that stand at `places`."""
        classes = int(targets.max()) + 1
        return [self._factory(tokenizer, [ids[i] for i in places[targets[places] == k].tolist()]) for k in range(classes)]

    def _weigh(
        self,
        tokenizer: Tokenizer,
        texts: Sequence[str],
        ids: Sequence[Ids],
        targets: NDArray[np.int64],
        log: Callable[[Event], None],
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Slope, offsets and rates from the scores of every text by models that did not see it."""
        from hornbook.statistical.linear_solve import calibration_by_length, folds_of

        folds = folds_of(texts, targets, self.config.folds)
        scores = np.zeros((len(ids), int(targets.max()) + 1))
        for fold in range(self.config.folds):
            inside = np.flatnonzero(folds == fold)
            models = self._models(tokenizer, ids, targets, np.flatnonzero(folds != fold))
            scores[inside] = _log_probs(models, [ids[i] for i in inside.tolist()])
            log(Progress("held-out parts", fold + 1, self.config.folds))
        return calibration_by_length(scores, np.array([len(text) + 1.0 for text in ids]), targets)


class MajorityClassifier:
    """Answers the commonest training label, whatever the text; of equally common ones the first by code point."""

    def __init__(self) -> None:
        self.labels_: tuple[str, ...] = ()
        self.shares_: NDArray[np.float64] = np.zeros(0)

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Self:
        """Count the labels. ContentError when there are none."""
        self.labels_, targets = read_targets(texts, labels)
        if not self.labels_:
            raise ContentError("a classifier needs texts of at least two labels, found {found}", found=0)
        self.shares_ = np.bincount(targets) / len(targets)
        return self

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The commonest label for every text."""
        if not self.labels_:
            raise UsageError("this classifier is not trained: call fit, or load a saved one")
        return [self.labels_[int(self.shares_.argmax())]] * len(texts)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) the share of each label in training, for every text."""
        return np.tile(self.shares_, (len(texts), 1))


def _log_probs(models: Sequence[LanguageModel[Any]], ids: Sequence[Ids]) -> NDArray[np.float64]:
    """(n, K) log P(text | label): every token and the end."""
    scores = [[part.sum(dtype=np.float64) for part in model.log_probs(ids)] for model in models]
    return np.array(scores, dtype=np.float64).reshape(len(models), len(ids)).T


def _kind(path: Path) -> str:
    """The model_type that a config.json names."""
    try:
        kind = json.loads(path.read_text("utf-8"))["model_type"]
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, " ".join(str(error).split())[:200]) from error
    return str(kind)


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
