"""Vectors of texts from any saved model that has a state of a text: one call, whatever the generation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hornbook.core.errors import ContentError, UsageError, disk_errors, translate
from hornbook.core.events import Alarm, Event, Note

Vectors: TypeAlias = NDArray[np.float32]  # (n, d)
Embedder: TypeAlias = Callable[[Sequence[str]], Vectors]
Log: TypeAlias = Callable[[Event], None]
_ROWS = 64  # texts that a bidirectional network reads side by side
_TINY = 1e-12


def embedder(model: Any, *, where: object, log: Log) -> Embedder:
    """What turns texts into vectors, by the kind of model; UsageError for a kind that has none.

    Word vectors: the mean of a text's words, weighed by a / (a + p(word)) where the model has counts (SIF without its second
    step, Arora et al. 2017: taking out what the given texts share would make a vector depend on its neighbours). Hidden Markov
    model: the mean of P(state | text) over the tokens. Networks that read from left to right: the mean of the states after each
    token, of texts of any length. Bidirectional ones: the mean of all states of a text, added tokens counted, as
    sentence-transformers has it.
    """
    from hornbook.embeddings.vectors import WordVectors

    if isinstance(model, WordVectors):
        return _of_words(model, log)
    if hasattr(model, "posteriors") and hasattr(model, "tokenizer"):
        return lambda texts: _of_states(model, texts)
    if hasattr(model, "mean_states"):
        return lambda texts: model.mean_states(model.tokenizer.encode_batch(texts))
    if hasattr(model, "encoder"):
        return lambda texts: _of_encoder(model.encoder, texts, log)
    raise UsageError(
        "{folder} is {kind}: it has no vectors of texts. Word vectors, a hidden Markov model and networks have them",
        folder=where,
        kind=type(model).__name__,
    )


def embed_texts(
    model: Any, texts: Iterable[str], *, together: int, normalise: bool, where: object, log: Log
) -> Iterator[Vectors]:
    """Vectors of texts, `together` at a time; `normalise` makes their length 1. An empty text has zeros, and that is told."""
    if together < 1:
        raise UsageError("{name} must be {expected}, not {value}", name="together", value=together, expected="at least 1")
    embed, source = embedder(model, where=where, log=log), iter(texts)
    empty = 0
    while batch := list(islice(source, together)):
        known = [place for place, text in enumerate(batch) if text.strip()]
        found = embed([batch[place] for place in known] or ["-"]).astype(np.float32)
        vectors = np.zeros((len(batch), found.shape[1]), np.float32)
        vectors[known] = found[: len(known)]
        if not np.isfinite(vectors).all():
            raise ContentError("the model gives a text a vector that is not a number")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        empty += int((lengths == 0).sum())
        yield vectors / np.maximum(lengths, np.float32(_TINY)) if normalise else vectors
    if empty:
        text = translate("{count} texts are empty or have no word the model knows: their vectors are zeros")
        log(Alarm(text.format(count=empty), translate("leave them out before comparing vectors")))


def write_vectors(path: Path, texts: Sequence[str], parts: Iterable[Vectors]) -> tuple[int, int]:
    """Write float32 (n, d) to a .npy file, or a record `text`, `vector` a line to .jsonl; whole or not at all. Returns n, d."""
    if path.suffix not in (".npy", ".jsonl"):
        raise UsageError("{path}: vectors are written to a .npy or a .jsonl file", path=path)
    temporary = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    with disk_errors("vectors", path.parent):
        try:
            shape = _write_array(temporary, parts) if path.suffix == ".npy" else _write_lines(temporary, texts, parts)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return shape


def _write_array(path: Path, parts: Iterable[Vectors]) -> tuple[int, int]:
    kept = list(parts)
    table = np.concatenate(kept) if kept else np.zeros((0, 0), np.float32)
    with open(path, "wb") as file:
        np.save(file, table, allow_pickle=False)
    return table.shape[0], table.shape[1]


def _write_lines(path: Path, texts: Sequence[str], parts: Iterable[Vectors]) -> tuple[int, int]:
    count = width = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for vectors in parts:
            for text, vector in zip(texts[count : count + len(vectors)], vectors):
                file.write(json.dumps({"text": text, "vector": rounded(vector)}, ensure_ascii=False) + "\n")
            count, width = count + len(vectors), vectors.shape[1]
    return count, width


def rounded(vector: NDArray[np.float32]) -> list[float]:
    """The numbers of a vector with as many digits as float32 holds."""
    return [float(f"{number:.8g}") for number in vector.tolist()]


def _of_words(vectors: Any, log: Log) -> Embedder:
    from hornbook.embeddings.documents import Sif, SifConfig, mean_vectors
    from hornbook.embeddings.sentences import WordsConfig, words_like

    config = WordsConfig(lowercase=all(word == word.lower() for word in vectors.index_to_key))

    def embed(texts: Sequence[str]) -> Vectors:
        # each text by itself: how one is cut must not depend on those beside it
        documents = [words_like(text, config)(text) for text in texts]
        if vectors.counts is None or not any(word in vectors for document in documents for word in document):
            return mean_vectors(vectors, documents)
        return Sif(vectors, SifConfig(components=0)).fit(documents).transform(documents)

    if vectors.counts is None:
        log(Note(translate("these vectors have no counts of words: all words of a text weigh the same")))
    return embed


def _of_states(model: Any, texts: Sequence[str]) -> Vectors:
    """(n, states) mean posterior; every text has a token, for none is blank."""
    posteriors = model.posteriors(model.tokenizer.encode_batch(texts))
    return np.stack([one.mean(axis=0) if len(one) else np.zeros(one.shape[1]) for one in posteriors]).astype(np.float32)


def _of_encoder(encoder: Any, texts: Sequence[str], log: Log) -> Vectors:
    import torch

    result = np.zeros((len(texts), encoder.width), np.float32)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    cut, training = 0, encoder.module.training
    encoder.module.eval()
    try:
        with torch.inference_mode():
            for first in range(0, len(order), _ROWS):
                rows = order[first : first + _ROWS]
                batch = encoder.prepare([texts[row] for row in rows])
                result[rows] = encoder.mean(batch, encoder.encode(batch)).cpu().numpy()
                cut += batch.cut
    finally:
        encoder.module.train(training)
    if cut:
        text = translate("{count} texts are longer than the context of the model: their ends are not in their vectors")
        log(Alarm(text.format(count=cut), translate("cut long texts into parts first")))
    return result
