"""The training loop of GloVe: rounds of tiles that share no words, told as events, saved and resumed exactly."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError
from hornbook.core.events import Alarm, Event, Finished, Progress, Saved, Step
from hornbook.embeddings import checkpoint
from hornbook.embeddings.formats.folder import all_finite
from hornbook.embeddings.glove import GloveConfig
from hornbook.embeddings.glove_kernels import train_elementwise, train_rowwise
from hornbook.embeddings.glove_tiles import Tiles, side_by_side
from hornbook.embeddings.kernels import LANES
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec_job import known_rows
from hornbook.embeddings.words import Sentences, Vocabulary

_SAY_SECONDS = 0.5
_PARTS = 2  # of a round for each thread, so that none waits long for another
KERNELS = {"row": train_rowwise, "element": train_elementwise}
_FREE = ("threads", "memory_mb", "epochs")  # settings that may change between a run and its resumption


@dataclass(frozen=True, eq=False)
class Job:
    """What a training is given."""

    config: GloveConfig
    tiles: Tiles
    threads: int
    folder: Path | None
    identity: Mapping[str, Any]


@dataclass(eq=False)
class Model:
    """What is trained; the arrays are those of glove_kernels.py."""

    vectors: NDArray[np.float32]
    squares: NDArray[np.float32]
    biases: NDArray[np.float32]
    place: NDArray[np.int64]  # (V,) row of each word
    dimensions: int

    def published(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, d) vector plus context vector of the given words."""
        rows = np.empty((words.size, self.dimensions), dtype=np.float32)
        for first in range(0, words.size, 4096):
            both = self.vectors[self.place[words[first : first + 4096]], :, : self.dimensions]
            np.add(both[:, 0], both[:, 1], out=rows[first : first + 4096])
        return rows

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """What a checkpoint holds."""
        return {"vectors": self.vectors, "squares": self.squares, "biases": self.biases}


@dataclass
class Position:
    """How far a training is; `fit` reads its results here."""

    epoch: int = 0
    round: int = 0  # of the epoch
    step: int = 0  # rounds in all
    seconds: float = 0.0
    loss_sum: float = 0.0  # of this epoch
    losses: list[float] = field(default_factory=list)  # mean over the pairs, one an epoch


def word_bytes(config: GloveConfig) -> int:
    """Bytes of a word's two vectors, padded to whole registers."""
    return 2 * 4 * (-(-config.dimensions // LANES) * LANES)


def start(config: GloveConfig, vocabulary: Vocabulary, tiles: Tiles, initial: WordVectors | None) -> Model:
    """Numbers even in +-0.5 / dimensions, sums of squares 1, as in the authors' program; biases 0.

    Given vectors are added, half to a word's vector and half to its context vector: what is published is their sum.
    """
    size, rows = config.dimensions, tiles.blocks * tiles.rows
    vectors = np.zeros((rows, 2, word_bytes(config) // 8), dtype=np.float32)
    generator = np.random.default_rng(config.seed)
    for first in range(0, rows, tiles.rows):
        part = vectors[first : first + tiles.rows, :, :size]
        part[:] = (generator.random(part.shape, dtype=np.float32) - np.float32(0.5)) / np.float32(size)
    place = tiles.place_of_words(len(vocabulary))
    if initial is not None:
        known, given = known_rows(vocabulary, initial, size)
        vectors[place[known], :, :size] += initial.vectors[given, None] / np.float32(2)
    squares = np.ones((rows, 2, vectors.shape[2] if config.adagrad == "element" else 1), dtype=np.float32)
    biases = np.zeros((rows, 2, 2), dtype=np.float32)
    biases[:, :, 1] = 1
    return Model(vectors, squares, biases, place, size)


def identity_of(config: GloveConfig, vocabulary: Vocabulary, sentences: Sentences) -> dict[str, Any]:
    """What must not change between a run and its resumption: settings, words and sentences."""
    digest = hashlib.blake2b("\n".join(vocabulary.words).encode("utf-8", "surrogatepass"), digest_size=16)
    for array in (vocabulary.counts, sentences.ids, sentences.starts):
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return {name: value for name, value in asdict(config).items() if name not in _FREE} | {"corpus": digest.hexdigest()}


def resume(job: Job, model: Model, position: Position) -> Iterator[Alarm]:
    """Put the newest good checkpoint of the job's folder into model and position; nothing happens without one."""
    assert job.folder is not None
    found, alarms = checkpoint.newest(job.folder)
    yield from alarms
    if found is None:
        return
    found.require(job.identity)
    for name, array in model.arrays().items():
        if found.arrays[name].shape != array.shape:
            raise ContentError(
                "{path} is damaged: {what}. Restore the folder or train again.", path=found.folder, what=f"shape of {name}"
            )
        array[:] = found.arrays[name]
    for name, value in found.position.items():
        setattr(position, name, value)


def train(job: Job, model: Model, position: Position) -> Iterator[Event]:
    """Train from `position` to the end; yields Progress about twice a second, Step and Saved for each epoch, Finished.

    Closing the generator between two events saves the state when the job has a folder. ContentError when the vectors stop
    being finite: nothing is saved then. Same job, same bytes, for every number of threads.
    """
    rounds, pairs = side_by_side(job.tiles.blocks), job.tiles.pairs
    began = said = time.perf_counter()
    before = position.seconds
    try:
        with ThreadPoolExecutor(job.threads) as pool:
            while position.epoch < job.config.epochs:
                order = np.random.default_rng([job.config.seed, position.epoch]).permutation(len(rounds))
                _round(job, model, position, rounds[order[position.round]], pool)
                ended = position.round == len(rounds)
                position.seconds = before + time.perf_counter() - began
                if ended:
                    position.losses.append(position.loss_sum / pairs)
                    position.epoch, position.round, position.loss_sum = position.epoch + 1, 0, 0.0
                if ended or time.perf_counter() - said > _SAY_SECONDS:
                    said = time.perf_counter()
                    done = int((position.epoch + position.round / len(rounds)) * pairs)
                    yield Progress("training vectors", done, pairs * job.config.epochs, "pairs")
                if ended:
                    yield _step(job, position)
                    if job.folder is not None:
                        yield Saved(position.step, _save(job, model, position))
    except GeneratorExit:
        if job.folder is not None:
            _save(job, model, position)
        raise
    _require_finite(job, model, position)
    yield Finished(position.step, pairs * position.epoch, position.seconds, "epochs")


def _round(job: Job, model: Model, position: Position, groups: list[tuple[int, ...]], pool: ThreadPoolExecutor) -> None:
    """Train the tiles of one round, each group whole and in order by one thread."""
    config, tiles = job.config, job.tiles
    losses = np.zeros(tiles.blocks * tiles.blocks)
    settings = np.float32(config.rate), np.float32(config.x_max), np.float32(config.alpha)

    def share(part: list[tuple[int, ...]]) -> None:
        KERNELS[config.adagrad](
            np.array([tile for group in part for tile in group], dtype=np.int64),
            tiles.starts,
            tiles.places,
            tiles.values,
            model.vectors,
            model.squares,
            model.biases,
            tiles.blocks,
            config.dimensions,
            tiles.half,
            config.seed,
            position.epoch,
            *settings,
            losses,
        )

    parts = min(len(groups), _PARTS * job.threads)
    list(pool.map(share, (groups[part::parts] for part in range(parts))))
    tiles.leave_memory()
    position.loss_sum += float(losses.sum())
    position.round += 1
    position.step += 1


def _step(job: Job, position: Position) -> Step:
    pairs = job.tiles.pairs * position.epoch
    return Step(
        step=position.step,
        loss=position.losses[-1],
        tokens=pairs,
        seconds=position.seconds,
        tokens_per_second=pairs / max(position.seconds, 1e-9),
        learning_rate=job.config.rate,
        gradient_norm=None,  # the kernels do not measure one
    )


def _save(job: Job, model: Model, position: Position) -> Path:
    assert job.folder is not None
    _require_finite(job, model, position)
    return checkpoint.save(job.folder, position.step, model.arrays(), position=asdict(position), identity=job.identity)


def _require_finite(job: Job, model: Model, position: Position) -> None:
    if np.isfinite(position.loss_sum) and np.isfinite(position.losses).all() and all_finite(model.vectors):
        return
    raise ContentError(
        "the vectors stopped being finite in epoch {epoch}, round {step} (learning rate {rate}): lower the learning rate. "
        "Nothing was saved since; last good checkpoint: {last}",
        epoch=position.epoch + 1,
        step=position.step,
        rate=job.config.rate,
        last=job.folder or "-",
    )
