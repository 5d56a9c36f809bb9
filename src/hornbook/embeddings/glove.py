"""GloVe: word vectors from how often words stand near each other (Pennington, Socher and Manning 2014)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from hornbook.core.config import from_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.core.runtime import available_cores, local_ranks, release_free_memory, rss_mb
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.word2vec import Corpus, from_gensim, hand_on
from hornbook.embeddings.words import Sentences, Vocabulary, VocabularyConfig, read_sentences

if TYPE_CHECKING:
    from hornbook.embeddings.glove_tiles import Tiles

_LEAST_MEMORY = 32 << 20  # counting gets this much, whatever the limit
_FEW_MEETINGS = 100  # of a word with others, on average, each weighted 1 / distance
_LOOKED_AT = 1000  # words that the movement of the vectors is measured on
_MOVED = 0.1  # change of the vectors relative to their start, below which they did not move
_MOVED_FROM_GIVEN = 1e-3  # the same for vectors that began trained
_FALLEN = 0.99  # of the first loss


@dataclass(frozen=True)
class GloveConfig:
    """How GloVe is trained. Words that occur fewer than `min_count` times get no vector; `max_words` 0 is no limit.

    Words at distance k <= `window` in a sentence count 1 / k, on both sides of a word when `symmetric`, else on its left.
    A pair that counts x has the weight min(1, (x / x_max) ** alpha). `adagrad` "row" keeps one sum of squared gradients for a
    vector, "element" one for each number, as in the paper. `learning_rate` 0 is the measured default, and so is `x_max` 10, for
    texts of 1 to 13 million words; the paper's 100 is for billions.
    `memory_mb` (10^6 bytes) is for the whole process; more co-occurrences than that go to a temporary file. The result
    depends on neither `threads` (0: every core) nor `memory_mb`.
    """

    dimensions: int = 100
    window: int = 10
    epochs: int = 15
    x_max: float = 10.0
    alpha: float = 0.75
    learning_rate: float = 0.0
    adagrad: Literal["row", "element"] = "row"
    symmetric: bool = True
    min_count: int = 5
    max_words: int = 0
    memory_mb: int = 4000
    threads: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        least: dict[str, float] = {"dimensions": 1, "window": 1, "epochs": 1, "memory_mb": 1, "x_max": 1e-3}
        for name in ("alpha", "learning_rate", "min_count", "max_words", "threads", "seed"):
            least[name] = 0
        for name, lowest in least.items():
            if not lowest <= getattr(self, name) < float("inf"):
                raise UsageError("{name} = {value}: at least {lowest}", name=name, value=getattr(self, name), lowest=lowest)

    @property
    def rate(self) -> float:
        """The learning rate: given, or the one measured to be good on small and large texts."""
        return self.learning_rate or (0.5 if self.adagrad == "row" else 0.1)


class Glove:
    """Word vectors from co-occurrences. `fit` sets what ends in `_`; `losses_` has one number an epoch.

    `Glove(GloveConfig(dimensions=50))` or `Glove(dimensions=50)`. UsageError for an option that does not exist.
    """

    def __init__(self, config: GloveConfig | None = None, **options: Any) -> None:
        self._notes: list[Note] = []
        if options:
            exponent = {name: value for name, value in options.items() if name == "alpha"}  # a learning rate in gensim
            table, self._notes = from_gensim({name: value for name, value in options.items() if name not in exponent})
            given = {} if config is None else asdict(config)
            config = from_dict(GloveConfig, {**given, **table, **exponent}, where="Glove")
        self.config = config or GloveConfig()
        self.alarms_: list[Alarm] = []
        self.losses_: list[float] = []
        self.tokens_seen_ = 0
        self.pairs_ = 0
        self.seconds_ = 0.0
        self._vectors: WordVectors | None = None

    @property
    def vectors_(self) -> WordVectors:
        """The sum of each word's vector and its context vector (section 4.2 of the paper). UsageError before `fit`."""
        if self._vectors is None:
            raise UsageError("these word vectors are not trained: call fit, or load saved ones")
        return self._vectors

    @property
    def loss_(self) -> float | None:
        """Mean of f(x) (w . c + b + b' - log x)^2 over the pairs of the last epoch, each before its update."""
        return self.losses_[-1] if self.losses_ else None

    def fit(
        self,
        corpus: Corpus,
        *,
        log: Callable[[Event], None] | None = None,
        initial: WordVectors | None = None,
        folder: Path | None = None,
        resume: bool = False,
    ) -> Self:
        """Train on a text (one sentence a line), on lists of words, or on what `read_sentences` gave.

        `initial` vectors are the start of the words they know. With a `folder` the state is saved there after every epoch;
        `resume` goes on from it, to the same bytes as a run that was never stopped. ContentError for a vocabulary of fewer than
        two words, for a text without a pair of words, and for vectors that stop being finite; DiskFullError.
        """
        report = log or (lambda event: None)
        for note in self._notes:
            report(note)
        self.alarms_ = []
        with closing(self._train(corpus, initial, folder, resume, report)) as events:
            hand_on(events, report, self.alarms_)
        return self

    def _train(
        self,
        corpus: Corpus,
        initial: WordVectors | None,
        folder: Path | None,
        resume: bool,
        log: Callable[[Event], None],
    ) -> Generator[Event]:
        from hornbook.embeddings import checkpoint, glove_training

        config = self.config
        threads = config.threads or max(1, available_cores() // local_ranks())
        vocabulary, tiles, identity = self._count(corpus, threads, folder, log)
        yield from _company(vocabulary, tiles)
        job = glove_training.Job(config, tiles, threads, folder, identity)
        model, position = glove_training.start(config, vocabulary, tiles, initial), glove_training.Position()
        looked_at = np.linspace(0, len(vocabulary) - 1, min(_LOOKED_AT, len(vocabulary))).astype(np.int64)
        before = model.published(looked_at)
        if folder is not None and resume:
            yield from glove_training.resume(job, model, position)
        elif folder is not None:
            checkpoint.remove(folder)
        yield from glove_training.train(job, model, position)
        self.losses_, self.seconds_ = position.losses, position.seconds
        self.tokens_seen_, self.pairs_ = vocabulary.total, tiles.pairs
        vectors = model.published(np.arange(len(vocabulary)))
        self._vectors = WordVectors(
            vocabulary.words, vectors, counts=vocabulary.counts, phrases=vocabulary.phrases, facts=self._facts()
        )
        moved = float(np.linalg.norm(vectors[looked_at] - before) / max(float(np.linalg.norm(before)), 1e-9))
        yield from _learning_alarms(self.losses_, moved, given=initial is not None)

    def _count(
        self, corpus: Corpus, threads: int, folder: Path | None, log: Callable[[Event], None]
    ) -> tuple[Vocabulary, Tiles, dict[str, Any]]:
        """The corpus as tiles of co-occurrences, and its identity; everything it takes on the way is gone afterwards."""
        from hornbook.embeddings.cooccurrence import count_cooccurrences
        from hornbook.embeddings.glove_tiles import lay_out
        from hornbook.embeddings.glove_training import identity_of, word_bytes

        config = self.config
        vocabulary, sentences = _read(corpus, config, log)
        model = len(vocabulary) * word_bytes(config) * (2 if config.adagrad == "element" else 1)
        memory = max(_LEAST_MEMORY, int((config.memory_mb - rss_mb()) * 1e6) - model)
        matrix = count_cooccurrences(
            sentences.ids,
            sentences.starts,
            len(vocabulary),
            window=config.window,
            symmetric=config.symmetric,
            memory=memory,
            threads=threads,
            folder=folder,
            log=log,
        )
        identity = identity_of(config, vocabulary, sentences)
        del sentences
        release_free_memory()
        if matrix.on_disk:
            log(Note(translate("the co-occurrences take more than memory_mb allows: they are in a temporary file")))
        return vocabulary, lay_out(matrix, word_bytes=word_bytes(config), folder=folder), identity

    def _facts(self) -> dict[str, Any]:
        return {
            "trainer": "glove",
            **asdict(self.config),
            "learning_rate": self.config.rate,
            "tokens_seen": self.tokens_seen_,
            "pairs": self.pairs_,
            "weighted_loss": self.loss_,
            "seconds": round(self.seconds_, 3),
        }


def _read(corpus: Corpus, config: GloveConfig, log: Callable[[Event], None]) -> tuple[Vocabulary, Sentences]:
    if isinstance(corpus, tuple) and len(corpus) == 2 and isinstance(corpus[0], Vocabulary):
        vocabulary, sentences = corpus
    else:
        limits = VocabularyConfig(config.min_count, config.max_words)
        vocabulary, sentences = read_sentences(corpus, limits, log=log, memory_mb=config.memory_mb // 4)
    if len(vocabulary) < 2:
        raise ContentError(
            "the vocabulary has {count} words that occur at least {least} times: word vectors need two and more. "
            "Lower min_count or give more text.",
            count=len(vocabulary),
            least=config.min_count,
        )
    return vocabulary, sentences


def _company(vocabulary: Vocabulary, tiles: Tiles) -> Iterator[Event]:
    """How much there is to learn from (R13). ContentError when no word has a neighbour."""
    if not tiles.pairs:
        raise ContentError("no sentence has two words of the vocabulary: there is no company to learn a word by")
    meetings = tiles.total / len(vocabulary)
    note = translate(
        "{pairs:,} pairs of words stand near each other; a word meets others {meetings:,.0f} times, 1 / distance each"
    )
    yield Note(note.format(pairs=tiles.pairs, meetings=meetings))
    if meetings < _FEW_MEETINGS:
        text = translate("the text is small: {meetings:,.1f} meetings for each word are too few to tell words apart by company")
        remedy = translate("give more text, or raise min_count so that fewer words share it")
        yield Alarm(text.format(meetings=meetings), remedy)


def _learning_alarms(losses: list[float], moved: float, *, given: bool) -> Iterator[Alarm]:
    """Alarms of a finished training that learned nothing (R13)."""
    if moved < (_MOVED_FROM_GIVEN if given else _MOVED):
        text = translate("the vectors did not move: they are {moved:.1%} away from where they began, so they mean nothing yet")
        remedy = translate("give more text or more epochs, or raise the learning rate")
        yield Alarm(text.format(moved=moved), remedy)
    if len(losses) > 1 and losses[-1] > _FALLEN * losses[0]:
        text = translate("the loss did not fall: {first:.4f} in the first epoch, {last:.4f} in the last")
        yield Alarm(text.format(first=losses[0], last=losses[-1]), translate("lower the learning rate"))
