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
from hornbook.statistical.classes import read_targets, require_two, stored_labels, warn_of_rare
from hornbook.statistical.features import check_texts
from hornbook.statistical.ngram import NgramConfig, NgramLM
from hornbook.statistical.records import read_record
from hornbook.tokenizers import TokenizerConfig, train_tokenizer

MODEL_TYPE = "hornbook-bayes"
Factory: TypeAlias = Callable[[Tokenizer, Sequence[Ids]], LanguageModel[Any]]


@dataclass(frozen=True)
class BayesConfig:
    """The tokenizer all labels share, and the n-gram model of each; `prior` 0 ignores how common labels are, 1 is Bayes."""

    tokenizer: TokenizerConfig = field(default_factory=lambda: TokenizerConfig(kind="chars", lowercase=True))
    ngram: NgramConfig = field(default_factory=lambda: NgramConfig(order=5))
    prior: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.prior < np.inf:
            raise UsageError("prior = {prior}: give 0 or a number above it", prior=self.prior)


class LanguageModelClassifier:
    """A Predictor of one label a text. Learned: `labels_` (sorted), `models_` (one language model a label), `log_priors_` (K,).

    `factory` trains the language model of a label from its texts' ids; without one it is an `NgramLM` by `config.ngram`.
    """

    def __init__(self, config: BayesConfig | None = None, *, factory: Factory | None = None) -> None:
        self.config = config or BayesConfig()
        self.labels_: tuple[str, ...] = ()
        self.models_: list[LanguageModel[Any]] = []
        self.log_priors_: NDArray[np.float64] = np.zeros(0)
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
        self.models_ = []
        for k in range(len(names)):
            self.models_.append(self._factory(tokenizer, [ids[i] for i in np.flatnonzero(targets == k)]))
            report(Progress("language models", k + 1, len(names), "labels"))
        self.labels_ = names
        self.log_priors_ = np.log(np.bincount(targets) / len(targets))
        return self

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The most probable label of every text. TypeError names the index of what is not a str."""
        return [self.labels_[k] for k in self.joint_scores(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) probabilities in the order of `labels_`. Bayes' rule as it stands: over-sure of long texts."""
        scores = self.joint_scores(texts)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return result

    def joint_scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, K) log P(text | label) + prior log P(label), natural logs. UsageError before `fit`."""
        if not self.labels_:
            raise UsageError("this classifier is not trained: call fit, or load a saved one")
        check_texts(texts)
        ids = self.models_[0].tokenizer.encode_batch(texts)
        scores = np.array([[part.sum(dtype=np.float64) for part in model.log_probs(ids)] for model in self.models_])
        return scores.reshape(len(self.labels_), len(ids)).T + self.config.prior * self.log_priors_

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
            "log_priors": self.log_priors_.tolist(),
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
        record = read_record(path, MODEL_TYPE, {"config": dict, "labels": list, "log_priors": list})
        model = cls(from_dict(BayesConfig, record["config"], where=str(path), prefix="config."))
        model.labels_ = stored_labels(record["labels"], path, least=2)
        priors = record["log_priors"]
        if len(priors) != len(model.labels_) or not all(type(prior) is float and -1e9 < prior <= 0 for prior in priors):
            raise _damaged(path, "log_priors are not one log-probability a label")
        model.log_priors_ = np.array(priors)
        for k in range(len(model.labels_)):
            part = folder / f"label-{k}"
            model.models_.append(model_class(_kind(part / "config.json"), where=part).load(part))
        if len({one.tokenizer.size for one in model.models_}) > 1:
            raise _damaged(path, "its language models do not share a tokenizer")
        return model


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
