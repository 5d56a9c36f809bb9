"""Word vectors: from a text to a saved folder of vectors, and what can be asked of vectors wherever they come from.

The stages of a training, in order: the text store that every recipe starts from, its training split as sentences of words in
one file (`write_sentences`), phrases joined where they are wanted, a trainer of `hornbook.embeddings`, a folder. An
interrupted run finds the file of sentences and the checkpoints in the work folder and goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.core import artifact
from hornbook.core.errors import ContentError, Interrupted, UsageError, disk_errors, nearest, translate
from hornbook.core.events import Alarm, Event, Note, Progress
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.store import TextSplit, TextStore
from hornbook.embeddings.formats import load_vectors, save_vectors
from hornbook.embeddings.sentences import WordsConfig, sentences_of
from hornbook.embeddings.vectors import MODEL_TYPE, WordVectors
from hornbook.recipes import Recipe
from hornbook.tasks.pretrain import resolve
from hornbook.tasks.saving import save_model

if TYPE_CHECKING:
    from hornbook.embeddings.words import Sentences, Vocabulary

Log = Callable[[Event], None]
_FORMATS = {"word2vec": "word2vec-binary"}  # the name of the command line for it
_TRIED_SENTENCES = 4000  # that the speed is measured on
_SHOWN = 5  # words whose neighbours are shown after a training
_TEST_HEAD, _TEST_LINES = 4096, 20  # bytes and lines of a file by which it is taken for a test
_TEST_LINE = re.compile(r":|\S+( +\S+){3}$|[^\t,;]+([\t,; ])[^\t,;]+\2 *[-+.\d]+$")  # a section, a b c d, or word word number
_NEAR = 5  # neighbours of each


def open_vectors(path: str | Path, *, log: Log | None = None) -> WordVectors:
    """Word vectors from a model folder (its manifest is checked) or from a file of word2vec, GloVe or fastText.

    Raises UsageError for a path that is neither, ContentError in one line for a damaged one.
    """
    path = Path(path)
    artifact.recover(path)
    if not path.exists():
        raise UsageError("{path} does not exist", path=path)
    if (path / artifact.MANIFEST).is_file():
        artifact.verify(path)
    if (kind := _model_type(path)) not in ("", MODEL_TYPE):
        raise UsageError("{folder} is a model of kind {kind}, not word vectors", folder=path, kind=kind)
    return load_vectors(path, log=log)


def _model_type(folder: Path) -> str:
    """The kind of model a folder says it is; '' when it says nothing that can be read."""
    try:
        return str(json.loads((folder / "config.json").read_text("utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def train_vectors(
    recipe: Recipe,
    config: Any,
    store: TextStore,
    output: Path,
    *,
    work: Path,
    initial: WordVectors | None,
    seconds: float,
    seed: int,
    resume: bool,
    log: Log,
) -> dict[str, Any]:
    """Train word vectors on the training split and write the model folder; what `hornbook train --json` says of it."""
    alarms: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, Alarm):
            alarms.append(event.text)
        log(event)

    config = replace(config, model=replace(config.model, seed=seed))
    text = write_sentences(store.split("train"), work / "sentences.txt", config.words, log=heard)
    if seconds:
        epochs = affordable_epochs(resolve(recipe.model), config.model, text, seconds)
        note = translate("{epochs} of {wanted} epochs fit into {seconds:g} s, by a trial")
        heard(Note(note.format(epochs=epochs, wanted=config.model.epochs, seconds=seconds)))
        config = replace(config, model=replace(config.model, epochs=epochs))
    trainer = resolve(recipe.model)(config.model)
    corpus, checkpoints = read_words(text, config, log=heard), work / "checkpoints"
    try:
        trainer.fit(corpus, log=heard, initial=initial, folder=checkpoints, resume=resume)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; give the same command with --resume to go on from the last state in {folder}", folder=checkpoints
        ) from None
    vectors: WordVectors = trainer.vectors_
    result = {
        "kind": recipe.name,
        "seconds": round(trainer.seconds_, 3),
        "tokens_seen": trainer.tokens_seen_,
        "tokens_per_second": round(trainer.tokens_seen_ / max(trainer.seconds_, 1e-9), 1),
        "parameters": vectors.parameters,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "vocabulary": len(vectors),
        "dimensions": vectors.vector_size,
        "alarms": alarms,
    }
    facts = {"train_bytes": store.split("train").total_bytes, "seed": seed}
    result["size_mb"] = save_model(vectors, output, recipe=recipe, config=config, run={**result, **facts})
    return {**result, "neighbours": dict(sample_neighbours(vectors))}


def write_sentences(split: TextSplit, path: Path, config: WordsConfig, *, log: Log) -> Path:
    """One sentence a line, words between blanks, from every document of a split; kept as it is when it is there already."""
    if path.is_file():
        return path
    if split.total_bytes == 0:
        raise ContentError("{folder} has an empty training split: give more text", folder=split.path.parent)
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors("sentences", path.parent), open(temporary, "w", encoding="utf-8", newline="\n") as file:
        for sentence in sentences_of(_told(split, log), config, log=log):
            file.write(" ".join(sentence) + "\n")
    temporary.replace(path)
    return path


def read_words(text: Path, config: Any, *, log: Log) -> tuple[Vocabulary, Sentences]:
    """The vocabulary and the sentences of a file that `write_sentences` wrote, phrases joined as often as is wanted."""
    from hornbook.embeddings.words import VocabularyConfig, read_sentences, restrict

    limits = VocabularyConfig(config.model.min_count, config.model.max_words)
    if not config.phrases:
        return read_sentences(text, limits, log=log)
    from hornbook.embeddings.phrases import Phrases, PhrasesConfig

    vocabulary, sentences = read_sentences(text, VocabularyConfig(min_count=1), log=log)
    vocabulary, sentences = Phrases(PhrasesConfig(passes=config.phrases)).fit_transform(vocabulary, sentences, log=log)
    return restrict(vocabulary, sentences, limits, log=log)


def affordable_epochs(trainer: Callable[[Any], Any], config: Any, sentences: Path, seconds: float) -> int:
    """Epochs over a file of sentences that fit into `seconds`, at most those of the configuration, by a trial on its beginning.

    A trial of three epochs carries a third of the fixed costs (reading, counting co-occurrences) in each: it errs on the safe
    side. Planned epochs are better than more of them cut off: the learning rate falls to its end.
    """
    with open(sentences, encoding="utf-8") as lines:
        sample = [line.split() for line in islice(lines, _TRIED_SENTENCES)]
    share = sum(len(word.encode()) + 1 for sentence in sample for word in sentence) / sentences.stat().st_size
    try:
        trainer(replace(config, epochs=1)).fit(sample)  # compiles
        begin = time.perf_counter()
        trainer(replace(config, epochs=3)).fit(sample)
    except ContentError:  # too few words in the sample
        return int(config.epochs)
    each = (time.perf_counter() - begin) / 3 / share
    return max(1, min(int(config.epochs), int(seconds / each)))


def sample_neighbours(vectors: WordVectors) -> list[tuple[str, list[tuple[str, float]]]]:
    """A few frequent words and what is nearest to them: words of more than one letter, the very commonest passed over."""
    size = len(vectors)
    candidates = [
        word for word in vectors.index_to_key[min(30, size // 4) : min(300, size)] if len(word) > 1 and word.isalpha()
    ]
    words = candidates[:: max(1, len(candidates) // _SHOWN)][:_SHOWN]
    return list(zip(words, vectors.neighbours(words, _NEAR))) if words else []


def analogy(vectors: WordVectors, a: str, b: str, c: str, *, top: int, method: str) -> list[tuple[str, float]]:
    """What is to c as b is to a: 3CosAdd (Mikolov et al. 2013) or 3CosMul (Levy and Goldberg 2014, equation 4)."""
    methods: dict[str, Callable[..., Any]] = {"add": vectors.most_similar, "multiply": vectors.most_similar_cosmul}
    if method not in methods:
        raise UsageError("unknown method '{name}'.{hint}", name=method, hint=nearest(method, methods))
    found: list[tuple[str, float]] = methods[method](positive=[b, c], negative=[a], topn=top)
    return found


def export(vectors: WordVectors, path: Path, *, to: str) -> dict[str, Any]:
    """Write vectors as one file in the layout of another program; returns file, words, dimensions and size."""
    save_vectors(vectors, path, _FORMATS.get(to, to))  # type: ignore[arg-type]
    return {
        "file": str(path),
        "format": to,
        "words": len(vectors),
        "dimensions": vectors.vector_size,
        "size_mb": path.stat().st_size / 1e6,
    }


def are_tests(sources: Sequence[str | Path]) -> bool:
    """Whether files, or what lies in folders, are tests of word vectors and not text: by what their first lines look like."""
    paths = [Path(source) for source in sources]
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path]) if file.is_file()]
    return any(_is_test(file) for file in files)


def evaluate_tests(vectors: WordVectors, sources: Sequence[str | Path], *, log: Log) -> dict[str, Any]:
    """Take the tests in files and folders: NAME, NAME_ci95, NAME_coverage, NAME_n of each."""
    from hornbook.embeddings.intrinsic import as_record, evaluate_vectors

    return as_record(evaluate_vectors(vectors, [Path(source) for source in sources], log=log))


def evaluate_on_text(vectors: WordVectors, store: TextStore, *, log: Log) -> dict[str, Any]:
    """The test that a text makes for vectors: of two words equally frequent, which one keeps company with a third?

    Asked from the held-out splits, all of the text where there are none; see `hornbook.embeddings.triplets`. Chance is 0.5.
    """
    from hornbook.embeddings.intrinsic import as_record
    from hornbook.embeddings.triplets import build_triplets, triplet_accuracy

    config = WordsConfig(lowercase=all(word == word.lower() for word in vectors.index_to_key))

    def sentences(*names: str) -> Iterator[list[str]]:
        found = sentences_of((text for name in names for text in store.split(name)), config)
        return found if vectors.phrases is None else map(vectors.phrases.join, found)

    if vectors.counts is not None:
        counts = dict(zip(vectors.index_to_key, vectors.counts.tolist(), strict=True))
    else:
        counts = Counter(word for sentence in sentences("train") for word in sentence if word in vectors.key_to_index)
    held = [name for name in ("valid", "test") if len(store.split(name))] or ["train"]
    log(Note(translate("a test made from the text: {splits}").format(splits=", ".join(held))))
    return as_record({"own_corpus": triplet_accuracy(vectors, build_triplets(counts, sentences(*held)))})


def _is_test(file: Path) -> bool:
    with open(file, "rb") as opened:
        head = opened.read(_TEST_HEAD).decode("utf-8", "replace").splitlines()[:_TEST_LINES]
    lines = [line.strip() for line in head if line.strip() and not line.startswith("#")]
    return len(lines) > 1 and sum(bool(_TEST_LINE.match(line)) for line in lines) >= 0.9 * len(lines)


def _told(split: TextSplit, log: Log) -> Iterator[str]:
    """The documents of a split, with a record of progress now and then."""
    read = 0
    for raw in split.raw():
        read += len(raw)
        log(Progress("words", read / 1e6, split.total_bytes / 1e6, "MB"))
        yield raw.decode("utf-8")
