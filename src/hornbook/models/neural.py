"""What networks share as language models: batched scoring in bounded memory, saving, strict loading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError, nearest
from hornbook.core.types import Ids, NextScores, Tokenizer, TokenScores
from hornbook.layers.cross_entropy import next_logits, token_log_probs
from hornbook.models import weights

S = TypeVar("S")

BATCH_TOKENS = 8192  # positions whose states exist at one time
Scored = tuple[Tensor, Tensor, list[tuple[int, int, int]]]
"""States (N, W) and targets (N,), and whose they are: (document, first target, count) in order."""


class Network(ABC):
    """A network with its tokenizer: sizes, device, and how it is used without training it.

    loaded: for a model opened from a folder, how many tensors came from there and what is to be said about it.
    """

    loaded: weights.Loaded | None = None

    def __init__(self, tokenizer: Tokenizer, config: Any, module: nn.Module | None = None) -> None:
        self._tokenizer = tokenizer
        self.config = config
        self.vocabulary = max(config.vocabulary, tokenizer.size)
        self.module = self.build(config, self.vocabulary) if module is None else module

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        return self._tokenizer

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.module.parameters())

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network (bfloat16 halves memory and is much faster where the CPU has it; scores then carry its rounding)."""
        self.module.to(device=device, dtype=dtype)
        return self

    @classmethod
    @abstractmethod
    def build(cls, config: Any, vocabulary: int) -> nn.Module:
        """A fresh network."""

    @property
    def _network(self) -> Any:
        return self.module

    @property
    def _device(self) -> torch.device:
        return cast(torch.device, self._network.output_weight.device)

    @contextmanager
    def _inference(self) -> Iterator[None]:
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.module.train(training)


class NeuralLM(Network, Generic[S]):
    """A network as a LanguageModel: log_probs, start, step, select, saved folders. Raises ContentError for foreign folders."""

    model_types: ClassVar[tuple[str, ...]]

    @property
    def start_id(self) -> int:
        """What stands before the first token: `start`, or `end` in a tokenizer without it (as GPT-2's)."""
        specials = self.tokenizer.specials
        return specials.get("start", specials["end"])

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural log-probabilities per document: its tokens, then `end`."""
        results = [np.empty(len(document) + 1, dtype=np.float32) for document in documents]
        with self._inference():
            for states, targets, owners in self._scored(documents):
                scores = token_log_probs(states, self._network.output_weight, self._network.output_bias, targets)
                host = scores.float().cpu().numpy()
                begin = 0
                for document, first, count in owners:
                    results[document][first : first + count] = host[begin : begin + count]
                    begin += count
        return results

    def mean_states(self, documents: Sequence[Ids]) -> NDArray[np.float32]:
        """(documents, W) mean of the states after each token, on the host; zeros for a document without a token."""
        sums: NDArray[np.float64] | None = None
        with self._inference():
            for states, _, owners in self._scored(documents):
                host = states.float().cpu().numpy()
                sums = np.zeros((len(documents), host.shape[1])) if sums is None else sums
                begin = 0
                for document, first, count in owners:
                    skipped = first == 0  # the state of `start`, before any token
                    sums[document] += host[begin + skipped : begin + count].sum(axis=0, dtype=np.float64)
                    begin += count
        lengths = np.array([max(1, len(document)) for document in documents], np.float64)
        return np.zeros((0, 0), np.float32) if sums is None else (sums / lengths[:, None]).astype(np.float32)

    @abstractmethod
    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, S]:
        """(B, V) scores after each prefix, and the state."""

    @abstractmethod
    def step(self, state: S, ids: Ids) -> tuple[NextScores, S]:
        """Feed one id a row, (B,)."""

    @abstractmethod
    def select(self, state: S, rows: Sequence[int]) -> S:
        """An independent copy of the given rows."""

    @abstractmethod
    def _scored(self, documents: Sequence[Ids]) -> Iterator[Scored]:
        """States before every target of every document, in pieces of bounded size."""

    @classmethod
    def empty(cls, config: Any, path: Path) -> nn.Module:
        """A network to be filled with saved weights, ready to predict. ContentError when the sizes at `path` do not fit."""
        return empty_module(cls.build, config, path)

    @abstractmethod
    def save_files(self, folder: Path) -> None:
        """Write config, weights and tokenizer into an existing folder."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what save_files wrote, strictly."""

    def _stream(self, document: Ids) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Inputs (start, then the tokens) and targets (the tokens, then end) of a document, int64."""
        inputs = np.empty(len(document) + 1, dtype=np.int64)
        inputs[0], inputs[1:] = self.start_id, document
        targets = np.append(inputs[1:], self.tokenizer.specials["end"])
        return inputs, targets

    def _next_scores(self, states: Tensor) -> NextScores:
        """(B, W) states -> (B, V) log-probabilities on the host."""
        logits = next_logits(states, self._network.output_weight, self._network.output_bias)
        return cast(NextScores, torch.log_softmax(logits, dim=-1).float().cpu().numpy())


def empty_module(build: Callable[[Any, int], nn.Module], config: Any, path: Path) -> nn.Module:
    """A network to be filled with saved weights, ready to predict. ContentError when the sizes at `path` do not fit."""
    with sizes_of(path), torch.random.fork_rng(devices=[]):  # opening a model must not change what the generator gives next
        return build(config, config.vocabulary).eval()


@contextmanager
def sizes_of(path: Path) -> Iterator[None]:
    """Sizes that do not fit together are a fault of the file at `path` here: ContentError."""
    try:
        yield
    except UsageError as error:
        raise ContentError("{path}: {error}", path=path, error=error) from None


def pad(rows: Sequence[np.ndarray[Any, Any]], device: torch.device) -> Tensor:
    """Rows of ids of different lengths as one (B, T) tensor, zeros behind."""
    longest = max((len(row) for row in rows), default=1)
    padded = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded).to(device)


def write_own(folder: Path, model_type: str, config: Any, vocabulary: int, module: nn.Module, tokenizer: Tokenizer) -> None:
    """Write a folder of a type of our own: the configuration's fields under their names, tensors under the module's names."""
    table = {**to_dict(config), "vocabulary": vocabulary, "model_type": model_type}
    weights.write_json(table, folder / weights.CONFIG)
    weights.write_weights(weights.own_tensors(module), folder)
    tokenizer.save_pretrained(folder)


def read_own_config(folder: Path, model_type: str, cls: type[Any]) -> Any:
    """The configuration in a folder of our own type; ContentError names an unknown key and the nearest one."""
    path = folder / weights.CONFIG
    table = weights.read_json(path)
    check_model_type(path, table, (model_type,))
    try:
        return from_dict(cls, {key: value for key, value in table.items() if key != "model_type"}, where=str(path))
    except UsageError as error:
        raise ContentError(error.template, **error.fields) from None


def check_model_type(path: Path, table: dict[str, Any], known: Sequence[str]) -> None:
    """ContentError when config.json is of another kind of model."""
    kind = str(table.get("model_type"))
    if kind not in known:
        raise ContentError(
            "{path}: model_type '{kind}' is not of this kind.{hint}", path=path, kind=kind, hint=nearest(kind, known)
        )
