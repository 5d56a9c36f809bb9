"""Word vectors: from a text to a saved folder of vectors, and what can be asked of vectors wherever they come from.

The stages of a training, in order: the text store that every recipe starts from, its training split as sentences of words in
one file (`write_sentences`), phrases joined where they are wanted, a trainer of `hornbook.embeddings`, a folder. An
interrupted run finds the file of sentences and the checkpoints in the work folder and goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hornbook.core import artifact
from hornbook.core.errors import ContentError, UsageError, disk_errors, nearest
from hornbook.core.events import Alarm, Event, Progress
from hornbook.core.runtime import peak_rss_mb
from hornbook.corpus.store import TextSplit, TextStore
from hornbook.embeddings.vectors import WordVectors
from hornbook.recipes import Recipe
from hornbook.tasks.pretrain import resolve, save_model

Log = Callable[[Event], None]
FORMATS = {"word2vec": "word2vec-binary", "word2vec-text": "word2vec-text", "glove": "glove", "fasttext": "fasttext"}
_SHOWN = 5  # words whose neighbours are shown after a training
_NEAR = 5  # neighbours of each


def open_vectors(path: str | Path) -> WordVectors:
    """Word vectors from a model folder (its manifest is checked) or from a file of word2vec, GloVe or fastText.

    Raises UsageError for a path that is neither, ContentError in one line for a damaged one.
    """
    path = Path(path)
    artifact.recover(path)
    if not path.exists():
        raise UsageError("{path} does not exist", path=path)
    if not path.is_dir():
        return WordVectors.load_word2vec_format(path)
    if (path / artifact.MANIFEST).is_file():
        artifact.verify(path)
    return WordVectors.load(path)


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
    trainer = resolve(recipe.model)(config.model)
    trainer.fit(text, log=heard, initial=initial, folder=work / "checkpoints", resume=resume)
    vectors: WordVectors = trainer.vectors_
    result = {
        "kind": recipe.name,
        "seconds": round(trainer.seconds_, 3),
        "tokens_seen": trainer.tokens_seen_,
        "tokens_per_second": round(trainer.tokens_seen_ / max(trainer.seconds_, 1e-9), 1),
        "parameters": parameters(vectors),
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "vocabulary": len(vectors),
        "dimensions": vectors.vector_size,
        "alarms": alarms,
        "neighbours": {word: near for word, near in sample_neighbours(vectors)},
    }
    facts = {"train_bytes": store.split("train").total_bytes, "seed": seed}
    result["size_mb"] = save_model(vectors, output, recipe=recipe, config=config, run={**result, **facts})
    return result


def write_sentences(split: TextSplit, path: Path, config: Any, *, log: Log) -> Path:
    """One sentence a line, words between blanks, from every document of a split; kept as it is when it is there already."""
    from hornbook.embeddings import sentences_of

    if path.is_file():
        return path
    if split.total_bytes == 0:
        raise ContentError("{folder} has an empty training split: give more text", folder=split.path.parent)
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors("sentences", path.parent), open(temporary, "w", encoding="utf-8", newline="\n") as file:
        for sentence in sentences_of(_told(split, log), config):
            file.write(" ".join(sentence) + "\n")
    temporary.replace(path)
    return path


def parameters(vectors: WordVectors) -> int:
    """Numbers that training moved: vectors, output matrix and buckets of subwords, where there are any."""
    arrays = (vectors.vectors, vectors.context, None if vectors.subwords is None else vectors.subwords.buckets)
    return sum(int(array.size) for array in arrays if array is not None)


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
    methods = {"add": vectors.most_similar, "multiply": vectors.most_similar_cosmul}
    if method not in methods:
        raise UsageError("unknown method '{name}'.{hint}", name=method, hint=nearest(method, methods))
    found: list[tuple[str, float]] = methods[method](positive=[b, c], negative=[a], topn=top)
    return found


def export(vectors: WordVectors, path: Path, *, to: str) -> dict[str, Any]:
    """Write vectors as one file in the layout of another program; returns file, words, dimensions and size."""
    from hornbook.embeddings.formats import save_vectors

    if to not in FORMATS:
        raise UsageError("word vectors cannot be written as '{name}'.{hint}", name=to, hint=nearest(to, FORMATS))
    save_vectors(vectors, path, FORMATS[to])
    return {
        "file": str(path),
        "format": to,
        "words": len(vectors),
        "dimensions": vectors.vector_size,
        "size_mb": path.stat().st_size / 1e6,
    }


def _told(split: TextSplit, log: Log) -> Iterator[str]:
    """The documents of a split, with a record of progress now and then."""
    read = 0
    for raw in split.raw():
        read += len(raw)
        log(Progress("words", read / 1e6, split.total_bytes / 1e6, "MB"))
        yield raw.decode("utf-8")
