"""Expectation-maximisation of a hidden Markov model (Baum and Welch; Rabiner 1989, section III C), parallel over sequences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError
from hornbook.sequences.shards import even_shards, run_shards
from hornbook.statistical.hmm_kernels import expect
from hornbook.statistical.hmm_tables import HmmTables, Prior


@dataclass(frozen=True, eq=False)
class Observations:
    """Sequences of ids: int32 tokens (n,) one sequence after the other, starts (B + 1,)."""

    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]

    def fingerprint(self) -> str:
        """Which text this is: a digest of all ids and boundaries."""
        digest = hashlib.sha256(self.tokens.tobytes())
        digest.update(self.starts.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Iteration:
    """The tables after a number of iterations, and what the tables before the last one gave."""

    tables: HmmTables
    done: int
    log_likelihoods: list[float] = field(default_factory=list)  # natural logs, whole text, one entry per iteration
    objectives: list[float] = field(default_factory=list)  # log-likelihood plus log-prior: this never decreases


def iterate(state: Iteration, observed: Observations, prior: Prior, *, threads: int) -> Iterator[Iteration]:
    """Endless iterations from `state`: expected counts on `threads` threads, merged in a fixed order, then new tables.

    Raises ContentError when the tables give a sequence probability 0 (only possible without smoothing).
    """
    while True:
        tables = state.tables
        log_likelihood, counts = _expected_counts(tables, observed, threads)
        objective = log_likelihood + tables.log_prior(prior)
        state = Iteration(
            HmmTables.from_counts(tables.states, *counts, prior),
            state.done + 1,
            [*state.log_likelihoods, log_likelihood],
            [*state.objectives, objective],
        )
        yield state


def _expected_counts(
    tables: HmmTables, observed: Observations, threads: int
) -> tuple[float, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]]:
    """Log-likelihood of the text, and the expected starts (P,), transitions (P, P) and emissions (V, P)."""
    transposed = np.ascontiguousarray(tables.transition.T)

    def work(first: int, last: int) -> tuple[float, int, NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        starts, pairs = np.zeros(tables.padded), np.zeros((tables.padded, tables.padded))
        emissions = np.zeros_like(tables.emission)
        log_likelihood, impossible = expect(
            observed.tokens,
            observed.starts,
            _by_length(observed.starts, first, last),
            tables.start,
            tables.transition,
            transposed,
            tables.emission,
            starts,
            pairs,
            emissions,
        )
        return log_likelihood, impossible, starts, pairs, emissions

    total, impossible, start, pair, emission = 0.0, 0, np.zeros(tables.padded), np.zeros_like(transposed, np.float64), None
    for part in run_shards(work, even_shards(observed.starts, threads), threads):
        total += part[0]
        impossible += part[1]
        start += part[2]
        pair += part[3]
        emission = part[4] if emission is None else np.add(emission, part[4], out=emission)
    if impossible:
        raise ContentError(
            "{tokens} tokens have probability 0 in every state: set emission_prior above 0, or start from other tables",
            tokens=impossible,
        )
    return total, (start, pair * tables.transition, np.zeros_like(tables.emission) if emission is None else emission)


def _by_length(starts: NDArray[np.int64], first: int, last: int) -> NDArray[np.int64]:
    """The sequences first to last that are not empty, the longest first."""
    lengths = np.diff(starts[first : last + 1])
    order = np.argsort(-lengths, kind="stable")
    return first + order[: np.count_nonzero(lengths)]


@dataclass(frozen=True)
class Checkpoints:
    """A folder that always holds the last whole iteration, for going on after a kill."""

    folder: Path
    facts: dict[str, Any]  # what must be equal for the training to be the same one: configuration, text

    def save(self, state: Iteration) -> None:
        """Write the iteration, replacing the one before in one step. Raises DiskFullError."""
        record = {
            "facts": self.facts,
            "done": state.done,
            "log_likelihoods": state.log_likelihoods,
            "objectives": state.objectives,
        }
        with artifact.writing(self.folder, what="checkpoint") as temporary:
            state.tables.save(temporary / "tables.safetensors")
            (temporary / "state.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    def load(self, *, states: int, vocabulary: int) -> Iteration | None:
        """The last iteration, None where there is none; UsageError when it belongs to another text or configuration."""
        artifact.recover(self.folder)
        if not self.folder.exists():
            return None
        artifact.verify(self.folder)
        path = self.folder / "state.json"
        try:
            record = json.loads(path.read_text("utf-8"))
            facts, done = dict(record["facts"]), int(record["done"])
            histories = [[float(value) for value in record[name]] for name in ("log_likelihoods", "objectives")]
        except (ValueError, KeyError, TypeError) as error:
            raise ContentError(
                "{path} is damaged: {what}. Restore the folder or train again.", path=path, what=error
            ) from error
        changed = sorted(name for name in facts.keys() | self.facts.keys() if facts.get(name) != self.facts.get(name))
        if changed:
            raise UsageError(
                "{folder} is the checkpoint of another training ({names} differ): choose another folder, or do not resume",
                folder=self.folder,
                names=", ".join(changed),
            )
        tables = HmmTables.load(self.folder / "tables.safetensors", states=states, vocabulary=vocabulary)
        return Iteration(tables, done, *histories)


def training_facts(config: Any, observed: Observations, threads: int) -> dict[str, Any]:
    """What makes two trainings the same one; the number of iterations may be raised."""
    facts = {name: value for name, value in asdict(config).items() if name not in ("iterations", "tolerance", "threads")}
    return {**facts, "threads": threads, "text": observed.fingerprint()}
