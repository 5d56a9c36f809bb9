"""Word2Vec: skip-gram and CBOW, negative sampling and hierarchical softmax (Mikolov et al. 2013a and 2013b)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.config import from_dict
from hornbook.core.errors import ContentError, UsageError, translate
from hornbook.core.events import Alarm, Event, Note
from hornbook.embeddings.vectors import WordVectors
from hornbook.embeddings.words import Sentences, Vocabulary, VocabularyConfig, read_sentences

if TYPE_CHECKING:
    from hornbook.embeddings.kernels import InputRows
    from hornbook.embeddings.rounds import Job

Corpus: TypeAlias = Path | str | Iterable[Sequence[str]] | tuple[Vocabulary, Sentences]

_LOOKED_AT = 1000  # words that the movement of the vectors is measured on
_OLD_NAMES = {
    "size": "dimensions",
    "vector_size": "dimensions",
    "iter": "epochs",
    "alpha": "learning_rate",
    "min_alpha": "min_learning_rate",
    "workers": "threads",
    "max_final_vocab": "max_words",
    "ns_exponent": "noise_power",
    "bucket": "buckets",
}


@dataclass(frozen=True)
class Word2VecConfig:
    """How word vectors are trained. Words that occur fewer than `min_count` times get none; `max_words` 0 is no limit.

    `sample`: words with a larger share of the text than this are thinned out; 0 keeps all, and a text that would lose nearly
    everything keeps all too. `learning_rate` 0 is the usual one of the method.
    `shared_negatives` are drawn for a block of centres and weighted so that each pair counts `negative`; 0 are
    32 for skip-gram and 16, which are faster, for CBOW.
    With the same `seed` and number of `threads` (0: every core) the result is the same, bit for bit, unless `racy`: then
    threads write to one matrix without waiting for each other, which gains most where there are subwords.
    """

    dimensions: int = 100
    window: int = 5
    negative: int = 5
    epochs: int = 5
    min_count: int = 5
    max_words: int = 0
    sample: float = 1e-3
    learning_rate: float = 0.0
    min_learning_rate: float = 1e-4
    model: Literal["skipgram", "cbow"] = "skipgram"
    loss: Literal["negative", "hierarchical"] = "negative"
    shared_negatives: int = 0
    noise_power: float = 0.75
    threads: int = 0
    seed: int = 1
    racy: bool = False

    def __post_init__(self) -> None:
        least = dict.fromkeys(("dimensions", "window", "negative", "epochs"), 1)
        least |= dict.fromkeys(("min_count", "max_words", "sample", "learning_rate", "min_learning_rate"), 0)
        least |= dict.fromkeys(("threads", "seed", "shared_negatives"), 0)
        for name, lowest in least.items():
            if not getattr(self, name) >= lowest:
                raise UsageError("{name} = {value}: at least {lowest}", name=name, value=getattr(self, name), lowest=lowest)
        if self.shared_negatives % 4:
            raise UsageError("shared_negatives = {value}: give a multiple of 4", value=self.shared_negatives)

    @property
    def rate(self) -> float:
        """The learning rate at the start: given, or .025 for skip-gram and .05 for CBOW, as word2vec.c has them."""
        return self.learning_rate or (0.025 if self.model == "skipgram" else 0.05)

    @property
    def shared(self) -> int:
        """Negatives drawn for a block: given, or 32 for skip-gram and 16 for CBOW, whose centres are one pair each."""
        return self.shared_negatives or (32 if self.model == "skipgram" else 16)


class Word2Vec:
    """Word vectors from sentences. `fit` sets what ends in `_`.

    `Word2Vec(Word2VecConfig(dimensions=50))` or `Word2Vec(dimensions=50)`; gensim's names (vector_size, size, iter, sg, hs,
    alpha, workers, ...) are understood in the second form, with a note. UsageError for a name that is not.
    """

    config_class: ClassVar[type[Word2VecConfig]] = Word2VecConfig
    name: ClassVar[str] = "word2vec"

    def __init__(self, config: Word2VecConfig | None = None, **options: Any) -> None:
        self._notes: list[Note] = []
        if options:
            table, self._notes = from_gensim(options)
            given = {} if config is None else asdict(config)
            config = from_dict(self.config_class, {**given, **table}, where=type(self).__name__)
        self.config = config or self.config_class()
        self.alarms_: list[Alarm] = []
        self.tokens_seen_ = 0
        self.seconds_ = 0.0
        self.pairs_ = 0
        self.loss_: float | None = None
        self._vectors: WordVectors | None = None

    @property
    def vectors_(self) -> WordVectors:
        """The trained vectors; `context` holds the output matrix of negative sampling. UsageError before `fit`."""
        if self._vectors is None:
            raise UsageError("these word vectors are not trained: call fit, or load saved ones")
        return self._vectors

    def fit(
        self,
        corpus: Corpus,
        *,
        log: Callable[[Event], None] | None = None,
        initial: WordVectors | None = None,
        folder: Path | None = None,
        resume: bool = False,
        save_seconds: float = 60.0,
    ) -> Self:
        """Train on a text (one sentence a line), on lists of words, or on what `read_sentences` gave.

        `initial` vectors are the start of the words they know. With a `folder` the state is saved there every `save_seconds`
        and at the end; `resume` goes on from it, to the same bytes as a run that was never stopped. ContentError for a
        vocabulary of fewer than two words and for vectors that stop being finite.
        """
        report = log or (lambda event: None)
        for note in self._notes:
            report(note)
        self.alarms_ = []
        with closing(self._train(corpus, initial, folder, resume, save_seconds, report)) as events:
            hand_on(events, report, self.alarms_)
        return self

    def _train(
        self,
        corpus: Corpus,
        initial: WordVectors | None,
        folder: Path | None,
        resume: bool,
        save_seconds: float,
        log: Callable[[Event], None],
    ) -> Generator[Event]:
        from hornbook.embeddings import rounds
        from hornbook.embeddings.checkpoint import remove
        from hornbook.embeddings.word2vec_alarms import learning_alarms
        from hornbook.embeddings.word2vec_job import prepare

        vocabulary, sentences = read(corpus, self.config, log)
        words, inputs = self._input_rows(vocabulary, initial, log)
        job, events = prepare(self.config, vocabulary, sentences, words, inputs, initial=initial)
        yield from events
        looked_at = np.linspace(0, len(vocabulary) - 1, min(_LOOKED_AT, len(vocabulary))).astype(np.int64)
        before = inputs[looked_at].copy()
        position = rounds.Position()
        job = replace(job, folder=folder, save_seconds=save_seconds)
        if folder is not None and resume:
            yield from rounds.resume(job, position)
        elif folder is not None:
            remove(folder)
        yield from rounds.train_rounds(job, position)
        self.tokens_seen_ = sentences.total_words * self.config.epochs
        self.seconds_, self.pairs_, self.loss_ = position.seconds, int(position.pairs), position.loss
        self._vectors = self._finish(vocabulary, job)
        moved = float(np.linalg.norm(inputs[looked_at] - before) / max(float(np.linalg.norm(before)), 1e-9))
        yield from learning_alarms(position, job, len(vocabulary), moved, given=initial is not None)

    def _input_rows(
        self, vocabulary: Vocabulary, initial: WordVectors | None, log: Callable[[Event], None]
    ) -> tuple[InputRows, NDArray[np.float32]]:
        """Which rows make up each word, and their values at the start: one row a word, even in +-0.5 / dimensions."""
        from hornbook.embeddings.sampling import word_rows
        from hornbook.embeddings.word2vec_job import known_rows, random_rows

        size = self.config.dimensions
        inputs = random_rows(len(vocabulary), size, 0.5 / size, self.config.seed)
        if initial is not None:
            known, rows = known_rows(vocabulary, initial, size)
            inputs[known, :size] = initial.vectors[rows]
        return word_rows(len(vocabulary)), inputs

    def _finish(self, vocabulary: Vocabulary, job: Job) -> WordVectors:
        return WordVectors(
            vocabulary.words,
            np.ascontiguousarray(job.inputs[:, : job.dimensions]),
            counts=vocabulary.counts,
            phrases=vocabulary.phrases,
            context=self._context(job),
            facts=self._facts(),
        )

    def _context(self, job: Job) -> NDArray[np.float32] | None:
        """The output matrix, one row a word; hierarchical softmax has none."""
        return np.ascontiguousarray(job.outputs[:, : job.dimensions]) if self.config.loss == "negative" else None

    def _facts(self) -> dict[str, Any]:
        return {
            "trainer": self.name,
            **asdict(self.config),
            "learning_rate": self.config.rate,
            "tokens_seen": self.tokens_seen_,
            "pairs": self.pairs_,
            "nats_per_pair": self.loss_,
            "seconds": round(self.seconds_, 3),
        }


def hand_on(events: Iterable[Event], log: Callable[[Event], None], alarms: list[Alarm]) -> None:
    """Log the events of a training as they come; alarms are kept in `alarms` too."""
    for event in events:
        if isinstance(event, Alarm):
            alarms.append(event)
        log(event)


def from_gensim(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[Note]]:
    """Options under gensim's names as ours, old and new spellings, with a note for each that changed."""
    table: dict[str, Any] = {}
    notes = []
    for old, value in options.items():
        name = _OLD_NAMES.get(old, old)
        if old == "sg":
            name, value = "model", "skipgram" if value else "cbow"
        elif old == "hs":
            name, value = "loss", "hierarchical" if value else "negative"
        if name in table:
            raise UsageError("{old} is another name of {name}: give one of them", old=old, name=name)
        if name != old:
            text = translate("{old} is called {name} here: {name} = {value}")
            notes.append(Note(text.format(old=old, name=name, value=value)))
        table[name] = value
    return table, notes


def read(corpus: Corpus, config: Word2VecConfig, log: Callable[[Event], None]) -> tuple[Vocabulary, Sentences]:
    """The corpus as ids; ContentError when its vocabulary has fewer than two words, for then there is nothing to tell apart."""
    if isinstance(corpus, tuple) and len(corpus) == 2 and isinstance(corpus[0], Vocabulary):
        vocabulary, sentences = corpus
    else:
        limits = VocabularyConfig(config.min_count, config.max_words)
        vocabulary, sentences = read_sentences(corpus, limits, log=log)
    if len(vocabulary) < 2:
        raise ContentError(
            "the vocabulary has {count} words that occur at least {least} times: word vectors need two and more. "
            "Lower min_count or give more text.",
            count=len(vocabulary),
            least=config.min_count,
        )
    return vocabulary, sentences
