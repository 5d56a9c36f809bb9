"""Linear-chain conditional random field over features of tokens (Lafferty et al. 2001; Sutton and McCallum 2012)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError
from hornbook.core.events import Event, Note, Progress
from hornbook.core.runtime import available_cores
from hornbook.statistical.crf_features import Sentences, check_tokens, find_windows, guess_tokens, templates_of
from hornbook.statistical.label_sets import stored_labels
from hornbook.statistical.records import read_record
from hornbook.statistical.tensors import load_tensors, save_tensors

if TYPE_CHECKING:
    from hornbook.sequences import Chain
    from hornbook.sequences.labels import Scheme
    from hornbook.statistical.crf_objective import Inventory

MODEL_TYPE = "hornbook-crf"
_MOST_LABELS = 255
_USUAL_L2 = {"words": 0.05, "characters": 0.01}
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class CrfConfig:
    """What the tagger sees and how it is trained.

    tokens: templates for 'words' or for 'characters' (Chinese); 'auto' looks at the training sentences.
    scheme: label transitions that are possible at all: those of BIO, BIOES or BMES, or every one ('none'); 'auto' looks at the
        labels, and reads IOB1 as BIO.
    l1, l2: how much the sums of absolute and of squared weights count against the log-likelihood (CRFsuite's c1 and c2).
        With l1 most weights become 0 and are not kept. Without a number l2 is 0.05 for words and 0.01 for characters.
    minimum_count: features that occur in fewer positions are left out.
    """

    tokens: Literal["auto", "words", "characters"] = "auto"
    scheme: Literal["auto", "none", "bio", "bioes", "bmes"] = "auto"
    l1: float = 0.05
    l2: float | None = None
    minimum_count: int = 1
    iterations: int = 150
    decrease: float = 1e-4
    threads: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.l1 < np.inf and 0 <= (self.l2 or 0.0) < np.inf):
            raise UsageError("l1 = {l1}, l2 = {l2}: give 0 or numbers above it", l1=self.l1, l2=self.l2)
        if self.minimum_count < 1 or self.iterations < 1:
            raise UsageError("minimum_count and iterations are numbers from 1")


class CrfTagger:
    """A Predictor of one label a token: (sentences of tokens) -> labels. `config` has 'auto' resolved after `fit`.

    A feature has a weight for each label that it occurred with in training. Learned: `labels_` (sorted), `weights_` (P,),
    `transitions_` (L, L) from row to column, `loss_` (the objective's value) after `iterations_`.
    """

    def __init__(self, config: CrfConfig | None = None) -> None:
        self.config = config or CrfConfig()
        self.labels_: tuple[str, ...] = ()
        self.weights_: NDArray[np.float32] = np.zeros(0, np.float32)
        self.transitions_: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self.loss_, self.iterations_ = float("nan"), 0
        self._inventory: Inventory | None = None

    @property
    def parameters(self) -> int:
        """Weights of features and of transitions."""
        return int(self.weights_.size + self.transitions_.size)

    @property
    def size_mb(self) -> float:
        """Size of the saved arrays in MB (10^6 bytes)."""
        return sum(array.nbytes for array in self._arrays().values()) / 1e6

    def fit(self, sentences: Sentences, labels: Sentences, *, log: Callable[[Event], None] | None = None) -> Self:
        """Learn from sentences and a label for every token.

        Raises ContentError naming the sentence that has not as many labels as tokens or breaks the scheme.
        """
        from hornbook.statistical.crf_objective import Lattice, Objective, take_inventory, without_zeros
        from hornbook.statistical.lbfgs import minimise

        report = log or (lambda event: None)
        _check(sentences, labels)
        scheme, labels = _settle_scheme(self.config.scheme, labels, report)
        tokens = guess_tokens(sentences) if self.config.tokens == "auto" else self.config.tokens
        l2 = _USUAL_L2[tokens] if self.config.l2 is None else self.config.l2
        self.config = replace(self.config, tokens=cast(Any, tokens), scheme=cast(Any, scheme), l2=l2)
        self.labels_ = tuple(sorted({label for line in labels for label in line}))
        index = {label: i for i, label in enumerate(self.labels_)}
        targets = np.array([index[label] for line in labels for label in line], dtype=np.int64)
        rules = _rules(self.labels_, scheme)
        _require_legal(labels, index, rules, scheme)
        windows = find_windows(sentences, templates_of(tokens))
        inventory = take_inventory(windows, targets, len(index), minimum_count=self.config.minimum_count)
        lattice = Lattice(windows, inventory, len(index), threads=self.config.threads or available_cores())
        del windows
        size = inventory.label_of.size
        report(Note(f"{inventory.keys.size} features, {size} weights, templates for {tokens}, transitions of {scheme}"))
        found = minimise(
            Objective(lattice, targets, rules, l2=l2),
            np.zeros(size + len(index) ** 2),
            l1=self.config.l1,
            memory=6,
            iterations=self.config.iterations,
            decrease=self.config.decrease,
            watch=lambda iteration, value: report(Progress("CRF", iteration, self.config.iterations, f"loss {value:.1f}")),
        )
        self.loss_, self.iterations_ = found.value, found.iterations
        point = found.point.astype(np.float32)  # as it is saved
        self._inventory, self.weights_ = without_zeros(inventory, point[:size])
        self.transitions_ = point[size:].reshape(len(index), len(index))
        return self

    def __call__(self, sentences: Sentences) -> list[list[str]]:
        """The most probable legal labels of every sentence. TypeError names the sentence with what is not a str."""
        from hornbook.sequences import viterbi

        emissions, starts, chain = self._scores(sentences)
        paths, _ = viterbi(emissions, starts, chain, threads=self._threads)
        names = [self.labels_[state] for state in paths]
        return [names[first:last] for first, last in pairwise(starts.tolist())]

    def predict_marginals(self, sentences: Sentences) -> list[NDArray[np.float64]]:
        """(T, L) per sentence: the probability of each label of `labels_` at each token."""
        from hornbook.sequences import posteriors

        emissions, starts, chain = self._scores(sentences)
        found = posteriors(emissions, starts, chain, threads=self._threads).marginals
        return [found[first:last] for first, last in pairwise(starts.tolist())]

    def save_files(self, folder: Path) -> None:
        """Write config.json and model.safetensors into an existing folder."""
        arrays = self._arrays()
        save_tensors(arrays, folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "labels": list(self.labels_),
            "features": arrays["keys"].size,
            "weights": arrays["weights"].size,
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved tagger. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.statistical.crf_objective import Inventory

        path = folder / "config.json"
        record = read_record(path, MODEL_TYPE, {"config": dict, "labels": list, "features": int, "weights": int})
        model = cls(from_dict(CrfConfig, record["config"], where=str(path), prefix="config."))
        model.labels_ = stored_labels(record["labels"], path, least=1)
        number, width, size = len(model.labels_), record["features"], record["weights"]
        try:
            _rules(model.labels_, model.config.scheme)
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        arrays = load_tensors(
            folder / _WEIGHTS,
            {
                "keys": (np.int64, (width,)),
                "first": (np.uint32, (width + 1,)),
                "label_of": (np.uint8, (size,)),
                "weights": (np.float32, (size,)),
                "transitions": (np.float32, (number, number)),
            },
        )
        keys, first = arrays["keys"].view(np.uint64), arrays["first"].astype(np.int64)
        if not (keys[1:] > keys[:-1]).all() or (width and not keys[0]):
            raise _damaged(folder / _WEIGHTS, "keys do not rise")
        if first[0] != 0 or first[-1] != size or (np.diff(first) < 0).any() or (size and arrays["label_of"].max() >= number):
            raise _damaged(folder / _WEIGHTS, "features, weights and labels do not fit")
        if not np.isfinite(arrays["weights"]).all() or not np.isfinite(arrays["transitions"]).all():
            raise _damaged(folder / _WEIGHTS, "it has a number that is not finite")
        model._inventory = Inventory(keys, first, arrays["label_of"])
        model.weights_, model.transitions_ = arrays["weights"], arrays["transitions"]
        return model

    @property
    def _threads(self) -> int:
        return self.config.threads or available_cores()

    def _scores(self, sentences: Sentences) -> tuple[NDArray[np.float64], NDArray[np.int64], Chain]:
        """Emissions (n, L), the starts of the sentences, and the chain of transitions that the scheme allows."""
        from hornbook.sequences import Chain
        from hornbook.statistical.crf_objective import Lattice

        if self._inventory is None:
            raise UsageError("this tagger is not trained: call fit, or load a saved one")
        windows = find_windows(sentences, templates_of(self.config.tokens))
        lattice = Lattice(windows, self._inventory, len(self.labels_), threads=self._threads)
        chain = Chain(self.transitions_) + _rules(self.labels_, self.config.scheme)
        return lattice.emissions(self.weights_.astype(np.float64)), lattice.starts, chain

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if self._inventory is None:
            raise UsageError("this tagger is not trained: call fit, or load a saved one")
        inventory = self._inventory
        return {
            "keys": inventory.keys.view(np.int64),
            "first": inventory.first.astype(np.uint32),
            "label_of": inventory.label_of,
            "weights": self.weights_,
            "transitions": self.transitions_,
        }


def _check(sentences: Sentences, labels: Sentences) -> None:
    if len(sentences) != len(labels):
        raise UsageError(
            "{sentences} sentences and {labels} lists of labels: give one list a sentence",
            sentences=len(sentences),
            labels=len(labels),
        )
    for number, (tokens, line) in enumerate(zip(sentences, labels)):
        if len(tokens) != len(line):
            raise ContentError(
                "sentence {number} has {tokens} tokens and {labels} labels",
                number=number + 1,
                tokens=len(tokens),
                labels=len(line),
            )
        check_tokens(number, tokens)
        for label in line:
            if not isinstance(label, str):
                raise TypeError(f"sentence {number} has a label that is {type(label).__name__}, not str")
    kinds = len({label for line in labels for label in line})
    if not 1 <= kinds <= _MOST_LABELS:
        raise ContentError("a tagger needs 1 to {most} different labels, found {found}", most=_MOST_LABELS, found=kinds)


def _settle_scheme(scheme: str, labels: Sentences, log: Callable[[Event], None]) -> tuple[str, Sentences]:
    """The scheme of the labels, and the labels; IOB1 becomes BIO."""
    from hornbook.sequences.labels import guess_scheme, to_bio

    if scheme != "auto":
        return scheme, labels
    found = guess_scheme(labels)
    if found == "iob1":
        log(Note("the labels are IOB1 (a span may begin with I-): read as BIO"))
        return "bio", [to_bio(line, "iob1") for line in labels]
    return found, labels


def _rules(labels: Sequence[str], scheme: str) -> Chain:
    """0 where one label may follow another, -inf where not."""
    from hornbook.sequences import Chain, legal_chain

    if scheme == "none":
        return Chain(np.zeros((len(labels), len(labels))))
    return legal_chain(labels, cast("Scheme", scheme))


def _illegal(line: Sequence[str], index: dict[str, int], rules: Chain) -> bool:
    states = [index[label] for label in line]
    if not states:
        return False
    score = rules.start[states[0]] + rules.end[states[-1]] + sum(rules.transition[a, b] for a, b in pairwise(states))
    return bool(score == -np.inf)


def _require_legal(labels: Sentences, index: dict[str, int], rules: Chain, scheme: str) -> None:
    for number, line in enumerate(labels):
        if _illegal(line, index, rules):
            raise ContentError(
                "sentence {number}: the labels {labels} are not legal {scheme}",
                number=number + 1,
                labels=" ".join(line)[:200],
                scheme=scheme.upper(),
            )


def _damaged(path: Path, what: str) -> ContentError:
    return ContentError("{path} is damaged: {what}. Restore the folder or train again.", path=path, what=what)
