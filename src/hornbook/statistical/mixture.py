"""Linear interpolation of language models over one tokenizer (Jelinek and Mercer 1980): p(w | h) = sum of weight_i p_i(w | h).

The weights are those under which held-out text is most probable, found by expectation maximisation: each model's new weight is
the share of the held-out tokens that it accounts for. The likelihood never falls, and has one maximum.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError
from hornbook.core.types import Ids, LanguageModel, NextScores, Tokenizer, TokenScores

MODEL_TYPE = "hornbook-mixture"
_ROUNDS = 1000


class SavedModel(LanguageModel[Any], Protocol):
    """A language model that can be saved."""

    def save_files(self, folder: Path) -> None:
        """Write config.json and what else it needs."""
        ...


def em_weights(probabilities: NDArray[np.float64], *, start: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """(models,) weights that sum to 1 for (tokens, models) probabilities; equal ones for no tokens.

    Every row needs a probability above 0. `start`: where to begin, (models,).
    """
    weights = np.full(probabilities.shape[1], 1 / probabilities.shape[1]) if start is None else start
    for _ in range(_ROUNDS if len(probabilities) else 0):
        shares = probabilities * weights
        shares /= shares.sum(axis=1, keepdims=True)
        updated: NDArray[np.float64] = shares.mean(axis=0)
        if np.abs(updated - weights).max() < 1e-6:
            return updated
        weights = updated
    return weights


@dataclass(frozen=True)
class MixtureState:
    """The state of every model."""

    parts: tuple[Any, ...]


class MixtureLM:
    """A LanguageModel made of several; any kinds, one tokenizer. `weights`: (models,), sum 1, equal if not given."""

    def __init__(self, models: Sequence[LanguageModel[Any]], weights: Sequence[float] | None = None) -> None:
        if len(models) < 2:
            raise UsageError("a mixture needs at least two models")
        if any(not same_tokenizer(models[0].tokenizer, model.tokenizer) for model in models[1:]):
            raise UsageError("models of a mixture need one tokenizer: train them on one corpus folder")
        self.models = tuple(models)
        self.weights_ = np.asarray(weights if weights is not None else [1 / len(models)] * len(models), dtype=np.float64)
        if self.weights_.shape != (len(models),) or not (self.weights_ >= 0).all() or abs(self.weights_.sum() - 1) > 1e-6:
            raise UsageError("weights of a mixture: give {count} numbers from 0 on that sum to 1", count=len(models))

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of all."""
        return self.models[0].tokenizer

    @property
    def parameters(self) -> int:
        """Numbers of all models, and the weights."""
        return sum(model.parameters for model in self.models) + self.weights_.size

    def fit(self, documents: Sequence[Ids]) -> Self:
        """Tune the weights on held-out documents: text that no model was trained on."""
        scores = [np.concatenate([np.zeros(0, np.float32), *model.log_probs(documents)]) for model in self.models]
        self.weights_ = em_weights(np.exp(np.stack(scores, axis=1).astype(np.float64)))
        return self

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document."""
        return [self._mix(parts) for parts in zip(*(model.log_probs(documents) for model in self.models))]

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, MixtureState]:
        """(B, V) natural logs after each prefix, and the state."""
        return self._joined([model.start(prefixes) for model in self.models])

    def step(self, state: MixtureState, ids: Ids) -> tuple[NextScores, MixtureState]:
        """Feed one id a row."""
        return self._joined([model.step(part, ids) for model, part in zip(self.models, state.parts)])

    def select(self, state: MixtureState, rows: Sequence[int]) -> MixtureState:
        """An independent copy of the given rows."""
        return MixtureState(tuple(model.select(part, rows) for model, part in zip(self.models, state.parts)))

    def save_files(self, folder: Path) -> None:
        """Write config.json, and each model into a folder of its number."""
        save_parts(self.models, folder)
        record = {"model_type": MODEL_TYPE, "weights": self.weights_.tolist()}
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the models and their weights. ContentError names the file that is damaged."""
        record = read_config(folder / "config.json", MODEL_TYPE, {"weights": list})
        return cls(load_parts(folder, len(record["weights"])), record["weights"])

    def _joined(self, results: Sequence[tuple[NextScores, Any]]) -> tuple[NextScores, MixtureState]:
        return self._mix([scores for scores, _ in results]), MixtureState(tuple(state for _, state in results))

    def _mix(self, scores: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """log of the weighted sum of exponentials, the largest taken out first."""
        used = [(float(np.log(weight)), part) for weight, part in zip(self.weights_, scores) if weight > 0]
        total = used[0][1] + np.float32(used[0][0])
        for weight, part in used[1:]:
            total = np.logaddexp(total, part + np.float32(weight))
        return total.astype(np.float32)


def same_tokenizer(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether two tokenizers give the same ids to every text, as far as can be told."""
    if one is other:
        return True
    if one.size != other.size or dict(one.specials) != dict(other.specials):
        return False
    spellings = [tokenizer.to_json() if hasattr(tokenizer, "to_json") else None for tokenizer in (one, other)]
    return spellings[0] == spellings[1]


def save_parts(models: Sequence[Any], folder: Path) -> None:
    """Save models into folder/0, folder/1, ..."""
    for i, model in enumerate(models):
        part = folder / str(i)
        part.mkdir()
        model.save_files(part)


def load_parts(folder: Path, count: int) -> list[Any]:
    """What `save_parts` saved, each by the kind in its config.json."""
    from hornbook import catalog

    models = []
    for i in range(count):
        path = folder / str(i) / "config.json"
        kind = read_config(path, None, {}).get("model_type")
        models.append(catalog.model_class(str(kind), where=path).load(path.parent))
    return models


def read_config(path: Path, kind: str | None, fields: dict[str, type]) -> dict[str, Any]:
    """config.json with these fields of these types, of a model type if one is given. ContentError otherwise."""
    try:
        record: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ContentError("{path} is missing: the model folder is not whole", path=path) from None
    except (ValueError, RecursionError) as error:
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=error) from error
    wrong = [name for name, kind_ in fields.items() if not isinstance(record, dict) or not isinstance(record.get(name), kind_)]
    if not isinstance(record, dict) or (kind and record.get("model_type") != kind):
        wrong.append("model_type")
    if wrong:
        what = f"{', '.join(wrong)} missing, unknown or of the wrong kind"
        raise ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
    return {str(name): value for name, value in record.items()}
