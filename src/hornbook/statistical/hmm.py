"""Hidden Markov model with categorical emissions: a LanguageModel, trained without labels (Baum-Welch) or with them (counts).

p(w1 .. wn) = sum over s1 .. sn of  start(s1) emit(w1 | s1)  product over t > 1 of  move(st | st-1) emit(wt | st)

A document ends with the `end` token, which is emitted like any other id, so p(next id | ids before) =
sum over s of P(s | ids before) emit(id | s) is a distribution over the vocabulary (Rabiner 1989, sections II and III).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict, to_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Event, Note, Saved, Step
from hornbook.core.groups import groups
from hornbook.core.runtime import available_cores, total_memory_mb
from hornbook.core.types import Ids, NextScores, Tokenizer, TokenScores
from hornbook.statistical.memory import baum_welch_mb, fits
from hornbook.statistical.records import read_record
from hornbook.statistical.stream import FlatDocuments, check_ids, flatten

if TYPE_CHECKING:
    from hornbook.statistical.baum_welch import Checkpoints, Iteration, Observations
    from hornbook.statistical.hmm_tables import HmmTables, Prior

MODEL_TYPE = "hornbook-hmm"
NEVER_PREDICTED = ("pad", "start", "mask", "separator")
IMPOSSIBLE = -228.0  # log-probability of ids that are never predicted: finite, and its exponential is 0 in float32
_WEIGHTS = "model.safetensors"
_TOKENS_PER_CALL = 1 << 20
_CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True)
class HmmConfig:
    """`states` hidden states; Baum-Welch stops after `iterations`, or when the objective gains below `tolerance` nats a token.

    Smoothing is a Dirichlet prior: `emission_prior` pseudo-counts a state, spread like the words of the whole text, and
    `transition_prior` spread evenly. The best of `restarts` random starts after `restart_iterations` each is trained on.
    `threads` 0 takes every core.
    """

    states: int = 64
    iterations: int = 50
    tolerance: float = 1e-4
    emission_prior: float = 100.0
    transition_prior: float = 1.0
    restarts: int = 1
    restart_iterations: int = 5
    seed: int = 1
    threads: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.states <= 4096:
            raise UsageError("states = {states}: choose 1 to 4096 hidden states", states=self.states)
        for name in ("iterations", "restarts", "restart_iterations"):
            if getattr(self, name) < 1:
                raise UsageError("{name} = {value}: choose 1 or more", name=name, value=getattr(self, name))
        for name in ("tolerance", "emission_prior", "transition_prior"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError("{name} = {value}: choose 0 or more", name=name, value=getattr(self, name))


@dataclass(frozen=True)
class HmmState:
    """P(state of the next token) of each row, (B, P) float32."""

    shares: NDArray[np.float32]


class HmmLM:
    """A LanguageModel. `fit` sets `tables_` (probabilities), `log_likelihoods_` and `objectives_` (an entry an iteration).

    Both are natural logs over the whole text, the `end` of each document included; the objective, log-likelihood plus
    log-prior, never decreases. p(.|context) sums to 1: ids not in the text share the mass that a unigram model leaves to unseen
    ones (Good and Turing: that of the words seen once); pad, start, mask and separator have probability 0 unless the text
    contains them.
    """

    def __init__(self, tokenizer: Tokenizer, config: HmmConfig | None = None) -> None:
        self.config = config or HmmConfig()
        self._tokenizer = tokenizer
        self._tables: HmmTables | None = None
        self.log_likelihoods_: list[float] = []
        self.objectives_: list[float] = []
        self.tokens_ = 0

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer whose ids the model reads."""
        return self._tokenizer

    @property
    def tables_(self) -> HmmTables:
        """The trained probabilities; UsageError before `fit`."""
        if self._tables is None:
            raise UsageError("this hidden Markov model is not trained: call fit, or load a saved one")
        return self._tables

    @property
    def parameters(self) -> int:
        """Probabilities of starts, transitions and emissions."""
        return self.tables_.parameters

    @property
    def size_mb(self) -> float:
        """Size of the saved arrays in MB (10^6 bytes)."""
        return self.parameters * 4 / 1e6

    def fit(
        self,
        documents: Iterable[Ids] | FlatDocuments,
        *,
        log: Callable[[Event], None] | None = None,
        folder: Path | None = None,
        resume: bool = False,
        seconds: float | None = None,
    ) -> Self:
        """Baum-Welch without labels; stops early rather than exceed `seconds`. Same seed and threads, same numbers.

        With `folder` the last iteration is kept there, and `resume` goes on from it to the same result. Raises ContentError for
        an id outside the vocabulary, DiskFullError, UsageError for a checkpoint of another text or configuration, and, before
        the tables are made, when they would take more than 90 % of the machine's memory.
        """
        from hornbook.statistical.baum_welch import Checkpoints, iterate, training_facts

        report = log or (lambda event: None)
        began = saved = time.monotonic()
        observed, threads = self._observe(documents), self.config.threads or available_cores()
        self._require_memory(observed, threads)
        prior = self._prior(observed)
        checkpoints = Checkpoints(folder, training_facts(self.config, observed, threads)) if folder else None
        state = self._resumed(checkpoints, report) if resume else None
        state = state or self._best_start(observed, prior, threads)
        steps = iterate(state, observed, prior, threads=threads)
        while state.done < self.config.iterations and not self._converged(state, observed):
            before = time.monotonic()
            state = next(steps)
            now = time.monotonic()
            report(_step(state, observed, seconds=now - began, last=now - before))
            if checkpoints and now - saved > _CHECKPOINT_SECONDS:
                checkpoints.save(state)
                report(Saved(state.done, checkpoints.folder))
                saved = time.monotonic()
            if seconds is not None and now - began + (now - before) > seconds:
                break
        if checkpoints:
            checkpoints.save(state)
        self._tables, self.log_likelihoods_, self.objectives_ = state.tables, state.log_likelihoods, state.objectives
        self.tokens_ = int(observed.tokens.size)
        return self

    def fit_labelled(self, documents: Sequence[Ids], states: Sequence[Ids]) -> Self:
        """Smoothed counts of documents whose states are known, one a token; the `end` token belongs to the last state.

        Raises ContentError when an id or a state is out of range, ValueError when a document and its states differ in length.
        """
        from hornbook.statistical.hmm_tables import HmmTables, padded_size

        if [len(document) for document in documents] != [len(labels) for labels in states]:
            raise ValueError("every document needs one state a token")
        observed, size = self._observe(documents), self.config.states
        pairs = [np.asarray(labels, dtype=np.int64) for labels in states]
        flat = np.concatenate(
            [np.append(labels, labels[-1:] if labels.size else 0) for labels in pairs] or [np.zeros(0, np.int64)]
        )
        check_ids(flat, size)
        padded = padded_size(size)
        start, transition = np.zeros(padded), np.zeros((padded, padded))
        emission = np.zeros((self._tokenizer.size, padded), dtype=np.float32)
        inner = np.ones(flat.size, dtype=np.bool_)
        inner[observed.starts[:-1]] = False
        after = np.flatnonzero(inner)
        np.add.at(start, flat[observed.starts[:-1]], 1)
        np.add.at(transition, (flat[after - 1], flat[after]), 1)
        np.add.at(emission, (observed.tokens, flat), 1)
        self._tables = HmmTables.from_counts(size, start, transition, emission, self._prior(observed))
        self.tokens_ = int(observed.tokens.size)
        return self

    def log_probs(self, documents: Sequence[Ids]) -> list[TokenScores]:
        """(len + 1,) natural logs per document: its tokens, then `end` (forward algorithm). ContentError on an unknown id."""
        end = self._tokenizer.specials["end"]
        scores: list[TokenScores] = []
        for part in groups(documents, _TOKENS_PER_CALL):
            flat, starts, _ = self._forward([np.append(np.asarray(document, dtype=np.int64), end) for document in part])
            scores += np.split(flat, starts[1:-1])
        return scores

    def start(self, prefixes: Sequence[Ids]) -> tuple[NextScores, HmmState]:
        """(B, V) natural logs after each prefix, and the state."""
        _, _, after = self._forward(prefixes)
        return self._next_scores(after), HmmState(after)

    def step(self, state: HmmState, ids: Ids) -> tuple[NextScores, HmmState]:
        """(B, V) natural logs after one more id a row, and the state; `ids` is (B,)."""
        read = np.asarray(ids, dtype=np.int64)
        check_ids(read, self.tables_.vocabulary_size)
        weighed = state.shares * self.tables_.emission[read]  # (B, P)
        totals = weighed.sum(axis=1, keepdims=True)
        shares = np.where(totals > 1e-37, weighed / np.maximum(totals, np.float32(1e-37)), state.shares)
        after = shares @ self.tables_.transition
        return self._next_scores(after), HmmState(after)

    def select(self, state: HmmState, rows: Sequence[int]) -> HmmState:
        """An independent copy of the given rows."""
        return HmmState(state.shares[np.asarray(rows, dtype=np.int64)])

    def viterbi(self, documents: Sequence[Ids]) -> list[NDArray[np.int32]]:
        """The best states of each document, one a token (`end` is not looked at)."""
        from hornbook.sequences import viterbi

        emissions, starts, chain = self._scores(documents)
        return list(np.split(viterbi(emissions, starts, chain)[0], starts[1:-1]))

    def posteriors(self, documents: Sequence[Ids]) -> list[NDArray[np.float64]]:
        """P(state | whole document) of each token, (len, states) a document (`end` is not looked at)."""
        from hornbook.sequences import posteriors

        emissions, starts, chain = self._scores(documents)
        return list(np.split(posteriors(emissions, starts, chain).marginals, starts[1:-1]))

    def save_files(self, folder: Path) -> None:
        """Write config.json, model.safetensors and the tokenizer into an existing folder. Raises DiskFullError."""
        self.tables_.save(folder / _WEIGHTS)
        record = {
            "model_type": MODEL_TYPE,
            "config": to_dict(self.config),
            "vocabulary": self.tables_.vocabulary_size,
            "tokens": self.tokens_,
            "log_likelihoods": self.log_likelihoods_,
            "objectives": self.objectives_,
        }
        (folder / "config.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        self._tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model. ContentError names the file that is damaged or does not fit the others."""
        from hornbook.statistical.hmm_tables import HmmTables
        from hornbook.tokenizers import load_tokenizer

        path = folder / "config.json"
        kinds: dict[str, type] = {"config": dict, "vocabulary": int, "tokens": int, "log_likelihoods": list, "objectives": list}
        record = read_record(path, MODEL_TYPE, kinds)
        model = cls(load_tokenizer(folder), from_dict(HmmConfig, record["config"], where=str(path), prefix="config."))
        if model.tokenizer.size != record["vocabulary"]:
            raise ContentError(
                "{folder}: the tokenizer has {found} ids, the model {expected}: they do not belong together",
                folder=folder,
                found=model.tokenizer.size,
                expected=record["vocabulary"],
            )
        model._tables = HmmTables.load(folder / _WEIGHTS, states=model.config.states, vocabulary=record["vocabulary"])
        model.tokens_ = record["tokens"]
        model.log_likelihoods_, model.objectives_ = record["log_likelihoods"], record["objectives"]
        return model

    def _observe(self, documents: Iterable[Ids] | FlatDocuments) -> Observations:
        """The documents, each with its `end`."""
        from hornbook.statistical.baum_welch import Observations

        tokens, starts = flatten(documents)
        check_ids(tokens, self._tokenizer.size)
        ends = starts[1:] + np.arange(starts.size - 1)
        body = np.ones(tokens.size + starts.size - 1, dtype=np.bool_)
        body[ends] = False
        flat = np.full(body.size, self._tokenizer.specials["end"], dtype=np.int32)
        flat[body] = tokens
        return Observations(flat, starts + np.arange(starts.size))

    def _require_memory(self, observed: Observations, threads: int) -> None:
        """UsageError when tables, counts of every thread and the random start do not fit into the machine's memory."""
        lengths, starts = np.diff(observed.starts), self.config.restarts
        need = baum_welch_mb(self.config.states, self._tokenizer.size, lengths, restarts=starts, threads=threads)
        if not fits(need):
            raise UsageError(
                "{states} states over {vocabulary} ids take {need:.0f} MB to train, of {limit:.0f} MB on this machine: "
                "lower states, threads or the vocabulary",
                states=self.config.states,
                vocabulary=self._tokenizer.size,
                need=need,
                limit=total_memory_mb(),
            )

    def _prior(self, observed: Observations) -> Prior:
        """The words of the text, with the share of those seen once given evenly to every id that may be predicted."""
        from hornbook.statistical.hmm_tables import Prior

        size, specials = self._tokenizer.size, self._tokenizer.specials
        counts = np.bincount(observed.tokens, minlength=size).astype(np.float64)
        never = [specials[name] for name in NEVER_PREDICTED if name in specials and specials[name] != specials["end"]]
        predictable = np.ones(size, dtype=np.bool_)
        predictable[never] = counts[never] > 0
        unseen = (np.count_nonzero(counts == 1) + 1) / (observed.tokens.size + 1)
        seen = counts / max(observed.tokens.size, 1)
        background = (1 - unseen) * seen + unseen * predictable / predictable.sum()
        return Prior(background, self.config.emission_prior, self.config.transition_prior)

    def _best_start(self, observed: Observations, prior: Prior, threads: int) -> Iteration:
        """The random start that is best after a few iterations; with one restart, the start itself."""
        from hornbook.statistical.baum_welch import Iteration, iterate
        from hornbook.statistical.hmm_tables import HmmTables

        starts = [
            Iteration(HmmTables.random(self.config.states, prior, np.random.default_rng((self.config.seed, number))), 0)
            for number in range(self.config.restarts)
        ]
        if len(starts) == 1:
            return starts[0]
        reached = []
        for begin in starts:
            steps = iterate(begin, observed, prior, threads=threads)
            reached.append([next(steps) for _ in range(self.config.restart_iterations)][-1])
        return max(reached, key=lambda state: state.objectives[-1])

    def _resumed(self, checkpoints: Checkpoints | None, report: Callable[[Event], None]) -> Iteration | None:
        if checkpoints is None:
            raise UsageError("resume needs the folder of the checkpoints")
        state = checkpoints.load(states=self.config.states, vocabulary=self._tokenizer.size)
        if state is not None:
            report(Note(translate("going on after iteration {done}").format(done=state.done)))
        return state

    def _converged(self, state: Iteration, observed: Observations) -> bool:
        if len(state.objectives) < 2:
            return False
        return state.objectives[-1] - state.objectives[-2] < self.config.tolerance * max(observed.tokens.size, 1)

    def _forward(self, documents: Sequence[Ids]) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Log-probability of every token (n,), starts (B + 1,), and P(state of the next token) (B, P)."""
        from hornbook.statistical.hmm_kernels import forward_scores

        tables = self.tables_
        tokens, starts = flatten(documents)
        check_ids(tokens, tables.vocabulary_size)
        scores = np.empty(tokens.size, dtype=np.float32)
        after = np.empty((starts.size - 1, tables.padded), dtype=np.float32)
        forward_scores(
            tokens.astype(np.int32),
            starts,
            0,
            starts.size - 1,
            tables.start,
            tables.transition,
            tables.emission,
            IMPOSSIBLE,
            scores,
            after,
        )
        return scores, starts, after

    def _next_scores(self, shares: NDArray[np.float32]) -> NextScores:
        probabilities: NextScores = shares @ self.tables_.emission.T  # (B, V)
        possible = probabilities > 0
        np.log(probabilities, out=probabilities, where=possible)
        probabilities[~possible] = IMPOSSIBLE
        return probabilities

    def _scores(self, documents: Sequence[Ids]) -> tuple[NDArray[np.float32], NDArray[np.int64], Any]:
        """Log emissions (n, states) of the documents' tokens, starts, and the chain of the tables."""
        from hornbook.sequences import Chain

        tables, real = self.tables_, slice(self.config.states)
        tokens, starts = flatten(documents)
        check_ids(tokens, tables.vocabulary_size)
        with np.errstate(divide="ignore"):
            emissions = np.log(tables.emission[tokens.astype(np.int64), real])
            return emissions, starts, Chain(np.log(tables.transition[real, real]), np.log(tables.start[real]))


def _step(state: Iteration, observed: Observations, *, seconds: float, last: float) -> Step:
    tokens = max(observed.tokens.size, 1)
    return Step(
        step=state.done,
        loss=-state.log_likelihoods[-1] / tokens,
        tokens=state.done * tokens,
        seconds=seconds,
        tokens_per_second=tokens / max(last, 1e-9),
        learning_rate=0.0,
        gradient_norm=None,
    )
